"""Finds the discovery documents of Google Cloud's APIs and sorts them into lines of versions.

A *line* is one major version of an API: `v1` with its betas, `v2` with its. What a line ships is its stable
document with what only its betas and alphas know folded in; a line without a stable document rests on its
newest beta, else alpha.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
# They take the scope of Google Cloud, but what they describe is not configuration of a cloud project.
_NOT_CLOUD = frozenset(
    [
        "addressvalidation",
        "admin",
        "airquality",
        "areainsights",
        "health",
        "libraryagent",
        "places",
        "pollen",
        "prod_tt_sasportal",
        "sasportal",
        "solar",
    ]
)
_VERSION = re.compile(r"v(?P<major>\d+)(?:p\d+)?(?P<stage>alpha|beta)?")
_STAGES = {"": 2, "beta": 1, "alpha": 0, "preview": 0}


@dataclass(frozen=True, slots=True)
class Document:
    """One discovery document: the API's name, its version, and the parsed JSON."""

    service: str
    version: str
    revision: str
    content: Mapping[str, Any]

    @property
    def stage(self) -> int:
        """2 for a stable version, 1 for a beta, 0 for an alpha or preview."""
        if self.version in _STAGES:
            return _STAGES[self.version]
        match = _VERSION.match(self.version)
        return _STAGES[match["stage"] or ""] if match else 0

    @property
    def major(self) -> int:
        """The number of the major version; -1 for `alpha` and `beta`, which say none."""
        match = _VERSION.match(self.version)
        return int(match["major"]) if match else -1

    @property
    def age(self) -> tuple[str, str]:
        """A key that is greater the newer the document is."""
        return self.revision, self.version


@dataclass(frozen=True, slots=True)
class Line:
    """One major version of an API: the document that it rests on, and those that are folded in, best first."""

    base: Document
    extras: tuple[Document, ...]


def directory() -> Path:
    """Return where `google-api-python-client` keeps its documents.

    Raises:
        ModuleNotFoundError: The client is not installed; it is a development dependency.
    """
    spec = find_spec("googleapiclient")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the catalogue is distilled from google-api-python-client, which is not installed")
    return Path(spec.submodule_search_locations[0]) / "discovery_cache" / "documents"


def read(folder: Path, services: Iterable[str] = ()) -> dict[str, list[Document]]:
    """Read the documents of Google Cloud's APIs, by service, in the order of their versions.

    Args:
        folder: The folder of the documents.
        services: Only these APIs, as `compute`; all when empty.
    """
    wanted = frozenset(services)
    by_service: dict[str, dict[str, Document]] = {}
    for path in sorted(folder.glob("*.json")):
        if wanted and path.name.split(".", 1)[0] not in wanted:
            continue
        content = json.loads(path.read_bytes())
        service = content.get("name", "")
        scopes = content.get("auth", {}).get("oauth2", {}).get("scopes", {})
        if _SCOPE not in scopes or service in _NOT_CLOUD:
            continue
        document = Document(service, content["version"], content.get("revision", ""), content)
        by_service.setdefault(service, {})[document.version] = document
    return {service: list(versions.values()) for service, versions in sorted(by_service.items())}


def lines(documents: Iterable[Document]) -> list[Line]:
    """Sort the documents of one API into lines, the newest stable major version first."""
    documents = list(documents)
    stable = [document.major for document in documents if document.stage == _STAGES[""]]
    newest = max(stable or [document.major for document in documents])
    majors: dict[int, list[Document]] = {}
    for document in documents:
        majors.setdefault(document.major if document.major >= 0 else newest, []).append(document)
    sorted_lines = []
    for versions in majors.values():
        base, *extras = sorted(versions, key=lambda document: (document.stage, document.age), reverse=True)
        sorted_lines.append(Line(base, tuple(extras)))
    return sorted(sorted_lines, key=lambda line: (line.base.stage, line.base.major), reverse=True)

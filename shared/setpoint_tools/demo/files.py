"""The sample fleet as files, as a team would keep them in Git."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from setpoint.declarations.readers.native import API_VERSION
from setpoint.model.declaration import Owner, Scope
from setpoint_tools.demo.fleet import Fleet
from setpoint_tools.demo.samples import Data, Sample


def write(fleet: Fleet, folder: Path) -> int:
    """Write ``folder/<team>/<project>.yaml`` for each project, and the scopes; the number of files."""
    documents: dict[Path, list[Data]] = {}
    for sample in fleet.declared:
        documents.setdefault(folder / _file(sample), []).append(declaration(sample))
    for scope in fleet.scopes:
        documents.setdefault(folder / scope.owner.team / "scopes.yaml", []).append(_scope(scope))
    for file, ones in documents.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(as_yaml(ones), encoding="utf-8")
    return len(documents)


def _file(sample: Sample) -> Path:
    return Path(sample.owner.team, f"{sample.project.id if sample.project else 'organisation'}.yaml")


def as_yaml(documents: Iterable[Data]) -> str:
    """Documents as a file holds them."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return "---\n".join(yaml.dump(document, Dumper=dumper, sort_keys=False, width=110) for document in documents)


def declaration(sample: Sample) -> Data:
    """A resource as a document of the native format declares it."""
    metadata: Data = {"name": sample.key.name}
    if sample.project is not None:
        metadata["project"] = sample.project.id
    spec: Data = {"assetType": sample.kind.asset_type}
    if sample.key.content != "resource":
        spec["content"] = sample.key.content
    if sample.key.content == "iam_policy":
        spec["authority"] = sample.authority
    spec["data"] = sample.declared
    if sample.ignore:
        spec["ignore"] = list(sample.ignore)
    spec["remediation"] = {"mode": sample.mode}
    return {
        "apiVersion": API_VERSION,
        "kind": "Declaration",
        "metadata": metadata | {"owner": _owner(sample.owner)},
        "spec": spec,
    }


def _scope(scope: Scope) -> Data:
    return {
        "apiVersion": API_VERSION,
        "kind": "Scope",
        "metadata": {"name": scope.name, "owner": _owner(scope.owner)},
        "spec": {
            "projects": list(scope.projects),
            "assetTypes": list(scope.asset_types),
            "remediation": {"mode": scope.mode},
        },
    }


def _owner(owner: Owner) -> Data:
    return {"team": owner.team, "slack": owner.slack, "email": owner.email}

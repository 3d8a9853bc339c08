"""Where Config Connector objects lie that do not say it: options of the command, and documents of kind ``Defaults``.

A ``Defaults`` holds for the files of its directory and of those below it; the nearest one counts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, model_validator

from setpoint.declarations.readers.documents import Document, Problem
from setpoint.declarations.readers.krm_references import PROJECT_ID, Objects, namespace_of, project_of
from setpoint.declarations.readers.pydantic_base import NonEmpty, StrictModel
from setpoint.model.declaration import Source


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for objects that do not say it.

    Args:
        project: The project's id, or empty.
        namespace: The namespace, or empty.
        source: Where it is written.
    """

    project: str = ""
    namespace: str = ""
    source: str = ""


class DefaultsSpec(StrictModel):
    """What holds for Config Connector objects that do not say it."""

    project: str = Field("", description="the project's id")
    namespace: str = Field("", description="the Kubernetes namespace")

    @model_validator(mode="after")
    def _says_something(self) -> DefaultsSpec:
        if not (self.project or self.namespace):
            raise ValueError("is empty: give project or namespace")
        return self


class DefaultsMetadata(StrictModel):
    """The name of the defaults."""

    name: NonEmpty


class DefaultsModel(StrictModel):
    """Project and namespace of the Config Connector objects in a directory and below it."""

    api_version: Literal["setpoint.dev/v1"]
    kind: Literal["Defaults"]
    metadata: DefaultsMetadata
    spec: DefaultsSpec


def defaults(checked: DefaultsModel, source: Source) -> Defaults:
    """The defaults that a document says."""
    return Defaults(checked.spec.project, checked.spec.namespace, str(source))


class DefaultsByDirectory:
    """The defaults of all directories.

    Args:
        everywhere: What holds where no document says otherwise.
    """

    def __init__(self, everywhere: Defaults) -> None:
        self._everywhere = everywhere
        self._by_folder: dict[str, Defaults] = {}

    def add(self, defaults: Defaults, document: Document) -> list[Problem]:
        """Take the defaults of a document's directory; a problem where it has some already."""
        folder = os.path.dirname(document.file)  # noqa: PTH120 - paths as they were given
        first = self._by_folder.setdefault(folder, defaults)
        if first is defaults:
            return []
        message = f"the defaults of this directory are declared already at {first.source}; the first ones count"
        line = document.line_of(("metadata", "name"))
        return [Problem(document.file, line, "metadata.name", message, document.subject)]

    def applied(self, document: Document, objects: Objects) -> Document:
        """The object with the namespace and the project that it does not say itself."""
        defaults_ = self._of(document.file)
        value = document.value
        if not (defaults_.project or defaults_.namespace) or not isinstance(value.get("metadata"), dict):
            return document
        metadata: dict[str, Any] = dict(value["metadata"])
        if defaults_.namespace and not namespace_of(value):
            metadata["namespace"] = defaults_.namespace
        if defaults_.project and not project_of({**value, "metadata": metadata}, objects):
            annotations = metadata.get("annotations")
            metadata["annotations"] = {
                **(annotations if isinstance(annotations, dict) else {}),
                PROJECT_ID: defaults_.project,
            }
        return document._replace(value={**value, "metadata": metadata})

    def _of(self, file: str) -> Defaults:
        folder = os.path.dirname(file)  # noqa: PTH120 - paths as they were given
        while True:
            if (defaults_ := self._by_folder.get(folder)) is not None:
                return defaults_
            above = os.path.dirname(folder)  # noqa: PTH120 - as above
            if above == folder:
                return self._everywhere
            folder = above

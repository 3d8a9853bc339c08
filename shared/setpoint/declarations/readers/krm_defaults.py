"""Defaults for documents: command options, and documents of kind ``DocumentDefaults``.

Project and namespace apply to Config Connector objects, owner rules to any declaration without an owner.

A ``DocumentDefaults`` document applies to the files of its directory and below; the nearest one takes precedence.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, model_validator

from setpoint.declarations.readers import exact_paths
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.declarations.readers.krm_references import PROJECT_ID, Objects, namespace_of, project_of
from setpoint.declarations.readers.owner_rules import ConditionsModel, OwnerRuleModel, Path, owner_rule
from setpoint.declarations.readers.pydantic_base import NonEmpty, ProjectId, StrictModel
from setpoint.model.declaration import Declaration, Source
from setpoint.model.owner_rules import Conditions, OwnerRule


class ExactRule(Conditions, frozen=True):
    """A rule for what is exactly as declared.

    Args:
        paths: Objects, maps and lists, in the API's terms; empty for whole resources.
    """

    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentDefaults:
    """The defaults of a directory.

    Args:
        project: The project's id, or empty.
        namespace: The namespace, or empty.
        source: The location of the document.
        rules: The owner rules; the first that applies counts.
        exact: The rules for what is exactly as declared; all that apply count.
    """

    project: str = ""
    namespace: str = ""
    source: str = ""
    rules: tuple[OwnerRule, ...] = ()
    exact: tuple[ExactRule, ...] = ()

    @property
    def projects(self) -> tuple[str, ...]:
        """The projects that it names, globs included."""
        named = (self.project, *(project for rule in self.rules for project in rule.projects))
        return tuple(filter(None, named))


class ExactRuleModel(ConditionsModel):
    """A rule for what is exactly as declared, of declarations that fulfil all conditions."""

    paths: tuple[Path, ...] = Field(
        (), description="paths of objects, maps and lists in the API: labels; default: whole resources"
    )

    @model_validator(mode="after")
    def _has_conditions(self) -> ExactRuleModel:
        if not self.paths and not any(self.conditions().values()):
            raise ValueError("would hold for every field of everything: give paths, or assetTypes")
        return self


class DefaultsSpec(StrictModel):
    """The defaults."""

    project: ProjectId = Field("", description="the project's id, of Config Connector objects")
    namespace: str = Field("", description="the Kubernetes namespace, of Config Connector objects")
    rules: tuple[OwnerRuleModel, ...] = Field(
        (), description="owners of declarations without one; the first matching rule counts"
    )
    exact: tuple[ExactRuleModel, ...] = Field((), description="exact comparison; all matching rules count")

    @model_validator(mode="after")
    def _is_not_empty(self) -> DefaultsSpec:
        if not (self.project or self.namespace or self.rules or self.exact):
            raise ValueError("is empty: give project, namespace, rules or exact")
        return self


class DefaultsMetadata(StrictModel):
    """The name of the defaults."""

    name: NonEmpty


class DefaultsModel(StrictModel):
    """The defaults for the documents in a directory and below it."""

    api_version: Literal["setpoint.dev/v1"]
    kind: Literal["Defaults"]
    metadata: DefaultsMetadata
    spec: DefaultsSpec


def defaults(checked: DefaultsModel, source: Source) -> DocumentDefaults:
    """Convert a document."""
    rules = tuple(map(owner_rule, checked.spec.rules))
    exact = tuple(ExactRule(**rule.conditions(), paths=rule.paths) for rule in checked.spec.exact)
    return DocumentDefaults(checked.spec.project, checked.spec.namespace, str(source), rules, exact)


def _is_below(folder: str, above: str) -> bool:
    """Whether a directory is another one, or in it."""
    return not above or folder == above or folder.startswith(f"{above}{os.sep}")


class DefaultsByDirectory:
    """The defaults by directory.

    Args:
        everywhere: The defaults for all directories without a document.
    """

    def __init__(self, everywhere: DocumentDefaults) -> None:
        self._everywhere = everywhere
        self._by_folder: dict[str, DocumentDefaults] = {}
        self._has_rules = False
        self._without_rules: set[str] = set()

    def add(self, defaults: DocumentDefaults, document: Document) -> list[Problem]:
        """Add the defaults of a document's directory; report a second document there."""
        folder = os.path.dirname(document.file)  # noqa: PTH120 - paths as they were given
        first = self._by_folder.setdefault(folder, defaults)
        if first is defaults:
            has_rules = bool(defaults.rules or defaults.exact)
            self._has_rules = self._has_rules or has_rules
            before = map(os.path.dirname, self._without_rules)
            if not has_rules or not any(_is_below(above, folder) for above in before):
                return []
            message = "its rules come after documents that they are about; name its file so that it is read first"
            name = "rules" if defaults.rules else "exact"
            return [Problem(document.file, document.line_of(("spec", name)), f"spec.{name}", message)]
        message = f"the defaults of this directory are declared already at {first.source}; the first ones count"
        line = document.line_of(("metadata", "name"))
        return [Problem(document.file, line, "metadata.name", message, document.subject)]

    def applied(self, document: Document, objects: Objects, context: str = "") -> Document:
        """The object with default namespace and project where it has none.

        Args:
            document: The object.
            objects: The objects of the load.
            context: The namespace that the controller's own settings suggest where there are no other defaults.
        """
        defaults_ = self._of(document.file)
        if context and not (defaults_.project or defaults_.namespace):
            defaults_ = DocumentDefaults(namespace=context)
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

    def owned(self, declaration: Declaration) -> Declaration:
        """The declaration with the owner from the first rule that applies, of the nearest directory with one."""
        if not self._has_rules:
            self._without_rules.add(declaration.source.file)
            return declaration
        for defaults_ in self._above(declaration.source.file):
            for rule in defaults_.rules:
                if rule.fits(declaration):
                    return rule.applied(declaration, defaults_.source)
        return declaration

    def exact(self, declaration: Declaration) -> Declaration:
        """The declaration with what the rules of all directories above it say is exactly as declared."""
        if self._has_rules:
            for defaults_ in self._above(declaration.source.file):
                for rule in defaults_.exact:
                    if rule.fits(declaration):
                        declaration = exact_paths.with_paths(declaration, rule.paths)
        return declaration

    def _above(self, file: str) -> Iterator[DocumentDefaults]:
        """The defaults of the directories above a file, the nearest first."""
        folder = os.path.dirname(file)  # noqa: PTH120 - paths as they were given
        while True:
            if (defaults_ := self._by_folder.get(folder)) is not None:
                yield defaults_
            above = os.path.dirname(folder)  # noqa: PTH120 - as above
            if above == folder:
                return
            folder = above

    def _of(self, file: str) -> DocumentDefaults:
        folder = os.path.dirname(file)  # noqa: PTH120 - paths as they were given
        while True:
            if (defaults_ := self._by_folder.get(folder)) is not None:
                return defaults_
            above = os.path.dirname(folder)  # noqa: PTH120 - as above
            if above == folder:
                return self._everywhere
            folder = above

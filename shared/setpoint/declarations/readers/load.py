"""Loading declarations from files and directories: the good ones, and what is wrong with the others."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.readers import documents, json_tree, krm, native, terraform, typos
from setpoint.declarations.readers.dedupe import DeclarationSet, DuplicateDeclaration, duplicate_problem
from setpoint.declarations.readers.deferred_documents import DeferredDocuments, TextStore
from setpoint.declarations.readers.documents import Document, Problem
from setpoint.declarations.readers.ignore_files import IgnoreFiles
from setpoint.declarations.readers.krm_annotations import apply_annotations
from setpoint.declarations.readers.policy_tests import PolicyTest
from setpoint.declarations.readers.translation import Translated
from setpoint.model import field_path
from setpoint.model.alerting_config import Alerting
from setpoint.model.declaration import Declaration, Desired, Scope
from setpoint.model.policy import Policy
from setpoint.model.resource_key import WHOLE


@dataclass(slots=True)
class LoadResult:
    """What files declare.

    Args:
        desired: what is desired of each resource, in the order of keys.
        scopes: the parts of the fleet that are fully declared.
        problems: what is wrong, in the order of the files.
        skipped: what is none of Setpoint's business, and how often: documents of other kinds, resources of other
            providers, types that are part of others.
        leaves: how many declared values there are.
        unchecked: how many of them cannot be compared.
        policy: the policy of the fleet, or None.
        alerting: who is told of which drift, or None.
        policy_tests: what the policy is to make of drifts.
    """

    desired: Sequence[Desired] = ()
    scopes: tuple[Scope, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    leaves: int = 0
    unchecked: int = 0
    policy: Policy | None = None
    alerting: Alerting | None = None
    policy_tests: list[PolicyTest] = field(default_factory=list)

    @property
    def coverage(self) -> float:
        """The part of all declared values that can be compared, 0 to 1; 1 where nothing is declared."""
        return (self.leaves - self.unchecked) / self.leaves if self.leaves else 1.0


def load(paths: Iterable[str], *, root: str = "") -> LoadResult:
    """Read all declarations in files and directories; bad ones are reported and good ones beside them kept.

    Args:
        paths: files and directories.
        root: a directory that files are called from in what is said of them; as they were given, unless set.
    """
    paths = list(paths)
    loading = _Loading(IgnoreFiles(paths, root))
    for path in paths:
        for file in documents.files(path):
            for document in documents.read(file, os.path.relpath(file, root) if root else file):
                loading.take(document)
    return loading.done()


class _Loading:
    """What has been read so far."""

    def __init__(self, ignore_files: IgnoreFiles) -> None:
        texts = TextStore()
        self._loaded = LoadResult(problems=list(ignore_files.problems))
        self._ignore_files = ignore_files
        self._declarations = DeclarationSet(texts)
        self._deferred = DeferredDocuments(texts)
        self._scopes: dict[str, Scope] = {}

    def take(self, document: Document | Problem) -> None:
        """Read a document; Config Connector's have to wait, since they refer to each other."""
        if isinstance(document, Problem):
            self._loaded.problems.append(document)
            return
        value = document.value
        if native.is_native(value):
            self._native(document)
        elif krm.is_krm(value):
            self._deferred.add(document)
        elif terraform.is_terraform(value):
            self._terraform(document)
        else:
            if isinstance(value, dict) and value.get("kind") == "Namespace":
                self._deferred.refer(value)
            self._loaded.skipped["documents of other kinds"] += 1

    def done(self) -> LoadResult:
        """Everything that was declared."""
        objects = self._deferred.objects()
        for document in self._deferred:
            result = krm.read(document, objects)
            if isinstance(result, Translated):
                declaration, problems = apply_annotations(result.declaration, document)
                self._loaded.problems.extend(problems)
                self._translated(replace(result, declaration=declaration), document)
            else:
                self._loaded.problems.extend(result)
        gathered = self._declarations.done()
        self._loaded.desired = gathered.declared
        self._loaded.problems = _with(self._loaded.problems, gathered.repeated)
        self._loaded.leaves, self._loaded.unchecked = gathered.leaves, gathered.unchecked
        self._loaded.scopes = tuple(self._scopes.values())
        return self._loaded

    def _native(self, document: Document) -> None:
        result = native.read(document)
        if isinstance(result, Declaration):
            self._check_type(result.asset_type, document, ("spec", "assetType"))
            self._add(self._spelled(result, document), document)
        elif isinstance(result, Scope):
            for index, asset_type in enumerate(result.asset_types):
                self._check_type(asset_type, document, ("spec", "assetTypes", index))
            scope = self._ignore_files.applied_to_scope(result)
            twin = self._scopes.setdefault(result.name, scope)
            if twin is not scope:
                self._loaded.problems.append(duplicate_problem(document, f"scope {result.name}", str(twin.source)))
        elif isinstance(result, Policy):
            if self._loaded.policy is not None:
                self._loaded.problems.append(duplicate_problem(document, "the policy", str(self._loaded.policy.source)))
            self._loaded.policy = self._loaded.policy or result
        elif isinstance(result, Alerting):
            if self._loaded.alerting is not None:
                self._loaded.problems.append(
                    duplicate_problem(document, "the alerting", str(self._loaded.alerting.source))
                )
            self._loaded.alerting = self._loaded.alerting or result
        elif isinstance(result, tuple):
            self._loaded.policy_tests.extend(result)
        else:
            self._loaded.problems.extend(result)

    def _check_type(self, asset_type: str, document: Document, where: tuple[str | int, ...]) -> None:
        """Report a type that is misspelt by all that is known: no resource would ever be of it."""
        if "*" not in asset_type and (meant := typos.closest_asset_type(asset_type)):
            message = f"{asset_type} is no asset type; did you mean {meant}?"
            field = ".".join(map(str, where))
            self._loaded.problems.append(Problem(document.file, document.line_of(where), field, message))

    def _spelled(self, declaration: Declaration, document: Document) -> Declaration:
        """The declaration less its misspelt fields, which are reported: compared, they would be missing for ever."""
        if declaration.key.content not in WHOLE:
            return declaration
        schema = default_catalogue().fitting(declaration.asset_type, declaration.data)
        for slip in typos.find_typos(declaration.data, schema):
            line = document.line_of(("spec", "data", *slip.where))
            message = f"{declaration.asset_type} has no such field; did you mean {slip.meant}?"
            self._loaded.problems.append(Problem(document.file, line, f"spec.data.{slip.path}", message))
            data = typos.without_field(declaration.data, slip.where)
            declaration = replace(declaration, data=data, unchecked=(*declaration.unchecked, f"spec.data.{slip.path}"))
        return declaration

    def _terraform(self, document: Document) -> None:
        result = terraform.read(document)
        for translated in result.translated:
            self._translated(translated, document)
        self._loaded.problems.extend(result.problems)
        self._loaded.skipped.update(result.skipped)

    def _translated(self, translated: Translated, document: Document) -> None:
        declaration = replace(
            translated.declaration,
            data=json_tree.plain(translated.declaration.data),
            project=str(translated.declaration.project),
            origins=dict(translated.origins),
            unchecked=translated.unchecked,
            exhaustive_paths=translated.whole,
        )
        for unplaced in translated.unplaced:
            if meant := unplaced.nearest():
                line = document.line_of(_steps(unplaced.path))
                message = f"{declaration.asset_type} has no such field; did you mean {' or '.join(meant)}?"
                self._loaded.problems.append(Problem(document.file, line, unplaced.path, message))
        self._add(declaration, document)

    def _add(self, declaration: Declaration, document: Document) -> None:
        self._declarations.add(self._ignore_files.applied(declaration), document, len(self._loaded.problems))


def _with(problems: list[Problem], repeated: list[DuplicateDeclaration]) -> list[Problem]:
    """All problems in the order of the files, those included that are known only at the end."""
    ordered: list[Problem] = []
    done = 0
    for repetition in repeated:
        ordered += problems[done : repetition.after]
        ordered.append(repetition.problem)
        done = repetition.after
    return ordered + problems[done:]


def _steps(path: str) -> list[str | int]:
    """The keys and positions of an author's path."""
    return [
        int(part[1:-1]) if isinstance(part, field_path.Element) and part[1:-1].isdecimal() else str(part)
        for part in field_path.readable(path)
    ]

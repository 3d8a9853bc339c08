"""Load declarations from files and directories, and report the errors of invalid ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from msgspec.structs import replace

from setpoint.catalog.inventory_names import inventory_name
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.readers import (
    discovery,
    exact_paths,
    foreign_formats,
    json_tree,
    krm,
    krm_defaults,
    krm_settings,
    krm_unmapped,
    native,
    native_checks,
    prune_protection,
    reference_checks,
    server_ids,
    setting_checks,
    skipped,
    terraform,
    terraform_config,
    terraform_match,
    typos,
)
from setpoint.declarations.readers.dedupe import DeclarationSet, DuplicateDeclaration, duplicate_problem
from setpoint.declarations.readers.deferred_documents import DeferredDocuments, TextStore
from setpoint.declarations.readers.documents import STANDARD_INPUT, Document, Problem
from setpoint.declarations.readers.encodings import printable
from setpoint.declarations.readers.ignore_files import IgnoreFiles
from setpoint.declarations.readers.krm_annotations import apply_annotations
from setpoint.declarations.readers.krm_references import Objects
from setpoint.declarations.readers.policy_tests import PolicyTest
from setpoint.declarations.readers.prune_protection import PruneProtection
from setpoint.declarations.readers.reference_checks import MissingReference
from setpoint.declarations.readers.terraform_config import ConfiguredResource, Key
from setpoint.declarations.readers.translation import Translated
from setpoint.model.alerting_config import Alerting
from setpoint.model.declaration import Declaration, Desired, Scope
from setpoint.model.policy import Policy
from setpoint.model.resource_key import WHOLE, ResourceKey
from setpoint.model.secrecy import THIS_PROCESS, Secrecy
from setpoint.model.source_grants import Sources


@dataclass(slots=True)
class ReferencesElsewhere:
    """References to objects that are not among the documents; they are compared by their names.

    Args:
        count: their number.
        first: file, line, kind and name of the first; empty for none.
    """

    count: int = 0
    first: str = ""

    def add(self, reference: MissingReference, document: Document) -> None:
        """Count a reference of a document."""
        if not self.count:
            line = document.line_of((*reference.where, "name"))
            self.first = f"{document.file}:{line}: {f'{reference.kind} {reference.name}'.strip()}"
        self.count += 1


@dataclass(slots=True)
class LoadResult:
    """The declarations in files.

    Args:
        desired: the declarations of each resource, ordered by key.
        scopes: the scopes.
        problems: the errors, in the order of the files.
        warnings: valid fields that are not compared, in the order of the files.
        skipped: ignored documents and resources with their number: documents of other kinds, resources of other
            providers,
            types that are a part of others.
        leaves: number of declared values.
        unchecked: number of values that cannot be compared.
        pending: number of further values that a plan knows only after apply.
        unobservable: number of other values in fields that the inventory never carries: deep reads compare them.
        policy: the policy of the fleet, or None.
        alerting: the alerting rules, or None.
        sources: the permissions of sources, or None.
        policy_tests: the tests of the policy.
        prune_protection: what pruning must keep, since an invalid document may declare it.
        unmapped: attributes of generated documents without a known field of the API, with their number.
        bindings: declared names by inventory name, from states and statuses.
        states: serials of raw Terraform states, by lineage.
        elsewhere: references to objects that are not among the documents, with their number and the first of them.
        default_projects: the projects that ``DocumentDefaults`` documents name, with file and line.
        defaults: number of ``DocumentDefaults`` documents.
    """

    desired: Sequence[Desired] = ()
    scopes: tuple[Scope, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    leaves: int = 0
    unchecked: int = 0
    pending: int = 0
    unobservable: int = 0
    policy: Policy | None = None
    alerting: Alerting | None = None
    sources: Sources | None = None
    policy_tests: list[PolicyTest] = field(default_factory=list)
    prune_protection: PruneProtection = prune_protection.NOTHING
    unmapped: Counter[str] = field(default_factory=Counter)
    bindings: dict[str, str] = field(default_factory=dict)
    states: dict[str, int] = field(default_factory=dict)
    elsewhere: ReferencesElsewhere = field(default_factory=ReferencesElsewhere)
    default_projects: dict[str, str] = field(default_factory=dict)
    defaults: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is declared."""
        return not (self.desired or self.scopes or self.policy or self.alerting or self.sources)

    @property
    def coverage(self) -> float:
        """The share of declared values that can be compared, 0 to 1; 1 if nothing is declared."""
        return (self.leaves - self.unchecked) / self.leaves if self.leaves else 1.0


def load(  # noqa: PLR0913 - what is read, and how
    paths: Iterable[str],
    *,
    root: str = "",
    exclude: Iterable[str] = (),
    project: str = "",
    namespace: str = "",
    config: str = "",
    secrecy: Secrecy = THIS_PROCESS,
    advance: Callable[[int], object] = lambda _: None,
) -> LoadResult:
    """Load all declarations in files and directories; invalid ones are reported, and the others are kept.

    Args:
        paths: files and directories; ``-`` is standard input.
        root: a directory that reported file names are relative to; empty to report them as given.
        exclude: globs of files to skip.
        project: the project of Config Connector objects without one.
        namespace: the namespace of Config Connector objects without one.
        config: the directory of a Terraform root module, beside its state or plan; empty for none.
        secrecy: makes the digests that stand for secrets of states and plans; those of another key are not compared.
        advance: is called for each document that was read.

    Raises:
        BadRequest: the configuration cannot be read.
    """
    paths = list(dict.fromkeys(paths))
    ignored = IgnoreFiles([path for path in paths if path != STANDARD_INPUT], root)
    loading = _Loading(ignored, krm_defaults.DocumentDefaults(project=project, namespace=namespace), root, secrecy)
    if config:
        loading.configure(config)
    for item in discovery.find(paths, root, exclude):
        loading.take(item)
        advance(1)
    return loading.done()


def load_documents(
    items: Iterable[Document | Problem], *, project: str = "", secrecy: Secrecy = THIS_PROCESS
) -> LoadResult:
    """Load parsed documents, such as those of an object in a bucket.

    Args:
        items: the documents.
        project: the project of Config Connector objects without one.
        secrecy: as for ``load``.
    """
    loading = _Loading(IgnoreFiles(()), krm_defaults.DocumentDefaults(project=project), "", secrecy)
    for item in items:
        loading.take(item)
    return loading.done()


class _Loading:
    """The state of a load."""

    def __init__(
        self, ignore_files: IgnoreFiles, defaults: krm_defaults.DocumentDefaults, root: str, secrecy: Secrecy
    ) -> None:
        self._root = root
        self._secrecy = secrecy
        texts = TextStore()
        self._defaults = krm_defaults.DefaultsByDirectory(defaults)
        self._loaded = LoadResult()
        self._report(ignore_files.problems)
        self._ignore_files = ignore_files
        self._declarations = DeclarationSet(texts)
        self._deferred = DeferredDocuments(texts)
        self._settings = krm_settings.ControllerSettings()
        self._scopes: dict[str, Scope] = {}
        self._files: Mapping[Key, ConfiguredResource] = {}
        self._configured = 0

    def configure(self, folder: str) -> None:
        """Use a Terraform configuration for the state or plan that follows."""
        configuration = terraform_config.read(folder)
        self._files = configuration.resources
        self._report(configuration.problems)

    def take(self, document: Document | Problem) -> None:
        """Read a document; defer Config Connector objects, since they refer to each other."""
        document = document._replace(file=printable(document.file))
        if isinstance(document, Problem):
            self._report([document])
            return
        value = document.value
        if native.is_native(value):
            self._guarded(self._native, document)
        elif krm.is_krm(value):
            self._deferred.add(document)
        elif krm_settings.is_setting(value):
            self._report(self._settings.add(document))
        elif terraform.is_terraform(value):
            self._guarded(self._terraform, document)
        else:
            self._other(document)

    def _other(self, document: Document) -> None:
        """Count a document of another format; report objects of known other tools."""
        value = document.value
        if isinstance(value, dict) and value.get("kind") == "Namespace":
            self._deferred.add_target(value)
        if foreign_formats.is_asset(value):
            self._loaded.skipped[skipped.ASSETS] += 1  # one warning for each asset of a large export would not help
            return
        if instead := foreign_formats.instead(value):
            self._report([Problem(document.file, document.line, "", instead, document.subject, "not-read")])
        is_state = isinstance(value, dict) and isinstance(value.get("format_version"), str)
        self._loaded.skipped[skipped.EMPTY_STATES if is_state else skipped.OTHER_KINDS] += 1

    def _report(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            (self._loaded.problems if problem.is_error else self._loaded.warnings).append(problem)

    def _guarded(self, read: Callable[[Document], None], document: Document) -> None:
        """Read a document; an error of the reader affects only this document."""
        try:
            read(document)
        except Exception as error:  # noqa: BLE001 - any error concerns this document only
            message = f"could not be read ({type(error).__name__}: {error}); please report this"
            problem = Problem(document.file, document.line, "", message, document.subject, "reader-failed")
            self._loaded.problems.append(problem)

    def done(self) -> LoadResult:
        """The result of the load."""
        objects = self._deferred.objects()
        for document in self._deferred:
            self._guarded(partial(self._krm, objects), document)
        self._report(self._settings.facts(objects))
        gathered = self._declarations.done()
        self._loaded.desired = gathered.declared
        self._report(repetition.problem for repetition in gathered.repeated if not repetition.problem.is_error)
        errors = [repetition for repetition in gathered.repeated if repetition.problem.is_error]
        self._loaded.problems = _with(self._loaded.problems, errors)
        pending = self._loaded.pending
        self._loaded.leaves = max(0, gathered.leaves - pending)
        self._loaded.unchecked = max(0, gathered.unchecked - pending)
        self._loaded.unobservable = gathered.unobservable
        self._loaded.scopes = tuple(self._scopes.values())
        self._report(_unmapped(attribute, count) for attribute, count in self._loaded.unmapped.most_common())
        self._loaded.prune_protection = prune_protection.by_problems(self._loaded.problems, self._root)
        if any(problem.category == "kustomize" for problem in self._loaded.problems):
            # Files of a root are valid by themselves.
            self._loaded.prune_protection = self._loaded.prune_protection._replace(everything=True)
        return self._loaded

    def _krm(self, objects: Objects, document: Document) -> None:
        """Read a Config Connector object with the others as targets of references."""
        placed = self._defaults.applied(document, objects, self._settings.namespace(document.file))
        result = krm.read(placed, objects)
        if isinstance(result, list):
            self._report(result)
            return
        declaration, problems = apply_annotations(result.declaration, placed)
        self._report(problems)
        self._report(self._settings.conflict(placed, declaration.mode))
        self._check_references(placed, objects)
        self._bind(declaration, server_ids.of_object(placed.value))
        for translated in (result, *krm.read_related(placed, objects)):
            self._object(translated, placed)

    def _object(self, translated: Translated, document: Document) -> None:
        """Add what a Config Connector object declares of one resource."""
        declaration, _ = apply_annotations(translated.declaration, document)
        self._report(krm_unmapped.problems(translated, document))
        plain = _plain(replace(translated, declaration=declaration))
        self._report(native_checks.warnings(plain, document, partial(_declared_place, translated)))
        self._add(plain, document)

    def _check_references(self, document: Document, objects: Objects) -> None:
        """Report misspelt references of a manifest; count those to objects that other files may declare."""
        if "status" in document.value:
            return  # the object comes from a cluster, which has resolved its references
        for reference in reference_checks.missing(document.value, objects):
            if problem := reference_checks.misspelt(reference, document, objects):
                self._report([problem])
            else:
                self._loaded.elsewhere.add(reference, document)

    def _native(self, document: Document) -> None:
        result = native.read(document)
        if isinstance(result, Declaration):
            self._report(native_checks.problems(result, document))
            self._check_type(result.asset_type, document, ("spec", "assetType"))
            self._add(self._spelled(_exact(result), document), document)
        elif isinstance(result, Scope):
            self._report(setting_checks.problems(result, document))
            self._scope(result, document)
        elif isinstance(result, Policy | Alerting | Sources):
            if not isinstance(result, Sources):
                self._report(setting_checks.problems(result, document))
            self._setting(result, document)
        elif isinstance(result, krm_defaults.DocumentDefaults):
            self._report(self._defaults.add(result, document))
            self._loaded.defaults += 1
            self._loaded.default_projects |= dict.fromkeys(result.projects, result.source)
        elif isinstance(result, tuple):
            self._loaded.policy_tests.extend(result)
        else:
            self._report(result)

    def _scope(self, scope: Scope, document: Document) -> None:
        for index, asset_type in enumerate(scope.asset_types):
            self._check_type(asset_type, document, ("spec", "assetTypes", index))
        applied = self._ignore_files.applied_to_scope(scope)
        twin = self._scopes.setdefault(scope.name, applied)
        if twin is not applied:
            self._report([duplicate_problem(document, f"scope {scope.name}", str(twin.source))])

    def _setting(self, setting: Policy | Alerting | Sources, document: Document) -> None:
        """Store the policy, the alerting rules or the sources, of which there may be only one."""
        name = type(setting).__name__.lower()
        first: Policy | Alerting | Sources | None = getattr(self._loaded, name)
        if first is not None:
            self._report([duplicate_problem(document, f"the {name}", str(first.source))])
        else:
            setattr(self._loaded, name, setting)

    def _check_type(self, asset_type: str, document: Document, where: tuple[str | int, ...]) -> None:
        """Report a type that is probably misspelled, since no resource would ever have it."""
        if "*" not in asset_type and (meant := typos.closest_asset_type(asset_type)):
            message = f"{asset_type} is not an asset type; did you mean {meant}?"
            self._loaded.problems.append(document.problem(where, message))

    def _spelled(self, declaration: Declaration, document: Document) -> Declaration:
        """Remove and report misspelled fields, which would be missing in every comparison."""
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
        self._configured += bool(self._files)
        if self._configured > 1:
            message = "--config needs exactly one state or plan; use one command for each of them"
            self._report([Problem(document.file, document.line, "", message)])
            return
        result = terraform.read(document, files=self._files, secrecy=self._secrecy)
        is_plan = terraform_match.is_before_apply(document.value)  # what is in a state, an API has taken
        for translated in result.translated:
            self._loaded.unmapped.update(unplaced.label for unplaced in translated.unplaced)
            self._loaded.pending += len(translated.pending)
            # Fields of generated documents are not misspelled.
            self._bind(translated.declaration, translated.server_id)
            plain = _plain(translated)
            if is_plan:
                place = partial(_declared_place, translated)
                self._report(native_checks.warnings(plain, document, place, plain.source.address))
            self._add(plain, document)
        self._report(result.problems)
        self._loaded.skipped.update(result.skipped)
        self._loaded.states.update(result.states)

    def _bind(self, declaration: Declaration, server_id: tuple[Any, Any]) -> None:
        """Record the inventory name of a resource if the document has its server-generated id."""
        if server_id[0] is None:
            return
        name = inventory_name(declaration.asset_type, str(declaration.key.name))
        if pair := server_ids.bound(name, *server_id):
            self._loaded.bindings[pair[0]] = pair[1]

    def _add(self, declaration: Declaration, document: Document) -> None:
        name = inventory_name(declaration.asset_type, declaration.key.name)
        if name != declaration.key.name:
            declaration = replace(declaration, key=ResourceKey(name, declaration.key.content))
        owned = self._defaults.exact(self._defaults.owned(self._ignore_files.applied(declaration)))
        self._declarations.add(owned, document, len(self._loaded.problems))


def _declared_place(translated: Translated, where: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The author's path of a path of the API."""
    return tuple(krm_unmapped.steps(translated.declared_path(typos.as_text(where))))


def _plain(translated: Translated) -> Declaration:
    """The declaration with the results of its reader, as plain values."""
    own = translated.declaration.exhaustive_paths
    plain = replace(
        translated.declaration,
        data=json_tree.plain(translated.declaration.data),
        project=str(translated.declaration.project),
        origins=dict(translated.origins),
        unchecked=translated.unchecked,
        exhaustive_paths=own or tuple(dict.fromkeys(translated.whole)),
    )
    if not own:
        return plain
    declared = _exact(plain)
    return replace(declared, exhaustive_paths=tuple(dict.fromkeys((*translated.whole, *declared.exhaustive_paths))))


def _exact(declaration: Declaration) -> Declaration:
    """The declaration with the fields that its author says are exactly as declared."""
    paths = declaration.exhaustive_paths
    return exact_paths.with_paths(replace(declaration, exhaustive_paths=()), paths) if paths else declaration


def _unmapped(attribute: str, count: int) -> Problem:
    """The warning about an attribute of generated documents that is not compared."""
    message = f"has no known field in the API, and is not compared ({count} {'value' if count == 1 else 'values'})"
    return Problem("Terraform", 0, attribute, message, category="not-compared")


def _with(problems: list[Problem], repeated: list[DuplicateDeclaration]) -> list[Problem]:
    """All problems in the order of the files, including duplicates, which are known only at the end."""
    ordered: list[Problem] = []
    done = 0
    for repetition in repeated:
        ordered += problems[done : repetition.after]
        ordered.append(repetition.problem)
        done = repetition.after
    return ordered + problems[done:]

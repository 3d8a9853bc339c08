"""A declaration: the desired state of one resource, with its owner, its settings and its source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from setpoint.model.compare_rules import FieldRule
from setpoint.model.field_path import is_below
from setpoint.model.org_policy_constraints import by_constraint
from setpoint.model.resource_key import ResourceKey

Authority = Literal["policy", "role", "member"]
"""How much of an IAM policy a declaration owns: all of it, the roles it names, or the grants it names."""

Mode = Literal["off", "alert", "approve", "auto"]
"""The remediation modes, from ``off`` to remediation without approval."""


MAX_SETTLE = 86_400.0
"""The longest delay before a difference is a finding, in seconds: a day."""


class Owner(msgspec.Struct, frozen=True, omit_defaults=True):
    """The team that owns a resource, and how to reach it."""

    team: str = ""
    slack: str = ""
    email: str = ""


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """The location of a declaration.

    Args:
        file: the path of the file.
        line: first line of the document, from 1; 0 where unknown.
        document: index of the document in its file, from 0.
        repo: URL of the repository, set by apply; empty where unknown.
        commit: the revision that last changed the declaration, set by apply; empty where unknown.
        address: Terraform's address of the resource, with modules and keys; empty where it is not of Terraform.
    """

    file: str = ""
    line: int = 0
    document: int = 0
    repo: str = ""
    commit: str = ""
    address: str = ""

    def __str__(self) -> str:
        """``file:line``, as editors and terminals understand it."""
        return f"{self.file}:{self.line}" if self.line else self.file

    @property
    def named(self) -> str:
        """``ADDRESS in FILE`` for Terraform, since lines of states and plans say nothing; else ``file:line``."""
        return f"{self.address} in {self.file}" if self.address and self.file else str(self)


class Declaration(msgspec.Struct, frozen=True, omit_defaults=True):
    """The desired state of one resource.

    Args:
        key: the resource and the content that is declared.
        asset_type: Cloud Asset Inventory's type.
        data: the declared fields in the API's shape; it owns only the fields that it names.
        project: project id, where declared.
        owner: the owner.
        authority: how much of an IAM policy it owns.
        exact: fields that are not declared are drift, too.
        ignore: paths that are not compared, ``labels.last-touched`` or ``lifecycle.rule[*].condition.age``.
        mode: the most that may be done about drift; None leaves it to the policy.
        source: its location; not part of the digest, so that moving a file changes nothing.
        exhaustive_paths: paths of maps that it owns whole, with entries that it does not name.
        origins: API path → the author's path, where the declaration was translated from another format.
        unchecked: the author's paths that could not be translated, or whose value is not known.
        settle: seconds that a difference has to last before it is a finding; None leaves it to the policy.
        recorded: patterns of paths in ``data`` whose values the service may have chosen; a change of one is reported as
            ``undeclared_change``, and never remediated.
        null_is_absent: a field whose value is null is declared to be absent.
        element: ``FIELD.KEY`` of a list of which it owns the elements that it names, by their key, and no others; keys
            that identify elements only together are joined by ``+``.
        ignored_by: of the paths in ``ignore`` that an ignore file has put there, the rule; no part of the digest.
        digests: id of the key of the seals in ``data``, the digests that stand for secrets; empty where it has none, so
            that a text that looks like a seal is a text.
        sealed: ``data`` as it is stored if it has seals; never set elsewhere.
        compare: how single fields are compared, by the policy in force; never stored with a declaration.
        by_scope: the scope that makes the declared grants of a resource the whole; never stored with a declaration.
    """

    key: ResourceKey
    asset_type: str
    data: Any = msgspec.UNSET
    project: str = ""
    owner: Owner = Owner()
    authority: Authority = "policy"
    exact: bool = False
    ignore: tuple[str, ...] = ()
    mode: Mode | None = None
    source: Source = Source()
    exhaustive_paths: tuple[str, ...] = msgspec.field(default=(), name="whole")
    origins: dict[str, str] = {}
    unchecked: tuple[str, ...] = ()
    settle: float | None = None
    ignored_by: dict[str, str] = {}
    recorded: tuple[str, ...] = ()
    null_is_absent: bool = False
    element: str = ""
    digests: str = ""
    sealed: Any = msgspec.UNSET
    compare: tuple[FieldRule, ...] = ()
    by_scope: str = ""


class IgnoreRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of an ignore file.

    Args:
        expression: a regular expression for the beginning of a resource name without its slashes, or of an asset type.
        negated: the line revokes earlier lines.
        text: file, line and content; not part of a digest.
    """

    expression: str
    negated: bool = False
    text: str = ""


class Selection(msgspec.Struct, frozen=True, omit_defaults=True):
    """Selects resources of a scope: those that fit all conditions; an empty condition fits every resource.

    Args:
        projects: project ids or numbers.
        ancestors: ``folders/NUMBER`` and ``organizations/NUMBER``, at any distance above.
        labels: the labels that a resource has, ``*`` for any value.
        asset_types: types, or globs as `compute.googleapis.com/*`.
    """

    projects: tuple[str, ...] = ()
    ancestors: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    asset_types: tuple[str, ...] = ()


class FleetPart(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of the fleet, by the places and types of resources.

    Args:
        projects: project ids or numbers.
        ancestors: ``folders/NUMBER`` and ``organizations/NUMBER``, at any distance above.
        asset_types: types, or globs; empty for all.
        everywhere: whether every place is included.
    """

    projects: tuple[str, ...] = ()
    ancestors: tuple[str, ...] = ()
    asset_types: tuple[str, ...] = ()
    everywhere: bool = False


class Scope(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of the fleet that is fully declared: a resource without a declaration there is unmanaged.

    Args:
        name: the scope's name.
        projects: project ids or numbers.
        asset_types: the types that are fully declared, or globs as ``compute.googleapis.com/*``.
        owner: the owner of unmanaged resources.
        mode: the most that may be done about them; None leaves it to the policy.
        source: the location of the document.
        ancestors: ``folders/NUMBER`` and ``organizations/NUMBER``: everything below them, at any distance.
        labels: limits the scope to resources with all of these labels, ``*`` for any value.
        exceptions: excludes the resources that one of these selects.
        strict: resources that Google or another resource creates have to be declared, too.
        settle: seconds that a resource must be unmanaged before it is a finding; None leaves it to the policy.
        ignores: resources to leave alone without a declaration; the last rule that matches decides.
        within: excludes resources outside these places, those of its source; None for no restriction.
        contents: what must be declared: ``resource``, ``iam_policy``; resources where empty.
    """

    name: str
    projects: tuple[str, ...]
    asset_types: tuple[str, ...]
    owner: Owner = Owner()
    mode: Mode | None = None
    source: Source = Source()
    ancestors: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    exceptions: tuple[Selection, ...] = ()
    strict: bool = False
    settle: float | None = None
    ignores: tuple[IgnoreRule, ...] = ()
    within: FleetPart | None = None
    contents: tuple[str, ...] = ()


class Claim(msgspec.Struct, frozen=True):
    """What one source desires of a resource and content.

    Args:
        source: the source's name.
        declarations: what it declares.
        digest: changes when any of them changes in meaning.
    """

    source: str
    declarations: tuple[Declaration, ...]
    digest: str


class Desired(msgspec.Struct, frozen=True):
    """The desired state of one resource and content.

    Args:
        declarations: usually one; several if the IAM grants of one resource are declared separately.
        digest: changes with the meaning of any of them.
        claims: the declarations of each source, if sources are restricted; empty otherwise.
    """

    declarations: tuple[Declaration, ...]
    digest: str
    claims: tuple[Claim, ...] = ()


_encode = msgspec.json.Encoder(order="deterministic").encode
_NOWHERE = Source()


def desired(declarations: tuple[Declaration, ...]) -> Desired:
    """Combine the declarations of one resource; files and lines are not part of the digest."""
    return Desired(declarations, meaning(declarations))


def _bare(declared: Any) -> Any:
    if isinstance(declared, Declaration):
        return msgspec.structs.replace(declared, source=_NOWHERE, origins={}, unchecked=(), ignored_by={})
    if not isinstance(declared, Scope):
        return declared
    ignores = tuple(msgspec.structs.replace(rule, text="") for rule in declared.ignores)
    return msgspec.structs.replace(declared, source=_NOWHERE, ignores=ignores)


def clash(first: Declaration, other: Declaration) -> bool:
    """Whether two declarations of one resource and content own the same part of it."""
    if first.key.content == "iam_policy":
        if "policy" in (first.authority, other.authority):
            return True
        return first.authority == other.authority == "role" and not _roles(first).isdisjoint(_roles(other))
    if first.key.content == "org_policy":
        return first.exact or other.exact or not _constraints(first).isdisjoint(_constraints(other))
    if first.element or other.element:
        return not _elements(first, other.element).isdisjoint(_elements(other, first.element))
    return True


def _elements(declaration: Declaration, of_other: str) -> set[tuple[str, ...]]:
    """The list elements that a declaration owns; for a whole resource, those of the other declaration's list.

    A whole resource does not own a list that its state only recorded.
    """
    field, keys = element_of(declaration.element or of_other)
    is_recorded = any(is_below(pattern, field) for pattern in declaration.recorded)
    if is_recorded and not declaration.element:
        return set()
    return {(field, *identity(element, keys)) for element in elements_at(declaration.data, field)}


def element_of(element: str) -> tuple[str, tuple[str, ...]]:
    """The list and the keys that ``Declaration.element`` names: ``nats.name``, ``access.role+domain``."""
    field, _, keys = element.rpartition(".")
    return field, tuple(keys.split("+"))


def elements_at(data: Any, field: str) -> list[Mapping[str, Any]]:
    """The objects in the list at a dotted path."""
    for name in field.split("."):
        data = data.get(name) if isinstance(data, Mapping) else None
    return [element for element in data if isinstance(element, Mapping)] if isinstance(data, (list, tuple)) else []


def identity(element: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    """The fields that identify a list element."""
    return tuple(
        _encode(value).decode() if isinstance(value, Mapping) else str(value)
        for value in (element.get(key) for key in keys)
    )


def _roles(declaration: Declaration) -> set[str]:
    bindings = declaration.data.get("bindings") or ()
    return {_encode((binding.get("role"), binding.get("condition"))).decode() for binding in bindings}


def _constraints(declaration: Declaration) -> set[str]:
    return set(by_constraint(declaration.data))


def meaning(declared: Iterable[Any]) -> str:
    """A digest of the meaning of a declaration, without its location."""
    bare = [_bare(declaration) for declaration in declared]
    return hashlib.blake2b(_encode(bare), digest_size=8).hexdigest()

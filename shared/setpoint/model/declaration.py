"""A declaration: one desired state of one resource, with its owner, its policy and where it is written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from setpoint.model.org_policy_constraints import by_constraint
from setpoint.model.resource_key import ResourceKey

Authority = Literal["policy", "role", "member"]
"""How much of an IAM policy a declaration owns: all of it, the roles it names, or the grants it names."""

Mode = Literal["off", "alert", "approve", "auto"]
"""What may be done about drift, from nothing to writing back without asking."""


MAX_SETTLE = 86_400.0
"""Seconds that a difference may be told to last before it is a finding: a day."""


class Owner(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose resource it is, and where to reach them."""

    team: str = ""
    slack: str = ""
    email: str = ""


class Source(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a declaration is written.

    Args:
        file: path as it was given or found.
        line: first line of the document, from 1; 0 where unknown.
        document: index of the document in its file, from 0.
        repo: address of the repository, or empty; known once it is applied, as the next one is.
        commit: the revision with which it came to be what it is, or empty.
    """

    file: str = ""
    line: int = 0
    document: int = 0
    repo: str = ""
    commit: str = ""

    def __str__(self) -> str:
        """``file:line``, as editors and terminals understand it."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Declaration(msgspec.Struct, frozen=True, omit_defaults=True):
    """One desired state of one resource.

    Args:
        key: the resource and the content that is declared.
        asset_type: Cloud Asset Inventory's type.
        data: the declared fields in the API's own shape; what it does not name it does not own.
        project: project id, where declared.
        owner: who is responsible for it.
        authority: of an IAM policy, how much of it is owned.
        exact: fields that are not declared are drift too.
        ignore: paths that are not compared, ``labels.last-touched`` or ``lifecycle.rule[*].condition.age``.
        mode: what may be done about drift at most; None leaves it to the policy.
        source: where it is written; no part of the digest, so that moving a file changes nothing.
        exhaustive_paths: paths of maps of which every entry is owned, as of a list, and not only those that are named.
        origins: API path → the author's path, where the declaration was translated from another format.
        unchecked: the author's paths that could not be translated, or whose value is not known.
        settle: seconds that a difference has to last before it is a finding; None leaves it to the policy.
        recorded: patterns of paths in ``data`` whose values the service may have chosen; a change of one is reported as
            ``undeclared_change``, and never remediated.
        null_is_absent: a field whose value is null is declared to be absent.
        ignored_by: of the paths in ``ignore`` that an ignore file has put there, the rule; no part of the digest.
    """

    key: ResourceKey
    asset_type: str
    data: Any
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


class IgnoreRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which resources a line of an ignore file means.

    Args:
        expression: a regular expression that a resource name without its slashes, or an asset type, begins with.
        negated: the line takes back what lines before it say.
        text: file, line and what is written there; no part of a digest.
    """

    expression: str
    negated: bool = False
    text: str = ""


class Selection(msgspec.Struct, frozen=True, omit_defaults=True):
    """Some of the resources of a scope: those that fit all that is said here; what is empty says nothing.

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


class Scope(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of the fleet that says it is fully declared: what has no declaration there is unmanaged.

    Args:
        name: the scope's own name.
        projects: project ids or numbers.
        asset_types: the types that are fully declared, or globs as ``compute.googleapis.com/*``.
        owner: who hears of the unmanaged.
        mode: what may be done about them at most; None leaves it to the policy.
        source: where it is written.
        ancestors: ``folders/NUMBER`` and ``organizations/NUMBER``: all that lies below, at any distance.
        labels: of these only the resources that have all of these labels, ``*`` for any value.
        exceptions: of these not the ones that fit one of these.
        strict: what Google or another resource makes has to be declared too.
        settle: seconds that something unmanaged has to last before it is a finding; None leaves it to the policy.
        ignores: which resources are left alone although nothing declares them; the last one that matches counts.
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


class Desired(msgspec.Struct, frozen=True):
    """All that is desired of one resource and content.

    Args:
        declarations: usually one; several where IAM grants of one resource are declared apart.
        digest: changes when any of them changes in meaning.
    """

    declarations: tuple[Declaration, ...]
    digest: str


_encode = msgspec.json.Encoder(order="deterministic").encode
_NOWHERE = Source()


def desired(declarations: tuple[Declaration, ...]) -> Desired:
    """Put together what is desired of one resource; the digest knows nothing of files and lines."""
    return Desired(declarations, meaning(declarations))


def _bare(declared: Any) -> Any:
    if isinstance(declared, Declaration):
        return msgspec.structs.replace(declared, source=_NOWHERE, origins={}, unchecked=(), ignored_by={})
    if not isinstance(declared, Scope):
        return declared
    ignores = tuple(msgspec.structs.replace(rule, text="") for rule in declared.ignores)
    return msgspec.structs.replace(declared, source=_NOWHERE, ignores=ignores)


def clash(first: Declaration, other: Declaration) -> bool:
    """Whether two declarations of one resource and content own the same part of it, so that both cannot hold."""
    if first.key.content == "iam_policy":
        if "policy" in (first.authority, other.authority):
            return True
        return first.authority == other.authority == "role" and not _roles(first).isdisjoint(_roles(other))
    if first.key.content == "org_policy":
        return first.exact or other.exact or not _constraints(first).isdisjoint(_constraints(other))
    return True


def _roles(declaration: Declaration) -> set[str]:
    bindings = declaration.data.get("bindings") or ()
    return {_encode((binding.get("role"), binding.get("condition"))).decode() for binding in bindings}


def _constraints(declaration: Declaration) -> set[str]:
    return set(by_constraint(declaration.data))


def meaning(declared: Iterable[Any]) -> str:
    """A digest that changes with the meaning, and not when something moves in its file."""
    bare = [_bare(declaration) for declaration in declared]
    return hashlib.blake2b(_encode(bare), digest_size=8).hexdigest()

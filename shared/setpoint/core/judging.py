"""From what is desired and what is observed to a verdict: is it drift, of which kind, how bad, and whose."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec
from msgspec.structs import replace

from setpoint import __version__
from setpoint.core import compare as comparing
from setpoint.core import iam, ignore, org_policies, policy, scopes
from setpoint.core.compare import Difference
from setpoint.core.declarations import Declaration, Desired, Mode, Owner, Rules, Scope, Source
from setpoint.core.names import WHOLE, project_of
from setpoint.core.observations import Observation
from setpoint.core.origins import declared_path
from setpoint.core.policy import Kind, Severity
from setpoint.core.references import Project

if TYPE_CHECKING:
    from setpoint.core.catalogue import Schema


class Schemas(Protocol):
    """Where the schema of an asset type is looked up; the catalogue is one."""

    def schema_for(self, asset_type: str, *, discovery_uri: str = "", discovery_name: str = "") -> Schema | None:
        """The schema that describes the type, or None where it is not known."""


class Verdict(msgspec.Struct, frozen=True):
    """What an observation means.

    Args:
        kind: the kind of drift, or None where the resource is as declared.
        differences: the fields that differ, up to a size; none for a resource that is gone or unmanaged.
        difference_count: how many fields differ.
        fingerprint: digest of kind and all differences; empty where there is no drift.
        severity: how bad it is.
        owner: whose it is.
        mode: what may be done about it.
        project: the project as its owner knows it: the declared id, else what the observation tells.
        source: where the declaration is written.
        judged_by: digest of the declarations and rules that gave the verdict.
    """

    kind: Kind | None
    differences: tuple[Difference, ...]
    difference_count: int
    fingerprint: str
    severity: Severity
    owner: Owner
    mode: Mode
    project: str
    source: Source
    judged_by: str


Unjudged = Literal["undeclared", "unreadable"]
"""Why there is no verdict: nothing declares the resource, or the message does not tell what the resource is."""


def judge(
    desired: Desired | None, rules: Rules, observation: Observation, schemas: Schemas | None
) -> Verdict | Unjudged:
    """Compare an observation with what is desired of its resource."""
    if desired is None:
        scope = scopes.covering(rules, observation)
        return "undeclared" if scope is None else _unmanaged(scope, rules, observation)
    if not observation.deleted and observation.data is None:
        return "unreadable"
    found = [
        (one, difference) for one in desired.declarations for difference in _differences(one, observation, schemas)
    ]
    if not found and not observation.deleted:
        return _in_sync(desired, rules, observation)
    kind: Kind = "deleted" if observation.deleted else "modified"
    differences = [difference for _, difference in found]
    encoded = [_encode(difference) for difference in differences]
    spokesman = found[0][0] if found else desired.declarations[0]
    return Verdict(
        kind=kind,
        differences=tuple(
            _in_authors_words(found[at][0], one) for at, one in enumerate(_bounded(differences, encoded))
        ),
        difference_count=len(differences),
        fingerprint=fingerprint(kind, encoded),
        severity=policy.severity(kind, observation.key.content, differences),
        owner=spokesman.owner,
        mode=spokesman.mode,
        project=spokesman.project or observation.project,
        source=spokesman.source,
        judged_by=_judged_by(desired, rules),
    )


def _judged_by(desired: Desired | None, rules: Rules) -> str:
    """What gave a verdict: declarations, rules, and this version's understanding of them."""
    return f"{desired.digest if desired else ''}{rules.digest}@{__version__}"


def _in_sync(desired: Desired, rules: Rules, observation: Observation) -> Verdict:
    first = desired.declarations[0]
    return Verdict(
        kind=None,
        differences=(),
        difference_count=0,
        fingerprint="",
        severity="low",
        owner=first.owner,
        mode=first.mode,
        project=first.project or observation.project,
        source=first.source,
        judged_by=_judged_by(desired, rules),
    )


def _unmanaged(scope: Scope, rules: Rules, observation: Observation) -> Verdict:
    kind: Kind | None = None if observation.deleted else "unmanaged"
    return Verdict(
        kind=kind,
        differences=(),
        difference_count=0,
        fingerprint=fingerprint(kind, ()) if kind else "",
        severity=policy.severity("unmanaged", observation.key.content, ()) if kind else "low",
        owner=scope.owner,
        mode=scope.mode,
        project=observation.project,
        source=scope.source,
        judged_by=_judged_by(None, rules),
    )


def _differences(declaration: Declaration, observation: Observation, schemas: Schemas | None) -> tuple[Difference, ...]:
    if observation.deleted:
        return ()
    if observation.key.content in WHOLE:
        return _resource_differences(declaration, observation, schemas)
    return policy_differences(declaration, observation.data, own_project(declaration.project, observation))


def _resource_differences(
    declaration: Declaration, observation: Observation, schemas: Schemas | None
) -> tuple[Difference, ...]:
    declared, observed = declaration.data, observation.data
    if declaration.ignore:
        declared = ignore.without(declared, declaration.ignore)
        observed = ignore.without(observed, declaration.ignore)
    schema = None
    if schemas is not None:
        schema = schemas.schema_for(
            observation.asset_type,
            discovery_uri=observation.discovery_uri,
            discovery_name=observation.discovery_name,
        )
    own = own_project(declaration.project, observation)
    return comparing.compare(declared, observed, schema, own=own, exact=declaration.exact, whole=declaration.whole)


def policy_differences(declaration: Declaration, observed: Any, own: Project) -> tuple[Difference, ...]:
    """The differences of a declared policy, less those that the declaration ignores."""
    if declaration.key.content == "iam_policy":
        found = iam.compare(declaration.data, observed, declaration.authority, exact=declaration.exact)
    else:
        found = org_policies.compare(declaration.data, observed, own, exact=declaration.exact)
    return tuple(one for one in found if not ignore.covered(one.path, declaration.ignore))


def _in_authors_words(declaration: Declaration, difference: Difference) -> Difference:
    if not declaration.origins:
        return difference
    return replace(difference, declared_path=declared_path(declaration.origins, declaration.data, difference.path))


def own_project(declared: str, observation: Observation) -> Project:
    """The resource's project by id and number, from whichever of the declaration and the observation knows it."""
    identifier, number = project_of(observation.key.name), observation.project_number
    if identifier.isdigit():
        identifier, number = "", identifier
    identifier = identifier or observation.project_id
    if declared:
        if declared.isdigit():
            number = number or declared
        else:
            identifier = identifier or declared
    return Project(identifier, number)


def fingerprint(kind: Kind, encoded: Iterable[bytes]) -> str:
    """Sixteen hexadecimal digits that change when the drift does.

    Args:
        kind: the kind of the drift.
        encoded: its differences as JSON, in any order.
    """
    return hashlib.blake2b(b"\n".join([kind.encode(), *sorted(encoded)]), digest_size=8).hexdigest()


def _bounded(differences: list[Difference], encoded: list[bytes]) -> list[Difference]:
    """As many differences as a record and an event can hold; a value too large for that is replaced by its size.

    A Firestore document takes 1 MiB, an Eventarc event 512 KB (https://cloud.google.com/firestore/quotas).
    """
    kept: list[Difference] = []
    room = _ROOM
    for difference, text in zip(differences, encoded, strict=True):
        shown, size = difference, len(text)
        if size > _ROOM_FOR_ONE:
            shown = replace(shown, declared=_size_of(shown.declared), observed=_size_of(shown.observed))
            size = len(_encode(shown))
        room -= size
        if room < 0:
            break
        kept.append(shown)
    return kept


def _size_of(value: Any) -> Any:
    size = 0 if value is msgspec.UNSET else len(_encode(value))
    return f"({size:,} bytes)" if size > _ROOM_FOR_ONE // 2 else value


_ROOM = 200_000
_ROOM_FOR_ONE = 16_000
_encode = msgspec.json.Encoder(order="deterministic").encode

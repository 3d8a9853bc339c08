"""Watching what a declaration does not name: the last known good values, and what has changed of them since.

The values are taken with an apply and with the first observation after it. Until then, and while a resource is on its
way, they are provisional. An observation that is the last one again, up to what the server writes, costs a digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec.structs import replace

from setpoint.catalog import wandering_fields
from setpoint.comparison import api_versions, system_fields, undeclared_values
from setpoint.comparison.masking import HIDING, Masking
from setpoint.comparison.undeclared_values import Before, Value
from setpoint.detection.observed_schema import Schemas, aligned, schema_of
from setpoint.model import ignore_patterns, lifecycle, policy, security_meaning
from setpoint.model.declaration import Declaration, Desired
from setpoint.model.difference import Difference
from setpoint.model.last_known_good import GoodValues, LastKnownGood, pack, unpack
from setpoint.model.observation import Observation
from setpoint.model.own_project import own_project
from setpoint.model.policy import Policy, Undeclared
from setpoint.model.resource_key import WHOLE
from setpoint.model.suppressed import Suppressed

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Schema

_ROOM = 6_000
"""Bytes of values that are kept of a resource, before they are compressed to a third or so."""
_MOST_TRACKED = 40
"""Paths of which is remembered that they differ, or how often they moved."""
_WANDERS = 3
"""So many moves of a value without weight, and it is taken for one that moves by itself."""
_LEARNING = timedelta(hours=1)
"""After the first observation: what others write in this time, and is of no weight, belongs to what is good."""

_encode = msgspec.json.Encoder().encode
_DEFAULT = Undeclared()


class Watched(NamedTuple):
    """What became of the values that nobody declares.

    Args:
        differences: what differs from the last known good values, and is reported or kept quiet by its weight.
        ignored: what differs and is to be left alone.
        good: what to keep of the resource; None for nothing.
        accepted: what to keep of it where the differences are accepted.
    """

    differences: tuple[Difference, ...] = ()
    ignored: tuple[Suppressed, ...] = ()
    good: LastKnownGood | None = None
    accepted: LastKnownGood | None = None


_NOTHING = Watched()


def is_watched(desired: Desired, fleet_policy: Policy | None) -> bool:
    """Whether the last known good values of a resource are kept: not of one that is declared exactly, or in parts."""
    declaration = desired.declarations[0]
    return (
        len(desired.declarations) == 1
        and not declaration.exact
        and not declaration.element
        and declaration.key.content in WHOLE
        and (fleet_policy is None or fleet_policy.undeclared.report != "off")
        and ignore_patterns.ALL not in declaration.ignore
    )


def watch(
    desired: Desired,
    observation: Observation,
    schemas: Schemas | None,
    fleet_policy: Policy | None,
    good: LastKnownGood | None,
    masking: Masking = HIDING,
) -> Watched:
    """Compare the values that nobody declares with those that were last known to be good.

    Args:
        desired: what is declared.
        observation: what was observed.
        schemas: what is known of asset types; without them nothing tells what is settable, and nothing is watched.
        fleet_policy: the policy of the fleet.
        good: the last known good values.
        masking: hides what may not be shown.
    """
    if schemas is None or not is_watched(desired, fleet_policy) or not isinstance(observation.data, dict):
        return _NOTHING
    if observation.truncated:
        return Watched(good=good)
    seen = _seen(schemas, observation, desired.digest)
    if good is not None and good.steady == seen:
        return Watched(good=good)
    before = unpack(good)
    is_apply_alone = (
        before is not None
        and before.desired != desired.digest
        and before.seen == _seen(schemas, observation, before.desired)
    )
    declaration = desired.declarations[0]
    if api_versions.has_several(observation.asset_type):
        declaration, observation = aligned(declaration, observation)
    schema = schema_of(schemas, observation)
    now = _values(declaration, observation, schema)
    current = _Current(desired.digest, seen, now, schema, observation, is_apply_alone, masking)
    if good is None or before is None:
        return Watched(good=pack(_first(current))) if observation.through != "api" else _NOTHING
    return _compared(current, declaration, fleet_policy, good, before)


class _Current(NamedTuple):
    """What was observed, with all that is worked out of it.

    Args:
        desired: digest of what is declared.
        seen: digest of that and of the observation.
        values: what nobody declares.
        schema: what the catalogue says of the type.
        observation: what was observed.
        is_apply_alone: something else is declared than before, and the observation is the last one again.
        masking: hides what may not be shown.
    """

    desired: str
    seen: str
    values: dict[str, Value]
    schema: Schema | None
    observation: Observation
    is_apply_alone: bool
    masking: Masking


def _compared(
    current: _Current, declaration: Declaration, fleet_policy: Policy | None, stored: LastKnownGood, good: GoodValues
) -> Watched:
    observation = current.observation
    if good.schema != _name(current.schema):
        is_kept = observation.through == "api" or bool(good.changed)
        return Watched(good=stored if is_kept else pack(_taken(current, good)))
    if good.desired != current.desired:
        good = _without_declared(good, current, declaration)
    known = {path: kept for path, kept in good.values.items() if path not in good.wandering}
    differences = tuple(
        difference
        for difference in undeclared_values.changes(
            observation.asset_type,
            Before(known, _key(observation), current.masking),
            current.values,
            current.schema,
            own_project(declaration.project, observation),
        )
        if difference.path not in good.wandering and _is_tellable(difference, good, observation)
    )
    if observation.through == "api":
        return Watched(*_split(declaration, fleet_policy, differences), good=stored, accepted=stored)
    renewed = _is_renewed(current, good)
    if renewed:
        differences = tuple(difference for difference in differences if _is_held(difference, good))
    differences, absorbed, good = _learnt(differences, current, good)
    kept = pack(_kept(current, good, differences, renewed=renewed or absorbed))
    accepted = pack(_taken(current, good)) if differences else kept
    return Watched(*_split(declaration, fleet_policy, differences), good=kept, accepted=accepted)


def _without_declared(good: GoodValues, current: _Current, declaration: Declaration) -> GoodValues:
    """The good values without those that are declared by now: to name a value is to accept it."""
    kept = {
        path: value
        for path, value in good.values.items()
        if path in current.values or not undeclared_values.is_declared(path, declaration.data)
    }
    return replace(good, values=kept)


def _is_renewed(current: _Current, good: GoodValues) -> bool:
    """Whether the values are taken anew: with an apply, and with the first observation after it."""
    is_newer = current.observation.observed_at > good.taken_at
    return good.desired != current.desired or (good.is_provisional and is_newer)


def _is_held(difference: Difference, good: GoodValues) -> bool:
    """Whether a difference was there before the values are taken anew: no apply has named it, so that it stays."""
    return difference.path in good.changed


def _is_tellable(difference: Difference, good: GoodValues, observation: Observation) -> bool:
    """Whether a value that was not there before is news: not where a reading shows more than the inventory does.

    Of values without weight that is not known either, where some were left out.
    """
    if difference.op != "unexpected" or difference.path in good.changed:
        return True
    if observation.through == "api":
        return False
    return not good.is_partial or severity_of(difference) != "low"


def severity_of(difference: Difference) -> str:
    """The severity of an undeclared change."""
    return security_meaning.undeclared_severity(difference.path, difference.declared, difference.observed)


def _learnt(
    differences: tuple[Difference, ...], current: _Current, good: GoodValues
) -> tuple[tuple[Difference, ...], bool, GoodValues]:
    """The differences without values that move by themselves, whether some belong to what is good, and what is learnt.

    Nothing that matters to security is ever learnt.
    """
    light = [difference for difference in differences if severity_of(difference) == "low"]
    if not light:
        return differences, False, good
    if current.observation.observed_at - good.since < _LEARNING:
        return tuple(difference for difference in differences if severity_of(difference) != "low"), True, good
    moves, wandering = dict(good.moves), list(good.wandering)
    for difference in light:
        digest = _digest_of(difference)
        if good.changed.get(difference.path) == digest:
            continue
        moves[difference.path] = moves.get(difference.path, 0) + 1
        if moves[difference.path] >= _WANDERS:
            wandering.append(difference.path)
            del moves[difference.path]
    good = replace(
        good,
        moves=dict(list(moves.items())[-_MOST_TRACKED:]),
        wandering=tuple(wandering[-_MOST_TRACKED:]),
    )
    return tuple(difference for difference in differences if difference.path not in wandering), False, good


def _digest_of(difference: Difference) -> str:
    observed = None if difference.observed is msgspec.UNSET else difference.observed
    return undeclared_values.value_digest(observed)


def _kept(current: _Current, good: GoodValues, differences: Iterable[Difference], *, renewed: bool) -> GoodValues:
    """What is good from now on: the values before, or those of now where nothing differs from what was before."""
    differing = list(differences)
    changed = {difference.path: _digest_of(difference) for difference in differing[:_MOST_TRACKED]}
    if not renewed and (differing or good.desired == current.desired):
        return replace(good, seen=current.seen, changed=changed)
    taken = _taken(current, good)
    if changed:
        taken = _with_values(taken, _restored(current, good.values, changed))
    return replace(taken, changed=changed)


def _restored(current: _Current, before: Mapping[str, Any], changed: Iterable[str]) -> dict[str, Any]:
    """The values of now, with what differs as it was before; a path may lie below one that is kept."""
    values = {path: value.kept for path, value in current.values.items()}
    for path in changed:
        root = next((known for known in (*before, *values) if _is_below(path, known)), path)
        if root in before:
            values[root] = before[root]
        else:
            values.pop(root, None)
    return values


def _is_below(path: str, known: str) -> bool:
    return path.startswith(known) and path[len(known) : len(known) + 1] in ("", ".", "[")


def _first(current: _Current) -> GoodValues:
    observed_at = current.observation.observed_at
    first = GoodValues(current.desired, _name(current.schema), current.seen, observed_at, observed_at)
    return _taken(current, first)


def _taken(current: _Current, good: GoodValues) -> GoodValues:
    """The values of now as what is good."""
    observation = current.observation
    taken = replace(
        good,
        desired=current.desired,
        schema=_name(current.schema),
        seen=current.seen,
        taken_at=observation.observed_at,
        is_provisional=current.is_apply_alone or lifecycle.is_transitional(observation.data),
        changed={},
    )
    return _with_values(taken, {path: value.kept for path, value in current.values.items()})


def _with_values(good: GoodValues, values: Mapping[str, Any]) -> GoodValues:
    """The values as far as there is room, those that matter to security first."""
    room, chosen = _ROOM, {}
    for path in sorted(values, key=lambda path: not security_meaning.why_it_is_watched(path)):
        room -= len(path) + len(_encode(values[path])) + 2
        if room < 0 and not security_meaning.why_it_is_watched(path):
            break
        chosen[path] = values[path]
    return replace(good, values=chosen, is_partial=len(chosen) < len(values))


def _split(
    declaration: Declaration, fleet_policy: Policy | None, differences: tuple[Difference, ...]
) -> tuple[tuple[Difference, ...], tuple[Suppressed, ...]]:
    """What differs, and what differs and is to be left alone by the declaration or the policy."""
    if not differences:
        return (), ()
    settings = fleet_policy.undeclared if fleet_policy is not None else _DEFAULT
    kept, ignored = [], []
    for difference in differences:
        rule = _rule(declaration, settings, fleet_policy, difference)
        if rule:
            ignored.append(Suppressed(rule, difference=difference))
        else:
            kept.append(difference)
    return tuple(kept), tuple(ignored)


def _rule(declaration: Declaration, settings: Undeclared, fleet_policy: Policy | None, difference: Difference) -> str:
    """The rule by which an undeclared change is left alone, or an empty string."""
    if (pattern := ignore_patterns.covering(difference.path, declaration.ignore)) is not None:
        return declaration.ignored_by.get(pattern) or f"{declaration.source}: ignore {pattern}"
    pattern = policy.undeclared_ignore(settings, declaration.asset_type, difference.path)
    if pattern:
        return f"{fleet_policy.source if fleet_policy is not None else 'policy'}: undeclared ignore {pattern}"
    return ""


def _values(declaration: Declaration, observation: Observation, schema: Schema | None) -> dict[str, Value]:
    values = undeclared_values.undeclared(
        observation.asset_type, declaration.data, observation.data, schema, _key(observation)
    )
    whole = declaration.exhaustive_paths
    if not whole:
        return values
    return {path: value for path, value in values.items() if not any(_is_below(path, owned) for owned in whole)}


def _key(observation: Observation) -> bytes:
    """The key of digests: of one resource alone, so that equal secrets of two do not look alike."""
    return hashlib.blake2b(observation.key.name.encode(), digest_size=16).digest()


def _name(schema: Schema | None) -> str:
    return f"{schema.service}/{schema.version}/{schema.name}" if schema is not None else ""


def _seen(schemas: Schemas, observation: Observation, desired: str) -> str:
    """A digest of what is declared, and of all that an observation says, less what only the server writes at the top.

    Of the hashes that cannot be forged this is the fastest on short texts.
    """
    skipped = _server_fields(schemas, observation.asset_type)  # type: ignore[arg-type]  # identity is enough
    body = {name: value for name, value in observation.data.items() if name not in skipped}
    return hashlib.sha256(_encode((desired, body))).hexdigest()[:16]


@lru_cache(maxsize=1024)
def _server_fields(schemas: Schemas, asset_type: str) -> frozenset[str]:
    """Top fields that are output-only in every version of the API, wander by name, or are the system's."""
    versions = schemas.schemas_for(asset_type)
    names = {name for schema in versions for name in schema.fields}
    written = (
        name
        for name in names
        if all((field := schema.fields.get(name)) is None or field.output_only for schema in versions)
    )
    by_type = (path for path in wandering_fields.of_type(asset_type) if "." not in path)
    return system_fields.SYSTEM_FIELDS.union(written, by_type) - wandering_fields.set_by_methods(asset_type)

"""Watching what a declaration does not name: the last known good values, and what has changed of them since.

The values are taken with an apply and with the first observation after it. Until then, and while a resource is on its
way, they are provisional, for some hours. An observation that is the last one again, up to what the server writes,
costs a digest. Values of one API version are never compared with those of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from setpoint.comparison import api_versions, coverage_gaps, undeclared_values
from setpoint.comparison.masking import HIDING, Masking
from setpoint.comparison.undeclared_values import EarlierValues, SettableValue, ValueDigests
from setpoint.detection import good_values, observation_digests, value_folding
from setpoint.detection.good_values import MAX_TRACKED, LiveValues, severity_of
from setpoint.detection.observed_schema import Schemas, aligned, schema_of
from setpoint.detection.restoration import ChangedValues
from setpoint.model import ignore_patterns, last_known_good, policy, security_meaning
from setpoint.model.declaration import Declaration, Desired
from setpoint.model.difference import Difference, Explanation
from setpoint.model.field_path import is_below
from setpoint.model.last_known_good import FORGET, GoodValues, LastKnownGood, pack, unpack
from setpoint.model.observation import Observation
from setpoint.model.own_project import own_project
from setpoint.model.policy import Policy, Undeclared
from setpoint.model.resource_key import WHOLE
from setpoint.model.suppressed import Suppressed

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Schema

_WANDERS = 3
"""So many moves of a value without weight, and it is taken for one that moves by itself."""
_LEARNING = timedelta(hours=1)
"""After the first observation: what others write in this time, and is of no weight, belongs to what is good."""
_PROVEN = timedelta(days=30)
"""So long in another API version alone, and the values of that version are good."""
_MAX_VERSIONS = 2
_MAX_UNKNOWN = 20
"""Fields that are named as not compared."""

_DEFAULT = Undeclared()


class UndeclaredChanges(NamedTuple):
    """The result for the undeclared values.

    Args:
        differences: what differs from the last known good values, and is reported or kept quiet by its weight.
        ignored: what differs and is to be left alone.
        good: what to keep of the resource; None to leave it as it is.
        accepted: makes what to keep of it where the differences are accepted; None where nothing differs.
        unknown: what could not be compared now, and may have changed.
        is_settled: the same observation again has the same result.
    """

    differences: tuple[Difference, ...] = ()
    ignored: tuple[Suppressed, ...] = ()
    good: LastKnownGood | None = None
    accepted: Callable[[], LastKnownGood] | None = None
    unknown: tuple[Explanation, ...] = ()
    is_settled: bool = False


_NOTHING = UndeclaredChanges()


def is_watched(desired: Desired, fleet_policy: Policy | None) -> bool:
    """Whether the last known good values of a resource are kept: not of one that is declared exactly, or in parts."""
    return not _is_in_parts(desired) and _may_be_watched(desired.declarations[0], fleet_policy)


def _may_be_watched(declaration: Declaration, fleet_policy: Policy | None) -> bool:
    return (
        not declaration.exact
        and declaration.key.content in WHOLE
        and (fleet_policy is None or fleet_policy.undeclared.report != "off")
        and ignore_patterns.ALL not in declaration.ignore
    )


def _is_in_parts(desired: Desired) -> bool:
    return len(desired.declarations) > 1 or bool(desired.declarations[0].element)


def watch(
    desired: Desired,
    observation: Observation,
    schemas: Schemas | None,
    fleet_policy: Policy | None,
    good: LastKnownGood | None,
    masking: Masking = HIDING,
    now: datetime | None = None,
) -> UndeclaredChanges:
    """Compare the undeclared values with the last known good ones.

    Args:
        desired: what is declared.
        observation: what was observed.
        schemas: what is known of asset types; without them no field is known to be settable, and nothing is watched.
        fleet_policy: the policy of the fleet.
        good: the last known good values.
        masking: hides what may not be shown, and has the key of digests.
        now: the current time; that of the observation where None.
    """
    if schemas is None or not isinstance(observation.data, dict):
        return _NOTHING
    if not is_watched(desired, fleet_policy):
        return _unwatched(desired, fleet_policy, good) if good is not None else _NOTHING
    beside = observation_digests.undeclared(schemas, observation, desired, masking.secrecy)
    is_whole = not observation.truncated and observation.through != "api"
    seen = observation_digests.content(schemas, observation, desired.digest, masking.secrecy) if is_whole else ""
    if good is not None and good.steady == beside:
        return UndeclaredChanges(good=_with_last_seen(good, seen), is_settled=True)
    inputs = _Inputs(desired, observation, schemas, fleet_policy, masking, now or observation.observed_at)
    watched = _walked(inputs, beside, good)
    accepted = watched.accepted
    return UndeclaredChanges(
        watched.differences,
        watched.ignored,
        _with_last_seen(watched.good, seen) if watched.good is not None else None,
        (lambda: _with_last_seen(accepted(), seen)) if accepted is not None else None,
        watched.unknown,
        watched.is_settled,
    )


def _with_last_seen(good: LastKnownGood, seen: str) -> LastKnownGood:
    """The good values with the digest of the last observation; unchanged after one that shows only a part."""
    if not seen or good.seen == seen:
        return good
    return LastKnownGood(good.packed, good.steady, good.others, good.in_sync, seen)


class _Inputs(NamedTuple):
    """The inputs of ``watch``."""

    desired: Desired
    observation: Observation
    schemas: Schemas
    fleet_policy: Policy | None
    masking: Masking
    now: datetime


def _walked(inputs: _Inputs, seen: str, good: LastKnownGood | None) -> UndeclaredChanges:
    """Compare an observation that is another than the last one."""
    observation, before = inputs.observation, unpack(good)
    if before is None and (observation.truncated or observation.through == "api"):
        return _NOTHING
    last_seen = (good.seen if good is not None else "") or (before.seen if before is not None else "")
    current, declaration = _current(inputs, seen, before, last_seen)
    if good is None or before is None:
        first = good_values.first_values(current)
        return UndeclaredChanges(good=pack(first), is_settled=first.provisional_until is None)
    compare = _in_same_version if before.schema == current.version else _in_other_version
    return compare(current, declaration, inputs.fleet_policy, good, before)


def changed(
    desired: Desired,
    observation: Observation,
    schemas: Schemas | None,
    fleet_policy: Policy | None,
    stored: LastKnownGood | None,
    masking: Masking = HIDING,
) -> ChangedValues | None:
    """What is known of the undeclared values of a resource that was just read, to write them back.

    The arguments are those of ``watch``.

    Returns:
        None where the last known good values are of other declarations or another API version, or are not kept.
    """
    good = unpack(stored)
    if good is None or schemas is None or not isinstance(observation.data, dict) or observation.truncated:
        return None
    if good.desired != desired.digest or not is_watched(desired, fleet_policy):
        return None
    inputs = _Inputs(desired, observation, schemas, fleet_policy, masking, observation.observed_at)
    current, declaration = _current(inputs, "", good, "")
    if current.observation is not observation or current.version != good.schema:
        return None
    return ChangedValues(declaration, good, current, fleet_policy)


def left(changed: ChangedValues, data: dict[str, Any]) -> tuple[Difference, ...]:
    """What would differ from the last known good values if a resource had other fields.

    Args:
        changed: what is known of the resource.
        data: those fields.
    """
    declaration, good, current, _ = changed
    observation = replace(current.observation, data=data)
    values = _values(declaration, observation, current.schema, current.masking, good)
    return _differences(current._replace(observation=observation, values=values), declaration, good)


def _current(inputs: _Inputs, seen: str, before: GoodValues | None, last_seen: str) -> tuple[LiveValues, Declaration]:
    """What was observed, and the declaration in the API version in which it is compared."""
    desired, observation, schemas, _, masking, now = inputs
    is_repeated = (
        before is not None
        and before.desired != desired.digest
        and last_seen == observation_digests.content(schemas, observation, before.desired, masking.secrecy)
    )
    declaration, version = desired.declarations[0], ""
    compared, in_version = declaration, observation
    if len(schemas.schemas_for(observation.asset_type)) > 1:
        version = _name(schema_of(schemas, observation))
        if api_versions.has_several(observation.asset_type):
            compared, in_version = aligned(declaration, observation)
    schema = schema_of(schemas, in_version)
    if in_version is not observation:
        version += f" as {_name(schema)}"
    values = _values(compared, in_version, schema, masking, before)
    current = LiveValues(
        declaration, desired.digest, seen, values, schema, version, in_version, is_repeated, masking, now
    )
    return current, compared


def _unwatched(desired: Desired, fleet_policy: Policy | None, good: LastKnownGood) -> UndeclaredChanges:
    """What becomes of good values that are not compared: they stay where the resource is declared in parts."""
    declaration = desired.declarations[0]
    if not _is_in_parts(desired) or not _may_be_watched(declaration, fleet_policy):
        return UndeclaredChanges(good=FORGET)
    before = unpack(good)
    paths = before.changed if before is not None else ()
    return UndeclaredChanges(good=good, unknown=_unknown(paths, "several declarations name the resource"))


def _in_same_version(
    current: LiveValues, declaration: Declaration, fleet_policy: Policy | None, stored: LastKnownGood, good: GoodValues
) -> UndeclaredChanges:
    """Compare an observation in the API version of the good values; what other versions show stays unknown."""
    observation = current.observation
    others = last_known_good.others(stored)
    open_elsewhere = [path for other in others for path in other.changed]
    if good.desired != current.desired:
        good = good_values.without_declared(good, current.values, declaration)
        others = tuple(good_values.without_declared(other, current.values, declaration) for other in others)
    if observation.truncated:
        return _cut_off(current, declaration, fleet_policy, stored, good)
    differences = _differences(current, declaration, good)
    unknown = _unknown(open_elsewhere, coverage_gaps.ANOTHER_VERSION)
    if observation.through == "api":
        return UndeclaredChanges(*_split(declaration, fleet_policy, differences), stored, lambda: stored, unknown)
    if not differences and _is_settled(current, good, stored):
        return UndeclaredChanges((), (), LastKnownGood(stored.packed, current.seen), None, unknown, is_settled=True)
    result = _compared(current, differences, good)
    is_same = not result.differences and not result.is_renewed
    others = tuple(
        replace(other, is_unproven=other.is_unproven and not is_same) for other in others if other.changed or is_same
    )
    is_final = result.good.provisional_until is None and not result.good.is_crowded
    return UndeclaredChanges(
        *_split(declaration, fleet_policy, result.differences),
        pack(replace(result.good, left_at=None), others),
        (lambda: pack(good_values.renewed_values(current, replace(result.good, left_at=None))))
        if result.differences
        else None,
        unknown,
        is_settled=is_final and not (others or result.is_renewed),
    )


def _is_settled(current: LiveValues, good: GoodValues, stored: LastKnownGood) -> bool:
    """Whether an observation without differences changes nothing of the good values but the digest of the last one."""
    return (
        good.desired == current.desired
        and not good.changed
        and not good.is_crowded
        and good.provisional_until is None
        and good.left_at is None
        and not stored.others
    )


def _in_other_version(
    current: LiveValues, declaration: Declaration, fleet_policy: Policy | None, stored: LastKnownGood, good: GoodValues
) -> UndeclaredChanges:
    """Compare an observation in another API version than that of the good values with the last of its own version.

    What changed together with the version cannot be seen: until the values of the new version are proven, or an apply
    comes, the fields that matter are unknown.
    """
    observation = current.observation
    others = last_known_good.others(stored)
    own = next((other for other in others if other.schema == current.version), None)
    rest = [good, *(other for other in others if other is not own)]
    open_elsewhere = [path for other in rest for path in other.changed]
    if observation.through == "api" or observation.truncated:
        if own is not None:
            open_elsewhere += own.changed
        return UndeclaredChanges(good=stored, unknown=_unknown(open_elsewhere, coverage_gaps.ANOTHER_VERSION))
    is_applied = good_values.is_applied(current, good)
    if own is None:
        result = _Result((), replace(good_values.first_values(current), is_unproven=True), is_applied)
    else:
        if own.desired != current.desired:
            own = good_values.without_declared(own, current.values, declaration)
        result = _compared(current, _differences(current, declaration, own), own)
    left_at = good.left_at or observation.observed_at
    is_old = not good.changed and observation.observed_at - left_at > _PROVEN
    own = result.good
    if is_applied or is_old:
        packed = pack(replace(own, is_unproven=False), [other for other in rest if other.changed][-_MAX_VERSIONS:])
        unproven: Sequence[str] = ()
    else:
        packed = pack(replace(good, left_at=left_at), [*rest[1:], own][-_MAX_VERSIONS:])
        unproven = _severe(good) if own.is_unproven else ()
    return UndeclaredChanges(
        *_split(declaration, fleet_policy, result.differences),
        packed,
        (lambda: pack(replace(good_values.renewed_values(current, own), is_unproven=False)))
        if result.differences
        else None,
        _unknown([*open_elsewhere, *unproven], coverage_gaps.ANOTHER_VERSION),
    )


def _severe(good: GoodValues) -> list[str]:
    return [path for path in good.values if path in good.folded or security_meaning.why_it_is_watched(path)]


class _Result(NamedTuple):
    """What became of the values in one API version.

    Args:
        differences: what differs.
        good: the good values from now on.
        is_renewed: they were taken again.
    """

    differences: tuple[Difference, ...]
    good: GoodValues
    is_renewed: bool


def _differences(current: LiveValues, declaration: Declaration, good: GoodValues) -> tuple[Difference, ...]:
    """How the values differ from the good ones."""
    observation = current.observation
    known = good.values
    if good.wandering or good.folded:
        skipped = {*good.wandering, *good.folded}
        known = {path: kept for path, kept in known.items() if path not in skipped}
    of_many, single = value_folding.changes(good.folded, good.values, current.values, current.digests)
    differing = undeclared_values.changes(
        observation.asset_type,
        EarlierValues(known, current.digests, current.masking),
        single,
        current.schema,
        own_project(declaration.project, observation),
    )
    return of_many + tuple(
        difference
        for difference in differing
        if difference.path not in good.wandering and _is_reportable(difference, good, observation)
    )


def _compared(current: LiveValues, differences: tuple[Difference, ...], good: GoodValues) -> _Result:
    """What is reported, and what is good from now on."""
    renewed = good_values.is_renewed(current, good)
    if renewed:
        differences = tuple(difference for difference in differences if good_values.is_held(difference, good))
    differences, absorbed, good = _without_moving_values(differences, current, good)
    kept = good_values.updated(current, good, differences, renewed=renewed or absorbed)
    return _Result(differences, kept, renewed)


def _cut_off(
    current: LiveValues, declaration: Declaration, fleet_policy: Policy | None, stored: LastKnownGood, good: GoodValues
) -> UndeclaredChanges:
    """Compare what a truncated asset has; what it lacks is unknown."""
    good = replace(
        good, folded=(), values={path: kept for path, kept in good.values.items() if path not in good.folded}
    )
    kept, ignored = _split(declaration, fleet_policy, _differences(current, declaration, good))
    shown = tuple(difference for difference in kept if difference.op != "missing")
    paths = {difference.path for difference in shown}
    lacking = [
        difference.path for difference in kept if difference.op == "missing" and severity_of(difference) != "low"
    ]
    unknown = [path for path in dict.fromkeys([*good.changed, *lacking]) if path not in paths]
    return UndeclaredChanges(shown, ignored, stored, lambda: stored, _unknown(unknown, coverage_gaps.TRUNCATED))


def _unknown(paths: Iterable[str], why: str) -> tuple[Explanation, ...]:
    """The fields that may have changed and could not be compared."""
    return tuple(
        coverage_gaps.undeclared(path, why, security_meaning.why_it_is_watched(path))
        for path in list(dict.fromkeys(paths))[: MAX_TRACKED + _MAX_UNKNOWN]
    )


def _is_reportable(difference: Difference, good: GoodValues, observation: Observation) -> bool:
    """Whether a value that was not there before is news: not where a reading shows more than the inventory does.

    Of values without weight that is not known either, where some were left out.
    """
    if difference.op != "unexpected" or difference.path in good.changed:
        return True
    if observation.through == "api":
        return False
    return not good.is_partial or severity_of(difference) != "low"


def _without_moving_values(
    differences: tuple[Difference, ...], current: LiveValues, good: GoodValues
) -> tuple[tuple[Difference, ...], bool, GoodValues]:
    """The differences without values that move by themselves, whether some belong to what is good, and what is learnt.

    Nothing that matters to security is ever learnt.
    """
    light = [difference for difference in differences if severity_of(difference) == "low"]
    if not light or good.is_crowded:  # which of many have moved since is not known
        return differences, False, good
    if current.observation.observed_at - good.since < _LEARNING:
        return tuple(difference for difference in differences if severity_of(difference) != "low"), True, good
    moves, wandering = dict(good.moves), list(good.wandering)
    for difference in light:
        digest = good_values.digest_of(difference)
        if good.changed.get(difference.path) == digest:
            continue
        moves[difference.path] = moves.get(difference.path, 0) + 1
        if moves[difference.path] >= _WANDERS:
            wandering.append(difference.path)
            del moves[difference.path]
    good = replace(
        good,
        moves=dict(list(moves.items())[-MAX_TRACKED:]),
        wandering=tuple(wandering[-MAX_TRACKED:]),
    )
    return tuple(difference for difference in differences if difference.path not in wandering), False, good


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
        return ignore_patterns.rule_of(declaration, pattern)
    pattern = policy.undeclared_pattern(settings.ignore, declaration.asset_type, difference.path)
    if pattern:
        return f"{fleet_policy.source if fleet_policy is not None else 'policy'}: undeclared ignore {pattern}"
    return ""


def _values(
    declaration: Declaration,
    observation: Observation,
    schema: Schema | None,
    masking: Masking,
    before: GoodValues | None,
) -> dict[str, SettableValue]:
    digests = ValueDigests(masking.secrecy, observation.key.name)
    known = before.values if before is not None else {}
    values = undeclared_values.undeclared(
        observation.asset_type, declaration.data, observation.data, schema, digests, known
    )
    whole = declaration.exhaustive_paths
    if not whole:
        return values
    return {path: value for path, value in values.items() if not any(is_below(path, owned) for owned in whole)}


def _name(schema: Schema | None) -> str:
    return f"{schema.service}/{schema.version}/{schema.name}" if schema is not None else ""

"""Add the differences that a read through the resource's own API showed to those of the feed."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from setpoint.comparison.unobservable_fields import known_by_api, unobservable
from setpoint.model import policy as policies
from setpoint.model.api_reading import ApiReading
from setpoint.model.declaration import Declaration, Desired
from setpoint.model.difference import Difference
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation


class ByApi(NamedTuple):
    """The differences of the last API read, and whether the declaration is unchanged since."""

    known: tuple[Difference, ...] = ()
    is_declared_the_same: bool = False


def by_api_of(desired: Desired, rules: Rules, observation: Observation, reading: ApiReading | None) -> ByApi | None:
    """The last API read of a resource; None if the policy does not read it through the API."""
    if not policies.is_read_by_api(rules.policy, observation.asset_type, observation.key):
        return None
    return ByApi(reading.differences, reading.desired == desired.digest) if reading is not None else ByApi()


def is_in(difference: Difference, differing: list[tuple[Declaration, Difference]]) -> bool:
    """Whether a difference from the API was already added for another declaration."""
    is_repeated = bool(difference.seen_by) or difference.path.startswith("bindings[")
    return is_repeated and any(difference == other for _, other in differing)


def observable(
    differing: tuple[Difference, ...], observation: Observation, by_api: ByApi | None
) -> tuple[Difference, ...]:
    """The differences without fields that the inventory never carries; those come from the last API read."""
    if by_api is not None and observation.through == "api":
        return tuple(replace(difference, seen_by="api") for difference in differing)
    lacking: tuple[Difference, ...] = ()
    if differing:
        lacking = unobservable(observation.asset_type, differing, observation.data, truncated=observation.truncated)
    if lacking:
        differing = tuple(difference for difference in differing if difference not in lacking)
    if by_api is None or not by_api.known:
        return differing
    return differing + known_by_api(
        lacking, by_api.known, observation.asset_type, observation.data, same=by_api.is_declared_the_same
    )

"""Check that documents name places that are known: a rule for a misspelt folder is a rule for nothing."""

from __future__ import annotations

from collections.abc import Iterator

from setpoint.declarations.plan import Plan
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import known_places
from setpoint.detection.known_places import NamedPlace, PlaceStore
from setpoint.errors import NotPermitted

_LIMIT = 5


def check(planned: Plan, loaded: LoadResult, store: PlaceStore, *, not_seen_yet: bool = False) -> tuple[str, ...]:
    """Check the places that the policy, the scopes, ``Sources`` and ``Defaults`` name for the first time.

    A place is known where a sweep has listed a resource in it, where a finding or a declaration is located in it, or
    where a document in force names it. Before the first sweep has ended nothing is known to be absent: a place
    is then only reported.

    Args:
        planned: the plan of the apply.
        loaded: the files.
        store: the store.
        not_seen_yet: whether unknown places are meant.

    Returns:
        A line for each unknown place, for a warning; empty where unknown places are meant.

    Raises:
        NotPermitted: a place is not known; nothing was written. Check its spelling, or say that it is meant.
    """
    named = [] if not_seen_yet else list(_named(planned, loaded))
    unknown = known_places.unknown({name.place for name in named}, store) if named else set()
    unseen = [name for name in named if name.place in unknown]
    listed = known_places.listed_kinds(store) if unseen else frozenset()
    lines = tuple(f"{name.where}: {name.subject} names {name.place}" for name in dict.fromkeys(unseen))
    refused = [line for line, name in zip(lines, dict.fromkeys(unseen), strict=True) if _kind(name) in listed]
    if refused:
        more = f", and {len(refused) - _LIMIT} more" if len(refused) > _LIMIT else ""
        raise NotPermitted(
            f"nothing was applied: these places are unknown: {'; '.join(refused[:_LIMIT])}{more}; "
            "check the spelling, or allow it with `setpoint apply --not-seen-yet`, an upload with the metadata "
            "not-seen-yet=true"
        )
    return lines


def _kind(name: NamedPlace) -> str:
    return name.place.partition("/")[0]


def _named(planned: Plan, loaded: LoadResult) -> Iterator[NamedPlace]:
    """The places that changed documents name."""
    if planned.repolicies:
        yield from known_places.of_policy(planned.policy)
    if planned.rescopes:
        yield from known_places.of_scopes(planned.scopes)
    if planned.regrants:
        yield from known_places.of_sources(planned.sources)
    yield from known_places.of_projects(loaded.default_projects.items(), "a Defaults document")

"""Comparing lists: sets, lists keyed by a field of their elements, and true sequences.

Protobuf has one kind of list, and Google's schemas do not say which lists have an order. Most have none: scopes,
members, tags, ranges, rules with a priority. So a list is a set unless its name is known to mean a sequence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from setpoint.catalog import secrets
from setpoint.comparison import api_quirks, scalars
from setpoint.model import field_path
from setpoint.model.field_path import Path
from setpoint.model.references import same

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field
    from setpoint.comparison.compare import Comparison

SEQUENCES = frozenset(
    (
        "args",  # a command line
        "arguments",  # the same
        "command",  # the same
        "commands",  # the same
        "entrypoint",  # the same
        "steps",  # run one after the other
        "stages",  # the same
        "installSteps",  # the same
        "updateSteps",  # the same
        "columns",  # of a table or an index
        "primaryKey",  # the same
        "clusteringFields",  # most significant first
        "httpFilters",  # applied in order
        "aggregations",  # each takes what the one before gives
        "initializationActions",  # run one after the other
        "runnables",  # the same
        "messageTransforms",  # the same
        "fieldTransformations",  # the same
        "extensionChains",  # first match wins
        "transitionRoutes",  # the same
        "localityLbPolicies",  # the first that the client knows is used
    )
)
"""Lists whose order has a meaning; every other list is a set."""

_ORDERED_ELEMENTS = frozenset(
    (
        "GoogleFirestoreAdminV1IndexField",  # another order is another index
        "GrpcRouteRouteRule",  # first match wins
        "HttpRouteRouteRule",  # the same
        "TcpRouteRouteRule",  # the same
        "TlsRouteRouteRule",  # the same
        "OSPolicyResource",  # enforced one after the other
    )
)
"""Messages whose lists have an order, under names that tell nothing (``rules``, ``fields``, ``resources``)."""

_SCALAR_SEQUENCES = SEQUENCES | {"fields"}
"""The same for lists of scalars: ``clustering.fields`` is ordered, a table's ``schema.fields`` go by name."""

_IDENTIFIERS = (
    "name",
    "key",
    "id",
    "priority",
    "role",
    "type",
    "fieldPath",
    "field",
    "constraint",
    "displayName",
    "deviceName",
    "port",
    "rangeName",
    "network",
    "group",
    "instance",
    "domain",
    "tag",
    "location",
    "service",
    "ipRange",
    "cidrBlock",
)
"""Fields that identify a list element, best first, where every element has one of its own."""

_FEW = 64
"""Up to this many leftovers on each side are matched by meaning, each with each; beyond it by their last segment."""

_TRIES = 20_000
"""So many pairs of one long list are compared by meaning at most, so that no event takes seconds."""


def compare(walk: Comparison, path: Path, name: str, field: Field | None, want: list[Any], have: list[Any]) -> None:
    """Compare two lists and report to ``walk``; a list of messages by element, a list of scalars as one."""
    item = field.item if field is not None else None
    if item is None:
        have = _unwrapped(want, have)
    elements = want or have
    if not (elements and isinstance(elements[0], dict)):
        _scalars(walk, path, name, field, item, want, have)
        return
    has_order = is_ordered(name, item)
    if key := _identifier(item, want, have):
        _by_key(walk, path, name, item, want, have, key)
        if has_order:
            _order(walk, path, name, [element[key] for element in want], [element[key] for element in have])
    elif has_order:
        _in_order(walk, path, name, item, want, have)
    else:
        _by_likeness(walk, path, name, item, want, have)


def is_ordered(name: str, item: Field | None) -> bool:
    """Whether the order of a list of messages has a meaning: by the list's name, or by what its elements are."""
    return name in SEQUENCES or (item is not None and item.schema is not None and item.schema.name in _ORDERED_ELEMENTS)


def _unwrapped(want: list[Any], have: list[Any]) -> list[Any]:
    """Where no schema tells: scalars that the API gives back in objects of one field each, ``[{username: x}]``."""
    if not want or isinstance(want[0], dict):
        return have
    inner = [next(iter(one.values())) for one in have if isinstance(one, dict) and len(one) == 1]
    return inner if len(inner) == len(have) else have


def _scalars(
    walk: Comparison,
    path: Path,
    name: str,
    field: Field | None,
    item: Field | None,
    want: list[Any],
    have: list[Any],
) -> None:
    if name in _SCALAR_SEQUENCES:
        missing = unexpected = _unlike_positions(walk, name, item, want, have)
        equal = len(want) == len(have) and not missing
    else:
        missing, unexpected = _leftovers(walk, path, name, item, want, have)
        equal = not missing and all(_is_told_twice(walk, item, have, at) for at in unexpected)
    if equal:
        walk.note(path, "same elements")
    elif reason := _untold(item, want, have, missing, unexpected):
        walk.leave(path, want, reason)
    else:
        walk.differ(path, "changed", name, field, want, have)


def _unlike_positions(walk: Comparison, name: str, item: Field | None, want: list[Any], have: list[Any]) -> list[int]:
    pairs = enumerate(zip(want, have, strict=False))
    return [
        at for at, (one, other) in pairs if not _is_same(_trial(walk, field_path.ROOT, name, item, one, other), one)
    ]


def _untold(item: Field | None, want: list[Any], have: list[Any], missing: list[int], unexpected: list[int]) -> str:
    """Why none of the elements without a counterpart tells whether there is a difference, or an empty string."""
    if not missing or len(want) != len(have) or len(missing) != len(unexpected):
        return ""
    pairs = zip(missing, unexpected, strict=True)
    reasons = [scalars.indeterminate(item, want[one], have[other]) for one, other in pairs]
    return reasons[0] if all(reasons) else ""


def _is_told_twice(walk: Comparison, item: Field | None, have: list[Any], at: int) -> bool:
    """Whether an observed reference names the same resource as another one beside it, in another spelling."""
    if item is None or not item.reference or not isinstance(have[at], str) or len(have) > _LONG:
        return False
    own = walk.own._replace(ids_for_names=False)
    return any(other != at and isinstance(one, str) and same(one, have[at], own) for other, one in enumerate(have))


_LONG = 300
"""Beyond so many elements nobody looks whether one is told twice."""


def _leftovers(
    walk: Comparison, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any]
) -> tuple[list[int], list[int]]:
    """Positions on each side that have no counterpart on the other: first literally, then by meaning."""
    waiting: dict[Any, list[int]] = {}
    for at, element in enumerate(have):
        waiting.setdefault(_literal(element), []).append(at)
    missing = []
    for at, element in enumerate(want):
        same = waiting.get(_literal(element))
        if same:
            same.pop()
        else:
            missing.append(at)
    unexpected = sorted(at for group in waiting.values() for at in group)
    if not missing or not unexpected:
        return missing, unexpected
    candidates = _Candidates(unexpected, have, few=max(len(missing), len(unexpected)) <= _FEW)
    unmatched = []
    for at in missing:
        for other in candidates.like(want[at]):
            trial = _trial(walk, (path, field_path.index(at)), name, item, want[at], have[other])
            if _is_same(trial, want[at]):
                walk.absorb(trial)
                candidates.take(other, have[other])
                break
        else:
            unmatched.append(at)
    return unmatched, candidates.left()


class _Candidates:
    """Observed elements or keys that wait for a counterpart, by what they may be recognised by."""

    def __init__(self, waiting: list[int], elements: Sequence[Any], *, few: bool) -> None:
        self._few = few
        self._tries = _TRIES
        self._waiting: dict[Any, dict[int, None]] = {}
        for at in waiting:
            self._waiting.setdefault(self._tail(elements[at]), {})[at] = None

    def like(self, element: Any) -> Iterator[int]:
        """The positions that may be this element's, until too many have been tried."""
        for at in self._waiting.get(self._tail(element), ()):
            if not self._tries:
                return
            self._tries -= 1
            yield at

    def take(self, at: int, element: Any) -> None:
        """Let a position wait no longer."""
        del self._waiting[self._tail(element)][at]

    def left(self) -> list[int]:
        """The positions that still wait."""
        return sorted(at for group in self._waiting.values() for at in group)

    def _tail(self, element: Any) -> Any:
        """Few are compared each with each; of many only scalars that end alike, as references to one thing do."""
        if self._few:
            return ""
        if isinstance(element, (dict, list)):
            return _literal(element)
        return str(element).rstrip("/").rpartition("/")[2].casefold()


def _literal(element: Any) -> Any:
    if isinstance(element, (dict, list)):
        return msgspec.json.encode(element, order="deterministic")
    return (isinstance(element, bool), element)


def _trial(walk: Comparison, path: Path, name: str, item: Field | None, want: Any, have: Any) -> Comparison:
    """What comparing two elements would find."""
    trial = walk.trial()
    trial.value(path, name, item, want, have)
    return trial


def _is_same(trial: Comparison, want: Any) -> bool:
    return not trial.differences and (isinstance(want, dict) or not trial.unchecked)


def _in_order(walk: Comparison, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any]) -> None:
    for at in range(max(len(want), len(have))):
        _pair(walk, path, field_path.index(at), name, item, want[at : at + 1], have[at : at + 1])


def _pair(
    walk: Comparison, list_path: Path, part: str, name: str, item: Field | None, want: list[Any], have: list[Any]
) -> None:
    """Compare one element with its counterpart, either of which may not be there."""
    walk.paired(list_path, part, want, have)
    path = (list_path, part)
    if want and have:
        walk.value(path, name, item, want[0], have[0])
    elif want:
        walk.differ(path, "missing", name, item, want[0], msgspec.UNSET)
    else:
        walk.differ(path, "unexpected", name, item, msgspec.UNSET, have[0])


def _identifier(item: Field | None, want: list[Any], have: list[Any]) -> str:
    """The field that identifies the elements of both sides, or an empty string; a secret is never shown in a path."""
    present = (want or have)[0]
    for key in _IDENTIFIERS:
        if key in present and _identifies(key, want) and _identifies(key, have):
            field = item.schema.fields.get(key) if item is not None and item.schema is not None else None
            if field is None or not secrets.is_secret(field):
                return key
    return ""


def _identifies(key: str, elements: list[Any]) -> bool:
    seen = set()
    for element in elements:
        value = element.get(key) if isinstance(element, dict) else None
        if value is None or value == "" or isinstance(value, (dict, list)):
            return False
        seen.add(value)
    return len(seen) == len(elements)


def _by_key(
    walk: Comparison, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any], key: str
) -> None:
    field = item.schema.fields.get(key) if item is not None and item.schema is not None else None
    there = {element[key]: element for element in have}
    spellings = _other_spellings(walk, field, key, [element[key] for element in want], list(there))
    for element in want:
        wanted = element[key]
        counterpart = there.pop(spellings.get(wanted, wanted), None)
        found = [] if counterpart is None else [counterpart]
        _pair(walk, path, field_path.element(key, wanted), name, item, [element], found)
    for value, element in there.items():
        part = field_path.element(key, value)
        if api_quirks.is_added_by_server(item, element):
            walk.note((path, part), "added by the server")
        else:
            _pair(walk, path, part, name, item, [], [element])


def _order(walk: Comparison, path: Path, name: str, want: list[Any], have: list[Any]) -> None:
    """Report elements that are there on both sides, and not in the declared order."""
    both = set(want).intersection(have)
    declared, observed = ([key for key in side if key in both] for side in (want, have))
    if declared != observed:
        walk.differ(path, "changed", name, None, declared, observed)


def _other_spellings(
    walk: Comparison, field: Field | None, key: str, want: list[Any], have: list[Any]
) -> dict[Any, Any]:
    """The observed key of each declared one that is there in another spelling only."""
    if want == have:
        return {}
    missing, unexpected = set(want).difference(have), set(have).difference(want)
    if not missing or not unexpected:
        return {}
    found = {}
    waiting = [at for at, value in enumerate(have) if value in unexpected]
    candidates = _Candidates(waiting, have, few=max(len(missing), len(unexpected)) <= _FEW)
    for wanted in want:
        if wanted not in missing:
            continue
        for at in candidates.like(wanted):
            if scalars.equal(field, key, wanted, have[at], walk.own):
                candidates.take(at, have[at])
                found[wanted] = have[at]
                break
    return found


def _by_likeness(walk: Comparison, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any]) -> None:
    """Elements without an identity: equal ones go together, then the most alike, and what is left stands alone."""
    missing, unexpected = _leftovers(walk, path, name, item, want, have)
    left = deque(unexpected)
    for at in missing:
        found = []
        if left:
            counterpart = left[0] if len(left) > _FEW else _most_alike(walk, name, item, want[at], have, left)
            left.remove(counterpart)
            found = [have[counterpart]]
        _pair(walk, path, field_path.index(at), name, item, [want[at]], found)
    for at in left:
        _pair(walk, path, field_path.index(at), name, item, [], [have[at]])


def _most_alike(
    walk: Comparison, name: str, item: Field | None, want: Any, have: list[Any], left: Collection[int]
) -> int:
    if len(left) == 1:
        return next(iter(left))
    return min(left, key=lambda at: (len(_trial(walk, field_path.ROOT, name, item, want, have[at]).differences), at))

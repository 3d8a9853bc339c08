"""Compare lists: sets, lists keyed by a field of their elements, and sequences.

A list is a set unless :mod:`setpoint.comparison.list_order` has it as a sequence.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from setpoint.catalog import field_rules, secrets
from setpoint.comparison import list_order, scalars, server_elements
from setpoint.model import field_path
from setpoint.model.field_path import Path
from setpoint.model.references import same

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field
    from setpoint.comparison.compare import Comparison

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
"""Fields that identify a list element, by precedence, if every element has a unique value."""

_FEW = 64
"""Maximum number of unmatched elements on each side for pairwise comparison; more are matched by last segment."""

_TRIES = 20_000
"""Maximum number of pairs that are compared in one long list, which bounds the time of an event."""


def compare(walk: Comparison, path: Path, name: str, field: Field | None, want: list[Any], have: list[Any]) -> None:
    """Compare two lists and report to ``walk``; a list of messages by element, a list of scalars as a whole."""
    item = field.item if field is not None else None
    rules = walk.rules(path)
    if item is None:
        have = _unwrapped(want, have)
    elements = want or have
    reported = len(walk.differences)
    if not (elements and isinstance(elements[0], dict)):
        _scalars(walk, path, name, field, rules, want, have)
    else:
        _messages(walk, path, name, item, want, have, has_order=list_order.is_ordered(name, item, field, rules))
    if "first" in rules and want and have and len(walk.differences) == reported:
        trial = _trial(walk, (path, field_path.index(0)), name, item, want[0], have[0])
        if not _is_same(trial, want[0]):
            walk.differ(path, "changed", name, field, want, have)


def _messages(
    walk: Comparison, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any], *, has_order: bool
) -> None:
    if key := identifier(item, want, have):
        _by_key(walk, path, name, item, want, have, key)
        if has_order:
            _order(walk, path, name, [element[key] for element in want], [element[key] for element in have])
    elif has_order:
        _in_order(walk, path, name, item, want, have)
    else:
        _by_likeness(walk, path, name, item, want, have)


def _unwrapped(want: list[Any], have: list[Any]) -> list[Any]:
    """Without a schema: scalars that the API returns in objects of one field each, ``[{username: x}]``."""
    if not want or isinstance(want[0], dict):
        return have
    inner = [next(iter(element.values())) for element in have if isinstance(element, dict) and len(element) == 1]
    return inner if len(inner) == len(have) else have


def _scalars(
    walk: Comparison,
    path: Path,
    name: str,
    field: Field | None,
    rules: field_rules.Rules,
    want: list[Any],
    have: list[Any],
) -> None:
    item = field.item if field is not None else None
    if list_order.is_ordered(name, item, field, rules) or (name == "fields" and "set" not in rules):
        missing = unexpected = _unlike_positions(walk, path, name, item, want, have)
        equal = len(want) == len(have) and not missing
    else:
        want = _distinct(want)
        missing, unexpected = _Matching(walk, path, name, item, want, have).match()
        equal = not missing and all(
            _is_duplicate_reference(walk, item, have, position)
            or server_elements.why_added(walk.place(path), name, item, have[position])
            for position in unexpected
        )
    if equal:
        walk.note(path, "same elements")
    elif reason := _indeterminate(item, want, have, missing, unexpected):
        walk.record_unchecked(path, want, reason)
    else:
        walk.differ(path, "changed", name, field, want, have)


def _distinct(elements: list[Any]) -> list[Any]:
    """The elements of a set without duplicates."""
    if len(elements) < 2:  # noqa: PLR2004 - nothing to compare
        return elements
    return list({_literal(element): element for element in elements}.values())


def _unlike_positions(
    walk: Comparison, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any]
) -> list[int]:
    pairs = enumerate(zip(want, have, strict=False))
    return [
        position
        for position, (declared, observed) in pairs
        if not _is_same(_trial(walk, (path, field_path.index(position)), name, item, declared, observed), declared)
    ]


def _indeterminate(
    item: Field | None, want: list[Any], have: list[Any], missing: list[int], unexpected: list[int]
) -> str:
    """Why no unmatched element can be compared; empty if each can."""
    if not missing or len(want) != len(have) or len(missing) != len(unexpected):
        return ""
    pairs = zip(missing, unexpected, strict=True)
    reasons = [scalars.indeterminate(item, want[declared], have[observed]) for declared, observed in pairs]
    return reasons[0] if all(reasons) else ""


def _is_duplicate_reference(walk: Comparison, item: Field | None, have: list[Any], position: int) -> bool:
    """Whether an observed reference is another spelling of a second reference in the list."""
    if item is None or not item.reference or not isinstance(have[position], str) or len(have) > _LONG:
        return False
    own = walk.own._replace(ids_for_names=False)
    return any(
        other != position and isinstance(element, str) and same(element, have[position], own)
        for other, element in enumerate(have)
    )


_LONG = 300
"""Longer lists are not searched for duplicate references."""


class _Matching:
    """Pairs of declared and observed elements without an identifier."""

    def __init__(
        self, walk: Comparison, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any]
    ) -> None:
        self._walk = walk
        self._path = path
        self._name = name
        self._item = item
        self._want = want
        self._have = have
        self._is_few = max(len(want), len(have)) <= _FEW
        self._pairs: dict[int, tuple[int, Comparison | None]] = {}
        self._trials: dict[tuple[int, int], Comparison] = {}

    def match(self) -> tuple[list[int], list[int]]:
        """Match equal elements, literally first, then by meaning, and note why they are equal.

        Returns: the unmatched positions of each side.
        """
        missing, unexpected = self._match_literally()
        if missing and unexpected:
            missing, unexpected = self._match_by_meaning(missing, unexpected)
            for _, trial in self._pairs.values():
                if trial is not None:
                    self._walk.absorb(trial)
        return missing, unexpected

    def most_alike(self, position: int, left: Collection[int]) -> int:
        """The observed position with the fewest differences from a declared one."""
        if len(left) == 1:
            return next(iter(left))
        return min(left, key=lambda candidate: (len(self._trial(position, candidate).differences), candidate))

    def _match_literally(self) -> tuple[list[int], list[int]]:
        waiting: dict[Any, list[int]] = {}
        for candidate, element in enumerate(self._have):
            waiting.setdefault(_literal(element), []).append(candidate)
        missing = []
        for position, element in enumerate(self._want):
            same = waiting.get(_literal(element))
            if same:
                self._pairs[same.pop()] = (position, None)
            else:
                missing.append(position)
        return missing, sorted(candidate for group in waiting.values() for candidate in group)

    def _match_by_meaning(self, missing: list[int], unexpected: list[int]) -> tuple[list[int], list[int]]:
        candidates = _Candidates(unexpected, self._have, few=max(len(missing), len(unexpected)) <= _FEW)
        missing = [position for position in missing if not self._match_first(position, candidates)]
        if missing and self._is_few and isinstance(self._want[missing[0]], dict) and candidates.left():
            missing = [position for position in missing if not self._augment(position, set())]
        return missing, [candidate for candidate in candidates.left() if candidate not in self._pairs]

    def _match_first(self, position: int, candidates: _Candidates) -> bool:
        """Pair a declared position with the first candidate that is the same."""
        for candidate in candidates.like(self._want[position]):
            trial = self._trial(position, candidate)
            if _is_same(trial, self._want[position]):
                self._pairs[candidate] = (position, trial)
                candidates.take(candidate, self._have[candidate])
                return True
        return False

    def _augment(self, position: int, visited: set[int]) -> bool:
        """Pair a declared position, and give others another counterpart where that is needed (an augmenting path).

        An element that declares little is the same as many observed ones, and may have taken the only counterpart of
        an element that declares more.
        """
        for candidate in range(len(self._have)):
            if candidate in visited:
                continue
            trial = self._trial(position, candidate)
            if not _is_same(trial, self._want[position]):
                continue
            visited.add(candidate)
            if candidate not in self._pairs or self._augment(self._pairs[candidate][0], visited):
                self._pairs[candidate] = (position, trial)
                return True
        return False

    def _trial(self, position: int, candidate: int) -> Comparison:
        trial = self._trials.get((position, candidate))
        if trial is None:
            path = (self._path, field_path.index(position))
            trial = _trial(self._walk, path, self._name, self._item, self._want[position], self._have[candidate])
            if self._is_few:
                self._trials[position, candidate] = trial
        return trial


class _Candidates:
    """Unmatched observed elements or keys, grouped by their last segment."""

    def __init__(self, waiting: list[int], elements: Sequence[Any], *, few: bool) -> None:
        self._few = few
        self._tries = _TRIES
        self._waiting: dict[Any, dict[int, None]] = {}
        for position in waiting:
            self._waiting.setdefault(self._tail(elements[position]), {})[position] = None

    def like(self, element: Any) -> Iterator[int]:
        """The candidate positions for an element, up to a limit."""
        for position in self._waiting.get(self._tail(element), ()):
            if not self._tries:
                return
            self._tries -= 1
            yield position

    def take(self, position: int, element: Any) -> None:
        """Remove a matched position."""
        del self._waiting[self._tail(element)][position]

    def left(self) -> list[int]:
        """The unmatched positions."""
        return sorted(position for group in self._waiting.values() for position in group)

    def _tail(self, element: Any) -> Any:
        """The group of an element: one group if there are few; else scalars by last segment, as in references."""
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
    """The trial comparison of two elements."""
    trial = walk.trial()
    trial.value(path, name, item, want, have)
    return trial


def _is_same(trial: Comparison, want: Any) -> bool:
    return not trial.differences and (isinstance(want, dict) or not trial.unchecked)


def _in_order(walk: Comparison, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any]) -> None:
    for position in range(max(len(want), len(have))):
        _pair(
            walk,
            path,
            field_path.index(position),
            name,
            item,
            want[position : position + 1],
            have[position : position + 1],
        )


def _pair(
    walk: Comparison, list_path: Path, part: str, name: str, item: Field | None, want: list[Any], have: list[Any]
) -> None:
    """Compare an element with its counterpart, either of which may be absent."""
    walk.paired(list_path, part, want, have)
    path = (list_path, part)
    if want and have:
        walk.value(path, name, item, want[0], have[0])
    elif want:
        walk.differ(path, "missing", name, item, want[0], msgspec.UNSET)
    else:
        walk.differ(path, "unexpected", name, item, msgspec.UNSET, have[0])


def identifier(item: Field | None, want: list[Any], have: list[Any]) -> str:
    """The field that identifies the elements of both sides; empty if none does. Secrets are never used in paths."""
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
        if counterpart == element and not walk.records:
            continue
        counterparts = [] if counterpart is None else [counterpart]
        _pair(walk, path, field_path.element(key, wanted), name, item, [element], counterparts)
    for value, element in there.items():
        part = field_path.element(key, value)
        if reason := server_elements.why_added(walk.place(path), name, item, element):
            walk.note((path, part), reason)
        else:
            _pair(walk, path, part, name, item, [], [element])


def _order(walk: Comparison, path: Path, name: str, want: list[Any], have: list[Any]) -> None:
    """Report elements that are on both sides in another order."""
    both = set(want).intersection(have)
    declared, observed = ([key for key in side if key in both] for side in (want, have))
    if declared != observed:
        walk.differ(path, "changed", name, None, declared, observed)


def _other_spellings(
    walk: Comparison, field: Field | None, key: str, want: list[Any], have: list[Any]
) -> dict[Any, Any]:
    """The observed keys of declared ones that have another spelling."""
    if want == have:
        return {}
    missing, unexpected = set(want).difference(have), set(have).difference(want)
    if not missing or not unexpected:
        return {}
    spellings = {}
    waiting = [position for position, value in enumerate(have) if value in unexpected]
    candidates = _Candidates(waiting, have, few=max(len(missing), len(unexpected)) <= _FEW)
    for wanted in want:
        if wanted not in missing:
            continue
        for position in candidates.like(wanted):
            if scalars.equal(field, key, wanted, have[position], walk.own):
                candidates.take(position, have[position])
                spellings[wanted] = have[position]
                break
    return spellings


def _by_likeness(walk: Comparison, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any]) -> None:
    """Match elements without an identifier: equal ones first, then the most similar; report the others."""
    matching = _Matching(walk, path, name, item, want, have)
    missing, unexpected = matching.match()
    left = deque(unexpected)
    for position in missing:
        counterparts = []
        if left:
            counterpart = left[0] if len(left) > _FEW else matching.most_alike(position, left)
            left.remove(counterpart)
            counterparts = [have[counterpart]]
        _pair(walk, path, field_path.index(position), name, item, [want[position]], counterparts)
    for position in left:
        part = field_path.index(position)
        if reason := server_elements.why_added(walk.place(path), name, item, have[position]):
            walk.note((path, part), reason)
        else:
            _pair(walk, path, part, name, item, [], [have[position]])

"""Comparing lists: sets, lists keyed by a field of their elements, and true sequences.

Protobuf has one kind of list, and Google's schemas do not say which lists have an order. Most have none: scopes,
members, tags, ranges, rules with a priority. So a list is a set unless its name is known to mean a sequence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from setpoint.core import paths, quirks, secrets, values
from setpoint.core.paths import Path
from setpoint.core.references import same

if TYPE_CHECKING:
    from setpoint.core.catalogue import Field
    from setpoint.core.compare import Comparison, Difference

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
        "extensionChains",  # first match wins
        "pathMatchers",  # the same
    )
)
"""Lists whose order has a meaning; every other list is a set."""

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
"""Up to this many leftovers on each side are matched by meaning, each with each; beyond it only literally."""


def compare(walk: Comparison, path: Path, name: str, field: Field | None, want: list[Any], have: list[Any]) -> None:
    """Compare two lists and report to ``walk``; a list of messages by element, a list of scalars as one."""
    item = field.item if field is not None else None
    if item is None:
        have = _unwrapped(want, have)
    elements = want or have
    if not (elements and isinstance(elements[0], dict)):
        _scalars(walk, path, name, field, item, want, have)
    elif name in SEQUENCES:
        _in_order(walk, path, name, item, want, have)
    elif key := _identifier(item, want, have):
        _by_key(walk, path, name, item, want, have, key)
    else:
        _by_likeness(walk, path, name, item, want, have)


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
        missing, unexpected = _leftovers(walk, name, item, want, have)
        equal = not missing and all(_is_told_twice(walk, item, have, at) for at in unexpected)
    if equal:
        walk.note(path, "same elements")
    elif reason := _untold(item, want, have, missing, unexpected):
        walk.leave(path, want, reason)
    else:
        walk.differ(path, "changed", name, field, want, have)


def _unlike_positions(walk: Comparison, name: str, item: Field | None, want: list[Any], have: list[Any]) -> list[int]:
    pairs = enumerate(zip(want, have, strict=False))
    return [at for at, (one, other) in pairs if not _same_element(walk, name, item, one, other)]


def _untold(item: Field | None, want: list[Any], have: list[Any], missing: list[int], unexpected: list[int]) -> str:
    """Why none of the elements without a counterpart tells whether there is a difference, or an empty string."""
    if not missing or len(want) != len(have) or len(missing) != len(unexpected):
        return ""
    pairs = zip(missing, unexpected, strict=True)
    reasons = [values.untold(item, want[one], have[other]) for one, other in pairs]
    return reasons[0] if all(reasons) else ""


def _is_told_twice(walk: Comparison, item: Field | None, have: list[Any], at: int) -> bool:
    """Whether an observed reference names the same resource as another one beside it, in another spelling."""
    if item is None or not item.reference or not isinstance(have[at], str):
        return False
    own = walk.own._replace(ids_for_names=False)
    return any(other != at and isinstance(one, str) and same(one, have[at], own) for other, one in enumerate(have))


def _leftovers(
    walk: Comparison, name: str, item: Field | None, want: list[Any], have: list[Any]
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
    if not missing or not unexpected or max(len(missing), len(unexpected)) > _FEW:
        return missing, unexpected
    unmatched = []
    for at in missing:
        for other in unexpected:
            if _same_element(walk, name, item, want[at], have[other]):
                unexpected.remove(other)
                break
        else:
            unmatched.append(at)
    return unmatched, unexpected


def _literal(element: Any) -> Any:
    if isinstance(element, (dict, list)):
        return msgspec.json.encode(element, order="deterministic")
    return (isinstance(element, bool), element)


def _same_element(walk: Comparison, name: str, item: Field | None, want: Any, have: Any) -> bool:
    trial = walk.trial()
    trial.value(paths.ROOT, name, item, want, have)
    return not trial.differences and (isinstance(want, dict) or not trial.unchecked)


def _differences(walk: Comparison, name: str, item: Field | None, want: Any, have: Any) -> list[Difference]:
    trial = walk.trial()
    trial.value(paths.ROOT, name, item, want, have)
    return trial.differences


def _in_order(walk: Comparison, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any]) -> None:
    for at in range(max(len(want), len(have))):
        _pair(walk, (path, paths.index(at)), name, item, want[at : at + 1], have[at : at + 1])


def _pair(walk: Comparison, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any]) -> None:
    """Compare one element with its counterpart, either of which may not be there."""
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
    for element in want:
        wanted = element[key]
        at = wanted if wanted in there else _same_key(walk, field, key, wanted, there)
        counterpart = there.pop(at, None)
        found = [] if counterpart is None else [counterpart]
        _pair(walk, (path, paths.element(key, wanted)), name, item, [element], found)
    for value, element in there.items():
        at = (path, paths.element(key, value))
        if quirks.is_added_by_server(item, element):
            walk.note(at, "added by the server")
        else:
            _pair(walk, at, name, item, [], [element])


def _same_key(walk: Comparison, field: Field | None, key: str, wanted: Any, there: dict[Any, Any]) -> Any:
    return next((value for value in there if values.equal(field, key, wanted, value, walk.own)), None)


def _by_likeness(walk: Comparison, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any]) -> None:
    """Elements without an identity: equal ones go together, then the most alike, and what is left stands alone."""
    missing, unexpected = _leftovers(walk, name, item, want, have)
    for at in missing:
        counterpart = _most_alike(walk, name, item, want[at], [(other, have[other]) for other in unexpected])
        if counterpart is not None:
            unexpected.remove(counterpart)
        found = [] if counterpart is None else [have[counterpart]]
        _pair(walk, (path, paths.index(at)), name, item, [want[at]], found)
    for at in unexpected:
        _pair(walk, (path, paths.index(at)), name, item, [], [have[at]])


def _most_alike(
    walk: Comparison, name: str, item: Field | None, want: Any, candidates: list[tuple[int, Any]]
) -> int | None:
    if not candidates:
        return None
    if len(candidates) == 1 or len(candidates) > _FEW:
        return candidates[0][0]
    return min(candidates, key=lambda one: (len(_differences(walk, name, item, want, one[1])), one[0]))[0]

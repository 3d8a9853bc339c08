"""Last known good values of undeclared fields, as a declaration that holds for the time of one plan.

What is written back is the value as the record keeps it. If only a digest is stored, the value is unknown, and the
field is refused by name.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from setpoint.comparison import undeclared_values
from setpoint.comparison.absence import child
from setpoint.comparison.undeclared_values import SettableValue
from setpoint.detection.good_values import LiveValues
from setpoint.model import field_path, ignore_patterns, policy
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference
from setpoint.model.field_path import Element, is_below
from setpoint.model.last_known_good import GoodValues
from setpoint.model.policy import Policy
from setpoint.model.write_plan import Unwritable
from setpoint.util.json_values import put

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema

NOT_KEPT = "only a digest of its last known good value is kept: set it manually, or accept it"
_LEFT_OUT = "what it was is not kept with all of its fields: set it manually, or accept it"
_PARTLY_ASKED = "the policy does not ask for all of what was added there: remove it manually, or accept it"
_OTHER_FORM = "its elements can no longer be distinguished: set it manually, or accept it"
_NO_PLACE = "where it belongs is not known: set it manually, or accept it"


class RestoredDeclaration(NamedTuple):
    """A declaration with last known good values.

    Args:
        declaration: the declared fields, and beside them the values to write back; null where nothing was.
        paths: the changes that are written back.
        refused: the fields that cannot be, each with the reason.
    """

    declaration: Declaration
    paths: tuple[str, ...]
    refused: tuple[Unwritable, ...]


def may_remediate(difference: Difference, declaration: Declaration, fleet_policy: Policy | None) -> bool:
    """Whether the policy asks for the last known good value of an undeclared field.

    Args:
        difference: the change.
        declaration: the declaration of the resource.
        fleet_policy: the policy.
    """
    if fleet_policy is None or difference.kind != "undeclared_change":
        return False
    if declaration.recorded and ignore_patterns.covering(difference.path, declaration.recorded) is not None:
        return False  # a value that a state recorded has no last known good value beside the declaration
    matches = fleet_policy.undeclared.remediate
    return bool(matches and policy.undeclared_pattern(matches, declaration.asset_type, difference.path))


class ChangedValues(NamedTuple):
    """Undeclared changes of a resource that was just read.

    Args:
        declaration: its declaration, in the API version in which it is compared.
        good: the last known good values.
        current: what was read.
        fleet_policy: the policy.
    """

    declaration: Declaration
    good: GoodValues
    current: LiveValues
    fleet_policy: Policy | None

    @property
    def live(self) -> dict[str, Any]:
        """The fields of the resource."""
        data: dict[str, Any] = self.current.observation.data
        return data

    @property
    def values(self) -> dict[str, SettableValue]:
        """The observed undeclared values."""
        return self.current.values

    @property
    def schema(self) -> Schema | None:
        """What the catalogue says of the type."""
        return self.current.schema


def with_good_values(changed: ChangedValues, differences: Iterable[Difference]) -> RestoredDeclaration:
    """The declaration with the last known good values of what has changed and may be written back.

    Args:
        changed: the changes.
        differences: those to write back.
    """
    declaration = changed.declaration
    wanted = copy.deepcopy(declaration.data)
    if not declaration.null_is_absent:
        wanted = _without_nulls(wanted)
    restoring = _Restoring(changed, wanted)
    for difference in differences:
        if may_remediate(difference, declaration, changed.fleet_policy):
            restoring.restore(difference)
    declaration = replace(declaration, data=wanted, null_is_absent=True)
    return RestoredDeclaration(declaration, tuple(restoring.paths), tuple(restoring.refused))


class _Place(NamedTuple):
    """A position on the way to a value.

    Args:
        node: what is wanted there.
        live: what is there; meaningless where ``is_live_known`` is false.
        field: what the catalogue says of it.
        text: its path.
        is_live_known: whether the live counterpart is known.
    """

    node: Any
    live: Any
    field: Field | None
    text: str
    is_live_known: bool


class _Done(NamedTuple):
    """The end of the way to a value.

    Args:
        why_not: why the value cannot be placed, or an empty string.
    """

    why_not: str = ""


class _Restoring:
    """Puts last known good values into the declared fields, one change after the other."""

    def __init__(self, changed: ChangedValues, wanted: dict[str, Any]) -> None:
        self._changed, self._wanted = changed, wanted
        self._roots: set[str] = set()
        self.paths: list[str] = []
        self.refused: list[Unwritable] = []
        self._set_whole: dict[str, Any] = {}

    def restore(self, difference: Difference) -> None:
        """Take a change back, or note why it cannot be."""
        good = self._changed.good
        root = next((path for path in good.values if is_below(difference.path, path)), difference.path)
        why = "" if root in self._roots else self._why_not(root) or self._placed(root)
        if not why and difference.op == "unexpected" and difference.path != root:
            why = self._emptied(root, difference.path)
        if why:
            self.refused.append(Unwritable(difference.path, "not_kept", why))
        else:
            self._roots.add(root)
            self.paths.append(difference.path)

    def _why_not(self, root: str) -> str:
        """Why a value is not known well enough to be set; empty if it is."""
        good = self._changed.good
        if root in good.folded or undeclared_values.is_digest(good.values.get(root)) or self._is_masked(root):
            return NOT_KEPT
        if root not in good.values and any(is_below(path, root) for path in good.values):
            return _OTHER_FORM
        return ""

    def _emptied(self, root: str, path: str) -> str:
        """Empty a field in a value that is set as a whole; why that cannot be done, or an empty string."""
        *around, last = field_path.readable(path[len(root) :])
        node: Any = self._set_whole.get(root)
        for part in around:
            if isinstance(part, Element):
                position = _find(node, part)
                node = node[position] if position is not None else None
            else:
                node = node.get(part) if isinstance(node, dict) else None
        if isinstance(last, Element):  # an element that the value does not have
            return ""
        if not isinstance(node, dict):
            return _NO_PLACE
        node[last] = None
        return ""

    def _is_masked(self, root: str) -> bool:
        """Whether the path of a value is shown in another way, since keys of maps may be secrets."""
        now = self._changed.values.get(root)
        return now is not None and field_path.text(now.path) != root

    def _placed(self, root: str) -> str:
        """Set or remove a value; why that cannot be done, or an empty string."""
        place: _Place | _Done = _Place(self._wanted, self._changed.live, None, "", is_live_known=True)
        parts = field_path.readable(root)
        for part, following in zip(parts, (*parts[1:], None), strict=True):
            if isinstance(place, _Done):
                break
            if isinstance(part, Element):
                place = self._into_element(place, part, following)
            elif following is not None:
                place = self._into_field(place, part, following)
            else:
                place = self._set(place, part, root)
        return place.why_not if isinstance(place, _Done) else ""

    def _set(self, place: _Place, part: str, root: str) -> _Done:
        """Set a field to its last known good value, or to null where it was not there."""
        if not isinstance(place.node, dict):
            return _Done(_NO_PLACE)
        self._set_whole[root] = place.node[part] = copy.deepcopy(self._changed.good.values.get(root))
        self._keep_siblings(place)
        return _Done()

    def _keep_siblings(self, place: _Place) -> None:
        """Want what is good beside a value as it is, so that no choice of one field of several drops it."""
        if not isinstance(place.live, dict) or not place.is_live_known:
            return
        for name, value in place.live.items():
            if name not in place.node and field_path.below(place.text, name) in self._changed.good.values:
                place.node[name] = _without_nulls(copy.deepcopy(value))

    def _into_field(self, place: _Place, part: str, following: str) -> _Place | _Done:
        """Go to a field of an object; an undeclared list is wanted as it is live."""
        if not isinstance(place.node, dict):
            return _Done(_NO_PLACE)
        live = place.live.get(part) if isinstance(place.live, dict) else None
        if place.node.get(part) is None:
            if not isinstance(following, Element):
                place.node[part] = {}
            elif place.is_live_known:
                place.node[part] = _without_nulls(copy.deepcopy(live)) if isinstance(live, list) else []
            else:
                return _Done(_NO_PLACE)
        field = self._field(place, part)
        return _Place(place.node[part], live, field, field_path.below(place.text, part), place.is_live_known)

    def _into_element(self, place: _Place, part: str, following: str | None) -> _Place | _Done:
        """Go to an element of a list; one that was added is removed whole, one that is gone is made again whole."""
        if not isinstance(place.node, list):
            return _Done(_NO_PLACE)
        if self._are_distinct_otherwise(place.text, part):
            return _Done(_OTHER_FORM)
        text = field_path.below(place.text, part)
        position = _find(place.node, part)
        if not any(is_below(path, text) for path in self._changed.good.values):
            return self._remove(place.node, position, text)
        if position is None:
            return self._make_again(place, part, text)
        is_known = place.is_live_known and _is_by_identifier(part)
        beside = _find(place.live, part) if is_known else None
        live = place.live[beside] if beside is not None else None
        item = place.field.item if place.field is not None else None
        if following is None:  # an element that is nothing but its identifier, and is there
            return _Done()
        return _Place(place.node[position], live, item, text, is_live_known=beside is not None)

    def _are_distinct_otherwise(self, text: str, part: str) -> bool:
        """Whether the elements of a list are identified by another field than when they were good."""
        key = part.partition("=")[0]
        others = (path[len(text) :] for path in (*self._changed.good.values, *self._changed.values))
        return any(rest.startswith("[") and not rest.startswith(f"{key}=") for rest in others)

    def _remove(self, elements: list[Any], position: int | None, text: str) -> _Done:
        below = [path for path in self._changed.values if is_below(path, text)]
        if not self._are_requested(below):
            return _Done(_PARTLY_ASKED)
        if position is not None:
            del elements[position]
        return _Done()

    def _make_again(self, place: _Place, part: str, text: str) -> _Done:
        """Make an element that is gone from a list of which every element is a copy of the live one."""
        good = self._changed.good
        below = {path: kept for path, kept in good.values.items() if is_below(path, text)}
        is_kept = not good.is_partial and not any(
            path in good.folded or undeclared_values.is_digest(kept) for path, kept in below.items()
        )
        item = place.field.item if place.field is not None else None
        made = _with_identifier(part, item) if is_kept and place.is_live_known else None
        if made is None:
            return _Done(_LEFT_OUT)
        if not self._are_requested(below):
            return _Done(_PARTLY_ASKED)
        for path, kept in below.items():
            names = field_path.readable(path[len(text) :])
            if any(isinstance(name, Element) for name in names):
                return _Done(_LEFT_OUT)
            if names:
                put(made, names, copy.deepcopy(kept))
        place.node.append(made)
        return _Done()

    def _are_requested(self, paths: Iterable[str]) -> bool:
        declaration, fleet_policy = self._changed.declaration, self._changed.fleet_policy
        return all(may_remediate(_added(path), declaration, fleet_policy) for path in paths)

    def _field(self, place: _Place, part: str) -> Field | None:
        schema = self._changed.schema
        if not place.text:
            return schema.fields.get(part) if schema is not None else None
        return child(place.field, part)


def _added(path: str) -> Difference:
    return Difference(path, "unexpected", kind="undeclared_change")


def _find(elements: Any, part: str) -> int | None:
    """The position of the element that a part of a path names, by its identifier or its position."""
    if not isinstance(elements, list):
        return None
    if not _is_by_identifier(part):
        position = int(part[1:-1]) if part[1:-1].isdigit() else len(elements)
        return position if position < len(elements) else None
    key = part[1:-1].partition("=")[0]
    fitting = [
        position
        for position, element in enumerate(elements)
        if isinstance(element, dict) and key in element and field_path.element(key, element[key]) == part
    ]
    return fitting[0] if len(fitting) == 1 else None


def _is_by_identifier(part: str) -> bool:
    return "=" in part


def _with_identifier(part: str, item: Field | None) -> dict[str, Any] | None:
    """An element with its identifier alone; None where the type of that is unknown."""
    key, _, value = part[1:-1].partition("=")
    identifier = child(item, key)
    if not value or identifier is None or identifier.kind != "scalar":
        return None
    if identifier.type in ("integer", "number"):
        return {key: int(value)} if value.lstrip("-").isdigit() else None
    return {key: value} if identifier.type == "string" else None


def _without_nulls(value: Any) -> Any:
    """A value without nulls, which declare nothing."""
    if isinstance(value, dict):
        return {key: _without_nulls(part) for key, part in value.items() if part is not None}
    if isinstance(value, list):
        return [_without_nulls(part) for part in value]
    return value

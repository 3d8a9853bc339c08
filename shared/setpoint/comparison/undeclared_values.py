"""The settable values of a resource that a declaration does not name, and how they differ from what they were.

A value is settable by the catalogue: neither output-only nor the system's, nor one that wanders by itself. Values are
kept flat, by path; lists without identifiers are one value. Secrets and long values are kept as digests with the
installation's key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec.structs import replace

from setpoint.catalog import field_rules, volatile_fields
from setpoint.comparison import absence, list_order, lists, masking, sibling_rules, system_fields
from setpoint.comparison.absence import child
from setpoint.comparison.compare import COUNTED, OWN_FIELDS, Comparison
from setpoint.comparison.masking import Masking
from setpoint.model import field_path
from setpoint.model.difference import Difference
from setpoint.model.field_path import Element, Path
from setpoint.model.references import Project
from setpoint.model.secrecy import Secrecy

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema

_LONG = 256
"""Bytes from which on a value is kept as a digest."""
_DIGEST = "hmac:"
_DIGITS = 16
NOT_KEPT = "(only its digest was kept)"
_ON_OR_OFF = frozenset(("ENABLED", "DISABLED", "ON", "OFF", "TRANSFER"))

_NONE: Mapping[str, Any] = {}

_encode = msgspec.json.Encoder(order="deterministic").encode


class SettableValue(NamedTuple):
    """An undeclared value.

    Args:
        path: where it is.
        name: of its field.
        field: what the catalogue says of it.
        value: what was observed.
        kept: the form in which it is kept.
    """

    path: Path
    name: str
    field: Field | None
    value: Any
    kept: Any


class _Undeclared(Comparison):
    """Collects what ``exact`` would report as unexpected, and reports nothing."""

    __slots__ = ("collected",)

    collected: list[tuple[Path, str, str, Field | None, Any]]

    def value(self, path: Path, name: str, field: Field | None, want: Any, have: Any) -> None:
        """Visit what may hold undeclared fields: objects, and lists of them; the comparison itself judges the rest."""
        if isinstance(want, dict) or (isinstance(want, list) and want and isinstance(want[0], dict)):
            super().value(path, name, field, want, have)

    def _unexpected(self, path: Path, name: str, key: str, field: Field | None, have: Any) -> None:
        self.collected.append((path, name, key, field, have))

    def differ(self, *_: Any) -> None:
        """Count a declared difference, which is shown by the comparison itself."""
        self.differences.append(COUNTED)


def undeclared(
    asset_type: str,
    declared: Mapping[str, Any],
    observed: Mapping[str, Any],
    schema: Schema | None,
    digests: ValueDigests,
    before: Mapping[str, Any] = _NONE,
) -> dict[str, SettableValue]:
    """The settable values that a declaration does not name, by path.

    Args:
        asset_type: the asset type.
        declared: the declared fields.
        observed: the resource's fields.
        schema: what the catalogue says of the type.
        digests: of secrets and long values.
        before: the values as they were kept; one that is still the same is kept alike.
    """
    walk = _Undeclared(Project(), exact=True)
    walk.collected = []
    walk.resource(schema, declared, observed)
    collector = _Collector(volatile_fields.of_type(asset_type), digests, before)
    set_by_methods = volatile_fields.set_by_methods(asset_type)
    for path, holder, name, field, have in walk.collected:
        if path is not None:
            collector.take((path, name), field_path.below(field_path.text(path), name), holder, name, field, have)
        elif name not in OWN_FIELDS:
            settable = _as_set(field, is_set=name in set_by_methods)
            collector.take((None, name), field_path.below("", name), holder, name, settable, have)
    return collector.values


def _as_set(field: Field | None, *, is_set: bool) -> Field | None:
    """The field as a settable one, if a method sets it."""
    return replace(field, output_only=False) if field is not None and is_set else field


class _Collector:
    """Takes the settable values below undeclared fields.

    Args:
        wandering: paths of the type that wander.
        digests: of secrets and long values.
        before: the values as they were kept.
    """

    __slots__ = ("_before", "_digests", "_hidden", "_taken", "_wandering", "values")

    def __init__(self, wandering: Mapping[str, str], digests: ValueDigests, before: Mapping[str, Any]) -> None:
        self._wandering, self._digests, self._before = wandering, digests, before
        self._hidden: dict[str, list[tuple[str, Any]]] = {}
        self._taken = 0
        self.values: dict[str, SettableValue] = {}

    def take(
        self, path: Path, text: str, holder: str, name: str, field: Field | None, value: Any, owner: str = ""
    ) -> None:
        """Take the settable values of a field.

        Args:
            path: of the field.
            text: the path as text.
            holder: the name of what holds it.
            name: its own.
            field: what the catalogue says of it.
            value: what was observed.
            owner: the name that decides whether the value is a secret, where that is not the field's.
        """
        if value is None or system_fields.is_system_label(holder, name) or not is_settable(name, field, value):
            return
        if self._wandering and _plain(path) in self._wandering:
            return
        kind = type(value)
        if kind is dict:
            self._take_object(path, text, name, field, value, owner)
        elif kind is list:
            self._take_list(path, text, name, field, value, owner)
        elif not absence.is_zero(field, value) or (field is not None and field.default is True):
            self._keep(path, text, name, field, value, owner)

    def _take_object(
        self,
        path: Path,
        text: str,
        name: str,
        field: Field | None,
        value: dict[str, Any],
        owner: str,
        skipped: str | None = None,
    ) -> None:
        if not value:
            if field is not None and field.presence:
                self._keep(path, text, name, field, value, owner)
            return
        entry = value.get("key") or value.get("name")
        of_value = masking.owner_name(entry) if isinstance(entry, str) else ""
        for key, part in value.items():
            if key != skipped:
                inner = of_value if key == "value" and of_value not in ("", "value") else owner
                self.take((path, key), field_path.below(text, key), name, key, child(field, key), part, inner)

    def _take_list(self, path: Path, text: str, name: str, field: Field | None, value: list[Any], owner: str) -> None:
        """Take a list: its elements where they have identifiers, else the list as one value."""
        if not value:
            return
        item = field.item if field is not None else None
        if not all(type(element) is dict and element for element in value):
            self._keep(path, text, name, field, value, owner)
            return
        key = lists.identifier(item, value, value)
        if not key or list_order.is_ordered(name, item, field):
            self._keep(path, text, name, field, [_settable(name, item, element) for element in value], owner)
            return
        if not is_settable(name, item, value):
            return
        for element in value:
            part = field_path.element(key, element[key])
            self._take_element((path, part), field_path.below(text, part), name, item, element, key, owner)

    def _take_element(
        self, path: Path, text: str, name: str, item: Field | None, element: dict[str, Any], key: str, owner: str
    ) -> None:
        """Take an element of a list; its identifier only where it has nothing else."""
        taken = self._taken
        self._take_object(path, text, name, item, element, owner, skipped=key)
        if self._taken == taken:
            self._take_object(path, text, name, item, {key: element[key]}, owner)

    def _keep(self, path: Path, text: str, name: str, field: Field | None, value: Any, owner: str) -> None:
        self._taken += 1
        if owner and name == "value":
            name = owner
        shown = masking.scrubbed_path(text)
        if shown != text:
            entries = self._hidden.setdefault(shown, [])
            entries.append((self._digests.of(text), value))
            self.values[shown] = SettableValue(path, name, None, entries, self._digests.of(entries))
            return
        is_same = _is_as_before(value, self._before.get(text))
        kept = value if is_same else _stored_value(name, field, value, self._digests)
        self.values[text] = SettableValue(path, name, field, value, kept)


def _settable(name: str, field: Field | None, value: Any) -> Any:
    """A value without what is not settable in it."""
    if isinstance(value, dict):
        return {
            key: _settable(key, child(field, key), part)
            for key, part in value.items()
            if part is not None and is_settable(key, child(field, key), part)
        }
    if isinstance(value, list):
        item = field.item if field is not None else None
        return [_settable(name, item, part) for part in value]
    return value


def is_settable(name: str, field: Field | None, value: Any) -> bool:
    """Whether users set a field, and not the server, and it does not change on its own."""
    if name in system_fields.SYSTEM_FIELDS or (field is not None and field.output_only):
        return False
    if isinstance(value, bool) or not volatile_fields.why_named(name):
        return True
    is_switch = isinstance(value, str) and value.upper() in _ON_OR_OFF
    return is_switch and field is not None


def _plain(path: Path) -> str:
    """A path without the elements of lists."""
    return ".".join(field_path.names(path))


def _is_as_before(value: Any, kept: Any) -> bool:
    """Whether a value is the stored one; a text that looks like a digest may be one, and is not conclusive."""
    return kept is not None and type(kept) is type(value) and kept == value and not is_digest(kept)


def _stored_value(name: str, field: Field | None, value: Any, digests: ValueDigests) -> Any:
    if isinstance(value, bool):
        return value
    if masking.masked(name, field, value) != value:
        return digests.of(value)
    return digests.of(value) if is_digest(value) or _is_long(value) else value


def _is_long(value: Any) -> bool:
    """Whether a value takes much room; a character takes six bytes of JSON at most."""
    if isinstance(value, str) and len(value) * 6 < _LONG - 1:
        return False
    return len(_encode(value)) > _LONG


class ValueDigests(NamedTuple):
    """Digests of the values of one resource, which only the installation's key can check a guess against.

    Args:
        secrecy: holds that key.
        resource: the resource's name, so that equal secrets of two resources do not look alike.
    """

    secrecy: Secrecy
    resource: str

    def of(self, value: Any) -> str:
        """The digest of a value; the order of a list makes no difference."""
        parts = sorted(_encode(part).decode() for part in value) if isinstance(value, list) else value
        return _DIGEST + self.secrecy.digest([self.resource, parts])[:_DIGITS]


def is_declared(path: str, declared: Any) -> bool:
    """Whether a declaration names the value at a path."""
    value = declared
    for part in field_path.readable(path):
        if isinstance(value, list):
            key = part[1:-1].partition("=")[0]
            name = field_path.element_value(part)
            fitting = (element for element in value if isinstance(element, dict) and str(element.get(key)) == name)
            value = next(fitting, None) if isinstance(part, Element) and name else value[:1] and value[0]
        else:
            value = value.get(part) if isinstance(value, dict) else None
        if value is None or not isinstance(value, (dict, list)):
            break
    return value is not None and value != {}


def is_digest(kept: Any) -> bool:
    """Whether only a digest of a value was kept."""
    return isinstance(kept, str) and kept.startswith(_DIGEST)


def value_digest(value: Any) -> str:
    """Eight digits that change when a value does."""
    return hashlib.blake2b(_encode(value), digest_size=4).hexdigest()


class EarlierValues(NamedTuple):
    """What the values were.

    Args:
        values: by path, in the form in which they are kept.
        digests: of secrets and long values.
        masking: hides what may not be shown.
    """

    values: Mapping[str, Any]
    digests: ValueDigests
    masking: Masking = masking.HIDING


def changes(
    asset_type: str, before: EarlierValues, now: Mapping[str, SettableValue], schema: Schema | None, own: Project
) -> tuple[Difference, ...]:
    """How the undeclared values differ from their earlier values, by meaning.

    Args:
        asset_type: the asset type.
        before: what they were.
        now: what they are.
        schema: what the catalogue says of the type.
        own: the project that holds the resource.
    """
    walk = Comparison(own, exact=True, masking=before.masking)
    walk.table = field_rules.of(schema.service, schema.name) if schema is not None else None
    walk.known = schema is not None
    for path in sorted(before.values.keys() | now.keys()):
        kept, value = before.values.get(path), now.get(path)
        if value is None:
            _gone(walk, asset_type, path, kept, schema)
        elif kept is None:
            _added(walk, value)
        elif kept != value.kept or type(kept) is not type(value.kept):
            _compare(walk, before, kept, value)
    return tuple(replace(difference, kind="undeclared_change") for difference in walk.differences)


def _compare(walk: Comparison, before: EarlierValues, kept: Any, value: SettableValue) -> None:
    if not is_digest(kept) and not is_digest(value.kept):
        walk.value(value.path, value.name, value.field, kept, value.value)
        return
    if is_digest(kept) and kept == before.digests.of(value.value):
        return
    shown = before.masking.difference(value.path, "changed", value.name, value.field, value.value, value.value)
    declared = NOT_KEPT if is_digest(kept) or shown.hidden else kept
    walk.differences.append(replace(shown, declared=declared))


def is_default(value: SettableValue) -> bool:
    """Whether a value is the default of its field, or its value if unset."""
    return value.field is not None and value.value in (value.field.default, value.field.absent)


def _added(walk: Comparison, value: SettableValue) -> None:
    field = value.field
    if is_default(value):
        return
    if absence.is_zero(field, value.value) or sibling_rules.is_server_owned(value.name, field, value.value):
        return
    walk.differ(value.path, "unexpected", value.name, field, msgspec.UNSET, value.value)


def _gone(walk: Comparison, asset_type: str, path: str, kept: Any, schema: Schema | None) -> None:
    parts = field_path.readable(path)
    if ".".join(part for part in parts if not isinstance(part, Element)) in volatile_fields.of_type(asset_type):
        return
    nested: Path = None
    field, is_top, name = None, True, ""
    for part in parts:
        nested = (nested, part)
        if isinstance(part, Element):
            field = field.item if field is not None else None
            continue
        name = part
        field = schema.fields.get(part) if is_top and schema is not None else child(field, part)
        field = _as_set(field, is_set=is_top and part in volatile_fields.set_by_methods(asset_type))
        is_top = False
        if not is_settable(part, field, kept):
            return
    if kept is False or (kept is not True and field is not None and kept in (field.default, field.absent)):
        return
    walk.differ(nested, "missing", name, field, NOT_KEPT if is_digest(kept) else kept, msgspec.UNSET)

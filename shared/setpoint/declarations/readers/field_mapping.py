"""Putting what an author wrote onto the API's schema: shared by the Config Connector and the Terraform reader.

A field goes to the schema's field of the same name; to the one that tools' habits make of the name
(`field_search`); or to the one field of that name further down. Where several would do, or the value
has not the field's shape, it is left out and named: a field that is not checked harms less than a false alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from setpoint.catalog.schemas import Field, Schema
from setpoint.comparison.source_paths import join
from setpoint.declarations.readers import field_search, json_tree, shape_matching
from setpoint.declarations.readers.field_mapping_result import NO_MOVES, FieldOverrides, MappedFields, UnmappedField
from setpoint.declarations.readers.field_search import Chain
from setpoint.declarations.readers.passthrough import as_written
from setpoint.model import field_path
from setpoint.model.field_path import Path

__all__ = ["UNKNOWN", "FieldOverrides", "MappedFields", "UnmappedField", "as_written", "place"]

UNKNOWN = shape_matching.UNKNOWN
"""Stands in an author's tree for a value that nobody knows yet: a secret's, or one known after apply."""


def place(
    tree: Mapping[str, Any], schema: Schema, *, prefix: str = "spec", moves: FieldOverrides = NO_MOVES
) -> MappedFields:
    """Put an author's tree onto a schema.

    Args:
        tree: The author's fields; keys in camel or snake case, `UNKNOWN` where a value is not known.
        schema: The resource's schema.
        prefix: The author's path of the tree itself.
        moves: Exceptions to the rules.
    """
    walk = _Walk(moves)
    data: dict[str, Any] = {}
    walk.origins[""] = prefix
    walk.message(tree, schema, data, _At(field_path.ROOT, prefix, ""))
    return MappedFields(data, walk.origins, tuple(walk.unplaced), tuple(walk.unknown), tuple(walk.whole))


class _At:
    """Where the walk is: the API path, the author's path, and the author's names without list positions."""

    __slots__ = ("api", "author", "names")

    def __init__(self, api: Path, author: str, names: str) -> None:
        self.api = api
        self.author = author
        self.names = names


class _NoPlaceError(Exception):
    """A value has not the shape of the field."""


class _Walk:
    __slots__ = ("moves", "origins", "root", "unknown", "unplaced", "whole")

    def __init__(self, moves: FieldOverrides) -> None:
        self.moves = moves
        self.origins: dict[str, str] = {}
        self.unplaced: list[UnmappedField] = []
        self.unknown: list[str] = []
        self.whole: list[str] = []
        self.root: tuple[dict[str, Any], Schema] | None = None

    def message(self, tree: Mapping[str, Any], schema: Schema, out: dict[str, Any], at: _At) -> None:
        """Place the fields of one group; those of the very same name first, since a name is no habit."""
        if self.root is None:
            self.root = (out, schema)
        rest = []
        for name, value in tree.items():
            if value is None:
                continue
            inner = f"{at.names}.{name}" if at.names else name
            if inner in self.moves:
                self._move(inner, name, value, schema, out, at)
            elif (
                (field := schema.fields.get(name)) is not None
                and not field.output_only
                and shape_matching.fits(field, value)
            ):
                self._put((field,), name, value, schema, out, at)
            else:
                rest.append((name, value))
        for name, value in rest:
            chain = field_search.search(schema, name, value, out)
            if chain is None:
                self._miss(name, schema, at)
            else:
                self._put(chain, name, value, schema, out, at)

    def _move(self, inner: str, name: str, value: Any, schema: Schema, out: dict[str, Any], at: _At) -> None:
        target = self.moves[inner]
        if target is None:
            return
        if target.startswith("/") and self.root is not None:
            out, schema = self.root
            at = _At(field_path.ROOT, at.author, at.names)
        chain = next((found for path in target.removeprefix("/").split("|") if (found := _follow(schema, path))), None)
        if chain is None:
            self._miss(name, schema, at)
        else:
            self._put(chain, name, value, schema, out, at)

    def _miss(self, name: str, schema: Schema, at: _At) -> None:
        self.unplaced.append(UnmappedField(join(at.author, name), name, schema))

    def _put(self, chain: Chain, name: str, value: Any, schema: Schema, out: dict[str, Any], at: _At) -> None:
        """Set the value of the field at the end of a chain; messages on the way are made as they are needed."""
        author = join(at.author, name)
        inner = f"{at.names}.{name}" if at.names else name
        if value is UNKNOWN:
            self.unknown.append(author)
            return
        api = at.api
        holder = out
        for field in chain[:-1]:
            api = (api, field.name)
            if field.name not in holder:
                holder[field.name] = {}
                self.origins[field_path.text(api)] = author
            holder = holder[field.name]
        last = chain[-1]
        api = (api, last.name)
        within = _At(api, author, inner)
        if len(chain) > 1 or last.name != name:
            self.origins[field_path.text(api)] = author
        misses = len(self.unplaced)
        try:
            placed = self._value(last, value, within, holder.get(last.name))
        except _NoPlaceError:
            placed = None
            del self.unplaced[misses:]
            self._miss(name, schema, at)
        if placed is None or placed is UNKNOWN:
            _prune(out, chain)
        else:
            holder[last.name] = placed

    def _value(self, field: Field, value: Any, at: _At, before: Any = None) -> Any:
        """The value in the field's shape, or None where nothing of it is to be compared."""
        if value is UNKNOWN:
            self.unknown.append(at.author)
            return None
        if field.kind == "message":
            return self._group(field, value, at, before)
        if field.kind == "list":
            return self._list(field, value, at)
        if field.kind == "map":
            return self._map(field, value, at)
        if field.kind == "any":
            return self._free(value, at)
        return self._scalar(field, value, at)

    def _group(self, field: Field, value: Any, at: _At, before: Any) -> Any:
        schema = field.schema
        if schema is None:
            return self._free(value, at)
        if isinstance(value, str) and not isinstance(value, shape_matching.Reference):
            value = json_tree.unpacked(value)
        if isinstance(value, list) and (inner := shape_matching.elements(schema, value)) is not None:
            api = (at.api, inner.name)
            self.origins[field_path.text(api)] = at.author
            return {inner.name: self._value(inner, value, _At(api, at.author, at.names))}
        if isinstance(value, list):
            if len(value) > 1:
                raise _NoPlaceError
            if not value:
                return None
            at = _At(at.api, f"{at.author}[0]", at.names)
            self.origins[field_path.text(at.api)] = at.author
            value = value[0]
            if value is None or value is UNKNOWN:
                return self._value(field, UNKNOWN, at) if value is UNKNOWN else None
        if not isinstance(value, dict):
            inner = shape_matching.only(schema, value)
            if inner is None:
                raise _NoPlaceError
            api = (at.api, inner.name)
            self.origins[field_path.text(api)] = at.author
            return {inner.name: self._value(inner, value, _At(api, at.author, at.names))}
        out: dict[str, Any] = before if isinstance(before, dict) else {}
        left = len(self.unplaced) + len(self.unknown)
        self.message(value, schema, out, at)
        # A group that the author wrote with fields, none of which is known here, says nothing.
        return None if value and not out and len(self.unplaced) + len(self.unknown) > left else out

    def _list(self, field: Field, value: Any, at: _At) -> Any:
        item = field.item
        if isinstance(value, str) and not isinstance(value, shape_matching.Reference):
            value = json_tree.unpacked(value)
        if not isinstance(value, list):
            author = at.author
            self.origins[field_path.text((at.api, field_path.index(0)))] = author
            values = [(author, value)]
        else:
            values = [(f"{at.author}[{position}]", one) for position, one in enumerate(value)]
        if item is None:
            return [one for _, one in values]
        out: list[Any] = []
        for author, one in values:
            if one is None:
                continue
            api = (at.api, field_path.index(len(out)))
            placed = self._value(item, one, _At(api, author, at.names))
            if placed is None:
                # A list of which one element is unknown cannot be compared as a whole.
                raise _NoPlaceError
            out.append(placed)
        return out

    def _map(self, field: Field, value: Any, at: _At) -> Any:
        if isinstance(value, list):
            return self._entries(field, value, at)
        if not isinstance(value, dict):
            raise _NoPlaceError
        if field.item is None:
            return self._free(value, at)
        out = {}
        for key, one in value.items():
            if one is None:
                continue
            placed = self._value(field.item, one, _At((at.api, key), join(at.author, key), at.names))
            if placed is not None:
                out[key] = placed
        return out if out or not value else None

    def _entries(self, field: Field, entries: list[Any], at: _At) -> Any:
        """A map that the author had to write as a list: of keys and values, or of messages that hold their key."""
        out = {}
        self.whole.append(field_path.text(at.api))
        for position, entry in enumerate(entries):
            key_name, value_name = shape_matching.entry_names(entry) if isinstance(entry, dict) else ("", "")
            key = entry.get(key_name) if key_name else None
            if not isinstance(key, str) or not (value_name or _is_message(field.item)):
                raise _NoPlaceError
            key = str(key)
            author = f"{at.author}[{position}]"
            api = (at.api, key)
            inner = _At(api, author, at.names)
            if value_name:
                inner = _At(api, join(author, value_name), f"{at.names}.{value_name}")
            self.origins[field_path.text(api)] = inner.author
            value = entry[value_name] if value_name else _without_key(entry, key_name, field.item)
            placed = self._value(field.item, value, inner) if field.item is not None else value
            if placed is not None:
                out[key] = placed
        return out if out or not entries else None

    def _free(self, value: Any, at: _At) -> Any:
        if any(one is UNKNOWN for one in json_tree.inside(value)):
            self.unknown.append(at.author)
            return None
        return json_tree.plain(value)

    def _scalar(self, field: Field, value: Any, at: _At) -> Any:
        if isinstance(value, list):
            if len(value) != 1:
                raise _NoPlaceError
            at = _At(at.api, f"{at.author}[0]", at.names)
            self.origins[field_path.text(at.api)] = at.author
            return self._value(field, value[0], at)
        if isinstance(value, dict):
            if field.format == "duration" and value.keys() <= {"seconds", "nanos"}:
                return shape_matching.duration(value)
            if len(value) != 1:
                raise _NoPlaceError
            [(name, inner)] = value.items()
            at = _At(at.api, join(at.author, name), f"{at.names}.{name}")
            self.origins[field_path.text(at.api)] = at.author
            return self._value(field, inner, at)
        if not shape_matching.fits_scalar(field, value):
            raise _NoPlaceError
        return str(value) if isinstance(value, shape_matching.Reference) else value


def _follow(schema: Schema, path: str) -> Chain | None:
    chain = []
    at: Schema | None = schema
    for name in path.split("."):
        field = at.fields.get(name) if at is not None else None
        if field is None:
            return None
        chain.append(field)
        at = field.schema
    return tuple(chain)


def _without_key(entry: dict[str, Any], key: str, item: Field | None) -> dict[str, Any]:
    """A message without the key that it holds in the author's list only."""
    if item is not None and item.schema is not None and key not in item.schema.fields:
        return {name: part for name, part in entry.items() if name != key}
    return entry


def _is_message(field: Field | None) -> bool:
    return field is not None and field.kind == "message"


def _prune(out: dict[str, Any], chain: Chain) -> None:
    """Take back the messages that were made on the way to nothing."""
    holders = [out]
    for field in chain[:-1]:
        inner = holders[-1].get(field.name)
        if not isinstance(inner, dict):
            return
        holders.append(inner)
    for holder, field in zip(reversed(holders[:-1]), reversed(chain[:-1]), strict=True):
        if not holder[field.name]:
            del holder[field.name]

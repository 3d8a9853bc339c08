"""Map an author's fields to the API's schema; shared by the Config Connector and the Terraform reader.

A field maps to the schema's field of the same name, to the name that the tools' conventions give (`field_search`), or
to the only field of that name further down. A field with several candidates, or whose value has not the field's shape,
is left out and reported: a field that is not compared is better than a false alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from setpoint.catalog import secrets
from setpoint.catalog.schemas import Field, Schema
from setpoint.comparison.source_paths import join
from setpoint.declarations.readers import (
    field_search,
    free_blocks,
    json_tree,
    name_heuristics,
    secret_values,
    shape_matching,
    unread_fields,
)
from setpoint.declarations.readers.field_mapping_result import (
    NO_MOVES,
    UNCHECKED,
    FieldOverrides,
    MappedFields,
    UnmappedField,
)
from setpoint.declarations.readers.field_search import Chain
from setpoint.declarations.readers.free_blocks import drop_empty, is_message, without_key
from setpoint.declarations.readers.passthrough import as_written
from setpoint.declarations.readers.unread_fields import widest, with_holders
from setpoint.model import field_path
from setpoint.model.field_path import Path
from setpoint.model.naming import camel

__all__ = ["EMPTY", "UNKNOWN", "FieldOverrides", "MappedFields", "UnmappedField", "as_written", "place"]

EMPTY = shape_matching.EMPTY
"""Marks a field in an author's tree as declared absent; mapped to null."""

UNKNOWN = shape_matching.UNKNOWN
"""Marks an unknown value in an author's tree: a secret's, or one known after apply."""


def place(  # noqa: PLR0913 - what the tools know of fields
    tree: Mapping[str, Any],
    schema: Schema,
    *,
    prefix: str = "spec",
    moves: FieldOverrides = NO_MOVES,
    paths: FieldOverrides = NO_MOVES,
    recorded: AbstractSet[str] = frozenset(),
    whole: AbstractSet[str] = frozenset(),
    unread: AbstractSet[str] = frozenset(),
    single: AbstractSet[str] | None = None,
) -> MappedFields:
    """Map an author's tree to a schema.

    Args:
        tree: The author's fields; keys in camel or snake case, `UNKNOWN` for unknown values.
        schema: The resource's schema.
        prefix: The author's path of the tree itself.
        moves: Exceptions to the rules.
        paths: Field paths from the tool's own table; the rules apply where this schema has no such path.
        recorded: Dotted names from the tree's root of fields whose values the service may have chosen.
        whole: Dotted names of maps that are owned with all entries.
        unread: Dotted names of fields that the API may not return: those for which a rule says so are mapped, and
            compared where the API returns them; secrets and all others are unknown.
        single: Dotted names of blocks of which there is one at most, so that a list of one stands for an object in a
            free-form field; None if the tree has no blocks.
    """
    walk = _Walk(moves, paths, recorded, whole, unread)
    walk.single = single
    data: dict[str, Any] = {}
    walk.origins[""] = prefix
    walk.message(tree, schema, data, _Cursor(field_path.ROOT, prefix, ""))
    return MappedFields(
        data, walk.origins, tuple(walk.unplaced), tuple(walk.unknown), tuple(walk.whole), widest(walk.recorded)
    )


_OF_EVERY_MESSAGE = frozenset(("kind", "selfLink"))
_NAMES = _OF_EVERY_MESSAGE | {"name", "id"}
"""Fields that every resource has, whether declared or not."""


class _Cursor(NamedTuple):
    """A position in the traversal: the API path, the author's path, and the author's names without list positions."""

    api: Path
    author: str
    names: str


class _NoPlaceError(Exception):
    """A value has another shape than the field."""


class _Walk:
    __slots__ = (
        *("moves", "origins", "paths", "recorded", "recorded_names", "root", "single"),
        *("unknown", "unknown_places", "unplaced", "unread", "whole", "whole_names"),
    )

    def __init__(
        self,
        moves: FieldOverrides,
        paths: FieldOverrides,
        recorded: AbstractSet[str],
        whole: AbstractSet[str],
        unread: AbstractSet[str],
    ) -> None:
        self.moves = moves
        self.paths = paths
        self.recorded_names = recorded
        self.whole_names = whole
        self.unread = unread
        self.single: AbstractSet[str] | None = None
        self.recorded: dict[str, None] = {}
        self.origins: dict[str, str] = {}
        self.unplaced: list[UnmappedField] = []
        self.unknown: list[str] = []
        self.unknown_places: set[tuple[Any, ...]] = set()
        self.whole: list[str] = []
        self.root: tuple[dict[str, Any], Schema] | None = None

    def message(self, tree: Mapping[str, Any], schema: Schema, out: dict[str, Any], cursor: _Cursor) -> None:
        """Map the fields of a group; those with equal names first."""
        if self.root is None:
            self.root = (out, schema)
        rest, empty = [], []
        for name, value in tree.items():
            if value is None:
                continue
            inner = f"{cursor.names}.{name}" if cursor.names else name
            if value is EMPTY:
                empty.append((inner, name))
            elif self._put_by_table(inner, name, value, schema, out, cursor):
                continue
            elif (
                (field := schema.fields.get(name)) is not None
                and not field.output_only
                and shape_matching.fits(field, value)
            ):
                self._put((field,), name, value, schema, out, cursor)
            else:
                rest.append((name, value))
        for name, value in rest:
            chain = field_search.search(schema, name, value, out)
            if chain is None:
                self._unmapped(name, schema, cursor)
            else:
                self._put(chain, name, value, schema, out, cursor)
        for inner, name in empty:
            self._put_empty(inner, name, schema, out, cursor)

    def _put_by_table(
        self, inner: str, name: str, value: Any, schema: Schema, out: dict[str, Any], cursor: _Cursor
    ) -> bool:
        """Map a field by an exception or by the tool's table; return whether a place fits it."""
        if inner in self.moves:
            self._move(inner, name, value, schema, out, cursor)
            return True
        if inner in self.unread:
            self._put_unread(inner, name, value, schema, out, cursor)
            return True
        if inner not in self.paths:
            return False
        target = self.paths[inner] or ""
        if target == ".":
            return self._put_into_parent(inner, name, value, schema, out, cursor)
        out, schema, cursor = self._holder(target, out, schema, cursor)
        chain = _resolve_path(schema, target.removeprefix("/"))
        is_of_server = chain is not None and any(field.output_only for field in chain)
        if chain is None or not (is_of_server or shape_matching.fits(chain[-1], value)):
            return False
        if not is_of_server:
            self._put(chain, name, value, schema, out, cursor)
        elif self.single is None:
            self._unmapped(name, schema, cursor)  # a person wrote it, and not a state that has what the server wrote
        return True

    def _holder(
        self, target: str, out: dict[str, Any], schema: Schema, cursor: _Cursor
    ) -> tuple[dict[str, Any], Schema, _Cursor]:
        """What a target is looked up in: with a slash the resource itself, else the message of the field."""
        if not target.startswith("/") or self.root is None:
            return out, schema, cursor
        return *self.root, _Cursor(field_path.ROOT, cursor.author, cursor.names)

    def _put_unread(
        self, inner: str, name: str, value: Any, schema: Schema, out: dict[str, Any], cursor: _Cursor
    ) -> None:
        """Map a field that the API may not return, if a rule says that its absence is not a difference."""
        target = self.paths.get(inner) or camel(name)
        out, schema, cursor = self._holder(target, out, schema, cursor)
        names = target.removeprefix("/")
        chain = _resolve_path(schema, names)
        path, *inner_names = names.split(".")
        api: tuple[Path, str] = (cursor.api, path)
        for part in inner_names:
            api = (api, part)
        is_secret = secrets.may_be_withheld(name) or (chain is not None and chain[-1].sensitive)
        may_be_absent = (chain is not None and chain[-1].input_only) or (
            self.root is not None and unread_fields.may_be_absent(self.root[1], api)
        )
        if value is UNKNOWN or is_secret or not may_be_absent or isinstance(value, shape_matching.Secret):
            self.unknown.append(join(cursor.author, name))
        elif chain is None and api[0] is field_path.ROOT:
            out[names] = value  # a field of the request that creates the resource
            self.origins[names] = join(cursor.author, name)
            self._mark(inner, api)
        elif chain is None or any(field.output_only for field in chain) or not shape_matching.fits(chain[-1], value):
            self.unknown.append(join(cursor.author, name))
        else:
            self._put(chain, name, value, schema, out, cursor)

    def _put_into_parent(
        self, inner: str, name: str, value: Any, schema: Schema, out: dict[str, Any], cursor: _Cursor
    ) -> bool:
        """Map the fields of a group that the API does not have into the parent."""
        group = value[0] if isinstance(value, list) and len(value) == 1 else value
        if not isinstance(group, dict):
            return False
        author = join(cursor.author, name)
        self.message(group, schema, out, _Cursor(cursor.api, f"{author}[0]" if group is not value else author, inner))
        return True

    def _put_empty(self, inner: str, name: str, schema: Schema, out: dict[str, Any], cursor: _Cursor) -> None:
        """Declare a field absent, if its place is certain and nothing else is declared there."""
        target = self.moves.get(inner, self.paths.get(inner, ""))
        if target is None or target in {UNCHECKED, "."}:
            return
        api = cursor.api
        if target.startswith("/") and self.root is not None:
            (out, schema), api = self.root, field_path.ROOT
        chain: Chain | None
        if target:
            chain = _resolve_path(schema, target.removeprefix("/"))
        else:
            field = field_search.direct(schema).get(name_heuristics.plain(name))
            chain = (field,) if field is not None else None
        if chain is None or any(field.output_only for field in chain) or self._is_open(chain, api, cursor):
            return
        holder = out
        for field in chain[:-1]:
            api = (api, field.name)
            if field.presence and field.name not in holder:
                return  # an empty message would declare that it is there
            inside = holder.setdefault(field.name, {})
            if not isinstance(inside, dict):
                return
            holder = inside
        api = (api, chain[-1].name)
        if chain[-1].name not in holder:
            holder[chain[-1].name] = None
            self._mark(inner, api)

    def _is_open(self, chain: Chain, api: Path, cursor: _Cursor) -> bool:
        """Whether a field is set whatever is declared, or by another attribute, whose value is not known."""
        own = _NAMES if cursor.api is field_path.ROOT and len(chain) == 1 else _OF_EVERY_MESSAGE
        return chain[-1].name in own or (api, *chain) in self.unknown_places

    def _mark(self, inner: str, api: Path) -> None:
        """Record a field whose value the service may have chosen."""
        if self.recorded_names and any(name in self.recorded_names for name in with_holders(inner)):
            self.recorded[field_path.of_any_position(field_path.text(api))] = None

    def _move(self, inner: str, name: str, value: Any, schema: Schema, out: dict[str, Any], cursor: _Cursor) -> None:
        target = self.moves[inner]
        if target is None:
            return
        out, schema, cursor = self._holder(target, out, schema, cursor)
        chain = next(
            (followed for path in target.removeprefix("/").split("|") if (followed := _resolve_path(schema, path))),
            None,
        )
        if chain is None:
            self._unmapped(name, schema, cursor)
        else:
            self._put(chain, name, value, schema, out, cursor)

    def _unmapped(self, name: str, schema: Schema, cursor: _Cursor) -> None:
        self.unplaced.append(UnmappedField(join(cursor.author, name), name, schema))

    def _put(self, chain: Chain, name: str, value: Any, schema: Schema, out: dict[str, Any], cursor: _Cursor) -> None:
        """Set the field at the end of a chain; create the messages on the way."""
        author = join(cursor.author, name)
        inner = f"{cursor.names}.{name}" if cursor.names else name
        if chain[-1].sensitive and self.single is not None:  # of a state or plan
            value = secret_values.concealed(value, withheld=True)
        if value is UNKNOWN or not secret_values.is_of(chain[-1], value, is_whole=inner in self.whole_names):
            self.unknown.append(author)
            self.unknown_places.add((cursor.api, *chain))
            return
        api = cursor.api
        holder = out
        for field in chain[:-1]:
            api = (api, field.name)
            if holder.get(field.name) is None:
                holder[field.name] = {}
                self.origins[field_path.text(api)] = author
            holder = holder[field.name]
        last = chain[-1]
        api = (api, last.name)
        within = _Cursor(api, author, inner)
        if len(chain) > 1 or last.name != name:
            self.origins[field_path.text(api)] = author
        misses = len(self.unplaced)
        try:
            placed = self._value(last, value, within, holder.get(last.name))
        except _NoPlaceError:
            placed = None
            del self.unplaced[misses:]
            self._unmapped(name, schema, cursor)
        if placed is None or placed is UNKNOWN:
            drop_empty(out, chain)
        else:
            holder[last.name] = placed
            self._mark(inner, api)
            if inner in self.whole_names and isinstance(placed, dict) and last.kind != "message":
                self.whole.append(field_path.of_any_position(field_path.text(api)))

    def _value(self, field: Field, value: Any, cursor: _Cursor, before: Any = None) -> Any:
        """The value in the field's shape; None if no part of it can be compared."""
        if value is UNKNOWN or not secret_values.is_of(field, value, is_whole=cursor.names in self.whole_names):
            self.unknown.append(cursor.author)
            return None
        if field.kind == "message":
            return self._group(field, value, cursor, before)
        if field.kind == "any":
            return self._free(value, cursor)
        convert = {"list": self._list, "map": self._map}.get(field.kind, self._scalar)
        return convert(field, value, cursor)

    def _group(self, field: Field, value: Any, cursor: _Cursor, before: Any) -> Any:
        schema = field.schema
        if schema is None:
            return self._free(value, cursor)
        if isinstance(value, str) and not isinstance(value, shape_matching.Reference):
            value = json_tree.unpacked(value)
        if isinstance(value, list) and (inner := self._elements(schema, value, cursor)) is not None:
            return self._only(inner, value, cursor)
        if not isinstance(value, list):
            return self._object(schema, value, cursor, before)
        if len(value) > 1:
            raise _NoPlaceError
        cursor = _Cursor(
            cursor.api, f"{cursor.author}[0]", cursor.names
        )  # the one block, as Terraform writes a message
        if value:
            self.origins[field_path.text(cursor.api)] = cursor.author
        if not value or value[0] is None:
            return None
        if value[0] is UNKNOWN:
            return self._value(field, UNKNOWN, cursor)
        return self._object(schema, value[0], cursor, before)

    def _object(self, schema: Schema, value: Any, cursor: _Cursor, before: Any) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            return self._only(shape_matching.only(schema, value), value, cursor)
        out: dict[str, Any] = before if isinstance(before, dict) else {}
        left = len(self.unplaced) + len(self.unknown)
        self.message(value, schema, out, cursor)
        # A group of which no field is known here declares nothing.
        return None if value and not out and len(self.unplaced) + len(self.unknown) > left else out

    def _only(self, inner: Field | None, value: Any, cursor: _Cursor) -> dict[str, Any]:
        """A message by the value of its one field."""
        if inner is None:
            raise _NoPlaceError
        api = (cursor.api, inner.name)
        self.origins[field_path.text(api)] = cursor.author
        return {inner.name: self._value(inner, value, _Cursor(api, cursor.author, cursor.names))}

    def _elements(self, schema: Schema, value: list[Any], cursor: _Cursor) -> Field | None:
        """The list of a message that a list sets; none where the tool's table names fields of the message in it."""
        names = value[0] if len(value) == 1 and isinstance(value[0], dict) else ()
        targets = (self.paths.get(f"{cursor.names}.{name}") for name in names)
        is_message = any(target and _resolve_path(schema, target) is not None for target in targets)
        return None if is_message else shape_matching.elements(schema, value)

    def _list(self, field: Field, value: Any, cursor: _Cursor) -> Any:
        item = field.item
        if isinstance(value, str) and not isinstance(value, shape_matching.Reference):
            value = json_tree.unpacked(value)
        if not isinstance(value, list):
            self.origins[field_path.text((cursor.api, field_path.index(0)))] = cursor.author
            values = [(cursor.author, value)]
        else:
            values = [(f"{cursor.author}[{position}]", element) for position, element in enumerate(value)]
        if item is None:
            return [element for _, element in values]
        out: list[Any] = []
        for author, element in values:
            if element is None:
                continue
            api = (cursor.api, field_path.index(len(out)))
            placed = self._value(item, element, _Cursor(api, author, cursor.names))
            if placed is None:
                # A list with an unknown element cannot be compared as a whole.
                raise _NoPlaceError
            out.append(placed)
        return out

    def _map(self, field: Field, value: Any, cursor: _Cursor) -> Any:
        if isinstance(value, list):
            return self._entries(field, value, cursor)
        if secret_values.is_map(value):
            return value
        if not isinstance(value, dict):
            raise _NoPlaceError
        if field.item is None:
            return self._free(value, cursor)
        out = {}
        for key, part in value.items():
            if part is None:
                continue
            placed = self._value(field.item, part, _Cursor((cursor.api, key), join(cursor.author, key), cursor.names))
            if placed is not None:
                out[key] = placed
        return out if out or not value else None

    def _entries(self, field: Field, entries: list[Any], cursor: _Cursor) -> Any:
        """A map that the author writes as a list: of keys and values, or of messages that contain their key."""
        out = {}
        self.whole.append(field_path.text(cursor.api))
        for position, entry in enumerate(entries):
            key_name, value_name = shape_matching.entry_names(entry) if isinstance(entry, dict) else ("", "")
            key = entry.get(key_name) if key_name else None
            if not isinstance(key, str) or not (value_name or is_message(field.item)):
                raise _NoPlaceError
            key = str(key)
            author = f"{cursor.author}[{position}]"
            api = (cursor.api, key)
            inner = _Cursor(api, author, cursor.names)
            if value_name:
                inner = _Cursor(api, join(author, value_name), f"{cursor.names}.{value_name}")
            self.origins[field_path.text(api)] = inner.author
            value = entry[value_name] if value_name else without_key(entry, key_name, field.item)
            placed = self._value(field.item, value, inner) if field.item is not None else value
            if placed is not None:
                out[key] = placed
        return out if out or not entries else None

    def _free(self, value: Any, cursor: _Cursor) -> Any:
        if any(part is UNKNOWN or secret_values.is_map(part) for part in json_tree.inside(value)):
            self.unknown.append(cursor.author)
            return None
        if self.single is not None:
            value = free_blocks.renamed(value, cursor.names, self.paths, self.single)
        return json_tree.plain(value)

    def _scalar(self, field: Field, value: Any, cursor: _Cursor) -> Any:
        if isinstance(value, list):
            if len(value) != 1:
                raise _NoPlaceError
            cursor = _Cursor(cursor.api, f"{cursor.author}[0]", cursor.names)
            self.origins[field_path.text(cursor.api)] = cursor.author
            return self._value(field, value[0], cursor)
        if isinstance(value, dict):
            if field.format == "duration" and value.keys() <= {"seconds", "nanos"}:
                return shape_matching.duration(value)
            if len(value) != 1:
                raise _NoPlaceError
            [(name, inner)] = value.items()
            cursor = _Cursor(cursor.api, join(cursor.author, name), f"{cursor.names}.{name}")
            self.origins[field_path.text(cursor.api)] = cursor.author
            return self._value(field, inner, cursor)
        if not shape_matching.fits_scalar(field, value):
            raise _NoPlaceError
        return str(value) if isinstance(value, shape_matching.Reference) else value


def _resolve_path(schema: Schema, path: str) -> Chain | None:
    chain = []
    current: Schema | None = schema
    for name in path.split("."):
        field = current.fields.get(name) if current is not None else None
        if field is None:
            return None
        chain.append(field)
        current = field.schema
    return tuple(chain)

"""What Google's own API schemas say of each field of a resource.

The catalogue ships one small file per service (`setpoint/catalog/data/schemas/<service>.json.gz`, made by
`python -m setpoint_tools.distil` from Google's discovery documents). A service is read when one of its types is
first asked for, a schema is built when its fields are first looked at; nothing is read at import.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from setpoint.catalog import asset_types, data_files, schema_corrections

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = data_files.FOLDER / "schemas"

_SCALARS = {
    "string": ("string", ""),
    "boolean": ("boolean", ""),
    "integer": ("integer", ""),
    "int32": ("integer", "int32"),
    "int64": ("integer", "int64"),
    "uint32": ("integer", "uint32"),
    "uint64": ("integer", "uint64"),
    "number": ("number", ""),
    "float": ("number", "float"),
    "double": ("number", "double"),
    "duration": ("string", "duration"),
    "timestamp": ("string", "timestamp"),
    "date": ("string", "date"),
    "bytes": ("string", "bytes"),
    "fieldmask": ("string", "fieldmask"),
    "enum": ("string", "enum"),
}
_ZEROS: dict[str, Any] = {"string": "", "boolean": False, "integer": 0, "number": 0}
_SHARED_WITH_ITEMS = frozenset(("reference", "sensitive", "shown", "spelling"))
_MESSAGE_FORMATS = {"duration": "0s", "timestamp": None, "date": ""}


class Field(msgspec.Struct, frozen=True, eq=False, repr_omit_defaults=True):
    """One field of a resource, as its API describes it.

    `name` is the API's own, camelCase as in the JSON. `kind` is `scalar`, `message`, `map`, `list` or, for what is
    free-form, `any`. A scalar has a `type` (`string`, `integer`, `number`, `boolean`) and may have a `format` (`int64`,
    `duration`, `timestamp`, `date`, `bytes`, `fieldmask`, `enum`, ...); int64 is an integer, although JSON
    carries a string. A list's `item` is its element, a map's its value; a message has a `schema`.
    """

    name: str
    kind: str
    type: str = ""
    format: str = ""
    enum: tuple[str, ...] = ()
    """The enum's names in the document's order."""
    output_only: bool = False
    """The server sets it and ignores it on input."""
    input_only: bool = False
    """The server takes it and never answers it."""
    immutable: bool = False
    required: bool = False
    reference: bool = False
    """A string, or the strings of a list, may name a resource: by URL, self link, relative or full name."""
    sensitive: bool = False
    """A secret: never to be shown."""
    shown: str = ""
    """What may be shown although no name says so: `text`, what the field or its entries hold; `keys`, the entries of a
    map whose keys the service names, each as a field of this name."""
    words: tuple[str, ...] = ()
    """The words that a text takes, in capitals, where the description lists them."""
    spelling: str = ""
    """The comparison that a text asks for: `clock`, `recurrence`, `trailing-dot`; empty for most."""
    beta: bool = False
    """Only a beta or alpha version of the API knows it."""
    default: Any = None
    """The default that the document states, typed; None where it states none."""
    absent: Any = None
    """What an absent field stands for, typed, as the description states it; None where it states nothing."""
    presence: bool = False
    """An absent field says something else than a zero, a false or an empty message."""
    ordered: bool = False
    """The order of the list's elements has a meaning."""
    union: bool = False
    """A member of a union: where another member is set, this one is not."""
    restricts: bool = False
    """An absent field means all: a set one restricts what it belongs to."""
    renamed: Mapping[str, str] | None = None
    """Other names of an enum's values: older ones, aliases."""
    zero: Any = None
    """What proto JSON leaves out: `""`, 0, False, an enum's first name, `[]`, `{}`; None where unknown."""
    item: Field | None = None
    schema: Schema | None = None


class Schema:
    """The fields of one resource or message, by API name.

    Recursive schemas are well: a message's schema is one object, and its fields are built when first looked
    at.
    """

    __slots__ = ("_line", "_packed", "fields", "name", "service", "version")

    service: str
    version: str
    name: str
    fields: Mapping[str, Field]

    def __init__(self, line: _Line, name: str, packed: Any) -> None:
        self.service = line.service
        self.version = line.version
        self.name = name
        self._line = line
        self._packed = packed

    def __getattr__(self, name: str) -> Any:
        # Only reached while the slot is empty: the first look builds the fields, later ones read the slot.
        if name != "fields":
            raise AttributeError(name)
        fields = self._line.fields(self)
        self.fields = fields
        return fields

    def __repr__(self) -> str:
        return f"Schema({self.service}/{self.version}/{self.name})"


class _StoredLine(msgspec.Struct):
    version: str
    folded: tuple[str, ...]
    alphabetical: bool
    kinds: dict[str, str]
    schemas: dict[str, msgspec.Raw]


class _Stored(msgspec.Struct):
    service: str
    lines: list[_StoredLine]


_stored = msgspec.json.Decoder(_Stored)
_packed = msgspec.json.Decoder(dict[str, Any])


class _Line:
    """One major version of an API, with the schemas built so far."""

    __slots__ = ("_alphabetical", "_built", "_raw", "kinds", "service", "version", "versions")

    def __init__(self, service: str, stored: _StoredLine) -> None:
        self.service = service
        self.version = stored.version
        self.versions = (stored.version, *stored.folded)
        self.kinds = stored.kinds
        self._raw = stored.schemas
        self._alphabetical = stored.alphabetical
        self._built: dict[str, Schema] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all schemas."""
        return tuple(self._raw)

    def schema(self, name: str) -> Schema | None:
        """Return a schema by its name in the document, or None."""
        built = self._built.get(name)
        if built is None and name in self._raw:
            built = self._built.setdefault(name, Schema(self, name, self._raw[name]))
        return built

    def named(self, name: str) -> Schema | None:
        """Return a schema by a name that may be of a folded version, where names carry the version."""
        return self.schema(name) or next(
            (
                schema
                for version in self.versions[1:]
                if (schema := self.schema(name.replace(version.capitalize(), self.version.capitalize(), 1)))
            ),
            None,
        )

    def fields(self, schema: Schema) -> dict[str, Field]:
        packed = schema._packed  # noqa: SLF001 - one module, one thing: the line builds what the schema shows
        if isinstance(packed, msgspec.Raw):
            packed = _packed.decode(packed)
        corrected = schema_corrections.of(self.service, schema.name)
        return {name: self._field(schema.name, name, field, corrected.get(name, {})) for name, field in packed.items()}

    def _field(self, owner: str, name: str, packed: Any, corrected: Mapping[str, Any]) -> Field:
        head, inner, default, stated = (((packed,) if isinstance(packed, str) else tuple(packed)) + (None,) * 3)[:4]
        word, _, marks = head.partition(":")
        attributes: dict[str, Any] = {
            "output_only": "o" in marks,
            "input_only": "i" in marks,
            "immutable": "m" in marks,
            "required": "r" in marks,
            "reference": "n" in marks,
            "sensitive": "s" in marks,
            "beta": "b" in marks,
            "default": default,
            "presence": "p" in marks,
            "ordered": "l" in marks,
            "restricts": "x" in marks,
            "union": "u" in marks,
            **(stated or {}),
            **corrected,
        }
        if word in _SCALARS:
            kind, form = _SCALARS[word]
            enum = tuple(inner or ())
            zero = self._zero(kind, form, enum)
            return Field(name, "scalar", kind, form, enum, zero=zero, **attributes)
        if word == "message":
            held = self.schema(inner) if isinstance(inner, str) else Schema(self, f"{owner}.{name}", inner)
            return Field(name, "message", zero={}, schema=held, **attributes)
        if word in {"list", "map"}:
            # What is said of a list of strings is said of each.
            shared = {key: value for key, value in attributes.items() if key in _SHARED_WITH_ITEMS}
            item = self._field(owner, name, inner, shared)
            return Field(name, word, zero=[] if word == "list" else {}, item=item, **attributes)
        return Field(name, "any", **attributes)

    def _zero(self, kind: str, form: str, enum: tuple[str, ...]) -> Any:
        if form == "enum":
            return enum_zero(enum, alphabetical=self._alphabetical)
        return _MESSAGE_FORMATS[form] if form in _MESSAGE_FORMATS else _ZEROS[kind]


def enum_zero(names: tuple[str, ...], *, alphabetical: bool = False) -> str | None:
    """Return the name that an absent enum stands for, or None if the document does not state it.

    Documents keep the proto's order, and a proto's first value is its zero. Compute's sort the names: there
    only a name that says so (`..._UNSPECIFIED`, `UNDEFINED_...`) is the zero.

    Args:
        names: The enum's names, in the document's order.
        alphabetical: The document sorts them.
    """
    for name in names:
        upper = name.upper()
        if upper.endswith("UNSPECIFIED") or upper.startswith(("UNSPECIFIED_", "UNDEFINED_")):
            return name
    return None if alphabetical or not names else names[0]


_SHAPES: dict[str, tuple[type, ...]] = {"message": (dict,), "map": (dict,), "list": (list,)}


def _takes(schema: Schema, name: str, value: Any) -> bool:
    field = schema.fields.get(name)
    if field is None or field.output_only:
        return False
    shapes = _SHAPES.get(field.kind)
    if shapes is None:
        return field.kind == "any" or not isinstance(value, (dict, list))
    return isinstance(value, shapes)


def _lines(data: bytes) -> tuple[_Line, ...]:
    stored = _stored.decode(data)
    return tuple(_Line(stored.service, line) for line in stored.lines)


class Catalogue:
    """The schemas of all services, read as they are asked for.

    Safe to share between threads: at worst two of them read one file.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._services = data_files.FilesByService[tuple[_Line, ...]](folder, _lines, ())
        self._known: dict[tuple[str, str, str], Schema | None] = {}
        self._candidates: dict[str, tuple[Schema, ...]] = {}

    def schema_for(self, asset_type: str, *, discovery_uri: str = "", discovery_name: str = "") -> Schema | None:
        """Return the schema of an asset's `resource.data`, or None where Google describes none.

        Args:
            asset_type: Cloud Asset Inventory's type, as `compute.googleapis.com/Firewall`.
            discovery_uri: The message's `discoveryDocumentUri`; where it and the name resolve, they decide.
            discovery_name: The message's `discoveryName`.
        """
        key = (asset_type, discovery_uri if discovery_name else "", discovery_name)
        try:
            return self._known[key]
        except KeyError:
            schema = self._discovered(asset_type, discovery_uri, discovery_name) if discovery_name else None
            if schema is None:
                schema = next(iter(self.schemas_for(asset_type)), None)
            self._known[key] = schema
            return schema

    def schemas_for(self, asset_type: str) -> tuple[Schema, ...]:
        """Return every schema that a declaration of this type may be written in, the preferred version first.

        Cloud Run, for one, is declared as v2, as the Knative-style v1, and sent by the feed as either.
        """
        candidates = self._candidates.get(asset_type)
        if candidates is None:
            candidates = tuple(dict.fromkeys(self._by_rule(asset_types.resolve(asset_type))))
            self._candidates[asset_type] = candidates
        return candidates

    def kinds(self, asset_type: str) -> dict[str, str]:
        """The kinds of a type's service, in lower case, each with the name of its schema: `firewall` to `Firewall`."""
        lines = self._services.of(asset_types.resolve(asset_type).service)
        return {kind: name for line in lines for kind, name in line.kinds.items()}

    def schemas_of(self, service: str) -> tuple[Schema, ...]:
        """Return every named schema of an API, of all its versions.

        Args:
            service: the API's name in its discovery document, `compute`.
        """
        return tuple(
            schema for line in self._services.of(service) for name in line.names if (schema := line.schema(name))
        )

    def fitting(self, asset_type: str, body: Mapping[str, Any]) -> Schema | None:
        """Return the candidate that a declared body is written in: it takes most of the body's top-level fields.

        Args:
            asset_type: As for `schema_for`.
            body: The declared fields. A field counts where the schema knows it, its shape agrees, and it is
            no output.

        Returns:
            The best candidate, the preferred version among equals; None where there is no candidate.
        """
        candidates = self.schemas_for(asset_type)
        if len(candidates) < 2:  # noqa: PLR2004 - nothing to choose
            return next(iter(candidates), None)
        return max(candidates, key=lambda schema: sum(_takes(schema, name, value) for name, value in body.items()))

    def _discovered(self, asset_type: str, uri: str, name: str) -> Schema | None:
        service, version = asset_types.discovery(uri)
        target = asset_types.resolve(asset_type)
        lines = self._services.of(service or target.service)
        return next(
            (
                schema
                for line in sorted(lines, key=lambda line: version not in line.versions)
                if (schema := line.named(name))
            ),
            None,
        )

    def _by_rule(self, target: asset_types.ApiTarget) -> list[Schema]:
        lines = sorted(self._services.of(target.service), key=lambda line: target.version not in line.versions)
        named = [schema for line in lines if target.schema and (schema := line.named(target.schema))]
        kind = target.kind.lower()
        ruled = [schema for line in lines if kind in line.kinds and (schema := line.schema(line.kinds[kind]))]
        return named + ruled or [schema for line in lines if (schema := line.schema(target.kind))]


@cache
def default_catalogue() -> Catalogue:
    """The schemas that the package ships, from Google's discovery documents; cached for the process."""
    return Catalogue()

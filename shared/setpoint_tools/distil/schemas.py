"""Packs the schemas of a document: what a resource can hold, field by field, without the prose.

The packed form of a field is a head, `type:flags`, alone or with what it is made of:

    "int64"                                     a scalar
    "string:in"                                 a scalar that is input-only and a reference
    ["enum:o", ["A", "B"]]                      the names in the order of the document
    ["message:b", "Disk"]                       another schema of the file
    ["message", {"name": "string"}]             an anonymous one
    ["list", "string"], ["map", "any"]          of the element, of the value
    ["bool", null, true]                        a third place: the stated default
    ["int32", null, null, {"absent": 10}]       a fourth: what an absent field stands for, an enum's other names
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from setpoint_tools.distil import flags, meanings, statements, unions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Packed = str | list[Any]
Rank = tuple[int, int]

_FORMATS = {
    "google-duration": "duration",
    "google-datetime": "timestamp",
    "date-time": "timestamp",
    "date": "date",
    "byte": "bytes",
    "google-fieldmask": "fieldmask",
    "int32": "int32",
    "int64": "int64",
    "uint32": "uint32",
    "uint64": "uint64",
    "float": "float",
    "double": "double",
}
_RESOURCE_METHODS = ("get", "list", "aggregatedList", "create", "insert", "patch", "update", "replace", "add")
_WRAPPERS = ("Response", "Request", "List", "AggregatedList")
_NOT_RESOURCES = frozenset(
    {
        "Operation",
        "GoogleLongrunningOperation",
        "Empty",
        "GoogleProtobufEmpty",
        "GoogleApiHttpBody",
        "HttpBody",
    }
)
_UNSAID = ("string", "timestamp", f"string:{flags.REFERENCE}")
_DEEPEST = 8  # schemas that only name other schemas are not nested deeper; the bound ends a circle of them


def methods(node: Mapping[str, Any], *collections: str) -> Iterator[tuple[tuple[str, ...], str, Mapping[str, Any]]]:
    """Walk a document's methods: the collections that each stands in, from the root; its name; its text."""
    for name, method in node.get("methods", {}).items():
        yield collections, name, method
    for name, child in node.get("resources", {}).items():
        yield from methods(child, *collections, name)


def resources(document: Mapping[str, Any]) -> dict[str, dict[str, Rank]]:
    """Return the schemas that the methods of an API read or write as resources.

    Each comes with the collections that hold it, and how surely: what `get` answers is the resource of its
    collection, what a `list` lists is so too, a body that is sent may be something else; and the nearer to
    the root the better. Wrappers (`ListFirewallsResponse`, `CreateClusterRequest`) are not resources; what
    they wrap is.
    """
    schemas = document.get("schemas", {})
    by_schema: dict[str, dict[str, Rank]] = {}
    for collections, name, method in methods(document):
        if not name.startswith(_RESOURCE_METHODS) or "IamPolicy" in name:
            continue
        for side in ("response", "request"):
            for schema, sure in _spoken_of(schemas, method.get(side, {}).get("$ref")):
                ranks = by_schema.setdefault(schema, {})
                if name not in _RESOURCE_METHODS or not collections:
                    continue
                rank = (sure + (name != "get") + 2 * (side == "request"), len(collections))
                ranks[collections[-1]] = min(rank, ranks.get(collections[-1], rank))
    return by_schema


def _spoken_of(schemas: Mapping[str, Any], name: str | None) -> Iterator[tuple[str, int]]:
    """Yield the resources of a request or answer: 0 for itself or what it lists, more for what else it holds."""
    if name is None or name in _NOT_RESOURCES or name not in schemas:
        return
    if not name.endswith(_WRAPPERS):
        yield name, 0
        return
    for field in schemas[name].get("properties", {}).values():
        for part, sure in (("items", 0), ("additionalProperties", 0), ("", 4)):
            reference = (field.get(part, {}) if part else field).get("$ref")
            if reference is None or reference in _NOT_RESOURCES or not schemas.get(reference, {}).get("properties"):
                continue
            if reference.endswith("ScopedList"):
                # An aggregated list holds a list for each zone.
                yield from _spoken_of(schemas, reference)
            else:
                yield reference, sure


def reachable(schemas: Mapping[str, Any], roots: Iterable[str]) -> set[str]:
    """Return the names of all schemas that the roots hold, themselves included."""
    waiting = list(roots)
    names: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in names or name not in schemas:
            continue
        names.add(name)
        waiting.extend(_references(schemas[name]))
    return names


def _references(node: Mapping[str, Any]) -> Iterator[str]:
    if "$ref" in node:
        yield node["$ref"]
    for child in node.get("properties", {}).values():
        yield from _references(child)
    for part in ("items", "additionalProperties"):
        if part in node:
            yield from _references(node[part])


class Packer:
    """Packs the schemas of one document, whose resources have the given kinds."""

    def __init__(self, service: str, schemas: Mapping[str, Any], kinds: Iterable[str]) -> None:
        self._service = service
        self._schemas = schemas
        self._kinds = frozenset(kinds)

    def schema(self, name: str, *, resource: bool = False) -> dict[str, Packed]:
        """Return the packed fields of a schema by name; empty for one that is not an object with fields.

        Args:
            name: The schema's name in the document.
            resource: It is a resource itself, not only part of one.
        """
        properties = self._schemas[name].get("properties", {})
        fields = self._fields(properties, 0)
        own = fields.get("name") if resource else None
        is_text = isinstance(own, str) and own.partition(":")[0] == "string"
        if is_text and meanings.is_own_name(properties["name"].get("description", "")):
            fields["name"] = marked(str(own), flags.REFERENCE)
        for member in unions.members(self._service, name) & fields.keys():
            fields[member] = _in_union(fields[member])
        for owned in flags.SERVER_OWNED & fields.keys() if resource else ():
            head = fields[owned]
            if head in _UNSAID:
                fields[owned] = marked(str(head), flags.OUTPUT_ONLY)
        return fields

    def _fields(self, properties: Mapping[str, Any], depth: int) -> dict[str, Packed]:
        return {name: self._field(name, field, depth) for name, field in properties.items()}

    def _field(self, name: str, field: Mapping[str, Any], depth: int) -> Packed:
        kind, inner = self._shape(name, field, depth)
        default = _default(kind, field.get("default"))
        more = self._stated(name, kind, field, default)
        head = kind
        for mark in self._marks(name, kind, inner, field) | set(more.pop("marks", ())):
            head = marked(head, mark)
        if more:
            return [head, inner, default, more]
        if default is not None:
            return [head, inner, default]
        return head if inner is None else [head, inner]

    def _marks(self, name: str, kind: str, inner: Any, field: Mapping[str, Any]) -> set[str]:
        """Return the flags of a field: by its markers, its text and its name."""
        text = field.get("description", "")
        marks = set(flags.read(text))
        if field.get("readOnly"):
            marks.add(flags.OUTPUT_ONLY)
        inserted = field.get("annotations", {}).get("required", ())
        if any(method.rsplit(".", 1)[-1] in {"insert", "create"} for method in inserted):
            # What a caller has to send is an input, whatever the text says.
            marks.add(flags.REQUIRED)
            marks.discard(flags.OUTPUT_ONLY)
        if self._is_text(kind, inner):
            if kind in {"string", "list"} and meanings.is_reference(self._service, name, text, self._kinds):
                marks.add(flags.REFERENCE)
            if meanings.is_sensitive(name, text):
                marks.add(flags.SENSITIVE)
        return marks

    @staticmethod
    def _stated(name: str, kind: str, field: Mapping[str, Any], default: Any) -> dict[str, Any]:
        """Return what the text says of an absent field and of order, and the other names of an enum's values."""
        text = field.get("description", "")
        enum = statements.described(field.get("enum", ()), field.get("enumDescriptions", ()))
        absent = statements.default(name, kind, text, enum) if default is None else None
        stated: dict[str, Any] = {}
        if absent is not None:
            stated["absent"] = absent
        if kind == "string" and (words := statements.words(text)):
            stated["words"] = words
        is_text = kind == "string" or (kind == "list" and field.get("items", {}).get("type") == "string")
        if is_text and (spelling := statements.spelling(name, text)):
            stated["spelling"] = spelling
        stated_flags = (
            (flags.PRESENCE, statements.has_presence(kind, text, absent if absent is not None else default)),
            (flags.ORDERED, kind == "list" and statements.is_ordered(text)),
            (flags.RESTRICTS, statements.restricts(text)),
        )
        if marks := [mark for mark, holds in stated_flags if holds]:
            stated["marks"] = marks
        if renamed := statements.renamed(enum):
            stated["renamed"] = renamed
        return stated

    @staticmethod
    def _is_text(kind: str, inner: Any) -> bool:
        if kind in {"list", "map"}:
            return bool(inner in {"string", "bytes"}) if isinstance(inner, str) else False
        return kind in {"string", "bytes"}

    def _shape(self, name: str, field: Mapping[str, Any], depth: int) -> tuple[str, Any]:
        """Return the type word of a field and what it is made of."""
        reference = field.get("$ref")
        if reference is not None:
            return self._referenced(name, reference, depth)
        kind = field.get("type", "any")
        if kind == "array":
            return "list", self._element(name, field.get("items", {}), depth)
        if kind == "object" and field.get("properties"):
            return "message", self._fields(field["properties"], depth + 1)
        if kind == "object":
            # One without any word of what it holds is free-form.
            return "map", self._element(name, field.get("additionalProperties", {}), depth)
        if kind == "string" and field.get("enum"):
            return "enum", list(field["enum"])
        return _FORMATS.get(field.get("format", ""), kind), None

    def _referenced(self, name: str, reference: str, depth: int) -> tuple[str, Any]:
        target = self._schemas.get(reference)
        if target is None:
            return "any", None
        if target.get("type", "object") == "object" and (
            target.get("properties") or "additionalProperties" not in target
        ):
            return "message", reference
        # A schema that only names a list, a map or a scalar is that.
        return self._shape(name, target, depth + 1) if depth < _DEEPEST else ("any", None)

    def _element(self, name: str, field: Mapping[str, Any], depth: int) -> Packed:
        kind, inner = self._shape(name, field, depth + 1)
        return kind if inner is None else [kind, inner]


def _in_union(field: Packed) -> Packed:
    """Return a field as a member of a union; a message that is one is there even when it is empty."""
    head = marked(field if isinstance(field, str) else field[0], flags.UNION)
    if head.partition(":")[0] == "message":
        head = marked(head, flags.PRESENCE)
    return head if isinstance(field, str) else [head, *field[1:]]


def marked(head: str, mark: str) -> str:
    """Return a head with one more mark: `string`, `o` → `string:o`."""
    kind, _, marks = head.partition(":")
    return f"{kind}:{''.join(sorted({*marks, mark}))}"


def _default(kind: str, stated: Any) -> Any:
    if stated is None or isinstance(stated, bool):
        return stated
    if kind == "boolean":
        return str(stated).lower() == "true"
    try:
        if kind in {"integer", "int32", "int64", "uint32", "uint64"}:
            return int(stated)
        if kind in {"number", "float", "double"}:
            return float(stated)
    except ValueError:
        return None
    return stated

"""Mask values in all output: show values that are known to be harmless, and hide all others.

A text is shown if the catalog describes its field as an enum, a number, a name, a reference, a place, a time, a size, a
flag or a short description, and its format matches; if it is a flag, a number or a common word; and if a policy says
``show:``. Tokens and keys of published formats are never shown. See docs/security.md.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec.structs import replace

from setpoint.catalog import secrets, shown_fields
from setpoint.comparison.absence import child
from setpoint.model import field_path, ignore_patterns
from setpoint.model.difference import Difference, Operation
from setpoint.model.secrecy import THIS_PROCESS, Secrecy
from setpoint.util import secret_formats

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema
    from setpoint.model.field_path import Path

Holder = Literal["field", "label", "word", "free", "unlisted", "unknown"]
"""The context of a text: a field of a schema, labels, a word beside its name, free text, a field that the schema does
not list, or a field of a resource without a schema."""

_TYPED = frozenset(("enum", "int64", "uint64", "int32", "uint32", "duration", "timestamp", "date", "fieldmask"))
_SHOWN_NAMES = frozenset(("allowedValues", "deniedValues", "suggestedValue"))
"""Values of organisation policies: places, projects, types and networks."""
_SHORT_WORDS = frozenset(("values", "key"))
"""Fields with a user-defined word, and rarely more."""
_LONGEST_TYPED = 200


class Masking:
    """Decides which values are shown, and hides the others.

    Args:
        secrecy: hides values with the installation's key.
        show: paths of fields that a policy shows, with ``*`` and ``[*]``.
    """

    __slots__ = ("secrecy", "show")

    def __init__(self, secrecy: Secrecy = THIS_PROCESS, show: tuple[str, ...] = ()) -> None:
        self.secrecy = secrecy
        self.show = show

    def difference(
        self,
        path: Path,
        op: Operation,
        name: str,
        field: Field | None,
        want: Any,
        have: Any,
        *,
        is_known: bool = False,
    ) -> Difference:
        """A difference with masked values.

        Args:
            path: path of the field.
            op: the operation.
            name: the field's name, or a user-defined key.
            field: the schema of the field.
            want: the declared value.
            have: the observed value.
            is_known: whether the resource has a schema.
        """
        owner, holder = name, self._holder(path, name, field)
        if is_known and holder == "unknown":
            holder = "unlisted"
        if name == "value" and path is not None and path[0] is not None:
            # Entries of metadata or environment have a name beside them; else the list's name counts.
            around, part = path[0]
            owner = owner_name(field_path.element_value(part) or (around[1] if around is not None else ""))
            if holder != "label":
                holder = _beside_name(around[1] if around is not None else "")
        text = field_path.text(path)
        if holder != "field" or "[" in text:
            text = scrubbed_path(text)
        is_wanted = bool(self.show) and ignore_patterns.covering(text, self.show) is not None
        declared = self.masked(owner, field, want, holder, is_wanted=is_wanted)
        # Absent, or the name of the field that is set instead.
        observed = have if op == "missing" else self.masked(owner, field, have, holder, is_wanted=is_wanted)
        immutable = field is not None and field.immutable
        if declared is want and observed is have:
            return Difference(text, op, want, have, immutable)
        digest = self.secrecy.digest([part for part in (op, want, have) if part is not msgspec.UNSET])
        return Difference(text, op, declared, observed, immutable, hidden=digest)

    def masked(
        self, name: str, field: Field | None, value: Any, holder: Holder = "unknown", *, is_wanted: bool = False
    ) -> Any:
        """The value with secret parts masked; the same value if there are none."""
        if isinstance(value, str):
            is_shown = _is_shown_short if len(value) <= _SHORT else _is_shown
            return value if not value or is_shown(name, field, value, holder, is_wanted) else self.secrecy.hidden(value)
        if isinstance(value, dict):
            return self._object(name, field, value, holder, is_wanted=is_wanted)
        if isinstance(value, list):
            return self._list(name, field, value, holder, is_wanted=is_wanted)
        if value is msgspec.UNSET or isinstance(value, bool) or not value:
            return value
        return self.secrecy.hidden(value) if is_secret(name, field) else value

    def policy(self, difference: Difference) -> Difference:
        """A difference of an IAM or organization policy, without tokens of published formats."""
        declared, observed = (_without_known(value) for value in (difference.declared, difference.observed))
        path = _scrubbed(difference.path)
        if path == difference.path and declared is difference.declared and observed is difference.observed:
            return difference
        digest = self.secrecy.digest(msgspec.to_builtins(difference))
        return replace(difference, path=path, declared=declared, observed=observed, hidden=digest)

    def message(self, data: Any, schema: Schema | None) -> Any:
        """A whole resource with masked values."""
        if not isinstance(data, dict):
            return self.masked("", None, data)
        fields = schema.fields if schema is not None else {}
        shown = {}
        for key, part in data.items():
            field = fields.get(key)
            holder = _holder_of(key, field, "field" if field is not None else "unlisted" if fields else "unknown")
            path = key if self.show else ""
            is_wanted = bool(path) and ignore_patterns.covering(path, self.show) is not None
            shown[_scrubbed_key(key)] = self.masked(key, field, part, holder, is_wanted=is_wanted)
        return shown

    def _object(
        self, name: str, field: Field | None, value: dict[Any, Any], holder: Holder, *, is_wanted: bool
    ) -> dict[Any, Any]:
        entry = value.get("key") or value.get("name")
        owner = owner_name(entry if isinstance(entry, str) else name)
        shown: dict[Any, Any] = {}
        is_same = True
        for key, part in value.items():
            inner = child(field, key) if isinstance(key, str) else None
            inner_holder = _holder_of(str(key), inner, self._below(name, field, inner, str(key), holder))
            inner_name = owner if key == "value" else str(key)
            if key == "value" and inner_holder == "field":
                inner_holder = _beside_name(name)
            masked_key = _scrubbed_key(key) if isinstance(key, str) else key
            shown[masked_key] = self.masked(inner_name, inner, part, inner_holder, is_wanted=is_wanted)
            is_same = is_same and masked_key is key and shown[masked_key] is part
        return value if is_same else shown

    def _list(self, name: str, field: Field | None, value: list[Any], holder: Holder, *, is_wanted: bool) -> list[Any]:
        item = field.item if field is not None else None
        shown = [
            self.secrecy.hidden(part)
            if secrets.is_option(option) and isinstance(part, str)
            else self.masked(name, item, part, holder, is_wanted=is_wanted)
            for option, part in zip([None, *value], value, strict=False)
        ]
        return value if all(map(_is_identical, shown, value)) else shown

    def _below(self, name: str, field: Field | None, inner: Field | None, key: str, holder: Holder) -> Holder:
        """The context of an object's member."""
        if shown_fields.is_labels(name):
            return "label"
        if inner is not None and inner.name == key:
            return "field"
        if inner is not None or (field is not None and field.kind == "any") or shown_fields.is_free(name):
            return "free"
        return holder if holder in ("free", "label", "unlisted") else "unknown"

    def _holder(self, path: Path, name: str, field: Field | None) -> Holder:
        """The context of the field at a path."""
        if field is not None and field.name == name:
            return _holder_of(name, field, "field")
        keys = []
        above = path[0] if path is not None else None
        while above is not None:
            above, part = above
            if not isinstance(part, field_path.Element):
                keys.append(part)
        if any(map(shown_fields.is_labels, keys)):
            return "label"
        if field is not None or any(map(shown_fields.is_free, keys)):
            return "free"
        return _holder_of(name, field, "unknown")


def _is_shown(name: str, field: Field | None, value: str, holder: Holder, is_wanted: bool) -> bool:  # noqa: FBT001 - the cache takes keywords at twice the cost
    """Whether a text may be shown."""
    if is_secret(name, field):
        return False
    if shown_fields.is_harmless(value) or (field is not None and value in field.enum):
        return True
    if secrets.looks_secret(value) or secret_formats.holds_secret(value):
        return False
    if is_wanted or (field is not None and field.shown and _is_shown_by(field, name, value)):
        return True
    if holder in ("label", "word"):
        return shown_fields.is_plain(value)
    return holder != "free" and _looks_as_named(name, field, value, holder)


_SHORT = 100
_is_shown_short = lru_cache(maxsize=8192)(_is_shown)
"""Cached, since a fleet repeats the same names, places and words, and a drifted resource its values."""


def _is_shown_by(field: Field, name: str, value: str) -> bool:
    """Whether the catalog says of a field, or of the map that it is an entry of, that this value may be shown."""
    return (field.shown == "text" or shown_fields.is_shown(name)) and shown_fields.is_plain(value)


def _looks_as_named(name: str, field: Field | None, value: str, holder: Holder) -> bool:
    """Whether a field's name and schema allow showing this value."""
    if field is not None and _is_typed(field) and len(value) <= _LONGEST_TYPED:
        return True
    if shown_fields.is_description(name):
        return shown_fields.is_sentence(value)
    if (field is not None and field.reference) or shown_fields.is_shown(name) or name in _SHOWN_NAMES:
        return shown_fields.is_plain(value)
    if shown_fields.is_resource_name(value):
        return True
    if holder == "field" and not shown_fields.is_free(name) and shown_fields.is_enum_like(value):
        return True
    is_words = name in _SHORT_WORDS or holder == "unknown"
    return is_words and not shown_fields.is_free(name) and shown_fields.is_short_word(value)


def _holder_of(name: str, field: Field | None, holder: Holder) -> Holder:
    if holder != "free" and shown_fields.is_labels(name):
        return "label"
    if field is not None and field.kind == "any":
        return "free"
    return "free" if holder in ("unknown", "unlisted") and shown_fields.is_free(name) else holder


def _beside_name(name: str) -> Holder:
    """The context of the `value` beside an element's name, in a list of this name."""
    if shown_fields.is_labels(name):
        return "label"
    return "word" if shown_fields.takes_words(name) else "free"


def _is_identical(first: Any, other: Any) -> bool:
    return first is other


def _is_typed(field: Field) -> bool:
    return (
        field.type not in ("string", "") or field.format in _TYPED or bool(field.enum or field.words or field.spelling)
    )


def _without_known(value: Any) -> Any:
    """A value without tokens of published formats; the same value if there are none."""
    if isinstance(value, str):
        return _scrubbed(value)
    if isinstance(value, dict):
        shown = {key: _without_known(part) for key, part in value.items()}
        return value if all(shown[key] is part for key, part in value.items()) else shown
    if isinstance(value, list):
        parts = [_without_known(part) for part in value]
        return value if all(map(_is_identical, parts, value)) else parts
    return value


def _scrubbed(text: str) -> str:
    """A text without tokens of published formats."""
    return secret_formats.scrub(text) if len(text) >= _SHORTEST and secret_formats.holds_known(text) else text


def _scrubbed_key(key: str) -> str:
    """A key of a map, which its author may choose, without tokens and without what it says is a secret."""
    return secret_formats.scrub(key) if not key.isidentifier() and secret_formats.holds_secret(key) else _scrubbed(key)


_CHOSEN = re.compile(r'(?<=")((?:[^"\\]|\\.)*)(?=")|(?<==)([^\[\]"]+)(?=\])')
"""What an author may choose in a path: a quoted key, and the name of an element."""


@lru_cache(maxsize=8192)
def scrubbed_path(text: str) -> str:
    """The text of a path, with its keys and the names of its elements as above."""
    text = _scrubbed(text)
    return _CHOSEN.sub(_scrubbed_part, text) if "[" in text else text


def _scrubbed_part(chosen: re.Match[str]) -> str:
    own = re.sub(r"\\(.)", r"\1", chosen[0])
    shown = _scrubbed_key(own)
    return chosen[0] if shown is own else shown.replace("\\", "\\\\").replace('"', '\\"')


_SHORTEST = 16
HIDING = Masking()
"""Masks with a key of this process: for values that are shown once and never compared."""


def masked_message(data: Any, schema: Schema | None, masking: Masking = HIDING) -> Any:
    """A whole resource with masked values."""
    return masking.message(data, schema)


def masked(name: str, field: Field | None, value: Any, masking: Masking = HIDING) -> Any:
    """A field's value with secret parts masked."""
    holder: Holder = "unknown" if field is None else "field" if field.name == name else "free"
    return masking.masked(name, field, value, _holder_of(name, field, holder))


def owner_name(name: str) -> str:
    """The name that decides whether a `value` is secret."""
    return name if secrets.names_a_secret(name) else "value"


def is_secret(name: str, field: Field | None) -> bool:
    """Whether a value must not be shown: by the catalog, and by its key if that is user-defined."""
    if field is None or field.name != name:
        return secrets.names_a_secret(name) or (field is not None and field.sensitive)
    return secrets.is_secret(field)


def holds_secret(name: str, field: Field | None, value: Any) -> bool:
    """Whether a value is a secret by its field, its key or its format, or contains one; a hidden value need not be."""
    if is_secret(name, field):
        return True
    if isinstance(value, dict):
        owner = value.get("key") or value.get("name")
        owner = owner if isinstance(owner, str) else ""
        return any(
            holds_secret(owner if owner and key == "value" else key, child(field, key), part)
            for key, part in value.items()
        )
    if isinstance(value, list):
        item = field.item if field is not None and field.kind == "list" else field
        return any(holds_secret(name, item, element) for element in value)
    return secrets.looks_secret(value)

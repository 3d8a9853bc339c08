"""Comparing a declaration with an observation, field by field and by meaning.

A declaration owns the fields that it names and no others, unless it says ``exact``. Whatever is dropped or taken as
equal although it is not literally so has a name, which ``explain`` collects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from setpoint.catalog import secrets
from setpoint.comparison import api_quirks, lists, scalars, system_fields
from setpoint.model import field_path
from setpoint.model.difference import MASK, Difference, Explanation, Operation
from setpoint.model.field_path import Path
from setpoint.model.naming import camel, snake
from setpoint.model.references import Project

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema


_OWN_FIELDS = system_fields.SYSTEM_FIELDS | {"name"}
"""Top-level fields that nobody has to declare: the system's, and the name that the declaration is under."""


_NO_FIELDS: Mapping[str, Field] = {}


class Comparison:
    """The walk over both sides, and its results.

    Args:
        own: the project that holds the resource, by id and number.
        exact: whether fields that are not declared are differences.
        whole: paths of maps of which every entry is owned.
        null_is_absent: whether a declared null means that the field has to be absent.
        explain: whether to keep the reasons of all that is no difference.
    """

    __slots__ = ("differences", "exact", "notes", "null_is_absent", "own", "unchecked", "unchecked_leaves", "whole")

    def __init__(
        self,
        own: Project,
        *,
        exact: bool = False,
        whole: tuple[str, ...] = (),
        null_is_absent: bool = False,
        explain: bool = False,
    ) -> None:
        self.own = own
        self.null_is_absent = null_is_absent
        self.whole = whole
        self.exact = exact
        self.differences: list[Difference] = []
        self.unchecked: list[Explanation] = []
        self.unchecked_leaves = 0
        self.notes: list[Explanation] | None = [] if explain else None

    def trial(self) -> Comparison:
        """A comparison of the same kind whose findings do not count; for matching list elements."""
        return _DryComparison(self.own, exact=self.exact, null_is_absent=self.null_is_absent)

    def absorb(self, trial: Comparison) -> None:
        """Take over the unchecked fields of a trial that found no difference."""
        self.unchecked += trial.unchecked
        self.unchecked_leaves += trial.unchecked_leaves

    def message(
        self, path: Path, name: str, schema: Schema | None, item: Field | None, declared: Any, observed: Any
    ) -> None:
        """Compare two objects: a message by its schema's fields, a map by its one item field."""
        fields = schema.fields if schema is not None else _NO_FIELDS
        if name in system_fields.LABEL_MAPS and system_fields.is_unlabelled(declared, observed):
            declared = self._labelled(path, declared, observed)
        for key, want in declared.items():
            have = observed.get(key)
            if have == want:
                continue
            if want is None:
                if self.null_is_absent and have is not None:
                    self._unexpected(path, name, key, fields.get(key) or item, have)
                continue
            field = fields.get(key) or item
            if have is None and (spelling := _other_spelling(key, fields, observed)):
                field, have = fields.get(spelling) or item, observed[spelling]
            if (have is None and system_fields.is_system_label(name, key)) or (
                path is None and key in system_fields.SYSTEM_FIELDS
            ):
                self.note((path, key), "kept by the system")
            elif have is None and _is_other_union_choice(declared, observed, fields):
                self.differ((path, key), "missing", key, field, want, msgspec.UNSET)
            else:
                self.value((path, key), key, field, want, have)
        if self.exact or (self.whole and field_path.text(path) in self.whole):
            self._undeclared(path, name, fields, item, declared, observed)

    def _labelled(self, path: Path, declared: Any, observed: Any) -> dict[str, Any]:
        """The declared labels that the resource has at all, where its controller has not labelled it."""
        for key in declared.keys() - observed.keys():
            if not system_fields.is_system_label("labels", key):
                self.leave((path, key), declared[key], "the controller has not labelled this resource")
        return {key: want for key, want in declared.items() if key in observed}

    def value(self, path: Path, name: str, field: Field | None, want: Any, have: Any) -> None:
        """Compare one value with its counterpart; ``have`` is None where there is none."""
        if field is not None and field.output_only and not (name in system_fields.IDENTITY_FIELDS and have):
            self.leave(path, want, "written by the server alone")
        elif have is None:
            self._absent(path, name, field, want)
        elif isinstance(want, dict) and isinstance(have, dict):
            schema, item = (field.schema, field.item) if field is not None else (None, None)
            self.message(path, name, schema, item, want, have)
        elif isinstance(want, list) and isinstance(have, list):
            lists.compare(self, path, name, field, want, have)
        else:
            self._scalar(path, name, field, want, have)

    def _scalar(self, path: Path, name: str, field: Field | None, want: Any, have: Any) -> None:
        if isinstance(want, (dict, list)) or isinstance(have, (dict, list)):
            reason = _same_json(want, have)
        else:
            reason = scalars.equal(field, name, want, have, self.own)
        if reason or (reason := "zero is absent" if _is_zero(field, want) and _is_zero(field, have) else ""):
            self.note(path, reason)
        elif (type(have) is not str or field is None or not have[:1].isalpha()) and (
            reason := scalars.indeterminate(field, want, have)
        ):
            self.leave(path, want, reason)
        else:
            self.differ(path, "changed", name, field, want, have)

    def _absent(self, path: Path, name: str, field: Field | None, want: Any) -> None:
        if _is_zero(field, want):
            self.note(path, "zero is absent")
        elif _is_never_returned(name, field) or _is_required_reference(path, field):
            self.leave(path, want, "an input that the server does not give back")
        elif api_quirks.is_hidden(name, field, want):
            self.note(path, "default is absent")
        elif isinstance(want, dict):
            if name in system_fields.LABEL_MAPS and system_fields.is_unlabelled(want, {}):
                want = self._labelled(path, want, {})
            for key, part in want.items():
                if part is not None and not system_fields.is_system_label(name, key):
                    self.value((path, key), key, child(field, key), part, None)
        else:
            self.differ(path, "missing", name, field, want, msgspec.UNSET)

    def _undeclared(
        self,
        path: Path,
        name: str,
        fields: Mapping[str, Field],
        item: Field | None,
        declared: Any,
        observed: Any,
    ) -> None:
        for key, have in observed.items():
            if key in declared or _other_spelling(key, fields, declared):
                continue
            self._unexpected(path, name, key, fields.get(key) or item, have)

    def _unexpected(self, path: Path, name: str, key: str, field: Field | None, have: Any) -> None:
        """Report a field that should not be there, unless it holds nothing, a default, or what the server writes."""
        if field is not None and (field.output_only or (field.default is not None and field.default == have)):
            return
        if system_fields.is_system_label(name, key) or (path is None and key in _OWN_FIELDS):
            return
        if not _is_zero(field, have) and not _is_server_owned(key, field, have):
            self.differ((path, key), "unexpected", key, field, msgspec.UNSET, have)

    def differ(self, path: Path, op: Operation, name: str, field: Field | None, want: Any, have: Any) -> None:
        """Report a difference; secrets are masked here and nowhere later."""
        if name == "value" and path is not None and path[0] is not None:
            # An entry of metadata or environment has its name beside it, one of a list without names the list's.
            around, part = path[0]
            name = _owner_name(field_path.element_value(part) or (around[1] if around is not None else ""))
        if field is None or field.name != name or field.kind != "scalar" or secrets.is_secret(field):
            want, have = masked(name, field, want), masked(name, field, have)
        else:
            want = MASK if secrets.looks_secret(want) else want
            have = MASK if secrets.looks_secret(have) else have
        self.differences.append(
            Difference(field_path.text(path), op, want, have, field is not None and field.immutable)
        )

    def paired(self, path: Path, part: str, want: list[Any], have: list[Any]) -> None:
        """Hook: which element of the list at ``path`` is compared with which; either side may be empty."""

    def leave(self, path: Path, want: Any, reason: str) -> None:
        """Record that a declared value could not be compared."""
        self.unchecked.append(Explanation(field_path.text(path), reason))
        self.unchecked_leaves += leaves(want)

    def note(self, path: Path, reason: str) -> None:
        """Record the rule by which a field is no difference, where an explanation is wanted."""
        if self.notes is not None:
            self.notes.append(Explanation(field_path.text(path), reason))


class _DryComparison(Comparison):
    """Counts differences, and shows none."""

    __slots__ = ()

    def differ(self, *_: Any) -> None:
        """Count a difference."""
        self.differences.append(_COUNTED)


_COUNTED = Difference("", "changed")


def compare(
    declared: Mapping[str, Any],
    observed: Mapping[str, Any],
    schema: Schema | None = None,
    *,
    own: Project = Project(),  # noqa: B008 - an immutable value
    exact: bool = False,
    whole: tuple[str, ...] = (),
    null_is_absent: bool = False,
) -> tuple[Difference, ...]:
    """The differences between what is declared and what is observed.

    Args:
        declared: declared fields in the API's own shape.
        observed: the resource's fields.
        schema: what the catalogue says of the type; None compares with care by the look of the values.
        own: the project that holds the resource, by id and number.
        exact: fields that are not declared are differences too.
        whole: paths of maps of which every entry is owned.
        null_is_absent: a declared null means that the field has to be absent.
    """
    walk = Comparison(own, exact=exact, whole=whole, null_is_absent=null_is_absent)
    walk.message(field_path.ROOT, "", schema, None, declared, observed if isinstance(observed, dict) else {})
    return tuple(walk.differences)


def leaves(value: Any) -> int:
    """How many scalars a value holds; an empty object or list counts as one, null as none."""
    if isinstance(value, dict):
        return sum(map(leaves, value.values())) if value else 1
    if isinstance(value, list):
        return sum(map(leaves, value)) if value else 1
    return value is not None


def child(field: Field | None, key: str) -> Field | None:
    """What the catalogue says of ``key`` below ``field``."""
    if field is None:
        return None
    return (field.schema.fields.get(key) if field.schema is not None else None) or field.item


def masked_message(data: Any, schema: Schema | None) -> Any:
    """A whole resource with every secret in it replaced."""
    if schema is None or not isinstance(data, dict):
        return masked("", None, data)
    return {key: masked(key, schema.fields.get(key), part) for key, part in data.items()}


def masked(name: str, field: Field | None, value: Any) -> Any:
    """The value with every secret in it replaced; the value itself where there is none."""
    if isinstance(value, str):
        return MASK if value and (is_secret(name, field) or secrets.looks_secret(value)) else value
    if isinstance(value, dict):
        entry = value.get("key") or value.get("name")
        holder = _owner_name(entry if isinstance(entry, str) else name)
        return {key: masked(holder if key == "value" else key, child(field, key), part) for key, part in value.items()}
    if isinstance(value, list):
        item = field.item if field is not None else None
        before = [None, *value]
        return [
            MASK if secrets.is_option(option) and isinstance(part, str) else masked(name, item, part)
            for option, part in zip(before, value, strict=False)
        ]
    if value is msgspec.UNSET or isinstance(value, bool) or not value:
        return value
    return MASK if is_secret(name, field) else value


def _owner_name(name: str) -> str:
    """The name by which to judge whether a `value` is a secret."""
    return name if secrets.names_a_secret(name) else "value"


def is_secret(name: str, field: Field | None) -> bool:
    """Whether a value must not be shown: by the catalogue, and by its key where that is chosen by the author."""
    if field is None or field.name != name:
        return secrets.names_a_secret(name) or (field is not None and field.sensitive)
    return secrets.is_secret(field)


def _other_spelling(key: str, fields: Mapping[str, Any], observed: Mapping[str, Any]) -> str:
    """The key as the other side spells it, snake or camel case, or an empty string."""
    for spelled in (camel(key), snake(key)):
        if spelled != key and spelled in observed and not (key in fields and spelled in fields):
            return spelled
    return ""


def _is_zero(field: Field | None, value: Any) -> bool:
    if field is None or not value:
        return system_fields.is_zero(value)
    if isinstance(value, dict):
        return all(_is_zero(child(field, key), part) for key, part in value.items())
    if field.format == "enum":
        return bool(value == field.zero or (system_fields.is_zero(value) and value in field.enum))
    return bool(value in ("0", "0s", "false") and (field.type != "string" or field.format))


def _is_never_returned(name: str, field: Field | None) -> bool:
    """Whether the API takes the field and does not give it back."""
    return secrets.may_be_withheld(name) if field is None else field.input_only or field.sensitive


def _is_other_union_choice(
    declared: Mapping[str, Any], observed: Mapping[str, Any], fields: Mapping[str, Field]
) -> bool:
    """Whether a message declares one empty choice, ``{automatic: {}}``, and the resource has made another."""
    if len(declared) != 1 or next(iter(declared.values())) != {}:
        return False
    return any(
        isinstance(value, dict) and value and not ((field := fields.get(key)) is not None and field.output_only)
        for key, value in observed.items()
    )


def _is_server_owned(key: str, field: Field | None, value: Any) -> bool:
    """Whether all of an undeclared value is written by the server, or kept by the system."""
    if not isinstance(value, dict) or field is None:
        return field is not None and field.output_only
    return all(
        system_fields.is_system_label(key, name) or _is_zero(inner, part) or _is_server_owned(name, inner, part)
        for name, part in value.items()
        for inner in (child(field, name),)
    )


def _is_required_reference(path: Path, field: Field | None) -> bool:
    """Whether a resource cannot be without this field: it then has it, whether its API shows it or not.

    Further down a required field may be gone together with what it belongs to.
    """
    return field is not None and field.required and field.reference and path is not None and path[0] is None


def _same_json(want: Any, have: Any) -> str:
    """An object on one side and JSON text on the other, compared by content."""
    text, other = (want, have) if isinstance(want, str) else (have, want)
    if not isinstance(text, str) or isinstance(other, str):
        return ""
    try:
        return "same JSON" if msgspec.json.decode(text) == other else ""
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""

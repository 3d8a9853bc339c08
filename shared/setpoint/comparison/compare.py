"""Compare a declaration with an observation, field by field and by meaning.

A declaration owns only the fields that it names, unless it is ``exact``. Every rule by which unequal values count as
equal, or are not compared, has a name, which ``explain`` collects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from setpoint.catalog import field_rules
from setpoint.comparison import (
    absence,
    api_quirks,
    controllers,
    free_text,
    lists,
    literal,
    overrides,
    scalars,
    sibling_rules,
    spellings,
    system_fields,
)
from setpoint.comparison.absence import child
from setpoint.comparison.masking import HIDING, Masking
from setpoint.comparison.position import Position
from setpoint.model import field_path
from setpoint.model.compare_rules import FieldRule, rule_of
from setpoint.model.difference import Difference, Explanation, Operation
from setpoint.model.field_path import Path
from setpoint.model.references import Project
from setpoint.util.json_values import as_object

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema


OWN_FIELDS = system_fields.SYSTEM_FIELDS | {"name"}
"""Top-level fields that never count as undeclared: the system's, and the name of the declaration."""


_SPECIAL = system_fields.SYSTEM_FIELDS | free_text.TEXTS | {"value"}
"""Names of fields with rules beside those of their value."""
_ELEMENT = re.compile(r"\[[^\]]*\]")
_NONE_REPLACED: frozenset[tuple[Path, str]] = frozenset()
_NO_FIELDS: Mapping[str, Field] = {}
_NOTHING: Mapping[str, Any] = {}


class Comparison:
    """The traversal of both sides, and its results.

    Args:
        own: the project of the resource, by id and number.
        exact: whether undeclared fields are differences.
        whole: paths of maps that are owned with every entry; ``[*]`` stands for any element of a list.
        null_is_absent: whether a declared null means that the field must be absent.
        explain: whether to record the reasons for values without a difference.
        masking: decides what is shown of a difference.
        overrides: comparison rules of the policy, in place of the built-in rules.
    """

    __slots__ = (
        *("differences", "exact", "notes", "null_is_absent", "own", "unchecked", "unchecked_leaves", "whole"),
        *("declared", "known", "masking", "observed", "overrides", "replaced", "table"),
    )

    records = False
    """Whether all pairs of list elements are reported, including equal ones."""

    def __init__(
        self,
        own: Project,
        *,
        exact: bool = False,
        whole: tuple[str, ...] = (),
        null_is_absent: bool = False,
        explain: bool = False,
        masking: Masking = HIDING,
        overrides: tuple[FieldRule, ...] = (),
    ) -> None:
        self.own = own
        self.masking, self.known = masking, False
        self.overrides = overrides
        self.null_is_absent = null_is_absent
        self.whole = whole
        self.exact = exact
        self.differences: list[Difference] = []
        self.replaced: frozenset[tuple[Path, str]] = _NONE_REPLACED
        self.unchecked: list[Explanation] = []
        self.unchecked_leaves = 0
        self.notes: list[Explanation] | None = [] if explain else None
        self.table: field_rules.SchemaRules | None = None
        self.declared: Mapping[str, Any] = _NOTHING
        self.observed: Mapping[str, Any] = _NOTHING

    def resource(
        self,
        schema: Schema | None,
        declared: Mapping[str, Any],
        observed: Mapping[str, Any],
        keys: Iterable[str] | None = None,
    ) -> None:
        """Compare two whole resources; ``keys`` are the declared fields that are not literally equal, where known."""
        if schema is not None:
            self.table, self.known = field_rules.of(schema.service, schema.name), True
        self.declared, self.observed = declared, observed
        self.message(field_path.ROOT, "", schema, None, declared, observed, keys)

    def trial(self) -> Comparison:
        """A comparison with the same options whose differences do not count; for matching list elements."""
        return self._as_trial(_DryComparison(self.own))

    def _as_trial(self, trial: Comparison) -> Comparison:
        trial.exact, trial.whole, trial.null_is_absent = self.exact, self.whole, self.null_is_absent
        trial.overrides = self.overrides
        trial.notes = None if self.notes is None else []
        trial.table, trial.declared, trial.observed = self.table, self.declared, self.observed
        return trial

    def absorb(self, trial: Comparison) -> None:
        """Add the unchecked fields and the reasons of a trial without differences."""
        if self.notes is not None and trial.notes:
            self.notes += trial.notes
        self.unchecked += trial.unchecked
        self.unchecked_leaves += trial.unchecked_leaves

    def rules(self, path: Path) -> field_rules.Rules:
        """The rules of the field at a path in the tables of single fields."""
        return absence.rules_at(self.table, path)

    def place(self, path: Path) -> Position:
        """A position in the resource, with its surroundings."""
        return Position(path, self.declared, self.observed)

    def message(  # noqa: PLR0913 - both sides, and what is known of them
        self,
        path: Path,
        name: str,
        schema: Schema | None,
        item: Field | None,
        declared: Any,
        observed: Any,
        keys: Iterable[str] | None = None,
        *,
        is_free: bool = False,
    ) -> None:
        """Compare two objects: a message by its schema's fields, a map by its one item field.

        Args:
            path: path of the objects.
            name: name of their field.
            schema: the schema of a message; None for a map.
            item: the schema of a map's values; None for a message.
            declared: the declared object.
            observed: the observed object.
            keys: the declared keys that may differ; None for all.
            is_free: whether a map's values are free text.
        """
        fields = schema.fields if schema is not None else _NO_FIELDS
        is_map = is_free or item is not None
        if name in system_fields.LABEL_MAPS and system_fields.is_unlabelled(declared, observed):
            declared = self._labelled(path, declared, observed)
        for key in declared if keys is None else keys:
            want, have = declared[key], observed.get(key)
            if have == want and not (is_free and type(have) is not type(want)):
                continue
            if self.overrides and (rule := rule_of(self.overrides, (path, key))) is not None:
                overrides.compare(self, rule, (path, key), fields.get(key) or item, want, have)
            elif want is None:
                self._null(path, name, key, fields.get(key) or item, have)
            elif is_map:
                if have is None and system_fields.is_system_label(name, key):
                    self.note((path, key), "kept by the system")
                else:
                    self._entry((path, key), key, item, want, have, is_free=is_free)
            elif have and key not in _SPECIAL:  # the usual case of a field
                self.value((path, key), key, fields.get(key), want, have)
            else:
                self._field(path, key, schema, want, have, declared, observed)
        if self.exact or self.whole:
            self._undeclared(path, name, fields, item, declared, observed)

    def _field(
        self,
        path: Path,
        key: str,
        schema: Schema | None,
        want: Any,
        have: Any,
        declared: Mapping[str, Any],
        observed: Mapping[str, Any],
    ) -> None:
        """Compare a field of a message; the other side may spell its key differently."""
        fields = schema.fields if schema is not None else _NO_FIELDS
        field = fields.get(key)
        if have is None and (spelling := sibling_rules.other_spelling(key, fields, observed)):
            field, have = fields.get(spelling), observed[spelling]
        if path is None and key in system_fields.SYSTEM_FIELDS:
            self.note((path, key), "kept by the system")
        elif not have and (reason := sibling_rules.why_lost(path, key, want, have, declared, observed)):
            self.note((path, key), reason)
        elif have is None:
            self._absent_message((path, key), key, field, want, schema, declared, observed)
        elif free_text.is_free_value(key, declared, field):
            owner = declared.get("key") or declared.get("name") if key == "value" else key
            self._text((path, key), key, str(owner), field, want, have)
        else:
            self.value((path, key), key, field, want, have)

    def _null(self, path: Path, name: str, key: str, field: Field | None, have: Any) -> None:
        """Handle a declared null: it declares nothing, or that the field must be absent."""
        if self.null_is_absent and have is not None:
            self._unexpected(path, name, key, field, have)

    def _absent_message(
        self,
        path: Path,
        key: str,
        field: Field | None,
        want: Any,
        schema: Schema | None,
        declared: Mapping[str, Any],
        observed: Mapping[str, Any],
    ) -> None:
        """Compare a field of a message that is absent."""
        if not want and absence.is_plain_zero(self.table, path, field, want):
            self.note(path, "zero is absent")
        elif sibling_rules.is_other_choice(schema, key, field, want, declared, observed):
            self.differ(path, "missing", key, field, want, msgspec.UNSET)
        elif (other := sibling_rules.instead_of(schema, key, declared, observed)) and sibling_rules.is_lost(
            self.trial(), path, field, want
        ):
            self.replaced |= {(path and path[0], other)}
            self.differ(path, "missing", key, field, want, other)
        else:
            self.value(path, key, field, want, None)

    def _labelled(self, path: Path, declared: Any, observed: Any) -> dict[str, Any]:
        """The declared labels that the resource has, if its controller sets no labels."""
        for key in declared.keys() - observed.keys():
            if not system_fields.is_system_label("labels", key):
                self.record_unchecked((path, key), declared[key], "the controller has not labelled this resource")
        return {key: want for key, want in declared.items() if key in observed}

    def _entry(self, path: Path, key: str, field: Field | None, want: Any, have: Any, *, is_free: bool) -> None:
        """Compare an entry of a map, whose presence counts for any value."""
        if have is None and not (isinstance(want, dict) and want):
            if api_quirks.is_hidden(key, field, want):
                self.note(path, "default is absent")
            elif reason := absence.why_entry_unreturned(key, field, self.rules(path), is_free=is_free):
                self.record_unchecked(path, want, reason)
            else:
                self.differ(path, "missing", key, field, want, msgspec.UNSET)
        elif is_free and not isinstance(want, (dict, list)) and have is not None:
            self._text(path, key, key, field, want, have)
        else:
            results = len(self.differences) + len(self.unchecked)
            self.value(path, key, field, want, have)
            if have is None and results == len(self.differences) + len(self.unchecked):
                self.differ(path, "missing", key, field, want, msgspec.UNSET)

    def _text(self, path: Path, name: str, owner: str, field: Field | None, want: Any, have: Any) -> None:
        """Compare free text exactly; ``owner`` is the key of the text."""
        if reason := free_text.equal(want, have):
            self.note(path, reason)
        elif free_text.is_withheld(owner, have) or (scalars.is_masked(have) and "masked" in self.rules(path)):
            self.record_unchecked(path, want, "a secret that the server masks")
        else:
            self.differ(path, "changed", name, field, want, have)

    def value(self, path: Path, name: str, field: Field | None, want: Any, have: Any) -> None:
        """Compare a value with its counterpart; ``have`` is None if it is absent."""
        if field is not None and field.output_only and not (name in system_fields.IDENTITY_FIELDS and have):
            self.record_unchecked(path, want, "written by the server alone")
        elif have is None:
            self._absent(path, name, field, want)
        elif isinstance(want, dict) and isinstance(have, dict):
            schema, item = (field.schema, field.item) if field is not None else (None, None)
            if not want and have and absence.is_stricter(field, have, self.rules(path)):
                self.differ(path, "changed", name, field, want, have)
            else:
                is_free = schema is None and free_text.is_free_map(name, field)
                self.message(path, name, schema, item, want, have, is_free=is_free)
        elif isinstance(want, list) and isinstance(have, list):
            lists.compare(self, path, name, field, want, have)
        else:
            self._scalar(path, name, field, want, have)

    def _scalar(self, path: Path, name: str, field: Field | None, want: Any, have: Any) -> None:
        if type(want) in literal.NESTED or type(have) in literal.NESTED:
            reason = scalars.json_object(want, have)
        else:
            reason = scalars.equal(field, name, want, have, self.own)
        if reason or (
            reason := "zero is absent" if absence.is_zero(field, want) and absence.is_zero(field, have) else ""
        ):
            if self.notes is not None:
                self.note(path, reason)
            return
        rules = self.rules(path)
        if reason := self._special(path, name, field, want, have, rules):
            self.note(path, reason)
        elif reason := self._incomparable(path, name, field, want, have, rules):
            self.record_unchecked(path, want, reason)
        else:
            self.differ(path, "changed", name, field, want, have)

    def _special(
        self, path: Path, name: str, field: Field | None, want: Any, have: Any, rules: field_rules.Rules
    ) -> str:
        """Why two scalars are equal by a rule of this field or by its declared controller; empty if they are not."""
        reason = absence.why_default_as_zero(field, name, want, have, rules, self.own)
        if reason:
            return reason
        if type(want) is str and type(have) is str:
            reason = spellings.by_type(field, name, want, have, self)
        if reason or not rules:
            return reason
        reason = spellings.equal(rules, want, have, self)
        return reason or controllers.why_moved(rules, self.place(path), want, have)

    def _incomparable(
        self, path: Path, name: str, field: Field | None, want: Any, have: Any, rules: field_rules.Rules
    ) -> str:
        """Why two unequal scalars cannot be compared; empty if they can."""
        is_text = type(have) is str and have[:1].isalpha() and not have.startswith("UNKNOWN_")
        if not (is_text and field is not None and field.type == "string") and (
            reason := scalars.indeterminate(field, want, have)
        ):
            return reason
        if have == "" and rules and (reason := absence.why_unreturned(path, name, field, rules)):
            return reason
        return spellings.why_target(field, rules, want, have)

    def _absent(self, path: Path, name: str, field: Field | None, want: Any) -> None:
        if absence.is_zero(field, want):
            if not absence.holds_meaning(self.table, path, field, want):
                self.note(path, "zero is absent")
                return
            if not isinstance(want, dict) or absence.has_meaning(field, want, self.rules(path)):
                self.differ(path, "missing", name, field, want, msgspec.UNSET)
                return
        rules = self.rules(path)
        rule = rules.get("elsewhere")
        if rule is not None and (have := sibling_rules.reached(self.observed, rule.value)) is not None:
            self.note(path, f"{rule.reason} ({rule.source})")
            self.value(path, name, field, want, have)
        elif reason := absence.why_unreturned(path, name, field, rules):
            self.record_unchecked(path, want, reason)
        elif reason := (
            "default is absent"
            if api_quirks.is_hidden(name, field, want)
            else absence.why_default(field, name, want, rules, self.own)
        ):
            self.note(path, reason)
        elif isinstance(want, dict):
            self._absent_object(path, name, field, want)
        else:
            self.differ(path, "missing", name, field, want, msgspec.UNSET)

    def _absent_object(self, path: Path, name: str, field: Field | None, want: dict[str, Any]) -> None:
        """Compare an absent object, field by field."""
        if name in system_fields.LABEL_MAPS and system_fields.is_unlabelled(want, {}):
            want = self._labelled(path, want, {})
        is_map = field is not None and field.kind == "map"
        is_off = not is_map and sibling_rules.is_off(want, _NOTHING)
        for key, part in want.items():
            if part is None or system_fields.is_system_label(name, key):
                continue
            if is_off and key not in sibling_rules.SWITCHES:
                self.note((path, key), "part of a feature that is switched off")
            elif is_map:
                self._entry((path, key), key, child(field, key), part, None, is_free=False)
            else:
                self.value((path, key), key, child(field, key), part, None)

    def _undeclared(
        self,
        path: Path,
        name: str,
        fields: Mapping[str, Field],
        item: Field | None,
        declared: Any,
        observed: Any,
    ) -> None:
        """Report undeclared fields, if all fields are owned."""
        if not self.exact and not self._is_whole(path):
            return
        for key, have in observed.items():
            if key in declared or (self.replaced and (path, key) in self.replaced):
                continue
            if item is None and sibling_rules.other_spelling(key, fields, declared):
                continue
            self._unexpected(path, name, key, fields.get(key) or item, have)

    def _is_whole(self, path: Path) -> bool:
        """Whether a map is owned with every entry; ``[*]`` in the path of one means any element."""
        if not self.whole:
            return False
        text = field_path.text(path)
        return text in self.whole or ("[" in text and _ELEMENT.sub("[*]", text) in self.whole)

    def _unexpected(self, path: Path, name: str, key: str, field: Field | None, have: Any) -> None:
        """Report an unexpected field, unless it is empty, has a default, or is output-only."""
        if field is not None and (field.output_only or have in (field.default, field.absent)):
            return
        if system_fields.is_system_label(name, key) or (path is None and key in OWN_FIELDS):
            return
        if not absence.is_zero(field, have) and not sibling_rules.is_server_owned(key, field, have):
            self.differ((path, key), "unexpected", key, field, msgspec.UNSET, have)

    def differ(self, path: Path, op: Operation, name: str, field: Field | None, want: Any, have: Any) -> None:
        """Report a difference; secrets are masked here, and nowhere later."""
        self.differences.append(self.masking.difference(path, op, name, field, want, have, is_known=self.known))

    def paired(self, path: Path, part: str, want: list[Any], have: list[Any]) -> None:
        """Hook: which list elements at ``path`` are compared with each other; either side may be empty."""

    def record_unchecked(self, path: Path, want: Any, reason: str) -> None:
        """Record that a declared value could not be compared."""
        self.unchecked.append(Explanation(field_path.text(path), reason))
        self.unchecked_leaves += literal.leaves(want)

    def note(self, path: Path, reason: str) -> None:
        """Record the rule by which a field is not a difference, if explanations are requested."""
        if self.notes is not None:
            self.notes.append(Explanation(field_path.text(path), reason))


class _DryComparison(Comparison):
    """Counts differences without recording them."""

    __slots__ = ()

    def differ(self, *_: Any) -> None:
        """Count a difference."""
        self.differences.append(COUNTED)


COUNTED = Difference("", "changed")


def compare(  # noqa: PLR0913 - both sides, and the options
    declared: Mapping[str, Any],
    observed: Mapping[str, Any],
    schema: Schema | None = None,
    *,
    own: Project = Project(),  # noqa: B008 - an immutable value
    exact: bool = False,
    whole: tuple[str, ...] = (),
    null_is_absent: bool = False,
    masking: Masking = HIDING,
) -> tuple[Difference, ...]:
    """The differences between a declaration and an observation.

    Args:
        declared: declared fields in the API's own shape.
        observed: the resource's fields.
        schema: the schema of the type; None compares conservatively by the format of the values.
        own: the project of the resource, by id and number.
        exact: whether undeclared fields are differences.
        whole: paths of maps that are owned with every entry.
        null_is_absent: whether a declared null means that the field must be absent.
        masking: decides what is shown of a difference.
    """
    keys = None if exact or whole else literal.unlike(declared, observed)
    if keys == []:
        return ()
    walk = Comparison(own)
    walk.exact, walk.whole, walk.null_is_absent, walk.masking = exact, whole, null_is_absent, masking
    walk.resource(schema, declared, as_object(observed), keys)
    return tuple(walk.differences)


def comparison_of(  # noqa: PLR0913 - the options of a comparison
    declared: Mapping[str, Any],
    observed: Any,
    schema: Schema | None,
    *,
    own: Project,
    exact: bool = False,
    whole: tuple[str, ...] = (),
    null_is_absent: bool = False,
    masking: Masking = HIDING,
    overrides: tuple[FieldRule, ...] = (),
    keys: Iterable[str] | None = None,
    kind: type[Comparison] = Comparison,
) -> Comparison:
    """Compare like ``compare``, and return the unchecked fields, too; ``keys`` as in ``Comparison.resource``."""
    walk = kind(own, exact=exact, whole=whole, null_is_absent=null_is_absent, masking=masking, overrides=overrides)
    walk.resource(schema, declared, as_object(observed), keys)
    return walk

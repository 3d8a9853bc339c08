"""Compare declared secrets by their digests, since only those are stored.

A seal stands for a scalar, or for a map of strings that is owned whole. The observed value is digested with the same
key. What is equal in meaning alone has another digest: where a field allows several spellings, unequal digests prove
nothing.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from setpoint.comparison import (
    absence,
    compare,
    free_text,
    list_order,
    lists,
    literal,
    scalars,
    sealed_spellings,
    sibling_rules,
)
from setpoint.comparison.compare import COUNTED, Comparison
from setpoint.comparison.masking import HIDING, Masking
from setpoint.comparison.options import options_of
from setpoint.model import field_path
from setpoint.model.compare_rules import rule_of
from setpoint.model.difference import Difference, Explanation
from setpoint.model.secrecy import Sealed, sealed_of

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema
    from setpoint.model.declaration import Declaration
    from setpoint.model.difference import Operation
    from setpoint.model.field_path import Path
    from setpoint.model.references import Project

OTHER_KEY = "its digest was made with another key: it is compared after the next apply"
WITHHELD = "a secret that the server does not return"
SPELLINGS = "only its digest is known, and its field has several spellings"

SEALED_NAMES = "its elements are named by secrets, so that none of them is written"
TOO_MANY = "only digests of its elements are known, and they are too many to be told apart"

_FEW = 64
"""Maximum number of objects without names that are compared with each other."""
_MANY_SPELLINGS = frozenset(("timestamp", "date", "fieldmask", "enum", "float", "double"))


_NONCE = secrets.token_hex(16)
"""Ends the seals of a comparison: nothing that is observed can equal them, even with the text of a seal."""
_FULL = re.compile(rf"(\(hidden, digest [0-9a-f]{{4}})[0-9a-f]{{28}}(?:, may be withheld)?\)(?:{_NONCE})?")


def with_nonces(data: Any) -> Any:
    """The data of a declaration with digests, in the form in which it is compared."""
    return _each(data, lambda text: text if sealed_of(text) is None else text + _NONCE)


def _without_nonces(data: Any) -> Any:
    return _each(data, lambda text: text.removesuffix(_NONCE))


def _each(data: Any, change: Callable[[str], str]) -> Any:
    if isinstance(data, dict):
        return {key: _each(part, change) for key, part in data.items()}
    if isinstance(data, list):
        return [_each(part, change) for part in data]
    return change(data) if isinstance(data, str) else data


def is_seal(value: Any) -> bool:
    """Whether a value of a declaration with nonces is a seal."""
    return type(value) is str and value.endswith(_NONCE)


def holds_seal(value: Any) -> bool:
    """Whether a part of a value of a declaration with nonces is a seal."""
    if isinstance(value, dict):
        return any(map(holds_seal, value.values()))
    if isinstance(value, list):
        return any(map(holds_seal, value))
    return is_seal(value)


def _parsed(seal: str) -> Sealed:
    sealed = sealed_of(seal.removesuffix(_NONCE))
    assert sealed is not None  # noqa: S101 - `with_nonces` makes no others
    return sealed


class SealedMasking(Masking):
    """Shows seals by the first digits of their digest, and nothing of what is observed in their place.

    Args:
        masking: shows all other values, and has the key.
        key_id: id of the key of the seals.
    """

    __slots__ = ("is_own_key",)

    def __init__(self, masking: Masking, key_id: str) -> None:
        super().__init__(masking.secrecy, masking.show)
        self.is_own_key = key_id == masking.secrecy.key_id()

    def is_of(self, seal: str, spellings: Iterable[Any]) -> bool:
        """Whether a seal stands for one of these values."""
        digest = _parsed(seal).digest
        return any(self.secrecy.digest(spelling) == digest for spelling in spellings)

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
        """See `Masking.difference`."""
        shown = super().difference(path, op, name, field, want, have, is_known=is_known)
        if not holds_seal(want):
            return shown
        # Absent, or the name of the field that is set instead.
        observed = have if op == "missing" or have is msgspec.UNSET else self._whole(have)
        digest = self.secrecy.digest([_without_nonces(part) for part in (op, want, have) if part is not msgspec.UNSET])
        return replace(shown, path=_scrubbed(shown.path), observed=observed, hidden=digest)

    def masked(self, name: str, field: Field | None, value: Any, *args: Any, **options: Any) -> Any:
        """See `Masking.masked`."""
        if is_seal(value):
            return _parsed(value).shown
        return super().masked(name, field, value, *args, **options)

    def _whole(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._whole(part) for key, part in value.items()}
        if isinstance(value, list):
            return [self._whole(part) for part in value]
        return _parsed(value).shown if is_seal(value) else self.secrecy.hidden(value)


class SealedComparison(Comparison):
    """A comparison with a declaration with nonces; its masking is a `SealedMasking`."""

    __slots__ = ()

    def trial(self) -> Comparison:
        """See `Comparison.trial`."""
        return self._as_trial(_SealedTrial(self.own, masking=self.masking))

    def message(  # noqa: PLR0913 - see `Comparison.message`
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
        """See `Comparison.message`."""
        plain = [
            key
            for key in (declared if keys is None else keys)
            if not is_seal(declared[key]) or not self._sealed(path, key, schema, item, declared, observed)
        ]
        super().message(path, name, schema, item, declared, observed, plain, is_free=is_free)

    def _sealed(
        self,
        path: Path,
        key: str,
        schema: Schema | None,
        item: Field | None,
        declared: Mapping[str, Any],
        observed: Mapping[str, Any],
    ) -> bool:
        """Compare a seal with what is observed; False where it is absent, or a rule of the policy compares it."""
        if self.overrides and rule_of(self.overrides, (path, key)) is not None:
            self.record_unchecked((path, key), declared[key], SPELLINGS)
            return True
        fields = schema.fields if schema is not None else {}
        field, have = fields.get(key), observed.get(key)
        if have is None and (spelling := sibling_rules.other_spelling(key, fields, observed)):
            field, have = fields.get(spelling), observed[spelling]
        if have == declared[key]:  # the name by which the object was found
            return True
        if have is None:
            if _parsed(declared[key]).withheld:
                self.record_unchecked((path, key), declared[key], WITHHELD)
            return _parsed(declared[key]).withheld
        owner = declared.get("key") or declared.get("name") if key == "value" else key
        self._present((path, key), key, field or item, declared[key], have, owner if isinstance(owner, str) else key)
        return True

    def value(self, path: Path, name: str, field: Field | None, want: Any, have: Any) -> None:
        """See `Comparison.value`."""
        if is_seal(want):
            if have is not None:
                self._present(path, name, field, want, have, name)
            elif not self._is_known_absent(path, field, want):
                super().value(path, name, field, want, have)
        elif isinstance(want, list) and isinstance(have, list):
            self._list(path, name, field, want, have)
        else:
            super().value(path, name, field, want, have)

    def _list(self, path: Path, name: str, field: Field | None, want: list[Any], have: list[Any]) -> None:
        """Compare two lists; elements that are seals, or have names that are, are paired by their digests."""
        item = field.item if field is not None else None
        is_of_objects = bool(want) and bool(have) and isinstance(want[0], dict)
        key = lists.identifier(item, want, have) if is_of_objects else ""
        if any(is_seal(element) for element in want):
            if self._masking.is_own_key:
                self._scalars(path, name, field, want, have)
            else:
                self.record_unchecked(path, want, OTHER_KEY)
        elif key and any(is_seal(element[key]) for element in want):
            if self._masking.is_own_key and not self.records:
                super().value(path, name, field, want, self._named(key, absence.child(item, key), want, have))
            else:
                self.record_unchecked(path, want, SEALED_NAMES if self._masking.is_own_key else OTHER_KEY)
        elif is_of_objects and not key and max(len(want), len(have)) > _FEW and holds_seal(want):
            self._many(path, name, item, want, have)
        else:
            super().value(path, name, field, want, have)

    def _scalars(self, path: Path, name: str, field: Field | None, want: list[Any], have: list[Any]) -> None:
        """Compare scalars of which some are seals: in order, or as a set."""
        item = field.item if field is not None else None
        is_sequence = name == "fields" or list_order.is_ordered(name, item, field, self.rules(path))
        if is_sequence:
            is_same = len(want) == len(have) and self._are_same(path, name, item, want, have)
        else:
            left, unpaired = self._paired(name, item, want, have)
            trial = self.trial()
            lists.compare(trial, path, name, field, [part for part in want if not is_seal(part)], left)
            is_same = not (unpaired or trial.differences or trial.unchecked)
        if is_same:
            self.note(path, "same elements")
        elif _has_spellings(item):
            self.record_unchecked(path, want, SPELLINGS)
        else:
            self.differ(path, "changed", name, field, want, have)

    def _paired(self, name: str, item: Field | None, want: list[Any], have: list[Any]) -> tuple[list[Any], int]:
        """The observed elements that no seal stands for, and the number of seals that stand for none of them."""
        waiting: dict[str, list[int]] = {}
        for number, element in enumerate(have):
            for spelling in sealed_spellings.of(name, item, element, self.own):
                waiting.setdefault(self._masking.secrecy.digest(spelling), []).append(number)
        taken: set[int] = set()
        unpaired = 0
        for element in filter(is_seal, want):
            position = next((each for each in waiting.get(_parsed(element).digest, ()) if each not in taken), None)
            if position is None:
                unpaired += 1
            else:
                taken.add(position)
        return [element for number, element in enumerate(have) if number not in taken], unpaired

    def _named(self, key: str, field: Field | None, want: list[Any], have: list[Any]) -> list[Any]:
        """The observed elements, with the seals of the declared ones in place of the names that they stand for."""
        seals = {_parsed(element[key]).digest: element[key] for element in want if is_seal(element[key])}
        named = []
        for element in have:
            spellings = sealed_spellings.of(key, field, element[key], self.own)
            digests = map(self._masking.secrecy.digest, spellings)
            seal = next((seals[digest] for digest in digests if digest in seals), None)
            named.append(element if seal is None else {**element, key: seal})
        return named

    def _many(self, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any]) -> None:
        """Compare many objects without names: those of which only digests are known cannot be looked up."""
        if len(want) == len(have) and self._are_same(path, name, item, want, have):
            self.note(path, "same elements")
        else:
            self.record_unchecked(path, want, TOO_MANY)

    def _are_same(self, path: Path, name: str, item: Field | None, want: list[Any], have: list[Any]) -> bool:
        """Whether elements are the same in their order."""
        for position, (wanted, there) in enumerate(zip(want, have, strict=True)):
            trial = self.trial()
            trial.value((path, field_path.index(position)), name, item, wanted, there)
            if trial.differences or trial.unchecked:
                return False
        return True

    def _present(self, path: Path, name: str, field: Field | None, want: str, have: Any, owner: str) -> None:
        """Compare a seal with an observed value, which belongs to ``owner``."""
        masking = self._masking
        if field is not None and field.output_only:
            self.record_unchecked(path, want, "written by the server alone")
        elif not masking.is_own_key:
            self.record_unchecked(path, want, OTHER_KEY)
        elif masking.is_of(want, sealed_spellings.of(name, field, have, self.own)):
            self.note(path, "same digest")
        elif reason := self._why_indeterminate(path, field, want, have, owner):
            self.record_unchecked(path, want, reason)
        else:
            self.differ(path, "changed", name, field, want, have)

    def _why_indeterminate(self, path: Path, field: Field | None, want: str, have: Any, owner: str) -> str:
        """Why unequal digests are not conclusive; empty if they are a difference."""
        is_withheld = _parsed(want).withheld
        if free_text.is_withheld(owner, have) or (
            scalars.is_masked(have) and (is_withheld or "masked" in self.rules(path))
        ):
            return "a secret that the server masks"
        if not have and is_withheld:
            return WITHHELD
        if not _has_spellings(field) or not isinstance(have, str) or self._is_other_word(field, want, have):
            return ""
        return SPELLINGS

    def _is_other_word(self, field: Field | None, want: str, have: str) -> bool:
        """Whether a seal stands for another word of an enum than the observed one."""
        if field is None or not field.enum:
            return False
        others = (word for word in field.enum if not scalars.equal(field, field.name, word, have, self.own))
        return self._masking.is_of(want, (spelled for word in others for spelled in sealed_spellings.cases(word)))

    def _is_known_absent(self, path: Path, field: Field | None, want: str) -> bool:
        """Whether the absence of a sealed value is not a difference, or not conclusive."""
        masking = self._masking
        if _parsed(want).withheld:
            self.record_unchecked(path, want, WITHHELD)
        elif not masking.is_own_key:
            self.record_unchecked(path, want, OTHER_KEY)
        elif masking.is_of(want, sealed_spellings.of_absence(field)):
            self.note(path, "default is absent")
        else:
            return False
        return True

    def record_unchecked(self, path: Path, want: Any, reason: str) -> None:
        """See `Comparison.record_unchecked`; that the key is another one is noted once per field."""
        if reason == OTHER_KEY:
            path = _top(path)
        left = Explanation(_scrubbed(field_path.text(path)), reason)
        if reason != OTHER_KEY or left not in self.unchecked:
            self.unchecked.append(left)
        self.unchecked_leaves += literal.leaves(want)

    def note(self, path: Path, reason: str) -> None:
        """See `Comparison.note`."""
        super().note(path, reason)
        if self.notes:
            last = self.notes[-1]
            self.notes[-1] = Explanation(_scrubbed(last.path), last.reason)

    @property
    def _masking(self) -> SealedMasking:
        assert isinstance(self.masking, SealedMasking)  # noqa: S101 - see the class
        return self.masking


class _SealedTrial(SealedComparison):
    """Counts differences without recording them."""

    __slots__ = ()

    def differ(self, *_: Any) -> None:
        """Count a difference."""
        self.differences.append(COUNTED)


def comparison_of(
    declaration: Declaration,
    declared: Any,
    observed: Any,
    schema: Schema | None,
    own: Project,
    masking: Masking = HIDING,
    keys: Iterable[str] | None = None,
) -> Comparison:
    """Compare by the settings of a declaration, its digests included.

    Args:
        declaration: the declaration.
        declared: its data, or what is left of it without ignored fields.
        observed: the resource's fields.
        schema: what the catalogue says of the type.
        own: the project of the resource, by id and number.
        masking: decides which values are shown, and has the key of digests.
        keys: as in `Comparison.resource`; None for a declaration with digests.
    """
    kind = Comparison
    if declaration.digests:
        kind, declared, masking = SealedComparison, with_nonces(declared), SealedMasking(masking, declaration.digests)
    return compare.comparison_of(
        declared,
        observed,
        schema,
        own=own,
        masking=masking,
        keys=keys,
        kind=kind,
        **options_of(declaration),
    )


def _top(path: Path) -> Path:
    while path is not None and path[0] is not None:
        path = path[0]
    return path


def _scrubbed(path: str) -> str:
    """A path with as many digits of digests as are shown elsewhere: an element may be named by a seal."""
    return _FULL.sub(r"\1)", path) if "(hidden" in path else path


def _has_spellings(field: Field | None) -> bool:
    return field is not None and (field.reference or field.format in _MANY_SPELLINGS)


def without(data: Any) -> Any:
    """The data of a declaration with digests without what is sealed, for checks of its values."""
    if isinstance(data, dict):
        return {key: without(part) for key, part in data.items() if sealed_of(part) is None}
    if isinstance(data, list):
        return [without(part) for part in data if sealed_of(part) is None]
    return data

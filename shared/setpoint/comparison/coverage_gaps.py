"""Declared fields that are not compared, with the reason and the remedy, and which of them matter to security.

Some gaps belong to the type: an API never returns the field, or the inventory never carries it. They are equal for
every observation; they are listed (``setpoint coverage``) and do not change the verdict. Other gaps belong to the
declaration or observation: an attribute without a counterpart, a reference that is returned as its target, a truncated
asset. Such a gap in a field that matters to security makes the verdict unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from setpoint.catalog import field_rules
from setpoint.comparison import absence, free_text
from setpoint.comparison.absence import child
from setpoint.comparison.api_versions import OTHER_VERSION
from setpoint.comparison.sealed import OTHER_KEY, SPELLINGS, TOO_MANY
from setpoint.comparison.unobservable_fields import REASON as NOT_CARRIED
from setpoint.comparison.unobservable_fields import unobservable
from setpoint.model import field_path
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference, Explanation
from setpoint.model.field_path import Path
from setpoint.model.resource_key import WHOLE
from setpoint.model.security_meaning import why_it_matters

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema

NOT_TRANSLATED = "it has no counterpart in the API, or its value is not known yet"
TRUNCATED = "the asset is truncated"
ANOTHER_VERSION = "it came in another API version than its last known good value"
_UNDECLARED = "nobody declares it, and "

_OF_THE_OBSERVATION = frozenset(
    (
        NOT_TRANSLATED,
        TRUNCATED,
        "a reference that is answered as what it points to",
        "an enum value that the inventory does not know",
        "an enum by its number, which its schema does not name",
        "a text, though its schema has a number",
    )
)
"""Reasons that depend on the declaration or the observation."""

_OF_THE_WHOLE = frozenset((OTHER_VERSION, OTHER_KEY, SPELLINGS, TOO_MANY))
"""Reasons for which a resource is not in sync, whatever the field."""

_CLOSED_BY: Mapping[str, str] = {
    NOT_CARRIED: "read the type through its API: `observe` in the policy",
    TRUNCATED: "read the type through its API: `observe` in the policy",
    NOT_TRANSLATED: "declare the field in the native format",
    OTHER_VERSION: "declare the resource in the version that the inventory sends",
    "a reference that is answered as what it points to": "declare the address or range itself",
    "written by the server alone": "leave it out of the declaration",
    "an enum value that the inventory does not know": "a later version of the inventory",
    OTHER_KEY: "apply the state or plan again",
    SPELLINGS: "declare the field without marking it as sensitive",
    TOO_MANY: "mark the values in the elements, and not the elements",
}
_BY_NOTHING = "nothing: the API does not return it"


class Gap(NamedTuple):
    """A declared field that is not compared.

    Args:
        path: the field, in the author's format if it could not be translated.
        reason: why it is not compared.
        closed_by: what would close the gap.
        matters: the effect of a change, if the field matters to security; empty otherwise.
    """

    path: str
    reason: str
    closed_by: str
    matters: str


def unknown(unchecked: Iterable[Explanation]) -> tuple[Explanation, ...]:
    """The unchecked fields that make the state of a resource unknown, each with the effect of a change.

    A declaration that cannot be converted to the observed API version is not in sync, for any fields; nor is one whose
    digests cannot be checked.
    """
    return tuple(
        gap if gap.reason in _OF_THE_WHOLE else Explanation(gap.path, f"{gap.reason}; it decides {meaning}")
        for gap in unchecked
        if gap.reason in _OF_THE_WHOLE or (gap.reason in _OF_THE_OBSERVATION and (meaning := why_it_matters(gap.path)))
    )


def undeclared(path: str, why: str, meaning: str) -> Explanation:
    """An undeclared field that may have changed, and that could not be compared.

    Args:
        path: the field.
        why: why it could not be compared.
        meaning: the effect of a change, if the field matters to security; empty otherwise.
    """
    return Explanation(path, f"{_UNDECLARED}{why}" + (f"; it decides {meaning}" if meaning else ""))


def untranslated(declaration: Declaration) -> tuple[Explanation, ...]:
    """The declared fields without a counterpart in the API, or with a value that is not known yet."""
    return tuple(Explanation(path, NOT_TRANSLATED) for path in declaration.unchecked)


def cut_off(differences: Iterable[Difference]) -> tuple[Explanation, ...]:
    """The declared fields that are absent in a truncated asset."""
    return tuple(Explanation(difference.path, TRUNCATED) for difference in differences if difference.op == "missing")


class Coverage(NamedTuple):
    """The share of a declaration that is compared.

    Args:
        declared: number of declared fields: scalars, and empty objects and lists.
        gaps: the fields that are not compared.
    """

    declared: int
    gaps: tuple[Gap, ...]


def coverage(declaration: Declaration, schema: Schema | None, unknown: Iterable[Explanation] = ()) -> Coverage:
    """The coverage of a declaration.

    Args:
        declaration: the declaration.
        schema: the schema of its type.
        unknown: the fields that the last observation left unknown, in addition to those that are never compared.
    """
    if declaration.key.content not in WHOLE:
        return Coverage(sum(1 for _ in _leaves(None, "", None, declaration.data)), ())
    table = field_rules.of(schema.service, schema.name) if schema is not None else None
    explanations = list(untranslated(declaration))
    compared: list[Difference] = []
    declared = len(explanations)
    fields = schema.fields if schema is not None else {}
    for name, value in declaration.data.items():
        for path, key, field, leaf, is_free in _leaves((None, name), name, fields.get(name), value):
            declared += 1
            if reason := _why_never(table, path, key, field, is_free=is_free):
                explanations.append(Explanation(field_path.text(path), reason))
            else:
                compared.append(Difference(field_path.text(path), "missing", leaf))
    lacking = unobservable(declaration.asset_type, compared, {})
    explanations += (Explanation(difference.path, NOT_CARRIED) for difference in lacking)
    known = {explanation.path for explanation in explanations}
    explanations += (
        explanation
        for explanation in unknown
        if explanation.path not in known and not explanation.reason.startswith(_UNDECLARED)
    )
    return Coverage(declared, tuple(map(_gap, explanations)))


def _gap(explanation: Explanation) -> Gap:
    closed_by = _CLOSED_BY.get(explanation.reason.partition("; it decides")[0], _BY_NOTHING)
    return Gap(explanation.path, explanation.reason, closed_by, why_it_matters(explanation.path))


_Leaf = tuple[Path, str, "Field | None", Any, bool]


def _leaves(path: Path, name: str, field: Field | None, value: Any, *, is_free: bool = False) -> Iterator[_Leaf]:
    """The declared leaves, each with its path, name, schema and value, and whether it is in a free-text map."""
    if isinstance(value, dict) and value:
        is_map = free_text.is_free_map(name, field)
        for key, part in value.items():
            yield from _leaves((path, key), key, child(field, key), part, is_free=is_map)
    elif isinstance(value, list) and value:
        item = field.item if field is not None else None
        for position, part in enumerate(value):
            yield from _leaves((path, field_path.index(position)), name, item, part)
    elif value is not None:
        yield path, name, field, value, is_free


def _why_never(
    table: field_rules.SchemaRules | None, path: Path, name: str, field: Field | None, *, is_free: bool
) -> str:
    """Why a field is never compared; empty if it is."""
    if field is not None and field.output_only:
        return "written by the server alone"
    while path is not None:
        rule = absence.rules_at(table, path).get("unreturned")
        if rule is not None:
            return f"{rule.reason} ({rule.source})"
        path = path[0]
    if is_free:
        return ""
    return absence.why_unreturned(None, name, field, field_rules.NO_RULES)

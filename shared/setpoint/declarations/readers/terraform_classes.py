"""What a Terraform resource declares, attribute by attribute, by the class that the provider's schema gives each.

- *Required* and *optional*: declared, emptiness included: what the author leaves out is declared to be absent.
- *Optional and computed*: declared where the author wrote it, else *recorded*: the state holds what the service chose.
- *Computed only*, and what is addressed to the provider: not declared.

A plan's configuration tells what the author wrote. A state does not: there a value counts as written unless it is the
one that the service gives by itself (`terraform_defaults`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from setpoint.catalog import terraform_types
from setpoint.catalog.terraform_types import Attribute
from setpoint.declarations.readers import terraform_defaults
from setpoint.declarations.readers.shape_matching import EMPTY, UNKNOWN

_UNCOMPARED = frozenset(("not_read", "write_only", "unmapped"))
"""Reasons for which a declared value cannot be compared; a switch of the provider's or a part of a name need not be."""
_SILENT = frozenset(("provider", "name", "write_only"))


_SHARED_MAPS = frozenset(("annotations", "labels"))
"""Maps that services and controllers write to as well, so that only the declared entries count."""

_SMALL = 3
"""How many attributes a block has at most in which what is written in one is taken to be written in all."""


class Selection(NamedTuple):
    """What a resource declares.

    Args:
        tree: The attributes that are compared; `EMPTY` where one is declared to be absent, `UNKNOWN` where it is not
            known, or secret.
        recorded: Names, joined by dots and without positions, of attributes that the service may have chosen; a block's
            name stands for all in it.
        unchecked: The author's paths of values that the API does not answer.
    """

    tree: dict[str, Any]
    recorded: frozenset[str]
    unchecked: tuple[str, ...]


def select(terraform_type: str, values: Mapping[str, Any], written: Any, prefix: str) -> Selection:
    """Choose what a resource declares.

    Args:
        terraform_type: As `google_storage_bucket`.
        values: Its attributes; `UNKNOWN` where a value is not known.
        written: The expressions of a plan's configuration; None where nothing tells what is written.
        prefix: The author's path of the resource.
    """
    known = terraform_types.of(terraform_type)
    walk = _Walk(terraform_defaults.of(terraform_type))
    tree, _ = walk.block(values, known.attributes if known is not None else {}, written, _Place(prefix, ""))
    return Selection(tree, frozenset(walk.recorded), tuple(walk.unchecked))


@cache
def overrides(terraform_type: str) -> Mapping[str, str | None]:
    """Where attributes go in the API, as `field_mapping.place` wants it: names from the resource, joined by dots."""
    known = terraform_types.of(terraform_type)
    return dict(_overrides(known.attributes, "")) if known is not None else {}


@cache
def whole_maps(terraform_type: str) -> frozenset[str]:
    """Names of maps of which a resource owns every entry, joined by dots."""
    known = terraform_types.of(terraform_type)
    return frozenset(_whole_maps(known.attributes, "")) if known is not None else frozenset()


def _overrides(attributes: Mapping[str, Attribute], prefix: str) -> list[tuple[str, str]]:
    pairs = []
    for name, attribute in attributes.items():
        # What Compute wraps as `items` is brought into that shape by `terraform_shapes`.
        if attribute.api and attribute.class_ != "computed" and not attribute.api.endswith("items"):
            pairs.append((f"{prefix}{name}", attribute.api))
        pairs += _overrides(attribute.inside, f"{prefix}{name}.")
    return pairs


def _whole_maps(attributes: Mapping[str, Attribute], prefix: str) -> list[str]:
    names = []
    for name, attribute in attributes.items():
        shared = attribute.labels or name in _SHARED_MAPS
        if attribute.nesting == "map" and not (shared or attribute.uncertain or attribute.reason):
            names.append(f"{prefix}{name}")
        names += _whole_maps(attribute.inside, f"{prefix}{name}.")
    return names


class _Place(NamedTuple):
    """Where a block stands: the author's path, and the names without positions, ending with a dot."""

    path: str
    names: str


class _Walk:
    """The walk over one resource's blocks."""

    def __init__(self, defaults: terraform_defaults.Defaults) -> None:
        self._defaults = defaults
        self.recorded: set[str] = set()
        self.unchecked: list[str] = []

    def block(
        self, values: Mapping[str, Any], attributes: Mapping[str, Attribute], written: Any, place: _Place
    ) -> tuple[dict[str, Any], bool]:
        """What is declared of a block, and whether a person must have written something in it."""
        tree: dict[str, Any] = {}
        by_hand = False
        for name, value in values.items():
            attribute = attributes.get(name)
            expression = written if written is NOT_KNOWN else expression_of(written, name)
            if value is UNKNOWN and expression is None:
                continue  # the service chooses it, and the plan does not know what
            if attribute is None:
                part, evident = without_empty(value), False
                if is_empty(part):
                    continue
            else:
                part, evident = self._attribute(name, attribute, value, expression, place)
            if part is not None:
                tree[name] = part
                by_hand = by_hand or evident
        return tree, by_hand

    def _attribute(self, name: str, attribute: Attribute, value: Any, written: Any, place: _Place) -> tuple[Any, bool]:
        """What is declared of one attribute, None where nothing is, and whether a person must have written it."""
        if attribute.class_ == "computed" or attribute.reason in _SILENT:
            return None, False
        names = f"{place.names}{name}"
        if is_empty(value):
            return self._emptiness(names, attribute, written), False
        if attribute.reason in _UNCOMPARED:
            if value is not False:
                self.unchecked.append(f"{place.path}.{name}")
            return None, False
        if attribute.inside:
            return self._blocks(name, attribute, value, written, place)
        return self._value(names, attribute, value, written)

    def _value(self, names: str, attribute: Attribute, value: Any, written: Any) -> tuple[Any, bool]:
        """What is declared of an attribute that holds no blocks, and whether a person must have written it."""
        if attribute.sensitive:
            return UNKNOWN, False
        if _is_unset_number(attribute, value) and (written is NOT_KNOWN or written is None):
            return self._emptiness(names, attribute, written), False
        part = without_empty(value)
        if attribute.class_ != "either":
            return part, not self._defaults.is_service_choice(names, attribute, value)
        chosen = self._chosen(names, attribute, value, written)
        if chosen:
            self.recorded.add(names)
        return part, not chosen

    def _chosen(self, names: str, attribute: Attribute, value: Any, written: Any) -> bool:
        """Whether the service, and not the author, gave an attribute its value."""
        if value is UNKNOWN:
            return False
        if written is NOT_KNOWN:
            return self._defaults.is_service_choice(names, attribute, value)
        return written is None

    def _emptiness(self, names: str, attribute: Attribute, written: Any) -> Any:
        """The mark that an attribute is declared to be absent; None where its emptiness says nothing."""
        if (
            attribute.reason
            or (attribute.uncertain and not attribute.flag)
            or attribute.labels
            or attribute.class_ == "required"
        ):
            return None
        if attribute.class_ == "either":
            if written is None:
                return None
            self.recorded.add(names)
        return EMPTY

    def _blocks(self, name: str, attribute: Attribute, value: Any, written: Any, place: _Place) -> tuple[Any, bool]:
        names = f"{place.names}{name}"
        if value is UNKNOWN:
            return UNKNOWN, False
        either = attribute.class_ == "either"
        recorded, unchecked = set(self.recorded), len(self.unchecked)
        elements = value if isinstance(value, list) else [value]
        expressions = expressions_of(written, elements)
        parts, by_hand = [], False
        for index, (element, expression) in enumerate(zip(elements, expressions, strict=True)):
            if not isinstance(element, dict):
                parts.append(without_empty(element))
                continue
            path = f"{place.path}.{name}[{index}]" if isinstance(value, list) else f"{place.path}.{name}"
            part, evident = self.block(element, attribute.inside, expression, _Place(path, f"{names}."))
            parts.append(part)
            by_hand = by_hand or evident
        if either and (not by_hand if written is NOT_KNOWN else written is None):
            self.recorded = recorded | {names}
            del self.unchecked[unchecked:]
        elif not either and written is NOT_KNOWN and by_hand and len(attribute.inside) <= _SMALL:
            # Somebody wrote in this small block, which only an author makes: so all in it is his.
            self.recorded = recorded
        if any(map(is_unknown, parts)):
            # Of blocks that nothing is known of, one cannot be told from another.
            return UNKNOWN, by_hand
        return parts if isinstance(value, list) else parts[0], by_hand


def _is_unset_number(attribute: Attribute, value: Any) -> bool:
    """Whether a number is what the provider writes for none: 0, where the attribute has no other default."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not value and not attribute.default


class _NotKnown:
    """The type of the one value that stands for a configuration of which nothing is known."""


NOT_KNOWN = _NotKnown()
"""Stands for expressions where nothing tells what the author wrote, as in a state."""

_IS_EXPRESSION = frozenset(("constant_value", "references"))


def expression_of(written: Any, name: str) -> Any:
    """The expression of an attribute inside a block; an expression of the whole is one of each part."""
    if not isinstance(written, dict) or written.keys() & _IS_EXPRESSION:
        return written
    return written.get(name)


def expressions_of(written: Any, values: list[Any]) -> list[Any]:
    """The expression of each element of a list of blocks.

    A set has another order than the file: where the constants do not agree, each element has the expressions of all.
    """
    if not isinstance(written, list):
        return [written] * len(values)
    if len(written) == len(values) and all(map(_constants_match, written, values)):
        return written
    merged: dict[str, Any] = {}
    for block in written:
        for name, expression in block.items() if isinstance(block, dict) else ():
            before = merged.get(name)
            merged[name] = (
                [*before, *expression] if isinstance(before, list) and isinstance(expression, list) else expression
            )
    return [merged] * len(values)


def _constants_match(written: Any, value: Any) -> bool:
    """Whether a block can be what the author wrote at a place: the constants are the same."""
    if not isinstance(written, dict) or not isinstance(value, dict):
        return True
    return all(
        value.get(name) == expression["constant_value"]
        for name, expression in written.items()
        if isinstance(expression, dict) and isinstance(expression.get("constant_value"), (str, int))
    )


def without_empty(value: Any) -> Any:
    """A value without what Terraform writes for what is not declared: null, empty strings, lists and blocks."""
    if isinstance(value, dict):
        return {name: part for name, element in value.items() if not is_empty(part := without_empty(element))}
    if isinstance(value, list):
        # Of blocks that nothing is known of, one cannot be told from another.
        return UNKNOWN if any(is_unknown(element) for element in value) else [without_empty(part) for part in value]
    return value


def is_unknown(value: Any) -> bool:
    """Whether nothing of a value is known."""
    return value is UNKNOWN or (isinstance(value, dict) and bool(value) and all(map(is_unknown, value.values())))


def is_empty(value: Any) -> bool:
    """Whether a value is what Terraform writes for nothing: null, or an empty string, list or map."""
    return value is None or (isinstance(value, (str, list, dict)) and not value)

"""Decide what a Terraform resource declares, by the class of each attribute in the provider's schema.

- *Required* and *optional*: declared, including empty values: an omitted attribute is declared absent.
- *Optional and computed*: declared if the author set it, else *recorded*: the state contains the service's choice.
- *Computed only*, and attributes for the provider: not declared.

A plan's configuration shows what the author set. A state does not: there a value counts as set unless it is one that
the service chooses by itself (`terraform_defaults`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from setpoint.catalog import terraform_types
from setpoint.catalog.terraform_types import Attribute
from setpoint.declarations.readers import terraform_defaults
from setpoint.declarations.readers.secret_values import concealed, unwrapped
from setpoint.declarations.readers.shape_matching import EMPTY, UNKNOWN

_UNCOMPARED = frozenset(("input", "write_only", "unmapped"))
"""Reasons why a declared value cannot be compared; provider switches and parts of names need no comparison."""
_SILENT = frozenset(("provider", "name", "write_only"))


_SHARED_MAPS = frozenset(("annotations", "labels"))
"""Maps that services and controllers write to as well, so that only the declared entries count."""

_SMALL = 3
"""Maximum number of attributes in a block in which one set attribute means that all are set."""


class AttributeSelection(NamedTuple):
    """The declared attributes of a resource.

    Args:
        tree: The attributes to compare; `EMPTY` for those declared absent, `UNKNOWN` for unknown ones.
        recorded: Dotted names, without positions, of attributes that the service may have chosen; a block's name
            includes
            all attributes in it.
        unchecked: The author's paths of values that the API does not return.
        unread: Dotted names of attributes that the provider does not read back: they are compared only where the API
            returns them.
    """

    tree: dict[str, Any]
    recorded: frozenset[str]
    unchecked: tuple[str, ...]
    unread: frozenset[str] = frozenset()


def select(terraform_type: str, values: Mapping[str, Any], written: Any, prefix: str) -> AttributeSelection:
    """Select the declared attributes of a resource.

    Args:
        terraform_type: As `google_storage_bucket`.
        values: Its attributes; `UNKNOWN` for unknown values.
        written: The expressions of a plan's configuration; None if there is no configuration.
        prefix: The author's path of the resource.
    """
    known = terraform_types.of(terraform_type)
    walk = _Walk(terraform_defaults.of(terraform_type))
    tree, _ = walk.block(values, known.attributes if known is not None else {}, written, _Place(prefix, ""))
    return AttributeSelection(
        tree, frozenset(walk.recorded | walk.unread), tuple(walk.unchecked), frozenset(walk.unread)
    )


@cache
def overrides(terraform_type: str) -> Mapping[str, str | None]:
    """The API paths of attributes, for `field_mapping.place`: dotted names from the resource."""
    known = terraform_types.of(terraform_type)
    return dict(_overrides(known.attributes, "")) if known is not None else {}


@cache
def whole_maps(terraform_type: str) -> frozenset[str]:
    """Dotted names of maps that a resource owns with every entry."""
    known = terraform_types.of(terraform_type)
    return frozenset(_whole_maps(known.attributes, "")) if known is not None else frozenset()


@cache
def single_blocks(terraform_type: str) -> frozenset[str]:
    """Dotted names of blocks of which there is one at most."""
    known = terraform_types.of(terraform_type)
    return frozenset(_single_blocks(known.attributes, "")) if known is not None else frozenset()


def _single_blocks(attributes: Mapping[str, Attribute], prefix: str) -> list[str]:
    names = []
    for name, attribute in attributes.items():
        if attribute.nesting == "single":
            names.append(f"{prefix}{name}")
        names += _single_blocks(attribute.inside, f"{prefix}{name}.")
    return names


def _overrides(attributes: Mapping[str, Attribute], prefix: str) -> list[tuple[str, str]]:
    pairs = []
    for name, attribute in attributes.items():
        # `terraform_shapes` converts Compute's maps in `items`.
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
    """The position of a block: the author's path, and the dotted names without positions."""

    path: str
    names: str


class _Walk:
    """The traversal of a resource's blocks."""

    def __init__(self, defaults: terraform_defaults.ProviderDefaults) -> None:
        self._defaults = defaults
        self.recorded: set[str] = set()
        self.unread: set[str] = set()
        self.unchecked: list[str] = []

    def block(
        self, values: Mapping[str, Any], attributes: Mapping[str, Attribute], written: Any, place: _Place
    ) -> tuple[dict[str, Any], bool]:
        """The declared part of a block, and whether a person must have set something in it."""
        tree: dict[str, Any] = {}
        by_hand = False
        for name, held in values.items():
            attribute = attributes.get(name)
            switch = f"send_{name}_if_zero"
            number = unwrapped(held)
            is_switched_zero = switch in attributes and number == 0 and number is not False
            if is_switched_zero and values.get(switch) is True:
                tree[name], by_hand = held, True
                continue
            value = None if is_switched_zero else held  # the provider leaves this zero out of its requests
            expression = written if written is NOT_KNOWN else expression_of(written, name)
            if value is UNKNOWN and expression is None:
                continue  # the service chooses it, and the plan does not know the value
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
        """The declared value of an attribute, or None, and whether a person must have set it."""
        if attribute.class_ == "computed" or attribute.reason in _SILENT:
            return None, False
        names = f"{place.names}{name}"
        if is_empty(value):
            return self._emptiness(names, attribute, written), False
        if attribute.reason in _UNCOMPARED:
            if value is not False:
                self.unchecked.append(f"{place.path}.{name}")
            return None, False
        if attribute.reason == "not_read":
            self.unread.add(names)
        if attribute.inside:
            return self._blocks(name, attribute, value, written, place)
        return self._value(names, attribute, value, written)

    def _value(self, names: str, attribute: Attribute, value: Any, written: Any) -> tuple[Any, bool]:
        """The declared value of an attribute without blocks, and whether a person must have set it."""
        if attribute.sensitive:
            if attribute.class_ == "either" and (written is NOT_KNOWN or written is None):
                self.recorded.add(names)
            return concealed(value, withheld=True), False
        if _is_unset_number(attribute, unwrapped(value)) and (written is NOT_KNOWN or written is None):
            return self._emptiness(names, attribute, written), False
        part = without_empty(value)
        if attribute.class_ != "either":
            # Outside of a block it does not matter whether a person must have set it.
            return part, "." in names and not self._defaults.is_service_choice(names, attribute, unwrapped(value))
        chosen = self._chosen(names, attribute, value, written)
        if chosen:
            self.recorded.add(names)
        return part, not chosen

    def _chosen(self, names: str, attribute: Attribute, value: Any, written: Any) -> bool:
        """Whether the service, and not the author, set an attribute."""
        if value is UNKNOWN:
            return False
        if written is NOT_KNOWN:
            return self._defaults.is_service_choice(names, attribute, unwrapped(value))
        return written is None

    def _emptiness(self, names: str, attribute: Attribute, written: Any) -> Any:
        """The mark for an attribute that is declared absent; None if its emptiness has no meaning."""
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
            # A value in this small block shows that an author wrote it: all of its values are the author's.
            self.recorded = recorded
        if any(map(is_unknown, parts)):
            # Blocks without known values cannot be distinguished.
            return UNKNOWN, by_hand
        return parts if isinstance(value, list) else parts[0], by_hand


def _is_unset_number(attribute: Attribute, value: Any) -> bool:
    """Whether a number is the provider's placeholder for none: 0, for an attribute without another default."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not value and not attribute.default


class _NotKnown:
    """The type of `NOT_KNOWN`."""


NOT_KNOWN = _NotKnown()
"""Marks expressions without a configuration, as in a state."""

_IS_EXPRESSION = frozenset(("constant_value", "references"))


def expression_of(written: Any, name: str) -> Any:
    """The expression of an attribute in a block; an expression of the whole block applies to each attribute."""
    if not isinstance(written, dict) or written.keys() & _IS_EXPRESSION:
        return written
    return written.get(name)


def expressions_of(written: Any, values: list[Any]) -> list[Any]:
    """The expression of each element of a list of blocks.

    A set is ordered differently than the file: if constants do not match, each element has the expressions of all.
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
    """Whether a block's values match the constants that the author wrote."""
    if not isinstance(written, dict) or not isinstance(value, dict):
        return True
    return all(
        value.get(name) == expression["constant_value"]
        for name, expression in written.items()
        if isinstance(expression, dict) and isinstance(expression.get("constant_value"), (str, int))
    )


def without_empty(value: Any) -> Any:
    """A value without Terraform's placeholders for undeclared values: null, empty strings, lists and blocks."""
    if isinstance(value, dict):
        return {name: part for name, element in value.items() if not is_empty(part := without_empty(element))}
    if isinstance(value, list):
        # Blocks without known values cannot be distinguished.
        return UNKNOWN if any(is_unknown(element) for element in value) else [without_empty(part) for part in value]
    return value


def is_unknown(value: Any) -> bool:
    """Whether no part of a value is known."""
    return value is UNKNOWN or (isinstance(value, dict) and bool(value) and all(map(is_unknown, value.values())))


def is_empty(value: Any) -> bool:
    """Whether a value is Terraform's placeholder for none: null, or an empty string, list or map."""
    return value is None or (isinstance(value, (str, list, dict)) and not value)

"""Values of YAML documents: YAML 1.2 scalars as Kubernetes reads them, within the limits of `limits`."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from typing import Any, NamedTuple

import yaml

from setpoint.declarations.readers import limits

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser, in C where the package has it."""

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], float]], ...] = (
    (re.compile(r"[-+]?(0|[1-9]\d*)\Z"), int),
    (re.compile(r"[-+]?0o?[0-7]+\Z"), lambda text: int(text.replace("o", ""), 8)),
    (re.compile(r"0x[0-9a-fA-F]+\Z"), lambda text: int(text, 16)),
    (re.compile(r"[-+]?(\.\d+|(0|[1-9]\d*)(\.\d*)?)([eE][-+]?\d+)?\Z"), float),
)


class AliasBudget:
    """The number of characters that the aliases of a file may still expand to.

    Args:
        characters: the initial number.
    """

    def __init__(self, characters: int) -> None:
        self.characters = characters

    @classmethod
    def of(cls, text: str) -> AliasBudget:
        """The budget of a file."""
        return cls(limits.FREE_EXPANSION + limits.EXPANSION * len(text))


class _Anchor(NamedTuple):
    """A value with a YAML anchor.

    Args:
        value: the value.
        nodes: number of nested values.
        characters: its length with all aliases in it expanded.
    """

    value: Any
    nodes: int
    characters: int


class Builder:
    """Builds the value of a document from the parser's events; faster than nodes, and strict about keys.

    Args:
        text: the document.
        budget: what aliases of its file may still expand to; None if it is a file of its own.
    """

    def __init__(self, text: str, budget: AliasBudget | None = None) -> None:
        self._next: Callable[[], Any] = LOADER(text).get_event
        self._anchors: dict[str, _Anchor] = {}
        self._budget = budget or AliasBudget.of(text)
        self._expanded = 0
        self._last: Any = None
        self._nodes = 0
        self._key_above = ""
        self.first_line = 0
        self._element_lines = array("L")

    def line_of(self, above: tuple[str | int, ...]) -> int:
        """The first line of an element of the document's list, or of the document."""
        index = above[-1] if above else None
        if isinstance(index, int) and index < len(self._element_lines):
            return self._element_lines[index]
        return self.first_line  # an alias has no lines of its own

    def document(self) -> Any:
        """The value; None if there is none.

        Raises:
            YAMLError: it is not YAML, or beyond a limit.
            RecursionError: it is nested too deeply.
        """
        while (event := self._next()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                first = self._next()
                self.first_line = first.start_mark.line
                return self._value(first, 0)
        return None

    def _value(self, event: Any, depth: int) -> Any:
        before, expanded = self._nodes, self._expanded
        self._count(1, event)
        if depth > limits.DEEPEST:
            raise _fault(f"nested more than {limits.DEEPEST} levels deep", event)
        kind = event.__class__
        if kind is yaml.ScalarEvent:
            value = _scalar(event)
        elif kind is yaml.MappingStartEvent:
            value = self._mapping(depth)
        elif kind is yaml.SequenceStartEvent:
            value = self._sequence(depth)
        else:
            return self._alias(event)
        if event.anchor:
            last = event if kind is yaml.ScalarEvent else self._last
            characters = last.end_mark.index - event.start_mark.index + self._expanded - expanded
            self._anchors[event.anchor] = _Anchor(value, self._nodes - before, characters)
        return value

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise _fault(f"alias *{event.anchor} has no anchor", event)
        anchor = self._anchors[event.anchor]
        self._count(anchor.nodes, event)
        size = max(anchor.characters, anchor.nodes * limits.NODE_CHARACTERS)
        self._expanded += size
        self._budget.characters -= size
        if self._budget.characters < 0:
            raise _fault(f"its aliases stand for more than {limits.EXPANSION} times the text; use fewer", event)
        return anchor.value

    def _count(self, more: int, event: Any) -> None:
        """Count values; an aliased value counts once for each use."""
        self._nodes += more
        if self._nodes > limits.MAX_NODES:
            raise _fault(f"more than {limits.MAX_NODES:,} values; split the document, or use fewer aliases", event)

    def _sequence(self, depth: int) -> list[Any]:
        items: list[Any] = []
        are_documents = depth == 0 or self._is_items(depth)
        while (event := self._next()).__class__ is not yaml.SequenceEndEvent:
            if are_documents:
                self._element_lines.append(event.start_mark.line)
            items.append(self._value(event, depth + 1))
        self._last = event
        return items

    def _is_items(self, depth: int) -> bool:
        return depth == 1 and self._key_above == "items"

    def _mapping(self, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        following, scalar, end = self._next, yaml.ScalarEvent, yaml.MappingEndEvent
        while (event := following()).__class__ is not end:
            if event.__class__ is scalar and not event.anchor:  # the usual case, without a call
                key = event.value
                self._nodes += 1
            else:
                key = self._key(event, depth)
            if depth == 0:
                self._key_above = key
            value = self._value(following(), depth + 1)
            if key == "<<" and event.implicit[0]:
                for part in reversed(value if isinstance(value, list) else [value]):
                    merged |= part if isinstance(part, dict) else {}
            elif key in mapping:
                raise _fault(f"`{key}` stands here twice", event)
            else:
                mapping[key] = value
        self._last = event
        return merged | mapping if merged else mapping

    def _key(self, event: Any, depth: int) -> str:
        key = self._value(event, depth + 1)
        if isinstance(key, (dict, list)):
            raise _fault("a key must be a string", event)
        return event.value if isinstance(event, yaml.ScalarEvent) else str(key)


def _fault(problem: str, event: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def _scalar(event: Any) -> Any:
    """A scalar by the YAML 1.2 core schema, with octal numbers as Kubernetes reads them."""
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] in "0123456789+-.":
        for pattern, convert in _NUMBERS:
            if pattern.match(text):
                if limits.is_too_long_for_a_number(text):
                    raise _fault("a number has more digits than any API takes; write it in quotation marks", event)
                value = convert(text)
                if limits.is_large(value):
                    return text  # an id: JSON and APIs write such numbers as strings
                if reason := limits.refused_scalar(value):
                    raise _fault(reason, event)
                return value
    return text

"""The reverse of putting back: the change of the author's own file by which it says what the resource is now.

Only the values concerned change; comments, order and whatever else stands in the file stay as they are. Source of the
positions: PyYAML's marks, https://pyyaml.org/wiki/PyYAMLDocumentation#mark
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import yaml

from setpoint.core import paths
from setpoint.core.compare import MASK, Difference
from setpoint.core.paths import Element

_ONE_LINE = 1 << 30
_SCALARS = (str, int, float, bool, type(None))


class Proposal(NamedTuple):
    """A change of a file, and what of the drift it does not cover.

    Args:
        diff: a unified diff; empty where nothing can be changed.
        text: the whole file as it would be then.
        left: a line for each difference that is left, with the reason.
    """

    diff: str
    text: str
    left: tuple[str, ...]


class _Edit(NamedTuple):
    """A part of a text, by its characters, and what is to stand there."""

    start: int
    end: int
    text: str


def propose(file: str, text: str, document: int, differences: Iterable[Difference], prefix: str = "") -> Proposal:
    """What to change in a YAML or JSON file so that it declares what is there.

    Args:
        file: the file's name, for the diff.
        text: what is in it.
        document: the position of the document in it, from 0.
        differences: what differs; paths of the author's are used where there are any.
        prefix: what stands before a path of the API's in the document, ``spec.data``.
    """
    nodes = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    root = nodes[document] if document < len(nodes) else None
    edits: list[_Edit] = []
    left: list[str] = []
    for one in differences:
        place = one.declared_path or f"{prefix}.{one.path}"
        found = _edit(root, one, place, text)
        if isinstance(found, str):
            left.append(f"{place}: {found}")
        elif not any(found.start < edit.end and edit.start < found.end for edit in edits):
            edits.append(found)
    changed = _applied(text, edits)
    lines = difflib.unified_diff(
        text.splitlines(keepends=True), changed.splitlines(keepends=True), f"a/{file}", f"b/{file}"
    )
    return Proposal("".join(lines), changed, tuple(left))


def _edit(root: Any, difference: Difference, place: str, text: str) -> _Edit | str:
    """How to change the text, or why it is not."""
    if MASK in (difference.declared, difference.observed):
        return "its value is a secret, which nobody proposes"
    if difference.op == "unexpected":
        return "add it by hand"
    steps = paths.readable(place)
    found = _find(root, steps)
    if found is None:
        return "it is not written there in so many words"
    key, value = found
    if difference.op == "missing" or difference.observed is msgspec.UNSET:
        return _removal(key, value, text) if key is not None else "remove it by hand"
    if not isinstance(difference.observed, _SCALARS) and isinstance(value, yaml.ScalarNode):
        return "its shape is another one; change it by hand"
    return _Edit(value.start_mark.index, _end(value, text), _written(difference.observed, value))


def _find(node: Any, steps: Sequence[str]) -> tuple[Any, Any] | None:
    """The key, where there is one, and the value at a path of keys and list elements."""
    key: Any = None
    for step in steps:
        if isinstance(node, yaml.MappingNode) and not isinstance(step, Element):
            found = next(((one, value) for one, value in node.value if one.value == str(step)), None)
            if found is None:
                return None
            key, node = found
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, Element):
            key, node = None, _element(node, step[1:-1])
        else:
            return None
        if node is None:
            return None
    return (key, node) if node is not None and steps else None


def _element(node: yaml.SequenceNode, which: str) -> Any:
    """The element at a position, or the one whose field has a value."""
    if which.isdecimal():
        return node.value[int(which)] if int(which) < len(node.value) else None
    name, has_value, value = which.partition("=")
    if not has_value:
        return None
    for one in node.value:
        if isinstance(one, yaml.MappingNode) and any((k.value, v.value) == (name, value) for k, v in one.value):
            return one
    return None


def _removal(key: Any, value: Any, text: str) -> _Edit | str:
    """The lines of a key that stands on lines of its own."""
    start = text.rfind("\n", 0, key.start_mark.index) + 1
    end = text.find("\n", _end(value, text))
    end = len(text) if end < 0 else end + 1
    if text[start : key.start_mark.index].strip() or text[_end(value, text) : end].strip(" \t\n,"):
        return "remove it by hand"
    return _Edit(start, end, "")


def _end(node: Any, text: str) -> int:
    """Where a node ends; a block's mark is behind the white space and comments that follow it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        return int(node.end_mark.index)
    last = node.value[-1] if node.value else None
    if last is None:
        return int(node.end_mark.index)
    return _end(last[1] if isinstance(last, tuple) else last, text)


def _written(value: Any, node: Any) -> str:
    """A value as YAML in one line, quoted as it was before where that serves."""
    style = node.style if isinstance(node, yaml.ScalarNode) else None
    if not isinstance(value, str):
        return json.dumps(value)
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if style == '"' or not _is_plain(value):
        return str(yaml.safe_dump(value, default_style='"', allow_unicode=True, width=_ONE_LINE)).rstrip("\n")
    return value


def _is_plain(value: str) -> bool:
    """Whether a string means itself without quotation marks, wherever it stands."""
    if not value or any(sign in value for sign in ",[]{}#\n"):
        return False
    try:
        return bool(yaml.safe_load(f"[{value}]") == [value])
    except yaml.YAMLError:
        return False


def _applied(text: str, edits: Iterable[_Edit]) -> str:
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text

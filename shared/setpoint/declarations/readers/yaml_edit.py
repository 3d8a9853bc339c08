"""Change single values in the text of a YAML or JSON document, and preserve the rest of the text.

Positions come from the parser's marks. An edit that would have further effects is refused: a value behind an alias, an
anchor or a merge key belongs to several positions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

import yaml

from setpoint.declarations.readers import documents
from setpoint.declarations.readers.document_path import DocumentPath


class Edit(NamedTuple):
    """An edit of one value.

    Args:
        where: the path of the value; for ``append`` that of the list.
        action: ``set`` it, ``remove`` it, ``add`` it under a new key, ``append`` it to a list.
        value: the new value.
    """

    where: DocumentPath
    action: Literal["set", "remove", "add", "append"]
    value: Any = None


class NotRewritableError(Exception):
    """An edit that cannot be made without further changes."""


def rewrite(text: str, edits: Iterable[Edit], *, as_json: bool = False) -> str:
    """Apply edits to the text of a document in their order; paths refer to the result of the edits before.

    Raises:
        NotRewritableError: an edit cannot be made separately.
    """
    for edit in edits:
        writer = _Writer(text, as_json=as_json)
        text = getattr(writer, f"after_{edit.action}")(edit.where, edit.value)
    return text


class _Writer:
    """A text, with the parser's nodes and their positions."""

    def __init__(self, text: str, *, as_json: bool) -> None:
        self.text = text
        self.as_json = as_json
        try:
            self.root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            raise NotRewritableError("its text cannot be taken apart") from error

    def after_set(self, where: DocumentPath, value: Any) -> str:
        key, node = self._locate(where)
        is_block = isinstance(node, yaml.CollectionNode) and not node.flow_style
        if is_block or (isinstance(value, (dict, list)) and value and key is not None and self._is_block(where)):
            if key is None:
                raise NotRewritableError("an element of a list that is not a plain value")
            colon = self.text.index(":", key.end_mark.index) + 1
            return self._with(colon, max(colon, self._end(node)), self._valued(value, key.start_mark.column))
        start, end = node.start_mark.index, self._end(node)
        between = " " if self.text[start - 1 : start] == ":" else ""
        return self._with(start, end, between + self._inline(value, node))

    def after_remove(self, where: DocumentPath, _: Any) -> str:
        _, parent = self._locate(where[:-1])
        entries = self._entries(parent)
        index = self._position(parent, where[-1])
        start, end = entries[index]
        if parent.flow_style:
            if index + 1 < len(entries):
                return self._with(start, entries[index + 1][0], "")
            return self._with(entries[index - 1][1] if index else start, end, "")
        if len(entries) == 1:
            return self.after_set(where[:-1], {} if isinstance(parent, yaml.MappingNode) else [])
        line = self.text.rfind("\n", 0, start) + 1
        before = self.text[line:start].strip()
        if before == ("-" if isinstance(parent, yaml.SequenceNode) else ""):
            return self._with(line, self._line_end(end), "")
        if index + 1 < len(entries):  # the first key of a list element is on the line of the dash
            return self._with(start, entries[index + 1][0], "")
        raise NotRewritableError("it shares its line with something else")

    def after_append(self, where: DocumentPath, value: Any) -> str:
        return self._appended(self._locate(where)[1], "", value)

    def after_add(self, where: DocumentPath, value: Any) -> str:
        return self._appended(self._locate(where[:-1])[1], str(where[-1]), value)

    def _appended(self, node: Any, key: str, value: Any) -> str:
        entries = self._entries(node)
        if node.flow_style:
            inline = f"{self._key(key)}: {self._flow(value)}" if key else self._flow(value)
            if not entries:
                return self._with(node.start_mark.index + 1, node.end_mark.index - 1, inline)
            last = entries[-1][1]
            between = self.text[entries[-2][1] : entries[-1][0]] if len(entries) > 1 else ", "
            return self._with(last, last, (between if "#" not in between else ", ") + inline)
        pad = node.start_mark.column
        lead = f"{self._key(key)}:" + self._valued(value, pad) if key else "-" + self._item(value, pad)
        end = self._line_end(entries[-1][1])
        newline = "" if self.text[:end].endswith("\n") else "\n"
        return self._with(end, end, f"{newline}{' ' * pad}{lead}\n")

    def _locate(self, where: DocumentPath) -> tuple[Any, Any]:
        """The node at a path, and its key if it is a mapping's value."""
        key: Any = None
        node: Any = self.root
        for part in where:
            inner_key, inner = self._child(node, part)
            outside = inner.start_mark.index < node.start_mark.index or inner.end_mark.index > node.end_mark.index
            if outside or self.text[inner.start_mark.index : inner.start_mark.index + 1] in ("&", "!", "*"):
                raise NotRewritableError("it is behind an anchor, an alias or a tag, and belongs to other places too")
            key, node = inner_key, inner
        return key, node

    def _child(self, node: Any, part: str | int) -> tuple[Any, Any]:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value == str(part):
                    return key, value
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            return None, node.value[part]
        raise NotRewritableError("it is not written there; a merge key or another tool may have put it there")

    def _position(self, node: Any, part: str | int) -> int:
        if isinstance(node, yaml.SequenceNode):
            return int(part)
        return [key.value for key, _ in node.value].index(str(part))

    def _is_block(self, where: DocumentPath) -> bool:
        """Whether a value is in block style, with all of its ancestors."""
        return not self.as_json and not self._locate(where[:-1])[1].flow_style

    def _entries(self, node: Any) -> list[tuple[int, int]]:
        """The start and end of each entry of a collection."""
        if isinstance(node, yaml.MappingNode):
            return [(key.start_mark.index, max(key.end_mark.index, self._end(node_))) for key, node_ in node.value]
        if isinstance(node, yaml.SequenceNode):
            return [(element.start_mark.index, self._end(element)) for element in node.value]
        raise NotRewritableError("there is no mapping or list")

    def _end(self, node: Any) -> int:
        """The end of a node, without the trailing white space and comments that the parser includes."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        end: int = node.end_mark.index
        return len(self.text[:end].rstrip()) if getattr(node, "style", None) in ("|", ">") else end

    def _line_end(self, position: int) -> int:
        """The start of the next line."""
        newline = self.text.find("\n", position)
        return len(self.text) if newline < 0 else newline + 1

    def _with(self, start: int, end: int, new: str) -> str:
        return self.text[:start] + new + self.text[end:]

    def _inline(self, value: Any, before: Any) -> str:
        """A value in place of a scalar or a flow collection, with the same quoting."""
        style = getattr(before, "style", None) if isinstance(before, yaml.ScalarNode) else None
        if isinstance(value, str) and not self.as_json:
            if style == "'" and value.isprintable():
                return "'" + value.replace("'", "''") + "'"
            if style == '"':
                return _quoted(value)
        return self._flow(value)

    def _valued(self, value: Any, column: int) -> str:
        """The text after a key's colon, in block style."""
        if isinstance(value, dict) and value:
            pad = " " * (column + 2)
            return "".join(f"\n{pad}{self._key(key)}:{self._valued(part, column + 2)}" for key, part in value.items())
        if isinstance(value, list) and value:
            pad = " " * (column + 2)
            return "".join(f"\n{pad}-{self._item(part, column + 2)}" for part in value)
        return f" {self._flow(value)}"

    def _item(self, value: Any, column: int) -> str:
        """The text after a dash, in block style."""
        if not isinstance(value, dict) or not value:
            return f" {self._flow(value)}"
        pad = " " * (column + 2)
        lines = [f"{self._key(key)}:{self._valued(part, column + 2)}" for key, part in value.items()]
        return " " + f"\n{pad}".join(lines)

    def _flow(self, value: Any) -> str:
        """A value on one line."""
        if self.as_json:
            return json.dumps(value, ensure_ascii=False)
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self._key(key)}: {self._flow(part)}" for key, part in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self._flow, value)) + "]"
        return _plain(value) if isinstance(value, str) else json.dumps(value)

    def _key(self, key: str) -> str:
        return json.dumps(key, ensure_ascii=False) if self.as_json else _plain(key)


_RESOLVER = yaml.resolver.Resolver()
_TEXT = "tag:yaml.org,2002:str"


def _plain(value: str) -> str:
    """A string without quotes if it can be parsed as that string everywhere; else in quotes."""
    if value and value.isprintable() and value.strip() == value and not set(value) & set("{}[],#&*!|>'\"%@`"):
        read = [
            document.value for document in documents.parse(f"k: {value}\n") if isinstance(document, documents.Document)
        ]
        if read == [{"k": value}] and _is_plain_in_flow(value) and _is_text_in_yaml_1_1(value):
            return value
    return _quoted(value)


def _quoted(value: str) -> str:
    """A string in double quotes; JSON's escapes are valid in YAML, too."""
    text = json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in text)


def _is_text_in_yaml_1_1(value: str) -> bool:
    """Whether readers of YAML 1.1, such as kubectl's, take a plain scalar for text: not `on`, `1_000`, `12:30`, `y`."""
    tag = _RESOLVER.resolve(yaml.ScalarNode, value, (True, False))  # type: ignore[no-untyped-call]  # PyYAML has no types
    return value.lower() not in ("y", "n") and bool(tag == _TEXT)


def _is_plain_in_flow(value: str) -> bool:
    read = [
        document.value
        for document in documents.parse(f"k: {{{value}: [{value}]}}\n")
        if isinstance(document, documents.Document)
    ]
    return read == [{"k": {value: [value]}}] and not value.startswith(("-", "?", ":", "<<"))

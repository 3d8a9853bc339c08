"""As much of HCL as infra/ is written in: blocks with their attributes and blocks; expressions stay text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_COMMENT_OR_STRING = re.compile(r'"(?:\\.|[^"\\])*"|#[^\n]*|//[^\n]*|/\*.*?\*/', re.DOTALL)
_ATTRIBUTE = re.compile(r"[ \t]*([\w-]+)[ \t]*=(?!=)[ \t]*")
_BLOCK = re.compile(r'[ \t]*([\w-]+)((?:[ \t]+"[^"]*")*)[ \t]*\{')
_BRACKETS = {"{": 1, "[": 1, "(": 1, "}": -1, "]": -1, ")": -1}


@dataclass
class Block:
    kind: str
    labels: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)

    def named(self, kind: str) -> list[Block]:
        return [block for block in self.blocks if block.kind == kind]

    def walk(self) -> Iterator[Block]:
        yield self
        for block in self.blocks:
            yield from block.walk()


def read(folder: Path) -> Block:
    """Every file of a folder, as one block without a kind."""
    root = Block("")
    for path in sorted(folder.glob("*.tf")):
        parse(path.read_text(), root)
    return root


def parse(text: str, into: Block) -> None:
    """Parse the body of a block."""
    text = _COMMENT_OR_STRING.sub(lambda match_: match_[0] if match_[0].startswith('"') else "", text)
    index = 0
    while index < len(text):
        if text[index].isspace():
            index += 1
        elif statement := _ATTRIBUTE.match(text, index):
            end = _end(text, statement.end(), "\n")
            assert statement[1] not in into.attributes, f"{into.kind} sets {statement[1]} twice"
            into.attributes[statement[1]] = text[statement.end() : end].strip()
            index = end
        elif statement := _BLOCK.match(text, index):
            end = _end(text, statement.end(), "}")
            block = Block(statement[1], tuple(re.findall(r'"([^"]*)"', statement[2])))
            parse(text[statement.end() : end], block)
            into.blocks.append(block)
            index = end + 1
        else:
            raise AssertionError(f"not read: {text[index : index + 60]!r}")


def _end(text: str, index: int, stop: str) -> int:
    """Where an expression or a body ends: at the first stop outside of strings and brackets."""
    depth = 0
    while index < len(text):
        if text[index] == '"':
            index = _string_end(text, index)
            continue
        if depth == 0 and text[index] == stop:
            return index
        depth += _BRACKETS.get(text[index], 0)
        index += 1
    return index


def _string_end(text: str, index: int) -> int:
    """Where a string ends; what it interpolates has brackets and strings of its own."""
    index += 1
    while text[index] != '"':
        if text[index] == "\\":
            index += 2
        elif text.startswith("${", index):
            index = _end(text, index + 2, "}") + 1
        else:
            index += 1
    return index + 1


def entries(expression: str) -> dict[str, str]:
    """The entries of an object expression."""
    inner = Block("")
    parse(expression.strip()[1:-1], inner)
    return inner.attributes


def objects(expression: str) -> list[dict[str, str]]:
    """The entries of each object of an expression, such as those that a condition chooses from."""
    objects_, index = [], 0
    while index < len(expression):
        if expression[index] == '"':
            index = _string_end(expression, index)
        elif expression[index] == "{":
            end = _end(expression, index + 1, "}") + 1
            objects_.append(entries(expression[index:end]))
            index = end
        else:
            index += 1
    return objects_


def strings(expression: str) -> list[str]:
    """The strings of an expression, without their quotes."""
    return re.findall(r'"((?:\\.|[^"\\])*)"', expression)

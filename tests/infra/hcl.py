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
    text = _COMMENT_OR_STRING.sub(lambda found: found[0] if found[0].startswith('"') else "", text)
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
        elif found := _ATTRIBUTE.match(text, at):
            end = _end(text, found.end(), "\n")
            assert found[1] not in into.attributes, f"{into.kind} sets {found[1]} twice"
            into.attributes[found[1]] = text[found.end() : end].strip()
            at = end
        elif found := _BLOCK.match(text, at):
            end = _end(text, found.end(), "}")
            block = Block(found[1], tuple(re.findall(r'"([^"]*)"', found[2])))
            parse(text[found.end() : end], block)
            into.blocks.append(block)
            at = end + 1
        else:
            raise AssertionError(f"not read: {text[at : at + 60]!r}")


def _end(text: str, at: int, stop: str) -> int:
    """Where an expression or a body ends: at the first stop outside of strings and brackets."""
    depth = 0
    while at < len(text):
        if text[at] == '"':
            at = _string_end(text, at)
            continue
        if depth == 0 and text[at] == stop:
            return at
        depth += _BRACKETS.get(text[at], 0)
        at += 1
    return at


def _string_end(text: str, at: int) -> int:
    """Where a string ends; what it interpolates has brackets and strings of its own."""
    at += 1
    while text[at] != '"':
        if text[at] == "\\":
            at += 2
        elif text.startswith("${", at):
            at = _end(text, at + 2, "}") + 1
        else:
            at += 1
    return at + 1


def entries(expression: str) -> dict[str, str]:
    """The entries of an object expression."""
    inner = Block("")
    parse(expression.strip()[1:-1], inner)
    return inner.attributes


def objects(expression: str) -> list[dict[str, str]]:
    """The entries of each object of an expression, such as those that a condition chooses from."""
    found, at = [], 0
    while at < len(expression):
        if expression[at] == '"':
            at = _string_end(expression, at)
        elif expression[at] == "{":
            end = _end(expression, at + 1, "}") + 1
            found.append(entries(expression[at:end]))
            at = end
        else:
            at += 1
    return found


def strings(expression: str) -> list[str]:
    """The strings of an expression, without their quotes."""
    return re.findall(r'"((?:\\.|[^"\\])*)"', expression)

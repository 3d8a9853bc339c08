"""The blocks of docs/install.md and docs/upgrading.md, and the commands in them."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator

from infra.blocks import ROOT

INSTALL = (ROOT / "docs" / "install.md").read_text()
UPGRADING = (ROOT / "docs" / "upgrading.md").read_text()
_INDENTED = re.compile(r"(?:^(?: {4,}.*)?\n)+", re.MULTILINE)
_HERE_DOCUMENT = re.compile(r"<<EOF\n.*?\nEOF$", re.DOTALL | re.MULTILINE)
_BETWEEN_COMMANDS = {"&&", "||", ";", "|", "do", "done"}
_ASSIGNMENT = re.compile(r"\w+=")


def blocks(title: str, page: str = INSTALL) -> list[str]:
    """The commands and settings of a chapter, block by block."""
    return blocks_of(page.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0])


def blocks_of(text: str) -> list[str]:
    """Every indented block of a page; an empty line ends one."""
    indented = [textwrap.dedent(block).strip() for block in _INDENTED.findall(text) if block.strip()]
    return [part for block in indented for part in re.split(r"\n{2,}", block)]


def is_settings(block: str) -> bool:
    """Whether a block is of variables of the module, or SQL, and no commands."""
    return bool(re.match(r"(?:#.*\n)?\w+ += |SELECT ", block))


def commands(block: str) -> Iterator[list[str]]:
    """The words of each command in a block for a shell."""
    joined = _HERE_DOCUMENT.sub("", block).replace("\\\n", " ")
    joined = re.sub(r"(?<!<)<\((.*?)\)", r"; \1", re.sub(r"\$\(.*?\)", "NOW", joined))
    for line in joined.splitlines():
        lexed = shlex.shlex(line, posix=True, punctuation_chars="();<>|&")
        lexed.whitespace_split = True
        yield from _split(list(lexed))


def _split(words: list[str]) -> Iterator[list[str]]:
    command: list[str] = []
    for word in [*words, ";"]:
        if word in _BETWEEN_COMMANDS:
            while command and _ASSIGNMENT.match(command[0]):
                command.pop(0)
            if command:
                yield command
            command = []
        else:
            command.append(word)

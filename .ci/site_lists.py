"""Lists as the repository's page shows them (CommonMark), written so that MkDocs (Python-Markdown) shows the same.

Python-Markdown takes four spaces for what belongs to an item, whatever its marker, and no list directly after a
paragraph: without this, lists run into one paragraph, and commands below a numbered step into its text.
"""  # noqa: INP001 - of a hook of MkDocs

from __future__ import annotations

import re

_MARKER = re.compile(r" {0,3}([-*+]|(\d{1,9})\.)( {1,4})(?=\S)")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6} ")
_STEP = 4


def for_mkdocs(markdown: str) -> str:
    """The text of a page with every list in the form that Python-Markdown reads."""
    written: list[str] = []
    columns: list[int] = []  # where the text of each open item begins, in the source
    fence = previous = ""
    for line in markdown.split("\n"):
        indent = len(line) - len(line.lstrip(" "))
        if fence:
            written.append(_moved(line, columns))
            fence = "" if line.strip().startswith(fence) and not line.strip().strip(fence[0]) else fence
        elif not line.strip():
            written.append("")
        elif columns and previous.strip() and indent < columns[-1] and not _begins_block(line):
            written.append(line)  # the text of an item that goes on without its indentation
        else:
            was_deeper = False
            while columns and indent < columns[-1]:
                columns.pop()
                was_deeper = True
            rest = line[columns[-1] if columns else 0 :]
            marker = _MARKER.match(rest)
            is_first = not was_deeper and not columns and bool(previous.strip())
            if marker and is_first and marker[2] not in (None, "1"):
                marker = None  # a number that begins a line of a paragraph
            if marker and (is_first or previous.lstrip().startswith("|")):
                written.append("")
            written.append(_moved(line, columns) if marker is None else _item(rest, marker, len(columns)))
            if marker:
                columns.append((columns[-1] if columns else 0) + marker.end())
            elif opened := _FENCE.match(rest):
                fence = opened[1]
        previous = line
    return "\n".join(written)


def _begins_block(line: str) -> bool:
    return bool(_MARKER.match(line.lstrip(" ")) or _FENCE.match(line.lstrip(" ")) or _HEADING.match(line))


def _moved(line: str, columns: list[int]) -> str:
    if not columns or not line.strip():
        return line
    indent = len(line) - len(line.lstrip(" "))
    return " " * _STEP * len(columns) + line[min(columns[-1], indent) :]


def _item(rest: str, marker: re.Match[str], depth: int) -> str:
    return f"{' ' * _STEP * depth}{marker[1]} {rest[marker.end() :]}"

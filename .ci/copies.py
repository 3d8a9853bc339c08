"""Find copies in the library: functions with the same body, and equal regular expressions; a part of `make words`."""  # noqa: INP001 - a script

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

SHORTEST_BODY = 25
"""Nodes of the syntax tree of a body that may stand in one place only; a body of two short statements has as many."""
SHORTEST_PATTERN = 6
"""Characters of a regular expression that may stand in one place only."""

_NAME = re.compile(r"(?<=\bid=')\w+(?=')|(?<=\barg=')\w+(?=')")


def faults(texts: Mapping[str, str]) -> Iterator[tuple[str, int, str]]:
    """The path, the line and what is wrong with each copy.

    Args:
        texts: the modules by their paths.
    """
    places: dict[str, str] = {}
    for path, text in texts.items():
        for node in ast.walk(ast.parse(text)):
            for kind, content in (("body", _body(node)), ("pattern", _pattern(node))):
                place = f"{path}:{getattr(node, 'lineno', 0)}"
                first = places.setdefault(f"{kind} {content}", place) if content else place
                if first != place:
                    yield path, getattr(node, "lineno", 0), f"the same {kind} stands in {first}: make it one"


def _body(node: ast.AST) -> str:
    """The body of a function without its docstring, its variables numbered; empty for a short one."""
    if not isinstance(node, ast.FunctionDef):
        return ""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    nodes = [inner for statement in body for inner in ast.walk(statement)]
    if len(nodes) < SHORTEST_BODY:
        return ""
    own = {inner.arg for inner in (*ast.walk(node.args), *nodes) if isinstance(inner, ast.arg)}
    own |= {inner.id for inner in nodes if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)}
    numbers: dict[str, str] = {}
    return _NAME.sub(
        lambda name: numbers.setdefault(name[0], str(len(numbers))) if name[0] in own else name[0],
        "\n".join(map(ast.dump, body)),
    )


def _pattern(node: ast.AST) -> str:
    """The text of a regular expression; empty for a short one, and for one that is put together."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="re")), args=[ast.Constant(value=str(pattern)), *_]):
            return pattern if len(pattern) >= SHORTEST_PATTERN else ""
        case _:
            return ""

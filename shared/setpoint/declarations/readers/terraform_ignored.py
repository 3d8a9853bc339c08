"""``lifecycle.ignore_changes`` of a configuration's files: what Terraform leaves alone is not drift."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

from msgspec.structs import replace

from setpoint.comparison.source_paths import join
from setpoint.declarations.readers.terraform_config import ALL
from setpoint.declarations.readers.terraform_documents import TerraformResource
from setpoint.declarations.readers.translation import Translated
from setpoint.model import field_path, ignore_patterns


def applied(translated: Translated, block: TerraformResource) -> Translated:
    """A declaration that ignores what its resource block leaves alone, each path with the file that says so."""
    if block.configured is None or not block.configured.ignored:
        return translated
    declaration = translated.declaration
    root = translated.origins.get("", block.address)
    ignored: dict[str, str] = {}
    for path in block.configured.ignored:
        rule = f"{block.configured.file}: lifecycle.ignore_changes has {path}"
        if path == ALL:
            ignored[ignore_patterns.ALL] = rule
            continue
        author = reduce(join, field_path.readable(path), root)
        ignored |= dict.fromkeys(_patterns(declaration.data, ("", root), author, translated.origins), rule)
    own = tuple(pattern for pattern in declaration.ignore if pattern not in ignored)
    changed = replace(declaration, ignore=(*own, *ignored), ignored_by={**declaration.ignored_by, **ignored})
    return replace(translated, declaration=changed)


def _patterns(node: Any, place: tuple[str, str], ignored: str, origins: Mapping[str, str]) -> Iterator[str]:
    """The paths of the API that an author's path means, and those below it.

    Args:
        node: Declared data.
        place: Its path in the API, and the author's.
        ignored: The author's path.
        origins: API path → author's path.
    """
    path, author = place
    if path and field_path.is_below(author, ignored):
        yield path
        return
    if isinstance(node, dict):
        for key, child in node.items():
            yield from _patterns(child, _below(path, author, key, origins), ignored, origins)
        missing = _entry(author, ignored) if path else ""
        if missing and missing not in node:
            yield join(path, missing)
    elif isinstance(node, list):
        for index, child in enumerate(node):
            _, below = _below(path, author, field_path.index(index), origins)
            for name in _names_of(index, child, len(node)):
                yield from _patterns(child, (f"{path}{name}", below), ignored, {**origins, f"{path}{name}": below})


def _below(path: str, author: str, key: str, origins: Mapping[str, str]) -> tuple[str, str]:
    below = join(path, key)
    return below, origins.get(below, join(author, key))


def _entry(author: str, ignored: str) -> str:
    """The key of an entry of a map that is ignored; empty where another path is."""
    rest = field_path.readable(ignored.removeprefix(author)) if ignored.startswith((f"{author}.", f"{author}[")) else ()
    return rest[0] if len(rest) == 1 else ""


def _names_of(index: int, element: Any, count: int) -> Iterator[str]:
    """How a difference may name an element: by its position, or by an identifying field."""
    if count == 1:
        yield "[*]"
        return
    yield f"[{index}]"
    if isinstance(element, dict):
        for key, value in element.items():
            if isinstance(value, (str, int)) and not isinstance(value, bool):
                yield field_path.text((None, field_path.element(key, value)))

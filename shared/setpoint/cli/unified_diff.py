"""A change of a file in the unified format of ``patch``."""

from __future__ import annotations

import difflib
import io
from collections.abc import Iterator

_LONG = 5_000


def unified(name: str, before: str, after: str) -> Iterator[str]:
    """The lines of a unified diff that ``patch -p1`` takes; none where nothing changes.

    ``difflib.unified_diff`` takes lines that come often for noise, as those of YAML do, and then shows what stays as
    changed; here that is left to files of more than 5,000 lines, which would take long otherwise.
    """
    old, new = (io.StringIO(text, newline="\n").readlines() for text in (before, after))
    if old == new:
        return
    yield f"--- a/{name}\n"
    yield f"+++ b/{name}\n"
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=len(old) > _LONG)
    for group in matcher.get_grouped_opcodes():
        (_, old_from, _, new_from, _), (_, _, old_to, _, new_to) = group[0], group[-1]
        yield f"@@ -{_range(old_from, old_to)} +{_range(new_from, new_to)} @@\n"
        for line in _changes(group, old, new):
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _changes(group: list[tuple[str, int, int, int, int]], old: list[str], new: list[str]) -> Iterator[str]:
    for tag, old_from, old_to, new_from, new_to in group:
        sign = " " if tag == "equal" else "-"
        yield from (sign + line for line in old[old_from:old_to])
        if tag != "equal":
            yield from ("+" + line for line in new[new_from:new_to])


def _range(first: int, last: int) -> str:
    """Lines as a unified diff counts them; an empty range lies after the line that it names."""
    return f"{first + 1 if last > first else first},{last - first}"

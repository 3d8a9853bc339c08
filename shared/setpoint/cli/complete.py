"""Complete a command line for a shell, without loading any command: from a table that is made from them.

``python -m setpoint_tools.completions`` writes the table. Ids of findings come from the store, where that is a file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("completions.json")
_FILE = "setpoint.db"
_SCHEME = "sqlite:///"
_LIMIT = 50
"""Ids that are offered at most."""

SCRIPTS: dict[str, str] = {
    "bash": """\
_setpoint_completion() {
    local IFS=$'\\n'
    COMPREPLY=($(_SETPOINT_COMPLETE=1 "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f 1))
}
complete -o default -F _setpoint_completion setpoint
""",
    "zsh": """\
#compdef setpoint
_setpoint_completion() {
    local -a lines candidates
    lines=("${(@f)$(_SETPOINT_COMPLETE=1 ${words[1]} "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    for line in $lines; do candidates+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}"); done
    if (( ${#candidates} )); then _describe setpoint candidates; else _files; fi
}
compdef _setpoint_completion setpoint
""",
    "fish": """\
function __setpoint_completion
    set --local words (commandline --current-process --tokenize --cut-at-cursor)
    _SETPOINT_COMPLETE=1 $words[1] $words[2..-1] (commandline --current-token) 2>/dev/null
end
complete --command setpoint --arguments "(__setpoint_completion)"
""",
}
"""What each shell evaluates; it hands over the words before the cursor, the last one as far as it is written."""


def candidates(words: Sequence[str], environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What the last word may become, each with its meaning; nothing where the shell should complete files.

    Args:
        words: the words behind the program's name, up to the cursor.
        environment: names the store where no option does.
    """
    *before, begun = words or [""]
    table = json.loads(TABLE.read_text())
    name, rest = _command(table, before)
    offered = _offered(table, name, rest, begun, environment)
    return ((word, meaning) for word, meaning in offered if word.startswith(begun))


def _command(table: Mapping[str, Any], words: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The command that the words name, and the words behind it."""
    name = ""
    for number, word in enumerate(words):
        inner = f"{name} {word}".strip()
        if inner not in table["commands"]:
            return name, words[number:]
        name = inner
    return name, ()


def _offered(
    table: Mapping[str, Any], name: str, rest: Sequence[str], begun: str, environment: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    entry = table["commands"][name]
    options = entry["options"]
    if rest and (values := options.get(rest[-1], {}).get("values")) is not None:
        yield from ((value, "") for value in values)
    elif begun.startswith("-"):
        yield from ((option, about["help"]) for option, about in options.items())
    elif "commands" in entry:
        yield from ((inner, table["commands"][f"{name} {inner}".strip()]["help"]) for inner in entry["commands"])
    elif entry["takes_finding"] and not _positional(options, rest):
        yield from _finding_ids(begun, rest, environment)
    elif entry["values"]:
        yield from ((value, "") for value in entry["values"])


def _positional(options: Mapping[str, Any], words: Sequence[str]) -> list[str]:
    """The words that are neither options nor their values."""
    kept, takes_value = [], False
    for word in words:
        if takes_value:
            takes_value = False
        elif word.startswith("-"):
            takes_value = options.get(word, {}).get("values") is not None
        else:
            kept.append(word)
    return kept


def _finding_ids(begun: str, words: Sequence[str], environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Ids of findings that begin so, with the names of their resources."""
    named = next((after for word, after in pairwise(words) if word == "--store"), "")
    url = named or environment.get("SETPOINT_STORE", "") or f"{_SCHEME}{_FILE}"
    path = Path(url.removeprefix(_SCHEME))
    if url.startswith(_SCHEME) and path.exists():
        from setpoint.adapters.sqlite.finding_ids import ids_beginning  # noqa: PLC0415 - only where a file is there

        yield from ids_beginning(path, begun, _LIMIT)


def main(words: Sequence[str]) -> None:
    """Write candidates, one a line with its meaning behind a tab."""
    lines = [f"{word}\t{meaning}\n" for word, meaning in candidates(words, os.environ)]
    print("".join(lines), end="")  # noqa: T201 - no console is loaded

"""Write the completion table of shells: ``python -m setpoint_tools.completions`` writes it from the commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from setpoint.cli.commands import COMMANDS, load_command
from setpoint.cli.complete import TABLE

_LONGEST = 60


def table() -> dict[str, Any]:
    """Each command by its words, with its options, their values, and what stands behind it."""
    shown = {name: entry for name, entry in COMMANDS.items() if not entry.hidden}
    top = {"--help": _option("Show the options.", None), "--version": _option("Print the version.", None)}
    commands: dict[str, Any] = {"": {"help": "", "options": top, "commands": sorted(shown)}}
    for name, entry in shown.items():
        command = load_command(name)
        inner = getattr(command, "commands", None)
        if inner is None:
            commands[name] = _leaf(command, entry.summary)
            continue
        commands[name] = {"help": entry.summary, "options": {}, "commands": sorted(inner)}
        for word in inner:
            leaf = command.resolve_command(command.make_context(name, [], resilient_parsing=True), [word])[1]
            commands[f"{name} {word}"] = _leaf(leaf, inner[word].get_short_help_str(_LONGEST))
    return {"commands": commands}


def _leaf(command: Any, summary: str) -> dict[str, Any]:
    options: dict[str, Any] = {"--help": _option("Show the options.", None)}
    values: list[str] = []
    takes_finding = False
    for parameter in command.params:
        choices = [str(getattr(choice, "value", choice)) for choice in parameter.type_descriptor.choices or ()]
        if parameter.param_type_name == "argument":
            takes_finding |= parameter.name == "finding"
            values += choices
            continue
        about = _option(parameter.help or "", None if parameter.is_flag else choices)
        options |= {name: about for name in (*parameter.opts, *parameter.secondary_opts) if name.startswith("--")}
    return {"help": summary, "options": options, "takes_finding": takes_finding, "values": values}


def _option(text: str, values: list[str] | None) -> dict[str, Any]:
    """An option: what it means, and its values; None for one that takes none."""
    return {"help": text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…", "values": values}


def written() -> str:
    """The table as its file has it."""
    return json.dumps(table(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main(target: Path = TABLE) -> None:
    """Write it."""
    target.write_text(written())


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

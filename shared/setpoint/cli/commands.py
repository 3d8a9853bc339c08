"""The commands by name, loaded when they are called: ``setpoint --help`` and completion import none of them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from setpoint.errors import BadRequest
from setpoint.util.texts import quoted

_PACKAGE = "setpoint.cli"
_TOOLS = "setpoint_tools"
"""Images leave it out."""
_USAGE_ERROR, _ERROR = 2, 1


class CommandEntry(NamedTuple):
    """Where a command is, and what the list of commands says of it.

    Args:
        module: the module below ``setpoint.cli``.
        attribute: its function, or its group of commands.
        summary: the first sentence of its help.
        hidden: whether the list leaves it out.
    """

    module: str
    attribute: str
    summary: str
    hidden: bool = False


COMMANDS: dict[str, CommandEntry] = {
    "validate": CommandEntry("apply", "validate", "Check the declarations in PATH…, without a store."),
    "plan": CommandEntry("apply", "plan", "Show what `apply` with the same options would add, change and remove."),
    "apply": CommandEntry("apply", "apply", "Apply the declarations in PATH…"),
    "guard": CommandEntry("guard", "guard_command", "Show the effect of a change on open drift."),
    "detect": CommandEntry("detect", "detect", "Compare each change in a feed with the declarations."),
    "worker": CommandEntry("worker", "worker", "Detect drift in a stream of changes, until stopped."),
    "sweep": CommandEntry("sweep", "sweep", "Compare the whole inventory with the declarations."),
    "attribute": CommandEntry("attribute", "attribute", "Attribute drift to recorded audit log entries."),
    "types": CommandEntry("types", "types", "List asset types and how each is compared."),
    "coverage": CommandEntry("coverage", "coverage", "List the declared fields that are not compared."),
    "report": CommandEntry("report", "report", "Report current drift: trends, origin, location and owner."),
    "diff": CommandEntry("diff", "diff", "Show how LIVE differs from DECLARED, field by field."),
    "export": CommandEntry("export", "export", "Write declarations for existing resources."),
    "notify": CommandEntry("notify", "notify", "Preview alerts, without sending them."),
    "remediate": CommandEntry("remediate", "remediate", "Show the decision about a drift, then remediate it."),
    "propose": CommandEntry("propose", "propose", "Print a patch that declares the observed values."),
    "approve": CommandEntry("remediation_commands", "approve", "Approve the remediation of a drift."),
    "exempt": CommandEntry("remediation_commands", "exempt", "Suppress a finding until a date, with a reason."),
    "accept": CommandEntry("remediation_commands", "accept", "Accept a drift as it is, until it changes."),
    "baseline": CommandEntry("baseline", "baseline", "Accept all existing drift, in one decision."),
    "pause": CommandEntry("remediation_commands", "pause", "Pause remediation; alerts go on."),
    "resume": CommandEntry("remediation_commands", "resume", "End a pause."),
    "guardrails": CommandEntry(
        "remediation_commands", "guardrails", "Show pauses, recent writes and the circuit breaker."
    ),
    "brakes": CommandEntry("remediation_commands", "guardrails", "Show pauses and recent writes.", hidden=True),
    "repair": CommandEntry("repair", "repair", "Repair unreadable records of findings."),
    "secret-key": CommandEntry("secret_key", "app", "Manage the key that hides secrets."),
    "doctor": CommandEntry("doctor", "doctor", "Check a live installation."),
    "completion": CommandEntry("completion", "completion", "Print the completion script of a shell."),
    "dev": CommandEntry("dev", "app", "Run the whole system on this machine, without an account."),
    "dead-letters": CommandEntry("dead_letters", "app", "List, replay or decrypt messages that could not be handled."),
    "findings": CommandEntry("", "", "List and show findings."),
    "policy": CommandEntry("policy", "app", "Test the policy of the fleet: severity and mode of a drift."),
}
FINDINGS: dict[str, CommandEntry] = {
    "list": CommandEntry("findings", "list_findings", "List findings, the worst first."),
    "show": CommandEntry("findings", "show", "Show one finding with its audit trail."),
    "explain": CommandEntry("history", "explain", "Show when a finding began to drift, and who changed it."),
    "accept": CommandEntry("baseline", "accept_findings", "Accept the drift of all selected findings."),
    "exempt": CommandEntry("baseline", "exempt_findings", "Suppress all selected findings until a date."),
}
"""The commands of ``setpoint findings``, which live beside what they are like."""


def load_command(name: str) -> Any:
    """Import and build a command, with its options; a group has commands of its own.

    Raises:
        KeyError: there is no such command.
    """
    entry = COMMANDS[name]
    return _FindingCommands(name, help=entry.summary) if name == "findings" else _load(name, entry)


def _load(name: str, entry: CommandEntry) -> Any:
    try:
        target = getattr(import_module(f"{_PACKAGE}.{entry.module}"), entry.attribute)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != _TOOLS:
            raise
        raise BadRequest(f"`setpoint {name}` is in a clone of the repository only; see docs/install.md") from None
    return _built(name, target, hidden=entry.hidden)


@cache
def _built(name: str, target: Any, *, hidden: bool) -> Any:
    """The command of a function or a group; cached for who calls many in one process."""
    if not isinstance(target, typer.Typer):
        wrapper = typer.Typer(add_completion=False, rich_markup_mode=None)
        wrapper.command(name, hidden=hidden)(target)
        target = wrapper
    target.rich_markup_mode = None  # help of groups reads as that of commands
    command = get_command(target)
    command.name = name
    _hide_argument_types(command)
    return command


def _hide_argument_types(command: Any) -> None:
    """Leave the types of Python out of the help on arguments: ``PATH``, not ``PATH <list[str]>``."""
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            parameter.display_type = lambda ctx: ""  # noqa: ARG005 - Typer passes its context
    for subcommand in getattr(command, "commands", {}).values():
        _hide_argument_types(subcommand)


class LazyCommands(TyperGroup):
    """The commands of the table; one is loaded when it is called."""

    entries: ClassVar[Mapping[str, CommandEntry]] = COMMANDS

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        for name, entry in self.entries.items():
            self.add_command(TyperCommand(name, help=entry.summary, hidden=entry.hidden, rich_markup_mode=None))

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The command that is called, loaded, and what is left of the arguments."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, self.load(name) if name is not None else command, rest

    def load(self, name: str) -> Any:
        """The command of this name, with its options."""
        return load_command(name)

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Parse the arguments of the whole; a wrong one is an error like any other."""
        return _as_error(super().make_context, *arguments, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is called; wrong arguments are an error like any other."""
        return _as_error(super().invoke, ctx)


class _FindingCommands(LazyCommands):
    entries: ClassVar[Mapping[str, CommandEntry]] = FINDINGS

    def __init__(self, name: str, **attributes: Any) -> None:
        super().__init__(name=name, no_args_is_help=True, rich_markup_mode=None, **attributes)

    def load(self, name: str) -> Any:
        return _load(name, FINDINGS[name])


def _as_error(call: Any, *arguments: Any, **options: Any) -> Any:
    """Let wrong arguments end with 1: 2 says that something has drifted."""
    try:
        return call(*arguments, **options)
    except Exception as error:
        if getattr(error, "exit_code", None) == _USAGE_ERROR and not isinstance(error, typer.Exit):
            error.exit_code = _ERROR  # type: ignore[attr-defined]
            if isinstance(text := getattr(error, "message", None), str):
                error.message = _number_in_words(error.__cause__) or _in_words(text)  # type: ignore[attr-defined]
        raise


_NUMBERS = {
    "greater_than_equal": "{input} is too small; the minimum is {ge}",
    "less_than_equal": "{input} is too large; the maximum is {le}",
    "int_parsing": "{input} is not an integer",
    "int_from_float": "{input} is not an integer",
    "float_parsing": "{input} is not a number",
}
"""The validator's error types for numbers, and their messages."""


def _number_in_words(cause: BaseException | None) -> str:
    """What is wrong with a number, from the validator's error; empty for another one."""
    errors = getattr(cause, "errors", None)
    fault = errors()[0] if callable(errors) else {}
    words = _NUMBERS.get(fault.get("type", ""), "")
    return words.format(input=fault.get("input"), **fault.get("ctx", {}))


_CHOICE = re.compile(r"'([^']*)' is not one of (.*)\.")


def _in_words(message: str) -> str:
    """What is wrong with an option, without the validator's words and with the nearest right value."""
    text = message.removeprefix("Value error, ")
    if (choice := _CHOICE.search(text)) is None:
        return text
    possible = quoted(choice[2])
    near = difflib.get_close_matches(choice[1], possible, n=1)
    near = near or [word for word in possible if choice[1] and word.startswith(choice[1])]
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"{choice[1]} is not one of {', '.join(possible)}{meant}"

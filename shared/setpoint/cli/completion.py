"""``setpoint completion``: shell completion of commands, options and ids of findings."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from setpoint.cli.complete import SCRIPTS


class Shell(StrEnum):
    """A shell that can complete."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def completion(shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")]) -> None:
    """Print the completion script of a shell: `source <(setpoint completion bash)`."""
    typer.echo(SCRIPTS[shell.value], nl=False)

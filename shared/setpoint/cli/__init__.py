"""The command line: ``setpoint …``."""

from __future__ import annotations

import gc
import sys

import typer

from setpoint.cli import apply, detect, diff, export, findings, sweep
from setpoint.cli.output import errors
from setpoint.errors import SetpointError

app = typer.Typer(
    help="Says within seconds what in your Google Cloud fleet no longer is as declared.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(apply.validate)
app.command()(apply.plan)
app.command()(apply.apply)
app.command()(detect.detect)
app.command()(sweep.sweep)
app.command()(diff.diff)
app.command()(export.export)
app.add_typer(findings.app, name="findings")


def main() -> None:
    """Run the command line; an error that Setpoint foresees is one line, not a traceback."""
    # A command makes millions of small objects that stay: collecting them over and over takes a fifth of its time.
    gc.set_threshold(100_000, 50, 50)
    try:
        app()
    except SetpointError as error:
        errors.print(f"[red]error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)

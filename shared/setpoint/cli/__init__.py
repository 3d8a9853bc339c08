"""The command line: ``setpoint …``."""

from __future__ import annotations

import gc
import signal
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from setpoint.cli import (
    apply,
    attribute,
    baseline,
    coverage,
    dead_letters,
    detect,
    dev,
    diff,
    doctor,
    export,
    findings,
    guard,
    notify,
    policy,
    propose,
    remediate,
    remediation_commands,
    repair,
    report,
    sweep,
    types,
    worker,
)
from setpoint.cli.output import print_error, stop_writing
from setpoint.errors import SetpointError

_INTERRUPTED = 130


class _Commands(TyperGroup):
    """The commands, interrupted as a shell expects; here, since Typer has its own way with what comes out of them."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(_INTERRUPTED) from None
        except BrokenPipeError:
            stop_writing()


app = typer.Typer(
    cls=_Commands,
    help="Says within seconds what in your Google Cloud fleet no longer is as declared.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(apply.validate)
app.command()(apply.plan)
app.command()(apply.apply)
app.command("guard")(guard.guard_command)
app.command()(detect.detect)
app.command()(worker.worker)
app.command()(sweep.sweep)
app.command()(attribute.attribute)
app.command()(types.types)
app.command()(coverage.coverage)
app.command()(report.report)
app.command()(diff.diff)
app.command()(export.export)
app.command()(notify.notify)
app.command()(remediate.remediate)
app.command()(propose.propose)
app.command()(remediation_commands.approve)
app.command()(remediation_commands.exempt)
app.command()(remediation_commands.accept)
app.command()(baseline.baseline)
app.command()(remediation_commands.pause)
app.command()(remediation_commands.resume)
app.command()(remediation_commands.guardrails)
app.command("brakes", hidden=True)(remediation_commands.guardrails)
app.command()(repair.repair)
app.command()(doctor.doctor)
findings.app.command("accept")(baseline.accept_findings)
findings.app.command("exempt")(baseline.exempt_findings)
app.add_typer(dev.app, name="dev")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(findings.app, name="findings")
app.add_typer(policy.app, name="policy")


def main() -> None:
    """Run the command line; an error that Setpoint foresees is one line, not a traceback."""
    # A shell lets what it starts in the background ignore SIGINT, and SIGTERM would cut off the last words.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    # A command makes millions of small objects that stay: collecting them over and over takes a fifth of its time.
    gc.set_threshold(100_000, 50, 50)
    try:
        app()
    except SetpointError as error:
        print_error(error)
        sys.exit(1)

"""The command line: ``setpoint …``."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
from typing import Annotated, Any

import typer

from setpoint import __version__
from setpoint.cli import streams
from setpoint.cli.commands import LazyCommands

_INTERRUPTED = 130
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What the system says where no more can be written."""
_COMPLETES = "_SETPOINT_COMPLETE"
"""The variable with which a shell asks for completions."""


class _Commands(LazyCommands):
    """The commands, interrupted as a shell expects; here, since Typer has its own way with what comes out of them."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            _print_interrupted(getattr(stop, "done", ""))
            raise typer.Exit(_INTERRUPTED) from None
        except BrokenPipeError:
            streams.stop_writing()


app = typer.Typer(
    cls=_Commands,
    help="Detect drift in Google Cloud: compare live resources with what Terraform, Config Connector or YAML declares.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - Typer passes the value of the flag
    if wanted:
        typer.echo(f"setpoint {__version__}")
        raise typer.Exit


@app.callback()
def options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Detect drift in Google Cloud: compare live resources with what Terraform, Config Connector or YAML declares."""


def _print_interrupted(done: str) -> None:
    """Say how far the command has come, and what to do next: every command leaves whole records behind."""
    from setpoint.cli.program import as_called, program  # noqa: PLC0415 - loaded with the first interruption
    from setpoint.cli.progress import NEXT, READING  # noqa: PLC0415 - as above

    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    name = next((name for name in (" ".join(words[:2]), *words[:1]) if name in NEXT), " ".join(words[:1]))
    follows = as_called(NEXT.get(name, READING))
    typer.echo(f"interrupted{f' {done}' if done else ''}: `{program()} {name}`: {follows}", err=True)


def main() -> None:
    """Run the command line; an error that Setpoint foresees is one line, not a traceback."""
    # A shell lets what it starts in the background ignore SIGINT, and SIGTERM would cut off the last words.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    # A command makes millions of small objects that stay: collecting them over and over takes a fifth of its time.
    gc.set_threshold(100_000, 50, 50)
    if _COMPLETES in os.environ:
        from setpoint.cli import complete  # noqa: PLC0415 - only a shell asks for it

        complete.main(sys.argv[1:])
        return
    from setpoint.errors import SetpointError  # noqa: PLC0415 - beside what it guards

    streams.replace_unencodable()
    try:
        try:
            app()
        finally:
            streams.flush()
    except KeyboardInterrupt:  # before a command was called
        sys.exit(_INTERRUPTED)
    except SetpointError as error:
        from setpoint.cli.exit_codes import exit_code  # noqa: PLC0415 - loaded with the first error
        from setpoint.cli.output import print_error  # noqa: PLC0415 - `--help` needs no console

        print_error(error)
        sys.exit(exit_code(error))
    except BrokenPipeError:
        streams.stop_writing()
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        streams.stop_unwritten(error)

"""``setpoint doctor``: checks of a live installation."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from setpoint import bootstrap
from setpoint.cli.finding_options import check_scope
from setpoint.cli.options import Project, Region
from setpoint.cli.output import out, print_status
from setpoint.cli.output_models import print_json
from setpoint.cli.program import as_called
from setpoint.cli.progress import progress
from setpoint.errors import BadRequest
from setpoint.operations import diagnostics
from setpoint.operations.diagnostics import CheckResult

_STYLES = {"pass": "green", "warn": "yellow", "fail": "bold red", "unknown": "magenta"}


class Output(StrEnum):
    """How results are written."""

    text = "text"
    json = "json"


class DoctorOutput(msgspec.Struct, frozen=True):
    """The output of ``setpoint doctor --output json``.

    Args:
        passed: whether no check fails and each could be made.
        results: the checks.
    """

    passed: bool = msgspec.field(name="pass")
    results: tuple[CheckResult, ...]


def doctor(  # noqa: PLR0913 - the options of a command
    project: Project,
    region: Region = "europe-west1",
    watch: Annotated[
        list[str] | None, typer.Option(metavar="PARENT", help="Parents that the feeds watch; may be repeated.")
    ] = None,
    store: Annotated[
        str,
        typer.Option(
            "--store", envvar="SETPOINT_STORE", metavar="URL", help="Its store, if it is not the default one."
        ),
    ] = "",
    output: Annotated[Output, typer.Option(help="text for people; json: every check.")] = Output.text,
    *,
    preflight: Annotated[
        bool, typer.Option("--preflight", help="Check before the first apply whether it can succeed.")
    ] = False,
    enable: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OPTION", help=f"With --preflight, the options to enable: {', '.join(diagnostics.OPTIONS)}."
        ),
    ] = None,
    database_location: Annotated[
        str,
        typer.Option(metavar="LOCATION", help="With --preflight, firestore.location, if it differs from the region."),
    ] = "",
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the checks that pass, too.")] = False,
) -> None:
    """Check a live installation, and print the next step for each check that does not pass.

    Exits with 1 if a check fails or cannot run.
    """
    options = frozenset(enable or ())
    if unknown := sorted(options - set(diagnostics.OPTIONS)):
        raise BadRequest(f"--enable {unknown[0]}: no such option; use one of {', '.join(diagnostics.OPTIONS)}")
    for parent in watch or ():
        check_scope("--watch", parent)
    installation = bootstrap.open_installation(
        project, region, tuple(watch or ()), store or f"firestore://{project}/setpoint"
    )
    installation.options, installation.database_location = options, database_location
    with progress("checks"):
        results = diagnostics.examine(installation, diagnostics.PREFLIGHT if preflight else diagnostics.CHECKS)
    if output is Output.json:
        print_json(DoctorOutput(diagnostics.all_pass(results), tuple(results)))
    else:
        _print(results, verbose=verbose)
    if not diagnostics.all_pass(results):
        raise typer.Exit(1)


def _print(results: list[CheckResult], *, verbose: bool) -> None:
    for result in results:
        if result.verdict == "pass" and not verbose:
            continue
        line = Text.assemble(
            (f"{result.verdict:9}", _STYLES[result.verdict]), (f"{result.check}: ", "dim"), result.what
        )
        if result.do:
            line.append(f"\n          → {as_called(result.do)}", "cyan")
        out.print(line, soft_wrap=True)
    counts = {verdict: sum(result.verdict == verdict for result in results) for verdict in _STYLES}
    print_status(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count))

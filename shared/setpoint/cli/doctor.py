"""``setpoint doctor``: checks of a live installation."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from setpoint import bootstrap
from setpoint.cli.options import Project, StoreUrl
from setpoint.cli.output import out, print_status
from setpoint.operations import diagnostics
from setpoint.operations.diagnostics import CheckResult

_STYLES = {"pass": "green", "warn": "yellow", "fail": "bold red", "unknown": "magenta"}


class Output(StrEnum):
    """How results are written."""

    text = "text"
    json = "json"


def doctor(
    project: Project,
    region: Annotated[str, typer.Option(metavar="REGION", help="The region of the functions.")] = "europe-west1",
    watch: Annotated[list[str] | None, typer.Option(metavar="PARENT", help="What the feeds watch; several.")] = None,
    store: StoreUrl = "",
    output: Annotated[Output, typer.Option(help="text for people; json: every check.")] = Output.text,
    *,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the checks that pass, too.")] = False,
) -> None:
    """Check a live installation, and say what to do about each check that does not pass.

    Exits with 1 where a check fails, or could not be made.
    """
    installation = bootstrap.open_installation(
        project, region, tuple(watch or ()), store or f"firestore://{project}/setpoint"
    )
    results = diagnostics.examine(installation, diagnostics.CHECKS)
    if output is Output.json:
        out.out(msgspec.json.encode({"pass": diagnostics.all_pass(results), "results": results}).decode())
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
            line.append(f"\n          → {result.do}", "cyan")
        out.print(line, soft_wrap=True)
    counts = {verdict: sum(result.verdict == verdict for result in results) for verdict in _STYLES}
    print_status(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count))

"""``setpoint doctor``: what is wrong with a live installation, and what to do about it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
import typer
from rich.text import Text

from setpoint import bootstrap
from setpoint.cli.options import Project, StoreUrl
from setpoint.cli.output import out, print_status
from setpoint.operations import diagnostics as examining
from setpoint.operations.diagnostics import CheckResult

_STYLES = {"well": "green", "doubtful": "yellow", "ill": "bold red", "unknown": "magenta"}


class Output(StrEnum):
    """How symptoms are written."""

    text = "text"
    json = "json"


def doctor(
    project: Project,
    region: Annotated[str, typer.Option(metavar="REGION", help="Where the functions are.")] = "europe-west1",
    watch: Annotated[list[str] | None, typer.Option(metavar="PARENT", help="What is watched; several.")] = None,
    store: StoreUrl = "",
    output: Annotated[Output, typer.Option(help="text for people; json: all that was looked at.")] = Output.text,
    *,
    verbose: Annotated[bool, typer.Option("--verbose", help="Tell also of what is well.")] = False,
) -> None:
    """Look at a live installation: what is wrong, and what to do about it.

    Exits with 1 where something is ill, or could not be looked at.
    """
    patient = bootstrap.open_installation(
        project, region, tuple(watch or ()), store or f"firestore://{project}/setpoint"
    )
    symptoms = examining.examine(patient, examining.CHECKS)
    if output is Output.json:
        out.out(msgspec.json.encode({"well": examining.is_well(symptoms), "symptoms": symptoms}).decode())
    else:
        _tell(symptoms, verbose=verbose)
    if not examining.is_well(symptoms):
        raise typer.Exit(1)


def _tell(symptoms: list[CheckResult], *, verbose: bool) -> None:
    for result in symptoms:
        if result.verdict == "well" and not verbose:
            continue
        line = Text.assemble(
            (f"{result.verdict:9}", _STYLES[result.verdict]), (f"{result.check}: ", "dim"), result.what
        )
        if result.do:
            line.append(f"\n          → {result.do}", "cyan")
        out.print(line, soft_wrap=True)
    counts = {verdict: sum(symptom.verdict == verdict for symptom in symptoms) for verdict in _STYLES}
    print_status(", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count))

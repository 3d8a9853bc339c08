"""``setpoint apply``: declarations from files into a store."""

from __future__ import annotations

from typing import Annotated

import typer

from setpoint import wiring
from setpoint.cli.output import errors, report
from setpoint.declare import load
from setpoint.declare.load import Loaded
from setpoint.errors import BadRequest

Paths = Annotated[list[str], typer.Argument(metavar="PATH…", help="Files, or directories to look through.")]
StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="SETPOINT_STORE",
        help="memory:, sqlite:///path or firestore://PROJECT/DATABASE",
        metavar="URL",
    ),
]

DEFAULT_STORE = "sqlite:///setpoint.db"


def apply(paths: Paths, store: StoreUrl = DEFAULT_STORE) -> None:
    """Store what is declared in PATH…, so that changes are compared with it from now on.

    Exits with 1 where a document is bad; the good ones are stored all the same.
    """
    loaded = load_all(paths)
    opened = wiring.open_store(store)
    try:
        written = opened.declare(loaded.desired, loaded.rules)
    finally:
        opened.close()
    errors.print(f"{written} written to {store}, the others were there already")
    if loaded.problems:
        raise typer.Exit(1)


def load_all(paths: list[str]) -> Loaded:
    """Load and report.

    Raises:
        BadRequest: nothing at all was found, which is more likely a wrong path than an empty fleet.
    """
    loaded = load.load(paths)
    report(loaded)
    if not loaded.desired and not loaded.rules.scopes and not loaded.problems:
        raise BadRequest(f"no declarations in {', '.join(paths)}; is it the right path?")
    return loaded

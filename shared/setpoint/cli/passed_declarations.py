"""Apply the declarations that are passed to a detecting command, before it starts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from setpoint.cli.output import print_claims, print_warning
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection.pipeline import Context
from setpoint.ports.stores import DesiredStore
from setpoint.util.retries import retry_on_conflict

Declarations = Annotated[
    list[str] | None,
    typer.Option("--declarations", "-d", metavar="PATH", help="Apply these declarations first; may be repeated."),
]


def declare(loaded: LoadResult, context: Context, applied_at: datetime | None = None) -> None:
    """Apply the declarations; retry while another command applies at the same time.

    Args:
        loaded: the declarations.
        context: the context of detection.
        applied_at: what counts as the time of the apply; None for now.
    """
    synced = retry_on_conflict(
        lambda: apply.sync(loaded, ApplyRequest(), context, applied_at or datetime.now(UTC)),
        what="the declarations",
        then="run the command again",
        plans_anew=True,
    )
    print_claims(synced.plan.claimed)


def count_declared(desired: DesiredStore, store: str) -> int:
    """How many resources and scopes are declared; says so where there is nothing to compare with.

    Args:
        desired: the declarations.
        store: the address of the store, for the warning.
    """
    sources = desired.control().value.sources
    declared = sum(source.declared for source in sources.values())
    if not sources:
        print_warning(f"nothing is declared in {store}; use --declarations PATH, or the --store of apply", "unknown")
    return declared

"""Options that several commands have in common."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import typer

DEFAULT_STORE = "sqlite:///setpoint.db"

StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="SETPOINT_STORE",
        help="memory:, sqlite:///path or firestore://PROJECT/DATABASE",
        metavar="URL",
    ),
]
EventsTopic = Annotated[
    str | None,
    typer.Option(
        envvar="SETPOINT_EVENTS_TOPIC", metavar="projects/P/topics/T", help="Publish what follows; else it waits."
    ),
]
Scopes = Annotated[list[str], typer.Option(metavar="SCOPE", help="organizations/N, folders/N or projects/P; several.")]
Types = Annotated[
    list[str] | None,
    typer.Option(metavar="TYPE[,…]", help="Asset types, or RE2 for whole names, .*/Bucket; else all."),
]


class ContentChoice(StrEnum):
    """What of the resources is listed."""

    resource = "resource"
    iam_policy = "iam_policy"
    org_policy = "org_policy"
    access_policy = "access_policy"


def split(types: Iterable[str] | None) -> list[str]:
    """The asset types that were asked for, one by one."""
    return [one for group in types or () for one in group.split(",") if one]

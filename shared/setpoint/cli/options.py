"""Options that several commands have in common."""

from __future__ import annotations

import getpass
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from setpoint.catalog import locations
from setpoint.comparison import scalars
from setpoint.errors import BadRequest
from setpoint.model import project_names
from setpoint.util.clock import in_utc

_LONGEST = 10 * 366 * 86_400.0
DEFAULT_STORE = ""
"""No store is named: see ``chosen_store``."""
_FILE = "setpoint.db"
_TOPIC = re.compile(r"projects/[^/\s]+/topics/[^/\s]+\Z")
_IN_PLACE_OF_A_STORE = {"coverage": "paths", "notify": "events_file"}
"""Commands, and what they read in place of a store where it is given."""
_BY_THEMSELVES = frozenset(("detect", "sweep"))
"""Commands that need nothing of earlier runs: declarations may be given on the line."""


def chosen_store(ctx: typer.Context, value: str) -> str:
    """The store that a command works with; it is named in the first line on standard error.

    That is the one that is named, else ``./setpoint.db``; commands that need nothing of earlier runs work in memory
    where there is no such file.
    """
    if ctx.resilient_parsing or ctx.params.get(_IN_PLACE_OF_A_STORE.get(str(ctx.command.name), "")):
        return value
    url = value
    if not value:
        by_itself = ctx.command.name in _BY_THEMSELVES and not Path(_FILE).exists()
        url = "memory:" if by_itself else f"sqlite:///{_FILE}"
    print_store(url)
    return url


def print_store(url: str) -> None:
    """Say in a line on standard error which store a command works with."""
    typer.echo(f"store: {url}", err=True)


StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="SETPOINT_STORE",
        help="memory:, sqlite:///path or firestore://PROJECT/DATABASE",
        metavar="URL",
        callback=chosen_store,
        show_default="./setpoint.db",
    ),
]


def checked_topic(value: str | None) -> str | None:
    """The name of a topic, which must be a full one.

    Raises:
        BadRequest: it is none.
    """
    if value and not _TOPIC.match(value):
        raise BadRequest(f"--events-topic {value}: is not a topic; use the form projects/ID/topics/{_last(value)}")
    return value


def _checked_project(value: str) -> str:
    if value and not project_names.is_project(value):
        raise BadRequest(f"--project {value}: is neither an id nor a number of a project; {project_names.hint(value)}")
    return value


def _checked_region(value: str) -> str:
    if not locations.is_region(value):
        meant = locations.closest(value)
        looks = f"did you mean {meant}?" if meant else "use the form europe-west1"
        raise BadRequest(f"--region {value}: is not a region; {looks}")
    return value


def _last(name: str) -> str:
    return name.rpartition("/")[2]


EventsTopic = Annotated[
    str | None,
    typer.Option(
        callback=checked_topic,
        envvar="SETPOINT_EVENTS_TOPIC",
        metavar="projects/P/topics/T",
        help="Publish events to this topic. Default: events stay pending in the store.",
    ),
]
Scopes = Annotated[
    list[str], typer.Option(metavar="SCOPE", help="organizations/N, folders/N or projects/P; may be repeated.")
]
PastTime = Annotated[str, typer.Option("--at", metavar="TIME", help="The state at this time, 2026-11-03T14:00Z.")]
Types = Annotated[
    list[str] | None,
    typer.Option(metavar="TYPE[,…]", help="Asset types, or RE2 patterns for whole names, .*/Bucket. Default: all."),
]
Project = Annotated[
    str,
    typer.Option(
        envvar="SETPOINT_PROJECT", metavar="ID", help="The project that Setpoint runs in.", callback=_checked_project
    ),
]
ProjectOfObjects = Annotated[
    str,
    typer.Option(
        "--project",
        metavar="ID",
        help="The project of manifests that do not name one.",
        callback=_checked_project,
    ),
]
Region = Annotated[str, typer.Option(metavar="REGION", help="The region of the functions.", callback=_checked_region)]


PersonOption = Annotated[
    str,
    typer.Option(
        "--as",
        metavar="NAME",
        help="The person who decides. With a store in Google Cloud: the account of the credentials.",
    ),
]
Because = Annotated[str, typer.Option("--because", metavar="TEXT", help="The reason.")]
FindingName = Annotated[
    str, typer.Argument(metavar="FINDING", help="The id of a finding, the beginning of an id, or a resource name.")
]


class ContentChoice(StrEnum):
    """What of the resources is listed."""

    resource = "resource"
    iam_policy = "iam_policy"
    org_policy = "org_policy"
    access_policy = "access_policy"


def login_name() -> str:
    """The login name of the caller, for audit trails of a local store; it is not verified."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


def duration(option: str, text: str) -> timedelta:
    """A time as people write it, ``7d``, ``2h``, ``90m``.

    Args:
        option: the option that it was given with, for the error.
        text: the time.

    Raises:
        BadRequest: it is none; the message suggests a valid one, if possible.
    """
    seconds = scalars.seconds(text)
    if seconds and seconds <= _LONGEST:
        return timedelta(seconds=seconds)
    if seconds:
        raise BadRequest(f"{option} {text}: is more than ten years")
    amount = text.strip()
    if amount.isdigit() and int(amount):
        raise BadRequest(f"{option} {text}: has no unit; {amount}d are days, {amount}h hours, {amount}m minutes")
    meant = _suggested_time(amount)
    looks = f"did you mean {meant}?" if meant else "use the form 30m, 2h or 7d"
    raise BadRequest(f"{option} {text}: is not a time; {looks}")


_AMOUNT = re.compile(r"([1-9]\d{0,5})\s*([a-z]+?)s?\Z", re.IGNORECASE)
_UNITS: Mapping[str, tuple[int, str]] = {
    **dict.fromkeys(("m", "min", "minute"), (1, "m")),
    **dict.fromkeys(("h", "hr", "hour"), (1, "h")),
    **dict.fromkeys(("d", "day"), (1, "d")),
    **dict.fromkeys(("w", "week"), (7, "d")),
    **dict.fromkeys(("mo", "month"), (30, "d")),
    **dict.fromkeys(("y", "yr", "year"), (365, "d")),
}
"""Other spellings of units, each as so many of one that is understood."""


def _suggested_time(text: str) -> str:
    """The time in another spelling, ``2 weeks``, ``3 days``; empty if there is none."""
    match = _AMOUNT.match(text)
    if match is None or match[2].lower() not in _UNITS:
        return ""
    factor, unit = _UNITS[match[2].lower()]
    return f"{int(match[1]) * factor}{unit}"


def parsed_time(option: str, text: str) -> datetime:
    """A time in ISO 8601, in UTC where it names no zone.

    Raises:
        BadRequest: it is none, or it is in the future.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise BadRequest(f"{option} {text}: use the form 2026-11-03T14:00Z") from None
    time = in_utc(time)
    if time > datetime.now(UTC):
        raise BadRequest(f"{option} {text}: it is in the future")
    return time.astimezone(UTC)


def split(types: Iterable[str] | None) -> list[str]:
    """The asset types of an option that may be repeated and may hold several with commas between; empty for none."""
    return [part for group in types or () for part in group.split(",") if part]

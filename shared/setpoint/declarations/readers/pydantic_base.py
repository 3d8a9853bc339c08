"""Base classes and types of native documents."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from setpoint.comparison import scalars
from setpoint.model.declaration import MAX_SETTLE
from setpoint.model.project_names import hint, is_project

NonEmpty = Annotated[str, StringConstraints(min_length=1)]
AssetTypes = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z0-9.*-]+/[A-Za-z0-9*]+)$")]
"""A type, or a glob of types."""
Folder = Annotated[str, StringConstraints(pattern=r"^(folders/)?[0-9]+$")]
Organization = Annotated[str, StringConstraints(pattern=r"^(organizations/)?[0-9]+$")]


class StrictModel(BaseModel):
    """A part of a document: camelCase, frozen, without unknown fields."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=False,
        coerce_numbers_to_str=True,
    )


def ancestors(folders: Iterable[str], organizations: Iterable[str]) -> tuple[str, ...]:
    """Folders and organizations in the inventory's format."""
    return (
        *(f"folders/{folder.removeprefix('folders/')}" for folder in folders),
        *(f"organizations/{number.removeprefix('organizations/')}" for number in organizations),
    )


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_N = TypeVar("_N", bound=_Named)


def distinct(parts: tuple[_N, ...], what: str) -> tuple[_N, ...]:
    """Parts of a document that have names of their own.

    Args:
        parts: the parts.
        what: what several of them are called.

    Raises:
        ValueError: two have the same name.
    """
    names = [part.name for part in parts]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise ValueError(f"two {what} are named {twice}")
    return parts


def _is_address(value: str) -> str:
    if value and "@" not in value:
        raise ValueError(f"{value} is not an e-mail address; use the form team@example.com")
    return value


def _is_project(value: str) -> str:
    if value and not is_project(value):
        raise ValueError(f"{value} is neither an id nor a number of a project; {hint(value)}")
    return value


ProjectId = Annotated[str, AfterValidator(_is_project)]
"""The id or the number of a project; may be empty."""


class OwnerModel(StrictModel):
    """The team that owns a resource, and how to reach it."""

    team: str = ""
    slack: str = ""
    email: Annotated[str, AfterValidator(_is_address)] = ""


def _seconds(value: Any) -> Any:
    seconds = scalars.seconds(value) if isinstance(value, str) else value
    if seconds is None:
        raise ValueError("not a duration; use the form 30s, 5m or 1h")
    return seconds


AsSeconds = BeforeValidator(_seconds, json_schema_input_type=str | float)
"""A number of seconds, or a duration such as ``30s``."""

Settle = Annotated[
    float | None,
    AsSeconds,
    Field(ge=0, le=MAX_SETTLE, description="grace period before a difference becomes a finding: 30s, 5m, 1h"),
]


def _is_cron(value: str) -> str:
    try:
        CronSim(value, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise ValueError(f"not a cron expression of five fields ({error})") from None
    return value


def _is_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no such time zone; use the form Europe/Berlin") from None
    return value


Cron = Annotated[str, AfterValidator(_is_cron)]
"""A cron expression of five fields."""

TimeZone = Annotated[str, AfterValidator(_is_zone)]
"""The name of a time zone."""

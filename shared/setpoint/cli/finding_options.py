"""The options by which commands select findings."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Annotated, Any, get_args

import typer

from setpoint.cli.option_sets import option_set
from setpoint.cli.options import duration
from setpoint.detection.finding_filter import FindingFilter
from setpoint.errors import BadRequest
from setpoint.model.drift_origin import ORIGINS
from setpoint.model.project_names import is_project
from setpoint.model.severity import SEVERITIES, Kind

_PLACES = ("projects/", "folders/", "organizations/")
_FORMS = "use the form projects/ID, folders/NUMBER or organizations/NUMBER"


def _option(name: str, metavar: str, text: str) -> Any:
    return Annotated[list[str] | None, typer.Option(name, metavar=metavar, help=text)]


_OPTIONS: dict[str, Any] = {
    "severity": _option("--severity", "LEVEL[,…]", f"Findings of this severity: {', '.join(SEVERITIES)}."),
    "kind": _option("--kind", "KIND[,…]", f"Findings of this kind: {', '.join(get_args(Kind))}."),
    "team": _option("--team", "NAME", "Findings of this team, or a glob; may be repeated. Empty: without a team."),
    "scope": _option("--scope", "SCOPE", "Findings in projects/ID, folders/N or organizations/N; may be repeated."),
    "asset_type": _option("--type", "TYPE", "Findings of this asset type, or a glob; may be repeated."),
    "actor": _option(
        "--actor", "NAME", "Drift that this account caused, or a glob; may be repeated. Empty: unknown actor."
    ),
    "cause": _option(
        "--cause", "ID", "Findings of this cause, as grouped in alerts and the report page; may be repeated."
    ),
    "origin": _option("--origin", "WORD[,…]", f"Drift of this origin: {', '.join(ORIGINS)}."),
    "address": _option("--address", "ADDRESS", "Resources at this Terraform address, or a glob; may be repeated."),
    "older_than": Annotated[str, typer.Option("--older-than", metavar="TIME", help="Open for at least: 2h, 7d.")],
    "text": Annotated[str, typer.Option("--text", metavar="TEXT", help="Resources whose name contains this.")],
}
_DEFAULTS: dict[str, Any] = dict.fromkeys(_OPTIONS) | {"older_than": "", "text": ""}


def with_filter(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that select findings; it gets them as ``wanted``, a ``FindingFilter``."""
    return option_set("wanted", _OPTIONS, _DEFAULTS, finding_filter)(command)


def finding_filter(  # noqa: PLR0913 - the options
    *,
    severity: list[str] | None,
    kind: list[str] | None,
    team: list[str] | None,
    scope: list[str] | None,
    asset_type: list[str] | None,
    actor: list[str] | None,
    cause: list[str] | None,
    origin: list[str] | None,
    address: list[str] | None,
    older_than: str,
    text: str,
) -> FindingFilter:
    """The conditions that options state.

    Raises:
        BadRequest: a value is none of those that are possible; the message lists them.
    """
    for place in scope or ():
        check_scope("--scope", place)
    for wanted in asset_type or ():
        if "*" not in wanted and (meant := _closest_asset_type(wanted)):
            raise BadRequest(f"--type {wanted}: is not an asset type; did you mean {meant}?")
    return FindingFilter(
        severities=_chosen("--severity", severity, SEVERITIES),
        kinds=_chosen("--kind", kind, get_args(Kind)),
        teams=tuple(team or ()),
        places=tuple(scope or ()),
        asset_types=tuple(asset_type or ()),
        actors=tuple(actor or ()),
        causes=tuple(cause or ()),
        addresses=tuple(address or ()),
        origins=_chosen("--origin", origin, ORIGINS),
        older_than=duration("--older-than", older_than).total_seconds() if older_than else 0.0,
        text=text,
    )


def _closest_asset_type(wanted: str) -> str:
    from setpoint.declarations.readers import typos  # noqa: PLC0415 - loads the readers, which a list does not need

    return typos.closest_asset_type(wanted)


def check_scope(option: str, scope: str) -> None:
    """Look at the form of a scope.

    Raises:
        BadRequest: it has another one; the message suggests a valid one, if possible.
    """
    kind, _, name = scope.partition("/")
    if f"{kind}/" in _PLACES and (is_project(name) if kind == "projects" else name.isdigit()):
        return
    near = difflib.get_close_matches(kind, [place.removesuffix("/") for place in _PLACES], n=1)
    looks = f"did you mean {near[0]}/{name}?" if near and near[0] != kind and name else _FORMS
    raise BadRequest(f"{option} {scope}: is not a scope; {looks}")


def _chosen(option: str, given: list[str] | None, possible: tuple[Any, ...]) -> tuple[Any, ...]:
    chosen = tuple(word.strip() for part in given or () for word in part.split(",") if word.strip())
    for word in chosen:
        if word not in possible:
            near = difflib.get_close_matches(word, possible, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise BadRequest(f"{option} {word}: give some of {', '.join(possible)}{meant}")
    return chosen

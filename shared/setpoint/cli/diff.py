"""``setpoint diff``: one declared and one live resource, or many of them for machines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from setpoint.cli import questions
from setpoint.cli.output import difference_line, out
from setpoint.core import examining
from setpoint.core.catalogue import default_catalogue
from setpoint.core.examining import Examination
from setpoint.core.references import Project
from setpoint.declare import documents, native
from setpoint.declare.documents import Problem
from setpoint.errors import BadRequest


def diff(
    *,
    declared: Annotated[
        str | None, typer.Argument(metavar="DECLARED", help="A declaration, or API-shaped fields.")
    ] = None,
    live: Annotated[str | None, typer.Argument(metavar="LIVE", help="The resource, or an asset that holds it.")] = None,
    asset_type: Annotated[str, typer.Option(metavar="TYPE", help="compute.googleapis.com/Firewall")] = "",
    explain: Annotated[bool, typer.Option(help="Say why what is not literally equal is no difference.")] = False,
    exact: Annotated[bool, typer.Option(help="What is not declared is a difference too.")] = False,
    project: Annotated[str, typer.Option(metavar="ID[,NUMBER]", help="The project that holds the resource.")] = "",
    jsonl: Annotated[str | None, typer.Option(metavar="FILE|-", help="One question a line; one answer a line.")] = None,
) -> None:
    """Tell field by field how LIVE differs from DECLARED.

    Exits with 1 where they differ. With --jsonl every question gets an answer, and the exit code is 0.
    """
    if jsonl is not None:
        _answer_all(jsonl)
        return
    if declared is None or live is None:
        raise BadRequest("name two files, DECLARED and LIVE, or use --jsonl FILE")
    want, named_type, is_exact = _declared(declared)
    have, live_type = _live(live)
    schema = default_catalogue().fitting(asset_type or named_type or live_type, have)
    identifier, _, number = project.partition(",")
    found = examining.examine(want, have, schema, Project(identifier, number), exact=exact or is_exact)
    _print(found, explain=explain)
    if found.differences:
        raise typer.Exit(1)


def _answer_all(name: str) -> None:
    encode = msgspec.json.Encoder().encode
    stdout = sys.stdout.buffer
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as stream:
            for line in stream:
                if line.strip():
                    stdout.write(encode(questions.answer(line)) + b"\n")
                    stdout.flush()
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise BadRequest(f"{name}: cannot be read: {error.strerror}") from None


def _declared(file: str) -> tuple[dict[str, Any], str, bool]:
    value = _only_document(file)
    if native.is_native(value) and value.get("kind") == "Declaration":
        spec = value.get("spec") or {}
        return spec.get("data") or {}, str(spec.get("assetType", "")), bool(spec.get("exact"))
    return value, "", False


def _live(file: str) -> tuple[dict[str, Any], str]:
    """The resource's fields, also out of an asset or of a whole feed message."""
    value = _only_document(file)
    inner = value.get("asset")
    asset = inner if isinstance(inner, dict) else value
    resource = asset.get("resource") if "assetType" in asset or "asset_type" in asset else None
    if isinstance(resource, dict) and isinstance(resource.get("data"), dict):
        return resource["data"], str(asset.get("assetType") or asset.get("asset_type"))
    return value, ""


def _only_document(file: str) -> dict[str, Any]:
    found = list(documents.read(file))
    for one in found:
        if isinstance(one, Problem):
            raise BadRequest(str(one))
    values = [one.value for one in found if not isinstance(one, Problem)]
    if len(values) != 1 or not isinstance(values[0], dict):
        raise BadRequest(f"{file}: has to hold one object")
    return values[0]


def _print(found: Examination, *, explain: bool) -> None:
    for difference in found.differences:
        out.print(difference_line(difference), soft_wrap=True)
    if explain and (found.notes or found.unchecked):
        table = Table(show_edge=False, box=None)
        for column in ("field", "why it is no difference"):
            table.add_column(column, overflow="fold")
        for note in found.notes:
            table.add_row(Text(note.path), Text(note.reason))
        for note in found.unchecked:
            table.add_row(Text(note.path, "yellow"), Text(f"not checked: {note.reason}", "yellow"))
        out.print(table)
    told = f"{len(found.differences)} differences" if found.differences else "in sync"
    out.print(f"{told}; {found.checked} fields checked, {len(found.unchecked)} not", style="dim")

"""``setpoint export``: declarations of existing resources that are not declared yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from setpoint import bootstrap
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli.exported_files import ExportedFiles, WrittenFiles
from setpoint.cli.options import ContentChoice, Scopes, Types, split
from setpoint.cli.output import out, print_error
from setpoint.cli.progress import progress
from setpoint.declarations import export as exporting
from setpoint.declarations.export import ExportedDeclaration
from setpoint.declarations.exported_text import as_text
from setpoint.errors import BadRequest, PermanentError
from setpoint.model import field_path
from setpoint.model.declaration import Owner
from setpoint.model.observation import Observation
from setpoint.model.resource_key import Content, project_of
from setpoint.ports.services import Inventory
from setpoint.util.counts import counted

_PROJECT = "cloudresourcemanager.googleapis.com/Project"
_LIMIT = 20
_EXPECTED = frozenset((exporting.SERVER, exporting.DEFAULT, exporting.LABEL, exporting.GOOGLES_GRANT))
"""Reasons of which the number is enough; of others the fields are named."""


class FormatChoice(StrEnum):
    """How declarations are written."""

    native = "native"
    krm = "krm"
    terraform = "terraform"


def export(
    *,
    scope: Scopes,
    types: Types = None,
    content: Annotated[
        list[ContentChoice] | None,
        typer.Option(
            metavar="CONTENT",
            help="Content to export: resource, iam_policy, org_policy, access_policy; may be repeated. "
            "Default: resource.",
        ),
    ] = None,
    output: Annotated[
        Path, typer.Option(metavar="DIR", help="Directory for the files, DIR/PROJECT/SERVICE.KIND.yaml or .tf.")
    ] = Path("fleet"),
    owner: Annotated[str, typer.Option(metavar="TEAM", help="The owner.")] = "",
    form: Annotated[
        FormatChoice,
        typer.Option("--format", help="native, krm (Config Connector), or terraform (code with import blocks)."),
    ] = FormatChoice.native,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
) -> None:
    """Write declarations for the existing resources in SCOPE, for a fleet that is not declared yet.

    Fields that the server sets, defaults and secrets are left out and counted.

    Exits with 1 if a scope could not be listed; the other scopes are written anyway.
    """
    contents: list[Content] = [choice.value for choice in content or [ContentChoice.resource]]
    tally = _Tally()
    with ExportedFiles(output) as files:
        for observation, project in _observations(bootstrap.open_inventory(), scope, contents, split(types), tally):
            exported = exporting.export(observation, default_catalogue(), Owner(team=owner))
            if exported.declaration is not None and observation.key in files:
                continue  # two scopes that overlap
            written_as = None
            if exported.declaration is not None:
                written_as = as_text(exported.declaration, observation, form.value, default_catalogue(), project)
                if written_as.refusal:
                    exported = ExportedDeclaration(None, exported.left_out, written_as.refusal)
            tally.count(observation, exported)
            if exported.declaration is not None and written_as is not None:
                named = project_of(observation.key.name)
                where = project or named or (*observation.ancestors, "global")[0].removeprefix("projects/")
                files.add(exported.declaration, where.replace("/", "-"), written_as.text, written_as.ending)
        if not tally.seen and not tally.denied:
            raise BadRequest(f"nothing is listed in {', '.join(scope)}; check scope, type and content")
        written = files.write(force=force)
    _print(tally, written, output)
    if written.kept:
        some = ", ".join(map(str, written.kept[:_LIMIT])) + (" and others" if len(written.kept) > _LIMIT else "")
        raise BadRequest(f"nothing was written: the export would change {some}; use --force or another --output")
    if tally.denied:
        raise typer.Exit(1)


@dataclass(slots=True)
class _Tally:
    """The summary that is printed at the end.

    Args:
        seen: observations.
        denied: scopes that could not be listed.
        exported: by asset type and content.
        refused: by reason and asset type.
        left_out: fields by reason.
        fields: fields by reason, asset type and path, of reasons that a person should review.
    """

    seen: int = 0
    denied: int = 0
    exported: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    fields: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def count(self, observation: Observation, exported: ExportedDeclaration) -> None:
        """Count what became of an observation."""
        self.seen += 1
        if exported.declaration is None:
            self.refused[exported.refusal, observation.asset_type] += 1
        else:
            self.exported[observation.asset_type, observation.key.content] += 1
        for note in exported.left_out:
            self.left_out[note.reason] += 1
            if note.reason not in _EXPECTED:
                path = field_path.of_any_position(note.path)
                self.fields[note.reason, observation.asset_type, path] += 1


def _observations(
    inventory: Inventory, scopes: Sequence[str], contents: Sequence[Content], types: Sequence[str], tally: _Tally
) -> Iterator[tuple[Observation, str]]:
    """What the scopes hold, each with the id of its project, where that can be known; a denied scope is passed over."""
    with progress("assets") as advance:
        for scope in scopes:
            try:
                ids = _project_ids(inventory, scope)
                for content in contents:
                    for page in inventory.pages(scope, content, types):
                        advance(len(page.observations))
                        yield from ((observation, _project_id(observation, ids)) for observation in page.observations)
            except PermanentError as error:
                tally.denied += 1
                print_error(error)


def _project_ids(inventory: Inventory, scope: str) -> dict[str, str]:
    """The ids of the projects of a scope by their numbers; none where only policies may be listed."""
    projects = (
        observation for page in inventory.pages(scope, "resource", [_PROJECT]) for observation in page.observations
    )
    try:
        return {project.project_number: str((project.data or {}).get("projectId", "")) for project in projects}
    except PermanentError:
        return {}


def _project_id(observation: Observation, ids: dict[str, str]) -> str:
    named = project_of(observation.key.name)
    return ids.get(observation.project_number, "") or ("" if named.isdigit() else named)


def _print(tally: _Tally, written: WrittenFiles, output: Path) -> None:
    table = Table("asset type", "content", "declared", show_edge=False, box=None)
    table.columns[-1].justify = "right"
    for (kind, content), count in sorted(tally.exported.items()):
        table.add_row(kind, content, f"{count:,}")
    if tally.exported:
        out.print(table)
    for (reason, kind), count in sorted(tally.refused.items()):
        out.print(Text(f"not declared: {count:,} {kind}: {reason}", "yellow"), soft_wrap=True)
    for reason, count in tally.left_out.most_common():
        out.print(f"left out: {count:,} {'grants' if reason == exporting.GOOGLES_GRANT else 'fields'}: {reason}")
    counts = sorted(tally.fields.items(), key=lambda item: (item[0][0] != exporting.SECRET, -item[1], item[0]))
    for (reason, kind, path), count in counts[:_LIMIT]:
        out.print(f"  {reason}: {path} of {count:,} {kind}", style="yellow", soft_wrap=True, markup=False)
    if (more := len(counts) - _LIMIT) > 0:
        out.print(f"  and {counted(more, 'more field')}", style="yellow")
    if not written.kept:
        files = f"{counted(len(written.written), 'file')} written, {len(written.unchanged):,} unchanged in {output}"
        out.print(Text(f"{tally.exported.total():,} of {tally.seen:,} declared; {files}"), soft_wrap=True)

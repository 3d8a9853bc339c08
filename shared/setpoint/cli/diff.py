"""``setpoint diff``: one declared and one live resource, or many of them for machines."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from setpoint.catalog.schemas import default_catalogue
from setpoint.cli import diff_jsonl
from setpoint.cli.exit_codes import DRIFT, ERROR
from setpoint.cli.output import difference_line, out
from setpoint.cli.output_models import Comparison, print_json
from setpoint.comparison import coverage_gaps, explain, rule_sources
from setpoint.comparison.explain import ExplainedComparison
from setpoint.comparison.literal import leaves
from setpoint.comparison.options import options_of
from setpoint.declarations.readers import documents, load, typos
from setpoint.declarations.readers.documents import Problem
from setpoint.detection import verdict
from setpoint.errors import BadRequest
from setpoint.model import ignore_patterns
from setpoint.model.compare_rules import CompareRule, rules_for
from setpoint.model.declaration import Declaration
from setpoint.model.references import Project
from setpoint.model.resource_key import WHOLE
from setpoint.util.counts import counted


class Output(StrEnum):
    """How a comparison is written."""

    text = "text"
    json = "json"


def diff(  # noqa: PLR0913 - the options of the command
    *,
    declared: Annotated[
        str | None, typer.Argument(metavar="DECLARED", help="A declaration, or API-shaped fields.")
    ] = None,
    live: Annotated[
        str | None, typer.Argument(metavar="LIVE", help="The live resource: API fields, an asset, or an export.")
    ] = None,
    asset_type: Annotated[str, typer.Option(metavar="TYPE", help="compute.googleapis.com/Firewall")] = "",
    explain: Annotated[bool, typer.Option(help="Show why values that are spelled differently are equal.")] = False,
    exact: Annotated[bool, typer.Option(help="Report fields that are not declared, too.")] = False,
    project: Annotated[str, typer.Option(metavar="ID[,NUMBER]", help="The project that holds the resource.")] = "",
    policy: Annotated[str, typer.Option(metavar="FILE", help="Compare by the rules of this policy, too.")] = "",
    address: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The Terraform address of the resource in DECLARED.")
    ] = "",
    output: Annotated[Output, typer.Option(help="text for people; json: one object.")] = Output.text,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 2 if they differ, as other commands do.")
    ] = False,
    jsonl: Annotated[
        str | None,
        typer.Option(metavar="FILE|-", help="Read one DiffRequest per line, write one DiffResponse per line."),
    ] = None,
) -> None:
    """Show how LIVE differs from DECLARED, field by field.

    Exits with 1 if they differ, as `diff` does; with --exit-code, exits with 2. With --jsonl, every request gets a
    response, and the exit code is 0.
    """
    if jsonl is not None:
        _answer_all(jsonl)
        return
    if declared is None or live is None:
        raise BadRequest("name two files, DECLARED and LIVE, or use --jsonl FILE")
    if asset_type and (meant := typos.closest_asset_type(asset_type)):
        raise BadRequest(f"--asset-type {asset_type}: is not an asset type; did you mean {meant}?")
    identifier, _, number = project.partition(",")
    rules = _compare_rules(policy) if policy else ()
    own = Project(identifier, number)
    explained = _examined(declared, live, asset_type, own, rules, exact=exact, address=address)
    if output is Output.json:
        print_json(_as_output(explained))
    else:
        _print(explained, explain=explain)
    if explained.differences:
        raise typer.Exit(DRIFT if exit_code else ERROR)


def _as_output(explained: ExplainedComparison) -> Comparison:
    """The comparison as one object."""
    without_drift: Literal["unknown", "in_sync"] = (
        "unknown" if coverage_gaps.unknown(explained.unchecked) else "in_sync"
    )
    return Comparison(
        outcome="drift" if explained.differences else without_drift,
        differences=explained.differences,
        because=explained.because,
        equal=explained.notes,
        unchecked=explained.unchecked,
        checked=explained.checked,
    )


def _compare_rules(path: str) -> tuple[CompareRule, ...]:
    loaded = load.load([path])
    if loaded.policy is None or loaded.problems:
        reason = f": {loaded.problems[0].message}" if loaded.problems else ""
        raise BadRequest(f"{path}: holds no valid policy{reason}")
    return loaded.policy.compare


def _examined(
    declared: str,
    live: str,
    asset_type: str,
    own: Project,
    rules: tuple[CompareRule, ...],
    *,
    exact: bool,
    address: str = "",
) -> ExplainedComparison:
    """Compare as the event path does: by the declaration where the file holds one, else by API-shaped fields."""
    declarations = _declarations(declared, address)
    if not declarations:
        _check_order(declared, live)
    observed, live_type = _live(live, declarations)
    declaration = _declaration(declared, declarations, observed, live_type)
    if declaration is None:
        have = _resource(observed)
        named = asset_type or live_type
        want, seen, schema = diff_jsonl.one_version(
            named, _only_document(declared), have, default_catalogue().fitting(named, have)
        )
        explained = explain.examine(want, seen, schema, own, exact=exact, overrides=rules_for(rules, named))
        inventoried = explain.as_inventoried(explained, named, have, schema, diff_jsonl.versions_of(named))
        return rule_sources.with_sources(inventoried, schema)
    if declaration.key.content not in WHOLE:
        differences = verdict.policy_differences(declaration, _policy(observed), own)
        return ExplainedComparison(differences, leaves(declaration.data), (), ())
    want, have = (ignore_patterns.without(side, declaration.ignore) for side in (declaration.data, _resource(observed)))
    named = asset_type or declaration.asset_type
    want, seen, schema = diff_jsonl.one_version(named, want, have, default_catalogue().fitting(named, have))
    own = own if own.id or own.number else Project(declaration.project)
    options = options_of(declaration)
    options |= {"exact": exact or declaration.exact, "overrides": rules_for(rules, named)}
    explained = explain.examine(want, seen, schema, own, digests=declaration.digests, **options)
    inventoried = explain.as_inventoried(explained, named, have, schema, diff_jsonl.versions_of(named))
    return rule_sources.with_sources(inventoried, schema)


def _check_order(declared: str, live: str) -> None:
    """Refuse a declaration in the place of LIVE, whose form nothing live has.

    Raises:
        BadRequest: LIVE is a declaration, and DECLARED is none.
    """
    if load.load([live]).desired:
        raise BadRequest(f"{live} holds the declaration, and {declared} is not; pass DECLARED first")


def _declarations(file: str, address: str) -> list[Declaration]:
    """The declarations in a file of any format, or of one Terraform address; none where the file holds plain fields."""
    loaded = load.load([file])
    if loaded.problems:
        raise BadRequest(str(loaded.problems[0]))
    declarations = [declaration for desired in loaded.desired for declaration in desired.declarations]
    if address:
        declarations = [declaration for declaration in declarations if declaration.source.address == address]
        if not declarations:
            raise BadRequest(f"{file}: has no resource at {address}; `terraform state list` lists the addresses")
    return declarations


def _declaration(
    file: str, declarations: list[Declaration], observed: dict[str, Any], live_type: str
) -> Declaration | None:
    """The declaration of the observed resource; None where there is none."""
    if len(declarations) <= 1:
        return declarations[0] if declarations else None
    named = _named(declarations, observed, live_type)
    if len(named) != 1:
        names = ", ".join(declaration.key.name for declaration in (named or declarations)[:_MAX_NAMES])
        raise BadRequest(
            f"{file}: declares {counted(len(declarations), 'resource')}; LIVE names none of them alone: {names}"
        )
    return named[0]


def _named(declarations: list[Declaration], observed: dict[str, Any], live_type: str) -> list[Declaration]:
    """The declarations that an asset can be an observation of: by its whole name, else by its type and last part."""
    is_policy = _is_policy(observed)
    fitting = [declaration for declaration in declarations if (declaration.key.content not in WHOLE) == is_policy]
    name = str(observed.get("name", ""))
    if exact := [declaration for declaration in fitting if declaration.key.name == name]:
        return exact
    last = name.rpartition("/")[2]
    return [
        declaration
        for declaration in fitting
        if declaration.key.name.rpartition("/")[2] == last and live_type in ("", declaration.asset_type)
    ]


def _answer_all(name: str) -> None:
    encode = msgspec.json.Encoder().encode
    stdout = sys.stdout.buffer
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as stream:
            while line := stream.readline(diff_jsonl.LARGEST_LINE + 1):
                if line.strip():
                    stdout.write(encode(diff_jsonl.answer(line)) + b"\n")
                    stdout.flush()
                while len(line) > diff_jsonl.LARGEST_LINE and not line.endswith(b"\n"):
                    line = stream.readline(diff_jsonl.LARGEST_LINE + 1)  # the rest of a line that is too long
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise BadRequest(f"{name}: cannot be read: {error.strerror}") from None


def _live(file: str, declarations: list[Declaration]) -> tuple[dict[str, Any], str]:
    """The live resource in a file, out of a whole feed message or not, and its asset type where it says so.

    Of the assets of an export, the one that is declared.
    """
    assets = list(map(_asset, _objects(file)))
    declared = {(declaration.key.name, declaration.key.content not in WHOLE) for declaration in declarations}
    named = (
        assets
        if len(assets) == 1
        else [asset for asset in assets if (asset.get("name"), _is_policy(asset)) in declared]
    )
    if len(named) != 1:
        raise BadRequest(
            f"{file}: holds {counted(len(assets), 'asset')}, of which {len(named)} are declared; diff compares one: "
            f"give it alone, or compare all with `setpoint sweep --from {file}`"
        )
    asset = named[0]
    return asset, str(asset.get("assetType") or asset.get("asset_type") or "")


def _asset(value: dict[str, Any]) -> dict[str, Any]:
    inner = value.get("asset")
    return inner if isinstance(inner, dict) else value


def _is_policy(asset: dict[str, Any]) -> bool:
    return any(asset.get(field) is not None for field in _POLICIES)


def _resource(asset: dict[str, Any]) -> dict[str, Any]:
    if "assetType" not in asset and "asset_type" not in asset:
        return asset
    resource = asset.get("resource")
    candidates = [resource.get("data") if isinstance(resource, dict) else None, *map(asset.get, _ACCESS_POLICIES)]
    return next((candidate for candidate in candidates if isinstance(candidate, dict)), asset)


_MAX_NAMES = 10
_POLICIES = ("iamPolicy", "iam_policy", "orgPolicy", "org_policy")
_ACCESS_POLICIES = ("accessPolicy", "accessLevel", "servicePerimeter")


def _policy(asset: dict[str, Any]) -> Any:
    return next((asset[field] for field in _POLICIES if asset.get(field)), asset)


def _only_document(file: str) -> dict[str, Any]:
    values = _objects(file)
    if len(values) != 1:
        raise BadRequest(f"{file}: must hold one object")
    return values[0]


def _objects(file: str) -> list[dict[str, Any]]:
    """The objects of a file: one, a list of them, or one a line.

    Raises:
        BadRequest: it cannot be read, or holds something else or nothing.
    """
    read = list(documents.read(file))
    for document in read:
        if isinstance(document, Problem):
            raise BadRequest(str(document))
    values = [document.value for document in read if not isinstance(document, Problem)]
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    if not values:
        raise BadRequest(f"{file}: is empty; it must hold one object, as JSON or YAML")
    if not all(isinstance(value, dict) for value in values):
        raise BadRequest(f"{file}: must hold one object")
    return values


def _print(explained: ExplainedComparison, *, explain: bool) -> None:
    reasons = {note.path: note.reason for note in explained.because} if explain else {}
    for difference in explained.differences:
        out.print(difference_line(difference), soft_wrap=True)
        if reason := reasons.get(difference.path):
            out.print(Text(f"  {reason}", "dim"), soft_wrap=True)
    if explain and (explained.notes or explained.unchecked):
        table = Table(show_edge=False, box=None)
        for column in ("field", "why it is not a difference"):
            table.add_column(column, overflow="fold")
        for note in explained.notes:
            table.add_row(Text(note.path), Text(note.reason))
        for note in explained.unchecked:
            table.add_row(Text(note.path, "yellow"), Text(f"not checked: {note.reason}", "yellow"))
        out.print(table)
    unknown = coverage_gaps.unknown(explained.unchecked)
    for note in unknown:
        out.print(Text(f"unknown: {note.path}: {note.reason}", "yellow"), soft_wrap=True)
    outcome = "unknown" if unknown else "in sync"
    if explained.differences:
        outcome = counted(len(explained.differences), "difference")
    out.print(f"{outcome}; {counted(explained.checked, 'field')} checked, {len(explained.unchecked)} not", style="dim")

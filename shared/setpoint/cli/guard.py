"""``setpoint guard``: the effect of a change under review on the open drift."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from setpoint import bootstrap
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli import guard_report
from setpoint.cli.apply import Exclude, Namespace, Paths
from setpoint.cli.loading import NO_PLAN, LoadOptions, may_be_plan, next_step, read
from setpoint.cli.options import DEFAULT_STORE, ProjectOfObjects, StoreUrl
from setpoint.cli.output import out, print_load_result, print_status, print_warning
from setpoint.cli.progress import progress
from setpoint.declarations import git_revision, guard, proposed_changes
from setpoint.declarations import plan as planning
from setpoint.declarations.guard import EFFECTS, Review
from setpoint.declarations.proposed_changes import PlanChanges
from setpoint.declarations.readers.load import LoadResult
from setpoint.errors import BadRequest
from setpoint.model.secrecy import THIS_PROCESS
from setpoint.ports.stores import Store

EXIT_FAILED = 2


class ReviewFormat(StrEnum):
    """How a review is written."""

    text = "text"
    markdown = "markdown"
    github = "github"
    json = "json"


_WRITERS: dict[ReviewFormat, Callable[[Review], Iterable[str]]] = {
    ReviewFormat.markdown: guard_report.as_markdown,
    ReviewFormat.github: guard_report.as_annotations,
    ReviewFormat.json: lambda review: [guard_report.as_json(review)],
}


def guard_command(  # noqa: PLR0913 - the options of the command
    paths: Paths,
    *,
    store: StoreUrl = DEFAULT_STORE,
    base: Annotated[
        str, typer.Option(metavar="REV", help="Compare PATH… with this Git revision. Default: compare with the store.")
    ] = "",
    source: Annotated[
        str, typer.Option(metavar="NAME", help="The source that PATH… belongs to; marks resources of other sources.")
    ] = "",
    output: Annotated[
        ReviewFormat, typer.Option(help="text; markdown for a comment; github for annotations; json.")
    ] = ReviewFormat.text,
    fail_on: Annotated[
        str,
        typer.Option(metavar="EFFECT[,…]", help=f"Exit with 2 if a resource has this effect: {', '.join(EFFECTS)}."),
    ] = "",
    exclude: Exclude = None,
    project: ProjectOfObjects = "",
    namespace: Namespace = "",
) -> None:
    """Show the effect of a change on open drift: what it resolves, overwrites and destroys, and who caused the drift.

    PATH… is a Terraform plan (`terraform show -json`), or files with the change. Only the store is read. Exits with 1
    if a document is invalid, or if a resource cannot be reviewed and --fail-on is set. Exits with 2 if --fail-on
    matches.
    """
    failing = _effects(fail_on)
    options = LoadOptions(tuple(exclude or ()), project, namespace)
    opened = bootstrap.open_store(store, create=False)
    # The digests of files are compared with those in the store, those of a plan with what was observed alone.
    secrecy = THIS_PROCESS if _is_plan(paths) else bootstrap.secrecy_of(store)
    try:
        guard.check_store(opened)
        loaded, changes, not_reviewed = _changes(paths, base, source, options._replace(secrecy=secrecy), opened)
        with progress("resources"):
            review = guard.review(changes, source, opened, default_catalogue(), datetime.now(UTC), secrecy)
        review = replace(review, not_reviewed=not_reviewed)
    finally:
        opened.close()
    if output is ReviewFormat.text:
        print_load_result(loaded)
        for text in guard_report.as_text(review):
            out.print(text, soft_wrap=True)
        print_status(guard_report.summary(review))
        for address in review.not_reviewed:
            print_warning(f"{address}: its resource cannot be named", "not reviewed")
    else:
        for line in _WRITERS[output](review):
            out.out(line, highlight=False)
    if loaded.problems or (failing and review.not_reviewed):
        raise typer.Exit(1)
    if any(review.count(effect) for effect in failing):
        raise typer.Exit(EXIT_FAILED)


def _effects(fail_on: str) -> list[guard.Effect]:
    wanted = [word.strip() for word in fail_on.split(",") if word.strip()]
    if unknown := [word for word in wanted if word not in EFFECTS]:
        raise BadRequest(f"--fail-on {', '.join(unknown)}: is not an effect; give some of {', '.join(EFFECTS)}")
    return [effect for effect in EFFECTS if effect in wanted]


def _is_plan(paths: list[str]) -> bool:
    return len(paths) == 1 and proposed_changes.is_terraform_plan(Path(paths[0]))


def _changes(paths: list[str], base: str, source: str, options: LoadOptions, store: Store) -> PlanChanges:
    """The change under review, by what PATH… is."""
    if _is_plan(paths):
        return proposed_changes.from_terraform_plan(Path(paths[0]), project=options.project)
    loaded = read(paths, options)
    if not base:
        _check_declares(loaded, paths)
        name = source or planning.DEFAULT_SOURCE
        planned = planning.plan(loaded.desired, loaded.scopes, name, store, prune=True, held=loaded.prune_protection)
        return PlanChanges(loaded, list(proposed_changes.from_plan(planned)), ())
    with tempfile.TemporaryDirectory() as folder:
        earlier = git_revision.extract(base, paths, Path(folder))
        before = read(earlier, options, root=folder)
        if not (earlier and before.desired):
            _check_declares(loaded, paths)
        return PlanChanges(
            loaded, list(proposed_changes.between(before.desired if earlier else (), loaded.desired)), ()
        )


def _check_declares(loaded: LoadResult, paths: list[str]) -> None:
    if not loaded.desired:
        step = NO_PLAN if may_be_plan(paths) else next_step(paths, loaded)
        if loaded.problems:
            raise BadRequest(f"{loaded.problems[0]}" + (f"; {step}" if step is NO_PLAN else ""))
        raise BadRequest(f"no declarations in {', '.join(paths)}; {step}")

"""``setpoint validate``, ``plan`` and ``apply``: declarations from files into a store."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from setpoint import bootstrap
from setpoint.cli import plan as plans
from setpoint.cli import states, validation_report
from setpoint.cli.check_reports import print_report
from setpoint.cli.cluster import ClusterOptions, checked
from setpoint.cli.cluster import load as load_cluster
from setpoint.cli.exit_codes import DRIFT, ERROR, REFUSED
from setpoint.cli.loading import LoadOptions, load_all, load_some
from setpoint.cli.options import DEFAULT_STORE, EventsTopic, ProjectOfObjects, StoreUrl
from setpoint.cli.output import (
    out,
    print_claims,
    print_error,
    print_refused,
    print_status,
    print_unseen,
    print_warning,
)
from setpoint.cli.output_models import ApplyOutput, print_json, problem_outputs
from setpoint.cli.progress import progress
from setpoint.comparison import scalars
from setpoint.declarations import apply as syncing
from setpoint.declarations import place_checks, unchanged_files
from setpoint.declarations import plan as planning
from setpoint.declarations.apply import ApplyRequest, ApplyResult
from setpoint.declarations.apply_states import StateOptions
from setpoint.declarations.plan import DEFAULT_MAX_REMOVALS, DEFAULT_SOURCE, Plan
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline
from setpoint.errors import BadRequest
from setpoint.model.resource_key import ResourceKey
from setpoint.model.source_grants import INSTALLATION
from setpoint.model.sources import granted
from setpoint.model.state_urls import is_state_url
from setpoint.ports.stores import Store
from setpoint.util.counts import counted

Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH",
        help="Files, directories, or - for standard input.",
    ),
]
OptionalPaths = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        help="Files, directories, - for standard input, or Terraform states: gs://BUCKET/PREFIX/**/*.tfstate, "
        "http(s)://…, tfc://HOST/ORGANIZATION/WORKSPACE.",
    ),
]
Exclude = Annotated[list[str] | None, typer.Option("--exclude", metavar="GLOB", help="Files to skip; may be repeated.")]
Namespace = Annotated[
    str, typer.Option("--namespace", "-n", metavar="NAME", help="The namespace of manifests that do not name one.")
]
TerraformConfig = Annotated[
    str,
    typer.Option(
        "--config",
        metavar="DIR",
        help="The Terraform root module of a state or plan: what its files write is declared, and "
        "lifecycle.ignore_changes is left alone. Nothing is run.",
    ),
]
SourceName = Annotated[str, typer.Option("--source", metavar="NAME", help="The source that these files belong to.")]
Prune = Annotated[bool, typer.Option("--prune", help="Remove what the source no longer declares.")]
MaxRemovals = Annotated[
    str, typer.Option("--max-removals", metavar="PERCENT", help="Remove at most this share of the source.")
]
NotSeenYet = Annotated[
    bool, typer.Option("--not-seen-yet", help="Accept projects and folders that no sweep has seen yet.")
]
_USUAL_REMOVALS = f"{DEFAULT_MAX_REMOVALS:.0%}"


class Output(StrEnum):
    """How a plan is written."""

    text = "text"
    json = "json"


class ReportFormat(StrEnum):
    """How the result of a check is written."""

    text = "text"
    json = "json"
    sarif = "sarif"
    junit = "junit"
    github = "github"
    markdown = "markdown"


UNBOUNDED = (
    "note: no Sources document is applied: anybody with write access to this store can declare anything, "
    "under the name of any source"
)
_REPORTED = ("opened", "changed", "resolved")


def validate(
    paths: Paths,
    *,
    output: Annotated[
        ReportFormat, typer.Option(help="text, json; sarif, junit, github and markdown for CI.")
    ] = ReportFormat.text,
    exclude: Exclude = None,
    project: ProjectOfObjects = "",
    namespace: Namespace = "",
    config: TerraformConfig = "",
) -> None:
    """Check the declarations in PATH…, without a store.

    Exits with 1 if a document is invalid. A warning marks valid fields that are not compared.
    """
    options = LoadOptions(tuple(exclude or ()), project, namespace, config)
    loaded = load_all(paths, options, quietly=output is not ReportFormat.text, grouped=True)
    if output is ReportFormat.json:
        print_json(validation_report.as_output(loaded), indent=2)
    elif output is not ReportFormat.text:
        results = validation_report.as_results(loaded)
        problems, warnings = counted(len(loaded.problems), "error"), counted(len(loaded.warnings), "warning")
        headline = f"{len(loaded.desired):,} declared, {problems}, {warnings}"
        passed = len(loaded.desired)
        print_report(output.value, results, headline=headline, suite="setpoint validate", passed=passed)
    if loaded.problems:
        raise typer.Exit(ERROR)


def plan(  # noqa: PLR0913 - the options of the command
    paths: Paths,
    store: StoreUrl = DEFAULT_STORE,
    source: SourceName = DEFAULT_SOURCE,
    output: Annotated[Output, typer.Option(help="text for people; json for machines.")] = Output.text,
    *,
    prune: Prune = False,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit with 2 if anything would change.")
    ] = False,
    max_removals: MaxRemovals = f"{DEFAULT_MAX_REMOVALS:.0%}",
    not_seen_yet: NotSeenYet = False,
    exclude: Exclude = None,
    project: ProjectOfObjects = "",
    namespace: Namespace = "",
    config: TerraformConfig = "",
) -> None:
    """Show what `apply` with the same options would add, change and remove. Nothing is written.

    Exits with 1 if a document is invalid. Exits with 3 if another source declares a resource already, or if `apply`
    would refuse the number of removals or a place that no sweep has seen.
    """
    options = LoadOptions(tuple(exclude or ()), project, namespace, config, bootstrap.secrecy_of(store))
    loaded = load_some(paths, options, quietly=output is not Output.text)
    opened = bootstrap.open_store_to_read(store)
    try:
        planned = _plan(loaded, source, opened, prune=prune)
        pending = plans.pending(planned, opened)
        _print_planned(planned, pending, loaded, output, prune=prune)
        print_unseen(place_checks.check(planned, loaded, opened, not_seen_yet=not_seen_yet))
    finally:
        opened.close()
    planning.check_removals(planned, planning.part(max_removals))
    if loaded.problems:
        raise typer.Exit(ERROR)
    if planned.claimed or planned.refused:
        raise typer.Exit(REFUSED)
    if detailed_exitcode and planned.changes:
        raise typer.Exit(DRIFT)


def apply(  # noqa: PLR0913 - the options of the command
    paths: OptionalPaths = None,
    *,
    store: StoreUrl = DEFAULT_STORE,
    source: SourceName = DEFAULT_SOURCE,
    commit: Annotated[str, typer.Option(metavar="SHA", help="The applied Git revision.")] = "",
    repo: Annotated[
        str, typer.Option(metavar="URL", help="The URL of the repository, for links to declarations.")
    ] = "",
    prune: Prune = False,
    max_removals: Annotated[
        str,
        typer.Option(
            metavar="PERCENT",
            show_default=_USUAL_REMOVALS,
            help="Remove at most this share of the source; default for a state: 10 resources.",
        ),
    ] = "",
    retire: Annotated[
        bool, typer.Option("--retire", help="Remove all declarations of --source; takes no PATH.")
    ] = False,
    not_seen_yet: NotSeenYet = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")] = False,
    output: Annotated[Output, typer.Option(help="text for people; json: one object on standard output.")] = Output.text,
    events_topic: EventsTopic = None,
    exclude: Exclude = None,
    project: ProjectOfObjects = "",
    namespace: Namespace = "",
    config: TerraformConfig = "",
    grace: Annotated[str, typer.Option(metavar="DURATION", help="For states: the grace period, such as 5m.")] = "",
    cluster: Annotated[
        bool, typer.Option("--cluster", help="Read Config Connector objects from a cluster; --namespace limits them.")
    ] = False,
    context: Annotated[str, typer.Option(metavar="NAME", help="With --cluster: the context of the kubeconfig.")] = "",
    report_to_cluster: Annotated[
        bool, typer.Option("--report-to-cluster", help="With --cluster: write an Event on each object that drifted.")
    ] = False,
) -> None:
    """Apply the declarations in PATH…: later changes are compared with them.

    Each Terraform state that a URL names is a separate source. It is read again only if it has changed. Resources that
    it no longer declares are removed, up to --max-removals, with or without --prune.

    With --cluster, Config Connector objects are read from a cluster instead of files. Kinds that RBAC does not let you
    list keep their declarations. Nothing is written to the cluster except Events, with --report-to-cluster.

    Exits with 1 if a document is invalid: valid documents are applied anyway, and nothing is removed that an invalid
    one might name. Exits with 1 if a finding could not be evaluated again. Exits with 3 if another source owns a
    resource, if more would be removed than --max-removals allows, or if the policy, a scope, Sources or Defaults name a
    place that no sweep has seen, without --not-seen-yet.
    """
    _check_revision(commit, repo)
    of_cluster = ClusterOptions(cluster, context, report_to_cluster)
    files = _files_of_retired(source, paths, of_cluster, max_removals) if retire else checked(paths, of_cluster)
    prune, max_removals = (True, "100%") if retire else (prune, max_removals)
    if any(map(is_state_url, files)):
        of_files = {
            "--source": source != DEFAULT_SOURCE,
            "--commit": commit,
            "--repo": repo,
            "--exclude": exclude,
            "--project": project,
            "--namespace": namespace,
            "--config": config,
            "--output": output is not Output.text,
            "--not-seen-yet": not_seen_yet,
        }
        _apply_states(files, _state_options(of_files, max_removals, grace, dry_run=dry_run), store, events_topic)
        return
    if grace:
        raise BadRequest("--grace needs URLs of Terraform states; files say `settle`, or use a Defaults document")
    most = planning.part(max_removals or _USUAL_REMOVALS)
    request = ApplyRequest(source, commit, prune, most, repo=repo, not_seen_yet=not_seen_yet)
    is_plain = not (cluster or dry_run or config or retire) and output is Output.text
    read_with = (exclude, project, namespace, repo, prune, not_seen_yet)
    inputs = unchanged_files.digest_of(files, read_with) if is_plain else ""
    if inputs and _are_in_force(inputs, request, store, events_topic):
        return
    listed = load_cluster(of_cluster, namespace) if cluster else None
    secrecy = bootstrap.secrecy_of(store, create=True)
    options = LoadOptions(tuple(exclude or ()), project, namespace, config, secrecy)
    loaded = listed.loaded if listed else _load(files, options, output)
    detection = bootstrap.open_detection(store, events_topic)
    failed = 0
    try:
        if dry_run:
            planned = _plan(loaded, source, detection.store, prune=prune)
            pending = plans.pending(planned, detection.store)
            _print_planned(planned, pending, loaded, output, prune=prune)
            planning.check_removals(planned, request.max_removals)
            print_unseen(place_checks.check(planned, loaded, detection.store, not_seen_yet=not_seen_yet))
        else:
            synced = _sync(loaded, request, detection)
            planned, failed = synced.plan, synced.failed
            # A file that changed since the digest was taken may have been read in either form.
            if not loaded.problems and inputs and unchanged_files.digest_of(files, read_with) == inputs:
                unchanged_files.remember(detection.store, request, synced, inputs)
            if output is Output.json:
                print_json(_as_output(synced, loaded))
            if listed is not None and report_to_cluster:
                listed.report(detection.store, datetime.now(UTC))
    finally:
        detection.store.close()
    if loaded.problems or failed:
        raise typer.Exit(ERROR)
    if planned.claimed or planned.refused:
        raise typer.Exit(REFUSED)


def _files_of_retired(source: str, paths: list[str] | None, of_cluster: ClusterOptions, max_removals: str) -> list[str]:
    """The files of a source that ``--retire`` removes.

    Raises:
        BadRequest: the source is not named, or an option needs declarations.
    """
    if source == DEFAULT_SOURCE:
        raise BadRequest("--retire needs --source, the name of the source to remove")
    if paths or of_cluster.is_asked or max_removals:
        raise BadRequest("--retire removes all declarations of a source: it takes no PATH, --cluster or --max-removals")
    return []


def _load(files: list[str], options: LoadOptions, output: Output) -> LoadResult:
    """What the files declare; nothing without files, for a source that is retired."""
    return load_some(files, options, quietly=output is not Output.text) if files else LoadResult()


def _are_in_force(inputs: str, request: ApplyRequest, store: str, events_topic: str | None) -> bool:
    """Whether the files were applied as they are; records and says it if so, and sends what waits to be published."""
    detection = bootstrap.open_detection(store, events_topic)
    try:
        state = unchanged_files.in_force(detection.store, request, inputs)
        if state is None:
            return False
        unchanged_files.touch(detection.store, request, state, datetime.now(UTC))
        detection.outbox.republish_pending([])
    finally:
        detection.store.close()
    print_status(f"source {request.source}: nothing to change, {state.declared} unchanged; the files are as they were")
    return True


def _print_planned(
    planned: Plan, pending: Collection[ResourceKey], loaded: LoadResult, output: Output, *, prune: bool
) -> None:
    if output is Output.json:
        for piece in plans.as_json(planned, pending):
            out.out(piece, end="")
        out.out("")
    else:
        because = plans.kept_because(loaded, prune=prune)
        plans.print_plan(planned, problems=len(loaded.problems), pending=pending, kept_because=because)


def _as_output(synced: ApplyResult, loaded: LoadResult) -> ApplyOutput:
    applied = synced.plan
    return ApplyOutput(
        source=applied.source,
        added=len(applied.added),
        changed=len(applied.changed),
        removed=len(applied.removed),
        unchanged=applied.unchanged,
        kept=len(applied.kept),
        claimed=tuple(applied.claimed),
        refused=tuple(applied.refused),
        findings=dict(synced.outcomes),
        failed=synced.failed,
        errors=problem_outputs(loaded.problems),
        warnings=problem_outputs(loaded.warnings),
    )


_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}\Z")
_REPOSITORY = re.compile(r"(?:https?|ssh|git|file)://\S+\Z|[\w.-]+@[\w.-]+:\S+\Z")


def _check_revision(commit: str, repo: str) -> None:
    """Look whether what findings will name can be a revision and a repository.

    Raises:
        BadRequest: one of them cannot.
    """
    if commit and not _COMMIT.match(commit):
        raise BadRequest(f"--commit {commit}: is not a hash of a commit; give that of `git rev-parse {commit}`")
    if repo and not _REPOSITORY.match(repo):
        raise BadRequest(f"--repo {repo}: is not a URL; use the form https://github.com/OWNER/REPOSITORY")


def _state_options(of_files: Mapping[str, object], max_removals: str, grace: str, *, dry_run: bool) -> StateOptions:
    """How states are applied.

    Args:
        of_files: the options that are for files alone, and what they are given.
        max_removals: the percentage, or empty.
        grace: the duration, or empty.
        dry_run: whether nothing is written.

    Raises:
        BadRequest: an option of files is given, or an option cannot be read.
    """
    for option, value in of_files.items():
        if value:
            raise BadRequest(f"{option} needs files; each state is a separate source, named by its URL")
    seconds = scalars.seconds(grace) if grace else None
    if grace and seconds is None:
        raise BadRequest(f"--grace takes a duration like 5m, not `{grace}`")
    return StateOptions(planning.part(max_removals) if max_removals else None, seconds, dry_run)


def _apply_states(paths: list[str], options: StateOptions, store: str, events_topic: str | None) -> None:
    """Apply Terraform states that URLs name, or plan them."""
    files = [path for path in paths if not is_state_url(path)]
    if files:
        url = next(filter(is_state_url, paths))
        raise BadRequest(f"{files[0]} is a file and {url} a URL of states; use a separate command for each")
    detection = bootstrap.open_detection(store, events_topic)
    try:
        done = states.apply_urls(paths, options, detection)
    finally:
        detection.store.close()
    if done.needs_attention:
        raise typer.Exit(ERROR)


def _plan(loaded: LoadResult, source: str, store: Store, *, prune: bool) -> Plan:
    with progress("declarations"):
        return planning.plan(
            loaded.desired,
            loaded.scopes,
            source,
            store,
            policy=loaded.policy,
            alerting=loaded.alerting,
            sources=loaded.sources,
            prune=prune,
            held=loaded.prune_protection,
        )


def _sync(loaded: LoadResult, request: ApplyRequest, detection: pipeline.Context) -> ApplyResult:
    if request.prune and loaded.problems:
        print_warning("nothing is removed that the bad documents might have named")
    with progress("steps of applying", 2 * len(loaded.desired)) as advance:
        synced = syncing.sync(loaded, request, detection, datetime.now(UTC), advance=advance)
    print_claims(synced.plan.claimed)
    print_refused(synced.plan.refused)
    print_unseen(synced.unseen)
    left_out = f"incomplete, {counted(len(loaded.problems), 'problem')} left out; " if loaded.problems else ""
    print_status(f"{left_out}{synced.plan.summary(plans.kept_because(loaded, prune=request.prune))}")
    if not synced.plan.generation and request.source != INSTALLATION and not granted(detection.store.control().value):
        print_status(UNBOUNDED)
    counts = ", ".join(f"{synced.outcomes[outcome]} {outcome}" for outcome in _REPORTED if synced.outcomes.get(outcome))
    if counts:
        print_status(f"findings evaluated again: {counts}")
    if synced.failed:
        print_error(f"{counted(synced.failed, 'finding')} could not be evaluated again, first: {synced.failure}")
    return synced

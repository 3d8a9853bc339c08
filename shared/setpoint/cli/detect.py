"""``setpoint detect``: detect drift in a feed."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from setpoint import bootstrap
from setpoint.cli import feed
from setpoint.cli.drift_checks import ExitCode, FailOn, check_severity, drift_code
from setpoint.cli.exit_codes import ERROR
from setpoint.cli.loading import LoadOptions, load_all
from setpoint.cli.options import DEFAULT_STORE, StoreUrl, checked_topic
from setpoint.cli.output import out, print_error, print_findings, print_status, print_warning
from setpoint.cli.passed_declarations import Declarations, count_declared, declare
from setpoint.cli.post_detection import deep_reads, print_ambiguous
from setpoint.cli.progress import progress
from setpoint.cli.stdout_dead_letters import ReportedDeadLetters
from setpoint.detection import assumed_projects, pipeline
from setpoint.detection.pipeline import Context
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.errors import BadRequest, PermanentError, TransientError, Unavailable
from setpoint.model import observation as observations
from setpoint.model.asset_formats import RecordKind
from setpoint.model.outcome import Outcome
from setpoint.ports.stores import Problems, Store
from setpoint.util.clock import NEVER
from setpoint.util.counts import counted
from setpoint.util.retries import backoff

if TYPE_CHECKING:
    from setpoint.adapters.pubsub.bus import PubSubFeed

Outcomes = Counter[Outcome]

_SUBSCRIPTION = re.compile(r"projects/[^/\s]+/subscriptions/[^/\s]+\Z")
_EMPTY_PULLS = 2
"""Pub/Sub may return an empty pull although messages wait."""
_LONGEST_PAUSE = 60.0
_MAX_NAMED = 3
"""Projects that a warning names."""
_COMPARED: tuple[Outcome, ...] = (
    "opened",
    "changed",
    "drifted",
    "attributed",
    "exempted",
    "settling",
    "resolved",
    "in_sync",
    "unknown",
    "stale",
    "repeated",
)
"""Outcomes of messages about what is declared."""
_DEFAULT_DEAD_LETTERS = Path("setpoint-dead-letters.jsonl")


class Output(StrEnum):
    """How detected drift is written."""

    table = "table"
    jsonl = "jsonl"


def detect(  # noqa: PLR0913 - the options of the command
    *,
    declarations: Declarations = None,
    feed_file: Annotated[
        str | None,
        typer.Option(
            "--feed", metavar="FILE|-|gs://…", help="File of recorded messages or assets; - is standard input."
        ),
    ] = None,
    subscription: Annotated[
        str | None,
        typer.Option("--subscription", metavar="projects/P/subscriptions/S", help="Pull from Pub/Sub until stopped."),
    ] = None,
    store: StoreUrl = DEFAULT_STORE,
    output: Annotated[Output, typer.Option(help="table, or jsonl: one CloudEvent per line.")] = Output.table,
    events_topic: Annotated[
        str | None,
        typer.Option(
            metavar="projects/P/topics/T",
            help="Publish events to this topic instead of here.",
            callback=checked_topic,
        ),
    ] = None,
    dead_letters: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append rejected messages here, with the reason."),
    ] = None,
    until_idle: Annotated[bool, typer.Option(help="With --subscription: stop when no more messages arrive.")] = False,
    resolve_projects: Annotated[
        bool | None,
        typer.Option(
            "--resolve-projects/--no-resolve-projects",
            help="Look up the ids of projects in Cloud Resource Manager where only the number is known;"
            " on by default with --subscription.",
            show_default=False,
        ),
    ] = None,
    exit_code: ExitCode = False,
    fail_on: FailOn = "",
) -> None:
    """Compare each change in a feed with the declarations, and show the drift.

    Feeds are messages of Cloud Asset Inventory, exports, responses of its methods, or rows of its BigQuery tables, one
    per line or in JSON arrays, compressed or not.

    Exits with 1 if a declaration is invalid (all others are used), or if no message could be read. With --exit-code or
    --fail-on, exits with 2 if something has drifted.
    """
    if (feed_file is None) == (subscription is None):
        raise BadRequest("use either --feed FILE or --subscription NAME")
    check_severity(fail_on)
    if subscription and not _SUBSCRIPTION.match(subscription):
        raise BadRequest(
            f"--subscription {subscription}: is not a subscription; use the form projects/ID/subscriptions/NAME"
        )
    options = LoadOptions(secrecy=bootstrap.secrecy_of(store, create=True))
    loaded = load_all(declarations, options) if declarations else None
    keeps_itself = feed_file is not None and feed_file != "-"
    rejected = ReportedDeadLetters(dead_letters or (None if keeps_itself else _DEFAULT_DEAD_LETTERS))
    detection = bootstrap.open_feed_detection(
        store,
        rejected,
        sys.stdout.buffer if output is Output.jsonl else None,
        events_topic,
        resolves_projects=bool(subscription) if resolve_projects is None else resolve_projects,
        create=bool(declarations),
    )
    try:
        if loaded:
            declare(loaded, detection)
        problems: Problems = []
        detection.outbox.republish_pending(problems)
        pipeline.promote_settled(detection, problems)
        for problem in dict.fromkeys(map(str, problems)):
            print_warning(problem, "unreadable")
        if subscription:
            outcomes = _timed(lambda: _from_subscription(subscription, detection, rejected, until_idle=until_idle))
            is_read = True
        else:
            outcomes = _timed(lambda: _from_file(str(feed_file), detection, rejected))
            is_read = not outcomes or outcomes.total() > outcomes["rejected"]
        deep_reads(detection)()
        print_ambiguous(detection.projects, detection.store)
        if not is_read:
            print_warning(f"{feed_file}: holds no message of Cloud Asset Inventory; nothing was compared", "error")
        elif output is Output.table:
            _show(detection.store, store, str(feed_file or subscription), outcomes)
        unread: Problems = []
        opened = (state for state in detection.store.states(drifted=True, problems=unread) if state.is_open)
        code = drift_code(opened, exit_code=exit_code, fail_on=fail_on)
        if unread and (exit_code or fail_on):
            print_error(f"stored records cannot be read, first: {unread[0]}; run `setpoint repair`")
            code = ERROR
    finally:
        detection.store.close()
        rejected.close()
    if not is_read or (loaded and loaded.problems):
        raise typer.Exit(ERROR)
    raise typer.Exit(code)


def _from_file(name: str, detection: Context, rejected: ReportedDeadLetters) -> Outcomes:
    outcomes: Outcomes = Counter()
    kinds: Counter[RecordKind] = Counter()
    waiting: Counter[str] = Counter()
    with progress("messages") as advance:
        for message in feed.open_messages(name):
            kinds[message.kind] += 1
            rejected.where = f"{name}:{message.where}"
            outcome = _received(message.data, message.attributes, detection)
            outcomes[outcome] += 1
            if outcome == "waiting":
                waiting[_unknown_project(message.data, message.attributes, detection.projects)] += 1
            advance(1)
    outcomes.update(_without_project(waiting, detection))
    if set(kinds) - {"feed message"}:
        print_status(f"{name} holds {feed.in_words(kinds)}")
    return outcomes


def _received(data: bytes, attributes: Mapping[str, str], detection: Context) -> Outcome:
    """The outcome of a message; one that can never be handled is kept with the reason."""
    try:
        return pipeline.receive(data, attributes, detection)
    except PermanentError as error:
        detection.dead_letters.put(data, attributes, str(error))
        return "rejected"


def _unknown_project(data: bytes, attributes: Mapping[str, str], projects: ProjectIdResolver) -> str:
    """The number of the project that a message waits for; empty where it waits for something else."""
    observation = observations.parse(data, attributes)
    unknown = projects.unknown_name(observation) if observation is not None else ""
    return unknown.removeprefix("projects/") if unknown.startswith("projects/") else ""


def _without_project(waiting: Counter[str], detection: Context) -> Outcomes:
    """Evaluate resources of an unknown project if only one is possible, and report it; or report what remains."""
    numbers = [number for number in waiting if number and not detection.projects.id_of(number)]
    assumed = assumed_projects.assume(numbers, detection.store, detection.projects)
    if assumed is not None:
        print_warning(
            f"projects/{assumed.number} is assumed to be {assumed.identifier}, the only project that is declared; "
            "to be sure, add the project's own asset to the feed, or --resolve-projects",
            "assumed",
        )
        judged = Counter(pipeline.reevaluate(key, detection) for key in assumed.waiting)
        judged.subtract({"waiting": waiting[assumed.number]})
        return judged
    if numbers:
        named = ", ".join(f"projects/{number}" for number in numbers[:_MAX_NAMED])
        print_warning(
            f"not compared: {counted(sum(waiting[number] for number in numbers), 'message')}, since the id of {named}"
            f"{', …' if len(numbers) > _MAX_NAMED else ''} is not known; "
            "add the assets of the projects themselves to the feed, or --resolve-projects",
            "unknown",
        )
    return Counter()


def _from_subscription(name: str, detection: Context, rejected: ReportedDeadLetters, *, until_idle: bool) -> Outcomes:
    """Pull until interrupted; a message is acknowledged once its results are stored."""
    subscription = bootstrap.open_subscription(name)
    rejected.where = name
    outcomes: Outcomes = Counter()
    read_due = deep_reads(detection)
    idle = failures = 0
    try:
        while not until_idle or idle < _EMPTY_PULLS:
            try:
                came, failed = _pull(subscription, detection, outcomes)
                pipeline.promote_settled(detection)
                read_due()
            except Unavailable as error:
                print_warning(error, "again")
                came, failed = True, True
            idle = 0 if came else idle + 1
            failures = failures + 1 if failed else 0
            if failures:
                time.sleep(backoff(1.0, _LONGEST_PAUSE, failures))
    except KeyboardInterrupt:
        print_status("stopped; Pub/Sub will deliver unacknowledged messages again")
    return outcomes


def _pull(subscription: PubSubFeed, detection: Context, outcomes: Outcomes) -> tuple[bool, bool]:
    """Handle one batch; return whether it had messages, and whether any must be delivered again."""
    batch = subscription.pull()
    done, again = [], []
    for message in batch:
        try:
            outcomes[_received(message.data, message.attributes, detection)] += 1
            done.append(message)
        except TransientError as error:
            print_warning(error, "again")
            again.append(message)
    subscription.settle(done, again)
    return bool(batch), bool(again)


def _timed(work: Callable[[], Outcomes]) -> Outcomes:
    started = time.perf_counter()
    outcomes = work()
    took = time.perf_counter() - started
    total = outcomes.total()
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common() if count)
    print_status(
        f"{counted(total, 'message')} in {took:.2f} s ({total / took if took else 0:,.0f}/s): {counts or 'no messages'}"
    )
    return outcomes


def _show(records: Store, store: str, feed: str, outcomes: Outcomes) -> None:
    """Print the open findings of a store, and how many are within their grace period."""
    opened, otherwise_due = [], set()
    problems: Problems = []
    for state in records.states(drifted=True, problems=problems):
        if state.is_open:
            opened.append(state)
        if state.settling is None:
            otherwise_due.add(state.key)
    for problem in problems:
        print_warning(str(problem), "unreadable")
    declared = count_declared(records, store)
    is_declared = bool(records.control().value.sources)
    headline = counted(len(opened), "open finding") if opened else "no drift" if outcomes else "no open findings"
    if is_declared and not opened and outcomes and not any(outcomes[outcome] for outcome in _COMPARED):
        print_warning(
            f"{feed}: none of {counted(outcomes.total(), 'message')} is about what is declared or in a scope",
            "unknown",
        )
        headline = "nothing was compared"
    if is_declared or opened:
        print_findings(out, opened, f"{headline}, {declared:,} declared")
    if waiting := sum(1 for key in records.due(NEVER, []) if key not in otherwise_due):
        print_status(f"{waiting} more differ within their grace period; they become findings if they persist")

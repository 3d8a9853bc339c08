"""``setpoint detect``: a feed in, drift out."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from setpoint import bootstrap
from setpoint.cli import feed
from setpoint.cli.apply import load_all
from setpoint.cli.options import StoreUrl
from setpoint.cli.output import out, print_findings, say, say_claims, say_warning
from setpoint.cli.stdout_dead_letters import Rejected
from setpoint.declarations import apply
from setpoint.declarations.apply import Request
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, Conflict, PermanentError, TransientError, Unavailable
from setpoint.model.outcome import Outcome

if TYPE_CHECKING:
    from setpoint.adapters.pubsub.bus import PubSubFeed

Outcomes = Counter[Outcome]

_ATTEMPTS = 8
_EMPTY_PULLS = 2
"""Pub/Sub may answer a pull with nothing while messages wait, so that one empty pull says little."""
_LONGEST_PAUSE = 60.0
_NEVER = datetime.max.replace(tzinfo=UTC)
_STRAY_LETTERS = Path("setpoint-dead-letters.jsonl")


class Output(StrEnum):
    """How detected drift is written."""

    table = "table"
    jsonl = "jsonl"


def detect(  # noqa: PLR0913 - the options of the command
    *,
    declarations: Annotated[
        list[str] | None,
        typer.Option("--declarations", "-d", metavar="PATH", help="Declare this first; may be given again."),
    ] = None,
    feed_file: Annotated[
        str | None, typer.Option("--feed", metavar="FILE|-", help="A recorded feed; - is standard input.")
    ] = None,
    subscription: Annotated[
        str | None,
        typer.Option("--subscription", metavar="projects/P/subscriptions/S", help="Pull from Pub/Sub until stopped."),
    ] = None,
    store: StoreUrl = "memory:",
    output: Annotated[Output, typer.Option(help="table for people; jsonl: one CloudEvent a line.")] = Output.table,
    events_topic: Annotated[
        str | None,
        typer.Option(metavar="projects/P/topics/T", help="Publish events there too, instead of here."),
    ] = None,
    dead_letters: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Append messages that cannot be handled, with the reason."),
    ] = None,
    until_idle: Annotated[bool, typer.Option(help="With --subscription: stop when nothing comes any more.")] = False,
) -> None:
    """Compare each change of a feed with what is declared, and tell what drifted.

    Exits with 1 where a declaration is bad; everything else is done all the same.
    """
    if (feed_file is None) == (subscription is None):
        raise BadRequest("say where changes come from: either --feed FILE or --subscription NAME")
    loaded = load_all(declarations) if declarations else None
    keeps_itself = feed_file is not None and feed_file != "-"
    rejected = Rejected(dead_letters or (None if keeps_itself else _STRAY_LETTERS))
    deps = bootstrap.command_line(store, rejected, sys.stdout.buffer if output is Output.jsonl else None, events_topic)
    try:
        if loaded:
            _declare(loaded, deps)
        pipeline.republish_pending(deps)
        pipeline.promote_settled(deps)
        if subscription:
            _timed(lambda: _from_subscription(subscription, deps, rejected, until_idle=until_idle))
        else:
            _timed(lambda: _from_file(str(feed_file), deps, rejected))
        if output is Output.table:
            _show(deps)
    finally:
        deps.store.close()
        rejected.close()
    if loaded and loaded.problems:
        raise typer.Exit(1)


def _declare(loaded: LoadResult, deps: Context) -> None:
    """Put in force what the files declare; another command that does the same at the same time is waited for."""
    for _ in range(_ATTEMPTS):
        try:
            synced = apply.sync(loaded, Request(), deps, datetime.now(UTC))
        except Conflict:
            continue
        say_claims(synced.plan.claimed)
        return
    raise Conflict("the declarations are applied by others all the time; try again")


def _from_file(name: str, deps: Context, rejected: Rejected) -> Outcomes:
    outcomes: Outcomes = Counter()
    for message in _messages(name):
        rejected.where = f"{name}:{message.where}"
        try:
            outcomes[pipeline.receive(message.data, message.attributes, deps)] += 1
        except PermanentError as error:
            rejected.put(message.data, message.attributes, str(error))
            outcomes["rejected"] += 1
    return outcomes


def _messages(name: str) -> Iterator[feed.FeedMessage]:
    """The messages of a file; what goes wrong while they are handled is not the file's fault and passes by here."""
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as stream:
            yield from feed.messages(stream)
    except OSError as error:
        raise BadRequest(f"{name}: cannot be read: {error.strerror}") from error


def _from_subscription(name: str, deps: Context, rejected: Rejected, *, until_idle: bool) -> Outcomes:
    """Pull until interrupted; a message is acknowledged when everything that follows from it is safe."""
    subscription = bootstrap.open_subscription(name)
    rejected.where = name
    outcomes: Outcomes = Counter()
    idle = failures = 0
    try:
        while not until_idle or idle < _EMPTY_PULLS:
            try:
                came, failed = _pull(subscription, deps, outcomes, rejected)
                pipeline.promote_settled(deps)
            except Unavailable as error:
                say_warning(error, "again")
                came, failed = True, True
            idle = 0 if came else idle + 1
            failures = failures + 1 if failed else 0
            if failures:
                time.sleep(min(2.0**failures, _LONGEST_PAUSE))
    except KeyboardInterrupt:
        say("stopped; what was not acknowledged will be delivered again")
    return outcomes


def _pull(subscription: PubSubFeed, deps: Context, outcomes: Outcomes, rejected: Rejected) -> tuple[bool, bool]:
    """Handle one batch; whether anything came, and whether any of it has to come again."""
    batch = subscription.pull()
    done, again = [], []
    for message in batch:
        try:
            outcomes[pipeline.receive(message.data, message.attributes, deps)] += 1
            done.append(message)
        except PermanentError as error:
            rejected.put(message.data, message.attributes, str(error))
            outcomes["rejected"] += 1
            done.append(message)
        except TransientError as error:
            say_warning(error, "again")
            again.append(message)
    subscription.settle(done, again)
    return bool(batch), bool(again)


def _timed(work: Callable[[], Outcomes]) -> None:
    started = time.perf_counter()
    outcomes = work()
    took = time.perf_counter() - started
    total = outcomes.total()
    told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    say(f"{total} messages in {took:.2f} s ({total / took if took else 0:,.0f}/s): {told or 'nothing came'}")


def _show(deps: Context) -> None:
    drifted, otherwise_due = [], set()
    for state in deps.store.states(drifted=True):
        if state.finding and state.finding.status == "open":
            drifted.append(state)
        if state.settling is None:
            otherwise_due.add(state.key)
    print_findings(out, drifted, f"{len(drifted)} open findings" if drifted else "no drift")
    if waiting := sum(1 for key in deps.store.due(_NEVER) if key not in otherwise_due):
        say(f"{waiting} more differ and are settling; they become findings if that lasts")

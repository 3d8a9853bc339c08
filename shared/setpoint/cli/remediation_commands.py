"""Decisions about remediation: ``setpoint approve``, ``exempt``, ``accept``, ``pause``, ``resume``, ``guardrails``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from setpoint import bootstrap
from setpoint.cli.decider import check_approver, decider, writes_to_google
from setpoint.cli.findings import find_finding
from setpoint.cli.options import (
    DEFAULT_STORE,
    Because,
    EventsTopic,
    FindingName,
    PersonOption,
    StoreUrl,
    duration,
)
from setpoint.cli.output import errors, out, print_finding, print_status
from setpoint.cli.output_models import GuardrailsOutput, print_json
from setpoint.cli.program import as_called
from setpoint.errors import BadRequest
from setpoint.model.exemptions import Exemption
from setpoint.model.policy import Policy
from setpoint.model.safety_limits import Pause, SafetyState
from setpoint.remediation import commands


class Output(StrEnum):
    """How guardrails are written."""

    text = "text"
    json = "json"


ScopeArgument = Annotated[
    str, typer.Argument(metavar="WHAT", help="fleet, projects/P, folders/N, organizations/N or //a/resource")
]


def approve(
    finding: FindingName,
    store: StoreUrl = DEFAULT_STORE,
    events_topic: EventsTopic = None,
    fingerprint: Annotated[
        str, typer.Option(metavar="DIGEST", help="Approve only while the drift has this fingerprint.")
    ] = "",
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not show the drift, and do not ask for confirmation.")] = False,
    by: PersonOption = "",
) -> None:
    """Show a drift, then approve its remediation; functions/remediate writes it within a minute."""
    person = decider(store, by)
    detection = bootstrap.open_detection(store, events_topic, create=False)
    try:
        state = find_finding(detection.store, finding)
        check_approver(person, state, detection.store.read(state.key).rules.alerting)
        if not fingerprint and not yes:
            print_finding(errors, state)
            if not typer.confirm("Approve its remediation?", err=True):
                raise typer.Exit(1)
        is_verified = person.is_verified or not writes_to_google()
        commands.approve(
            state.key,
            fingerprint or state.fingerprint,
            str(person),
            detection.store,
            detection.projects,
            detection.clock,
            is_verified=is_verified,
        )
    finally:
        detection.store.close()
    print_status(f"approved by {person}: {state.key.name}")


def exempt(
    finding: FindingName,
    because: Because = "",
    lasts: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 2h, 7d; at most a year.")] = "",
    store: StoreUrl = DEFAULT_STORE,
    events_topic: EventsTopic = None,
    *,
    end: Annotated[bool, typer.Option("--end", help="End the exemption.")] = False,
    by: PersonOption = "",
) -> None:
    """Suppress a finding until a date, with a reason."""
    if not end and not (lasts and because):
        raise BadRequest("an end and a reason are required: use --for 7d --because TEXT; or --end")
    who = str(decider(store, by))
    detection = bootstrap.open_detection(store, events_topic, create=False)
    try:
        key = find_finding(detection.store, finding).key
        if end:
            outcome = commands.end_exemption(key, who, detection)
        else:
            now = detection.clock()
            outcome = commands.exempt(key, Exemption(because, who, now, now + duration("--for", lasts)), detection)
    finally:
        detection.store.close()
    print_status(f"{key.name}: {_shown(outcome)}")


def accept(
    finding: FindingName,
    because: Because,
    store: StoreUrl = DEFAULT_STORE,
    events_topic: EventsTopic = None,
    by: PersonOption = "",
) -> None:
    """Accept a drift as it is: no alert and no remediation until it changes."""
    detection = bootstrap.open_detection(store, events_topic, create=False)
    try:
        state = find_finding(detection.store, finding)
        key, held = state.key, state.exemption
        if held is not None and held.until is None and held.fingerprint == state.fingerprint:
            print_status(f"{key.name}: already accepted by {held.by}: {held.reason}")
            return
        outcome = commands.accept(key, because, str(decider(store, by)), detection)
    finally:
        detection.store.close()
    print_status(f"{key.name}: {'accepted' if outcome == 'exempted' else _shown(outcome)}")


def pause(
    what: ScopeArgument,
    because: Because,
    lasts: Annotated[str, typer.Option("--for", metavar="TIME", help="How long: 2h, 7d. Default: until resumed.")] = "",
    store: StoreUrl = DEFAULT_STORE,
    *,
    not_seen_yet: Annotated[
        bool, typer.Option("--not-seen-yet", help="Pause a place or a resource that no sweep has seen yet.")
    ] = False,
    by: PersonOption = "",
) -> None:
    """Pause remediation of the fleet, a folder, a project or a resource; alerts go on."""
    detection = bootstrap.open_detection(store, None, create=False)
    try:
        now = detection.clock()
        until = now + duration("--for", lasts) if lasts else None
        commands.pause(
            Pause(what, now, str(decider(store, by)), because, until), detection.store, not_seen_yet=not_seen_yet
        )
    finally:
        detection.store.close()
    print_status(f"{what} is paused{f' until {until:%Y-%m-%d %H:%M} UTC' if until else ''}")


def resume(what: ScopeArgument, store: StoreUrl = DEFAULT_STORE, by: PersonOption = "") -> None:
    """End a pause; `resume fleet` closes the circuit breaker too."""
    detection = bootstrap.open_detection(store, None, create=False)
    try:
        ended = commands.resume(what, str(decider(store, by)), detection.store, detection.clock())
    finally:
        detection.store.close()
    if not ended:
        raise BadRequest(f"{what} is not paused")
    print_status(f"{what} is resumed")


def guardrails(
    store: StoreUrl = DEFAULT_STORE,
    output: Annotated[Output, typer.Option(help="text for people; json: one object.")] = Output.text,
) -> None:
    """Show pauses, recent writes, and whether the circuit breaker is open."""
    opened = bootstrap.open_store(store, create=False)
    try:
        value = opened.safety_state().value
        policy = next((source.policy for source in opened.control().value.sources.values() if source.policy), None)
    finally:
        opened.close()
    policy = policy or Policy()
    if output is Output.json:
        print_json(
            GuardrailsOutput(
                policy=policy.name,
                dry_run=policy.dry_run,
                writes=len(value.writes),
                most_writes=policy.limits.per_fleet,
                window_seconds=policy.limits.within,
                breaker=value.breaker,
                pauses=value.pauses,
            )
        )
    else:
        out.print(_table(value, policy))


def _table(value: SafetyState, policy: Policy) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    limits = policy.limits
    table.add_row("policy", f"{policy.name}{', a dry run' if policy.dry_run else ''}")
    table.add_row("recent writes", f"{len(value.writes)}, of at most {limits.per_fleet} in {limits.within:.0f} s")
    table.add_row("circuit breaker", _breaker(value))
    for pause_ in value.pauses:
        until = f" until {pause_.until:%Y-%m-%d %H:%M} UTC" if pause_.until else ""
        table.add_row("paused", Text(f"{pause_.of}{until} by {pause_.by}: {pause_.reason}", "yellow"))
    return table


def _breaker(value: SafetyState) -> Text:
    if value.breaker is None:
        return Text("closed", "green")
    since = f"{value.breaker.opened_at:%Y-%m-%d %H:%M} UTC: {value.breaker.reason}"
    return Text(as_called(f"open since {since}; `setpoint resume fleet` closes it"), "red")


def _shown(outcome: str) -> str:
    return "stored; it shows with the next observation" if outcome == "unreadable" else outcome

"""``setpoint remediate``: preview the remediation of a finding with its reasons, or run it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from setpoint import bootstrap
from setpoint.cli.decider import check_approver, decider, writes_to_google
from setpoint.cli.findings import find_finding
from setpoint.cli.options import DEFAULT_STORE, EventsTopic, FindingName, PersonOption, StoreUrl
from setpoint.cli.output import errors, out, print_status
from setpoint.errors import BadRequest, NotPermitted
from setpoint.model.audit_trail import display_text
from setpoint.model.write_plan import NotWritable, WritePlan
from setpoint.remediation import commands, engine
from setpoint.remediation.decision import Decision
from setpoint.remediation.live_resources import describe_refusal

_REFUSED = frozenset(("leave", "stop", "wait", "rehearse"))
"""What a person who approves cannot change: a mode, a brake, a dry run."""


def remediate(
    finding: FindingName,
    store: StoreUrl = DEFAULT_STORE,
    events_topic: EventsTopic = None,
    *,
    plan: Annotated[bool, typer.Option("--plan", help="Show the decision only.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    by: PersonOption = "",
) -> None:
    """Show the decision about a drift, with every reason for and against, then remediate it.

    Confirmation approves this drift. Modes, exemptions, guardrails and a dry run apply to people, too.

    Exits with 1 if nothing was remediated, and with 3 if a mode, a guardrail or a dry run forbids it.
    """
    person = decider(store, by)
    who = str(person)
    context = bootstrap.open_remediation(store, events_topic, who)
    try:
        state = find_finding(context.store, finding)
        preview = engine.preview(state.key, context, "" if plan else who)
        if preview is None:
            raise BadRequest(f"{state.key.name}: it has no open finding")
        decision, reading = preview
        _print_decision(decision, reading)
        if plan:
            return
        if decision.action in _REFUSED:
            raise NotPermitted(f"nothing is remediated: {decision.because}")
        check_approver(person, state, context.store.read(state.key).rules.alerting)
        if not yes and not typer.confirm("Remediate it?", err=True):
            raise typer.Exit(1)
        is_verified = person.is_verified or not writes_to_google()
        commands.approve(
            state.key,
            state.fingerprint,
            who,
            context.store,
            context.projects,
            context.clock,
            is_verified=is_verified,
        )
        outcome = engine.remediate(state.key, context)
    finally:
        context.store.close()
    print_status(f"{state.key.name}: {outcome}")
    if outcome not in ("resolved", "verifying", "operating"):
        raise typer.Exit(1)


def _print_decision(decision: Decision, plan: WritePlan | NotWritable | None) -> None:
    errors.print(Text.assemble(("decision: ", "dim"), (display_text(decision.action), "bold")))
    for reason in decision.reasons:
        speaks_for = reason.action == "act"
        errors.print(Text.assemble("  + " if speaks_for else "  - ", reason.text), soft_wrap=True)
    if isinstance(plan, WritePlan):
        out.print(Text(f"{plan.call.verb} {plan.call.url}"), soft_wrap=True)
        lines = plan.summary
    else:
        lines = (
            describe_refusal(plan)
            if plan is not None
            else ("no known method of its API reads it: remediate it by hand",)
        )
    for line in lines:
        out.print(Text(f"  {line}"), soft_wrap=True)

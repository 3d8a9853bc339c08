"""``setpoint policy``: which rule of the policy applies, and why the others do not."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from setpoint import bootstrap
from setpoint.cli.apply import Paths
from setpoint.cli.findings import find_finding
from setpoint.cli.loading import load_all
from setpoint.cli.options import DEFAULT_STORE, FindingName, StoreUrl
from setpoint.cli.output import errors, out, print_error, print_status
from setpoint.cli.output_lists import PolicyCheck, UnmetExpectation
from setpoint.cli.output_models import PolicyDecision, TriedRule, print_json, problem_outputs
from setpoint.detection import scopes, suppressions
from setpoint.detection.policy_evaluation import PolicyOutcome, case_of, evaluate_policy
from setpoint.errors import BadRequest
from setpoint.model import policy as policies
from setpoint.model.declaration import Declaration, Scope
from setpoint.model.observation import Observation
from setpoint.model.policy import Policy, Rule
from setpoint.ports.stores import Snapshot, Store
from setpoint.remediation.case import primary_declaration
from setpoint.util.counts import counted


class Output(StrEnum):
    """How a decision is written."""

    text = "text"
    json = "json"


app = typer.Typer(
    help="Test the policy of the fleet: severity and mode of a drift.", no_args_is_help=True, add_completion=False
)


@app.command("test")
def explain(
    finding: FindingName,
    policy: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Test this policy. Default: the applied policy.")
    ] = None,
    actor: Annotated[str, typer.Option(metavar="WHO", help="Test as if this principal had changed it.")] = "",
    store: StoreUrl = DEFAULT_STORE,
    output: Annotated[Output, typer.Option(help="text for people; json: one object.")] = Output.text,
) -> None:
    """Show which rule applies to a finding, and why earlier rules do not."""
    opened = bootstrap.open_store(store, create=False)
    try:
        rules = _policy(policy, opened)
        state = find_finding(opened, finding)
        snapshot = opened.read(state.key)
        last = opened.last_observation(state.key)
    finally:
        opened.close()
    primary = _primary(snapshot, last)
    if state.finding is None or primary is None or last is None:
        raise BadRequest(f"{state.key.name}: its last observation is not stored; wait for its next change")
    differences, kind = state.finding.differences, state.finding.kind
    own = evaluate_policy(None, primary, last, kind, differences).severity
    case = case_of(primary, last, kind, own, differences, actor)
    tried = policies.explain(rules, case)
    outcome = evaluate_policy(rules, primary, last, kind, differences, actor=actor)
    manual = ""
    if isinstance(primary, Declaration):
        manual = suppressions.why_manual(differences, primary, rules)
        outcome = outcome._replace(mode=suppressions.mode_for(differences, outcome.mode, primary, rules))
    if output is Output.json:
        print_json(_as_output(rules, tried, outcome))
    else:
        out.print(_tried(tried))
        _print_outcome(rules, outcome, primary, manual)


@app.command()
def check(
    paths: Paths, output: Annotated[Output, typer.Option(help="text for people; json: one object.")] = Output.text
) -> None:
    """Run the PolicyTest documents of a policy.

    Exits with 1 if a document is invalid or an expectation fails.
    """
    loaded = load_all(paths, quietly=output is Output.json)
    if loaded.policy is None:
        raise BadRequest(f"no policy in {', '.join(paths)}")
    failed = tuple(
        UnmetExpectation(str(test.source), test.name, unmet)
        for test in loaded.policy_tests
        if (unmet := test.unmet(loaded.policy))
    )
    if output is Output.json:
        print_json(
            PolicyCheck(
                policy=loaded.policy.name,
                tests=len(loaded.policy_tests),
                failed=failed,
                errors=problem_outputs(loaded.problems),
                warnings=problem_outputs(loaded.warnings),
            )
        )
    else:
        for expectation in failed:
            print_error(f"{expectation.file}: {expectation.test}: {expectation.message}")
        count = counted(len(loaded.policy_tests), "test")
        print_status(f"{count} of policy {loaded.policy.name}, {len(failed)} failed")
    if failed or loaded.problems:
        raise typer.Exit(1)


def _primary(snapshot: Snapshot, last: Observation | None) -> Declaration | Scope | None:
    """What the finding is from: a declaration, or the scope that covers what nothing declares."""
    if snapshot.state is None or snapshot.state.finding is None or last is None:
        return None
    declared = primary_declaration(snapshot, snapshot.state.finding)
    return declared or scopes.explain(snapshot.rules, last).scope


def _policy(path: Path | None, store: Store) -> Policy:
    if path is not None:
        loaded = load_all([str(path)])
        if loaded.policy is None:
            raise BadRequest(f"{path}: holds no policy")
        return loaded.policy
    chosen = next(
        (source.policy for source in store.control().value.sources.values() if source.policy is not None), None
    )
    return chosen or Policy()


def _as_output(policy: Policy, tried: tuple[policies.RuleTrial, ...], outcome: PolicyOutcome) -> PolicyDecision:
    rule = outcome.rule
    return PolicyDecision(
        tried=tuple(TriedRule(name, not unfit, unfit) for name, unfit in tried),
        rule=rule.name if rule is not None else None,
        severity=outcome.severity,
        mode=outcome.mode,
        executor=rule.executor if rule is not None else "api",
        grace_seconds=outcome.settle,
        windows=rule.windows if rule is not None else (),
        dry_run=policy.dry_run,
    )


def _tried(tried: tuple[policies.RuleTrial, ...]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for rule, unfit in tried:
        verdict = Text(f"{unfit} does not fit", "dim") if unfit else Text("applies", "green")
        table.add_row(rule, verdict)
    return table


def _print_outcome(policy: Policy, outcome: PolicyOutcome, primary: Declaration | Scope, manual: str) -> None:
    rule = outcome.rule
    own = f" (its {type(primary).__name__.lower()} says {primary.mode})" if primary.mode else ""
    facts = {
        "rule": rule.name if rule is not None else "none",
        "severity": outcome.severity,
        "mode": outcome.mode + (f" ({manual})" if manual else own),
        "executor": rule.executor if rule is not None else "api",
        "grace period": f"{outcome.settle:.0f} s",
        "windows": _windows(rule),
        "dry run": "yes" if policy.dry_run else "no",
    }
    for name, value in facts.items():
        if value:
            errors.print(Text.assemble((f"{name:14}", "dim"), value))


def _windows(rule: Rule | None) -> str:
    return (
        ", ".join(f"{window.cron} for {window.duration:.0f} s {window.time_zone}" for window in rule.windows)
        if rule
        else ""
    )

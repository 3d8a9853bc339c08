"""Checks of the store and its content: declarations, sweeps, guardrails, and pending work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import chain, islice

from setpoint.operations.diagnostics.installation import Installation
from setpoint.operations.diagnostics.result import Diagnosis
from setpoint.operations.record_problem_log import RecordProblemLog
from setpoint.ports.stores import readable_sweeps
from setpoint.util.counts import counted

_SWEEP = timedelta(hours=13)
_WAITING = timedelta(minutes=10)
_COVERED = 0.9
_MAX_PROBLEMS = 20
_LIMIT = 200
UNINDEXED = (("findings", "body"), ("findings", "observation"), ("desired", "body"))
"""Large fields that no query uses, some of those of infra/firestore.tf."""


def store(installation: Installation) -> Iterator[Diagnosis]:
    """The store answers, and this version can read its records."""
    opened = installation.store()
    control = opened.control().value
    opened.safety_state()
    read = sum(1 for _ in islice(opened.states(problems=[]), _LIMIT))
    yield "pass", f"the store answers; {read}{' or more' if read == _LIMIT else ''} records can be read"
    if not control.sources:
        yield "warn", "nothing is declared", "setpoint apply, or upload an archive; see docs/install.md"
    for name, source in sorted(control.sources.items()):
        if source.pending:
            yield (
                "warn",
                f"an apply of source {name} has not finished",
                "if it no longer runs, apply again",
            )
        if source.judged < source.generation:
            yield "warn", f"not all findings of source {name} were evaluated again", "apply it again"
        yield "pass", f"source {name} declares {source.declared}"


def records(installation: Installation) -> Iterator[Diagnosis]:
    """Every stored record can be decoded."""
    problems = RecordProblemLog(installation.store().notices).listed(installation.now())
    for problem in problems[:_MAX_PROBLEMS]:
        since = (
            f"since {problem.first_seen:%Y-%m-%d %H:%M} UTC, met in {counted(problem.count, 'period')} of ten minutes"
        )
        do = "upgrade to that version again" if problem.is_newer else "`setpoint repair`"
        yield "fail", f"{problem.record}: {problem.reason} ({since})", f"{do}; see docs/runbooks/problem-records.md"
    if len(problems) > _MAX_PROBLEMS:
        yield "fail", f"unreadable: {counted(len(problems) - _MAX_PROBLEMS, 'more record')}", "`setpoint repair`"
    if not problems:
        yield "pass", "every record that was read is valid"


def database(installation: Installation) -> Iterator[Diagnosis]:
    """The database has backups and deletion protection, and large fields are not indexed."""
    if not installation.store_url.startswith("firestore://"):
        return
    project, _, name = installation.store_url.removeprefix("firestore://").partition("/")
    base = f"https://firestore.googleapis.com/v1/projects/{project}/databases/{name or '(default)'}"
    settings = installation.get(base, "datastore.databases.get")
    if settings is None:
        yield "fail", f"there is no database {name or '(default)'} in {project}", "`terraform apply` makes it"
        return
    if settings.get("pointInTimeRecoveryEnablement") != "POINT_IN_TIME_RECOVERY_ENABLED":
        yield "warn", "point-in-time recovery is disabled", "enable point-in-time recovery"
    if settings.get("deleteProtectionState") != "DELETE_PROTECTION_ENABLED":
        yield "warn", "delete protection is disabled", "set deletion_protection = true, unless this is a trial"
    for collection, field in UNINDEXED:
        url = f"{base}/collectionGroups/{collection}/fields/{field}"
        config = (installation.get(url, "datastore.indexes.get") or {}).get("indexConfig") or {}
        if config.get("usesAncestorConfig") or config.get("indexes"):
            yield (
                "fail",
                f"{collection}.{field} is indexed: writes of large records will fail",
                "run `terraform apply`",
            )
        else:
            yield "pass", f"{collection}.{field} is not indexed"


def sweeps(installation: Installation) -> Iterator[Diagnosis]:
    """A sweep ended recently, and could list everything in its scopes."""
    records = readable_sweeps(installation.store().sweeps)
    ended = [record for record in records if record.summary is not None]
    if not ended:
        where = f"--location={installation.region} --project={installation.project}"
        do = f"gcloud scheduler jobs run setpoint-sweep {where}"
        going = any(record.started_at > installation.now() - _SWEEP for record in records)
        yield (
            ("warn", "the first sweep is under way", "check again later")
            if going
            else ("fail", "no sweep has ended", do)
        )
        return
    last = max((sweep.summary for sweep in ended if sweep.summary is not None), key=lambda sweep: sweep.ended_at)
    age = installation.now() - last.ended_at
    text = f"the last sweep ended {age.total_seconds() / 3600:.1f} hours ago and listed {last.listed}"
    yield ("fail", text, "see infra/runbooks/sweep-missing.md") if age > _SWEEP else ("pass", text)
    for scope, reason in last.denied.items():
        yield "fail", f"{scope} could not be listed: {reason}", "grant roles/cloudasset.viewer on it to setpoint-sweep"
    for shard, reason in last.failed.items():
        yield "warn", f"{shard} was not listed to its end: {reason}", "see the log of setpoint-sweep"
    if last.coverage < _COVERED:
        text = f"of the declared resources {last.coverage:.0%} could be evaluated"
        yield "warn", text, "`setpoint sweep --scope SCOPE` shows what is unknown"


def guardrails(installation: Installation) -> Iterator[Diagnosis]:
    """No pause and no open circuit breaker stops remediation."""
    state = installation.store().safety_state().value
    if state.breaker is not None:
        text = f"the breaker is open since {state.breaker.opened_at:%Y-%m-%d %H:%M} UTC: {state.breaker.reason}"
        yield "fail", text, "see infra/runbooks/breaker-open.md; `setpoint resume fleet` closes it"
    in_force = [pause for pause in state.pauses if pause.until is None or pause.until > installation.now()]
    for pause in in_force:
        yield (
            "warn",
            f"{pause.of} is paused by {pause.by}: {pause.reason}",
            f"`setpoint resume {pause.of}` when it is over",
        )
    if state.breaker is None and not in_force:
        yield "pass", "nothing is paused, and the breaker is closed"


def waiting(installation: Installation) -> Iterator[Diagnosis]:
    """Pending events are published, and due records are evaluated."""
    opened = installation.store()
    unpublished = sum(1 for _ in islice(opened.unpublished([]), _LIMIT))
    if unpublished:
        text = (
            f"not published: events of {counted(unpublished, 'resource')}{' or more' if unpublished == _LIMIT else ''}"
        )
        yield (
            "warn",
            text,
            "check again in a minute; if events are still pending, check that the job setpoint-heal is enabled",
        )
    since = installation.now() - _WAITING
    due = chain(opened.due(since, []), opened.remediations_due(since, []))
    overdue = sum(1 for _ in islice(due, _LIMIT))
    if overdue:
        text = (
            f"overdue by more than ten minutes: {counted(overdue, 'finding')}{' or more' if overdue == _LIMIT else ''}"
        )
        yield "fail", text, "check that the jobs setpoint-heal and setpoint-remediate are enabled"
    if not unpublished and not overdue:
        yield "pass", "no event is pending, and no finding is overdue"

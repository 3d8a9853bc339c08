"""Find the actor behind a drift among the known changes of the resource.

A change explains a drift if it took effect before the observation that first showed the drift, and after the latest
observation without it. The actor is None if no known change falls in that time. If changes by several principals do,
the latest is the actor with confidence ``possible``, and the rest are its ``others``. Where changes in that time are
only known in summary, the confidence is ``possible`` too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from setpoint.catalog.principal_kinds import kind_of
from setpoint.model import globs
from setpoint.model.actors import Actor, ActorKind, AuditedChange, Confidence
from setpoint.model.change_history import effective
from setpoint.model.drift_onset import DriftOnset
from setpoint.model.policy import Policy

WINDOW = timedelta(minutes=15)
"""The longest time between a change and an observation that shows it; the inventory lags by minutes."""
SKEW = timedelta(seconds=60)
"""The largest expected difference between the clocks of a service and of the inventory."""
_MAX_REPEATS = 8
CLOSE = timedelta(minutes=2)
"""The longest time between a change and the observation that shows it, for confidence ``certain``."""


def seen_again(onset: DriftOnset, observed_at: datetime) -> DriftOnset:
    """Add an observation of the same drift to an onset, in any order of arrival."""
    seen, *again = sorted({onset.seen, *onset.again, observed_at})
    return replace(onset, seen=seen, again=tuple(again[:_MAX_REPEATS]))


def narrowed(onset: DriftOnset, observed_at: datetime, *, shows: bool, latest: datetime) -> DriftOnset:
    """Narrow an onset by an observation that arrives late.

    Args:
        onset: the onset so far.
        observed_at: the time of the late observation.
        shows: whether the late observation shows the same drift.
        latest: the time of the latest observation, which shows the drift.
    """
    if onset.clear is not None and observed_at <= onset.clear:
        return onset
    if shows:
        return seen_again(onset, observed_at)
    seen, *again = [moment for moment in (onset.seen, *onset.again) if moment >= observed_at] or [latest]
    return DriftOnset(seen, observed_at, again=tuple(again))


def explains(change: AuditedChange, onset: DriftOnset) -> bool:
    """Whether a change may have caused a drift."""
    if onset.declared or change.requested_at > onset.seen + SKEW or effective(change) < onset.seen - WINDOW:
        return False
    return onset.clear is None or onset.clear == onset.seen or effective(change) > onset.clear


def actor_of(
    changes: Iterable[AuditedChange], onset: DriftOnset, before: Actor | None = None, policy: Policy | None = None
) -> Actor | None:
    """The actor behind a drift; None if unknown.

    Args:
        changes: the known changes of the same resource and content.
        onset: when the drift started.
        before: the actor that was recorded for the same drift; it is kept when its changes have expired.
        policy: names the accounts that apply declarations; None if there is no policy.
    """
    known = sorted(changes, key=_latest_last)
    explaining = [change for change in known if explains(change, onset)]
    named = [change for change in explaining if change.principal]
    expired = _expired(before, known)
    if _is_confirmed(before, explaining):
        return before
    if not named:
        lost = before if before is not None and before.principal in expired else None
        return replace(lost, confidence="possible") if lost is not None and explaining else lost
    latest = named[-1]
    others = dict.fromkeys(change.principal for change in reversed(named) if change.principal != latest.principal)
    others |= dict.fromkeys(principal for principal in expired if principal != latest.principal)
    is_alone = len(named) == len(explaining) and not others and not any(change.several for change in named)
    return Actor(
        principal=latest.principal,
        kind=_actor_kind(latest, policy),
        confidence=_confidence(latest, onset) if is_alone else "possible",
        method=latest.method,
        requested_at=latest.requested_at,
        through=latest.through,
        caller=latest.caller,
        ip=latest.ip,
        others=tuple(others),
    )


def actor_by(change: AuditedChange, policy: Policy | None) -> Actor:
    """Who made a change that is known to have caused the drift.

    Args:
        change: the change; it names a principal.
        policy: names the accounts that apply declarations; None if there is no policy.
    """
    return Actor(
        principal=change.principal,
        kind=_actor_kind(change, policy),
        confidence="likely" if change.several else "certain",
        method=change.method,
        requested_at=change.requested_at,
        through=change.through,
        caller=change.caller,
        ip=change.ip,
    )


def _latest_last(change: AuditedChange) -> tuple[bool, datetime, datetime, str]:
    return not change.several, effective(change), change.requested_at, change.log_id


def _is_confirmed(before: Actor | None, explaining: list[AuditedChange]) -> bool:
    """Whether the recorded actor is certain or likely, and their change is now known in summary only."""
    return (
        before is not None
        and before.confidence != "possible"
        and any(change.several for change in explaining)
        and all(change.principal == before.principal for change in explaining)
    )


def confident_principal(actor: Actor | None) -> str:
    """The principal if it is the only candidate, else an empty string."""
    return actor.principal if actor is not None and actor.confidence != "possible" else ""


def describe(actor: Actor | None) -> str:
    """The principal and all other candidates, joined by "or"; empty if unknown."""
    return " or ".join((actor.principal, *actor.others)) if actor is not None else ""


def _expired(before: Actor | None, known: list[AuditedChange]) -> list[str]:
    """The recorded candidates whose changes have expired."""
    if before is None:
        return []
    known_principals = {change.principal for change in known}
    return [other for other in (before.principal, *before.others) if other not in known_principals]


def _confidence(change: AuditedChange, onset: DriftOnset) -> Confidence:
    is_known = onset.clear is not None and onset.clear < onset.seen
    return "certain" if is_known and onset.seen - effective(change) <= CLOSE else "likely"


def _actor_kind(change: AuditedChange, policy: Policy | None) -> ActorKind:
    principal = change.principal
    kind = kind_of(principal)
    if policy is not None and policy.appliers:
        # The direct caller can be a pipeline's account; a person who impersonates that account acts manually.
        accounts = (principal,) if kind == "person" else (principal, *change.through)
        if any(_is_applier(policy.appliers, account) for account in accounts):
            return "applier"
    # A log that names no principal counts as a person, so that the change is reviewed.
    return "person" if kind == "unknown" else kind


def _is_applier(appliers: tuple[str, ...], account: str) -> bool:
    """Whether an account is an applier, named with or without the prefix of an IAM member."""
    return globs.matches(appliers, account) or globs.matches(appliers, f"serviceAccount:{account}")

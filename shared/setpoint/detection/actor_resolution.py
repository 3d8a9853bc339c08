"""Who is behind a drift: from what is known of the changes of a resource to an actor, or to nobody.

A change explains a drift where it took effect before the observation that brought the drift, and after the latest
observation that did not show it. What is not known is not guessed: no change in that time gives no actor, and several
people give one of whom only that much is said.
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
"""How long before an observation a change may have taken effect that it shows; the inventory lags by minutes."""
SKEW = timedelta(seconds=60)
"""How far the clocks of a service and of the inventory may be apart."""
_MOST_AGAIN = 8
CLOSE = timedelta(minutes=2)
"""How near the times of a change and of the observation that shows it are where there is no doubt."""


def seen_again(onset: DriftOnset, observed_at: datetime) -> DriftOnset:
    """What an observation adds that shows the drift as it is, whether it comes late or not."""
    seen, *again = sorted({onset.seen, *onset.again, observed_at})
    return replace(onset, seen=seen, again=tuple(again[:_MOST_AGAIN]))


def narrowed(onset: DriftOnset, observed_at: datetime, *, shows: bool, latest: datetime) -> DriftOnset:
    """What a late observation adds.

    Args:
        onset: what was known.
        observed_at: the observation.
        shows: whether it shows the drift as it is.
        latest: the latest observation, which shows it.
    """
    if onset.clear is not None and observed_at <= onset.clear:
        return onset
    if shows:
        return seen_again(onset, observed_at)
    seen, *again = [moment for moment in (onset.seen, *onset.again) if moment >= observed_at] or [latest]
    return DriftOnset(seen, observed_at, again=tuple(again))


def explains(change: AuditedChange, onset: DriftOnset) -> bool:
    """Whether a change may have brought a drift."""
    if onset.declared or change.requested_at > onset.seen + SKEW or effective(change) < onset.seen - WINDOW:
        return False
    return onset.clear is None or onset.clear == onset.seen or effective(change) > onset.clear


def actor_of(
    changes: Iterable[AuditedChange], onset: DriftOnset, before: Actor | None = None, policy: Policy | None = None
) -> Actor | None:
    """Who is behind a drift, or None where that is not known.

    Args:
        changes: what is known of the changes of its resource and content.
        onset: when the drift became what it is.
        before: who was said to be behind this very drift; that is not forgotten when the changes are.
        policy: names the accounts that apply declarations.
    """
    known = sorted(changes, key=lambda change: (effective(change), change.requested_at, change.log_id))
    explaining = [change for change in known if explains(change, onset)]
    named = [change for change in explaining if change.principal]
    forgotten = _forgotten(before, known)
    if not named:
        return before if before is not None and before.principal in forgotten else None
    latest = named[-1]
    others = dict.fromkeys(change.principal for change in reversed(named) if change.principal != latest.principal)
    others |= dict.fromkeys(principal for principal in forgotten if principal != latest.principal)
    is_alone = len(named) == len(explaining) and not others
    return Actor(
        principal=latest.principal,
        kind=_hand(latest, policy),
        confidence=_confidence(latest, onset) if is_alone else "possible",
        method=latest.method,
        requested_at=latest.requested_at,
        through=latest.through,
        caller=latest.caller,
        ip=latest.ip,
        others=tuple(others),
    )


def confident_principal(actor: Actor | None) -> str:
    """Who it was, where there is no second one who may have been; else an empty string."""
    return actor.principal if actor is not None and actor.confidence != "possible" else ""


def describe(actor: Actor | None) -> str:
    """Who it was, or all who may have been; empty where nobody is known."""
    return " or ".join((actor.principal, *actor.others)) if actor is not None else ""


def _forgotten(before: Actor | None, known: list[AuditedChange]) -> list[str]:
    """Who was said to be, or may be, behind the drift, and whose changes are not known any more."""
    if before is None:
        return []
    known_principals = {change.principal for change in known}
    return [other for other in (before.principal, *before.others) if other not in known_principals]


def _confidence(change: AuditedChange, onset: DriftOnset) -> Confidence:
    is_known = onset.clear is not None and onset.clear < onset.seen
    return "certain" if is_known and onset.seen - effective(change) <= CLOSE else "likely"


def _hand(change: AuditedChange, policy: Policy | None) -> ActorKind:
    principal = change.principal
    kind = kind_of(principal)
    if policy is not None and policy.appliers:
        # A pipeline acts through the account that is named; a person who does so acts by hand.
        accounts = (principal,) if kind == "person" else (principal, *change.through)
        if any(_is_applier(policy.appliers, account) for account in accounts):
            return "applier"
    # Whoever a log does not name is no known account: somebody, so that a person looks at it.
    return "person" if kind == "unknown" else kind


def _is_applier(appliers: tuple[str, ...], account: str) -> bool:
    """Whether an account is an applier, named with or without the prefix of an IAM member."""
    return globs.fits(appliers, account) or globs.fits(appliers, f"serviceAccount:{account}")

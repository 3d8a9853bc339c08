"""Who changed a resource, as Cloud Audit Logs tell: changes as they are logged, and the actor of a drift."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Confidence = Literal["certain", "likely", "possible"]
"""``certain``: nobody else changed it between the last two observations, and the times fit closely; ``likely``: nobody
else is known to have changed it; ``possible``: several did, and which of them is not known."""

ActorKind = Literal["person", "service", "applier", "google"]
"""``person``: by hand, whatever the tool; ``service``: a service account; ``applier``: an account by which the fleet's
own declarations are applied, as the policy names it; ``google``: Google's own systems and service agents."""


class AuditedChange(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One change of one resource and content, as an audit log tells it.

    Args:
        principal: who asked for it, an e-mail address or ``principal://…``; empty where the log does not tell.
        method: the method, as the service names it: ``storage.buckets.update``, ``v1.compute.firewalls.patch``.
        requested_at: when it was asked for.
        done_at: when a long-running operation was over; None where there was none, or it is not known.
        through: accounts that acted in between, the one nearest to the principal first; where ``alice`` impersonates
            ``deploy``, the principal is ``alice`` and ``deploy`` stands here.
        caller: with what: ``console``, ``gcloud``, ``terraform``, ``config-connector``, ``pulumi``, ``sdk``…; empty
            where it is not known.
        ip: the address that the request came from, masked where the installation says so; empty where not told.
        operation: id of the long-running operation, or empty.
        log_id: the entry's own ``insertId``, by which redeliveries are known.
    """

    principal: str
    method: str
    requested_at: datetime = msgspec.field(name="at")
    done_at: datetime | None = None
    through: tuple[str, ...] = ()
    caller: str = ""
    ip: str = ""
    operation: str = ""
    log_id: str = ""


class Actor(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who is behind a drift, and how sure that is.

    Args:
        principal: who changed it, an e-mail address or ``principal://…``.
        kind: whose hand that is.
        confidence: how sure it is.
        method: the method that was called.
        requested_at: when it was asked for.
        through: accounts that acted in between.
        caller: with what it was done; empty where that is not known.
        ip: the address that it came from, masked where the installation says so.
        others: who else changed the resource at about that time; then it may have been any of them.
    """

    principal: str
    kind: ActorKind = msgspec.field(name="hand")
    confidence: Confidence
    method: str
    requested_at: datetime = msgspec.field(name="at")
    through: tuple[str, ...] = ()
    caller: str = ""
    ip: str = ""
    others: tuple[str, ...] = ()

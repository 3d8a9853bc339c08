"""Changes of resources in Cloud Audit Logs, and the actor of a drift."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Confidence = Literal["certain", "likely", "possible"]
"""``certain``: no other change between the last two observations, and the times are close; ``likely``: no other change
is known; ``possible``: several principals changed it, and which of them caused the drift is unknown, or more changes
are known than are kept one by one.""" ""

ActorKind = Literal["person", "service", "applier", "google"]
"""``person``: a person, with any tool; ``service``: a service account; ``applier``: an account that applies the fleet's
declarations, as the policy names it; ``google``: Google's own systems and service agents."""


class AuditedChange(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One change of one resource and content, from an audit log entry.

    Args:
        principal: who requested it, an e-mail address or ``principal://…``; empty where the entry has none.
        method: the method, as the service names it: ``storage.buckets.update``, ``v1.compute.firewalls.patch``.
        requested_at: the time of the request.
        done_at: the end of a long-running operation; None where there was none, or the end is not known.
        through: impersonated accounts, the one nearest to the principal first: where ``alice`` impersonates ``deploy``,
            the principal is ``alice``, and this holds ``deploy``.
        caller: the tool: ``console``, ``gcloud``, ``terraform``, ``config-connector``, ``pulumi``, ``sdk``…; empty
            where it is not known.
        ip: the caller's address, masked where the settings ask for that; empty where the entry has none.
        operation: id of the long-running operation; empty for none.
        log_id: the entry's ``insertId``, which identifies redeliveries.
        several: it stands for several changes, the first requested at ``requested_at`` and the last effective at
            ``done_at``; the principal is empty where they were made by more than one.
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
    several: bool = False


class Actor(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The principal who caused a drift, with the confidence in that.

    Args:
        principal: who changed it, an e-mail address or ``principal://…``.
        kind: the kind of principal.
        confidence: the confidence.
        method: the method that was called.
        requested_at: the time of the request.
        through: impersonated accounts.
        caller: the tool; empty where it is not known.
        ip: the caller's address, masked where the settings ask for that.
        others: other principals who changed the resource at about that time; each of them may have caused the drift.
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

"""The errors of Setpoint.

::

    SetpointError
    ├── PermanentError            the same input can never succeed: dead-letter it, do not retry
    │   ├── MalformedMessage      a message that is not what a feed, or a sweep, sends
    │   ├── BadDeclaration        a document that cannot become a declaration
    │   ├── BadRequest            a command, URL or setting that cannot be followed
    │   │   ├── ScopeDenied       a part of the fleet without permission to read it
    │   │   ├── AccessDenied      a resource that may not be read or written
    │   │   ├── IncompleteListing a listing that was cut off: nothing is known of the rest
    │   │   ├── NotPermitted      a guardrail, an owner or a limit of the installation forbids it
    │   │   ├── MissingState      there is no Terraform state where one is named
    │   │   └── Superseded        something later is in force
    │   ├── Refused               a write that an API will never accept
    │   └── CorruptState          a stored record that this version cannot read
    │       └── NewerRecord       a record that a newer version wrote: it is left alone
    └── TransientError            the same input may succeed later: let it be delivered again
        ├── BudgetUsed            the calls that a run may make are used up
        ├── Conflict              another process wrote the same record first
        ├── WrongKey              the key of the store is wrapped with a key that is not set here
        └── Unavailable           a store or a bus did not answer
            ├── TokenExpired      a listing cannot go on where it stopped
            └── Throttled         too much was asked at once; it says when to ask again

A message names the resource and the next step; it never holds a payload or a secret. What a service says may quote what
it was sent, so that tokens, keys and marked secrets are hidden in every message.
"""

from __future__ import annotations

from setpoint.util.secret_formats import scrub

NO_CREDENTIALS = "Getting metadata from plugin failed"
"""What gRPC says of a failed login, which it hides behind UNAVAILABLE."""
LOG_IN = "log in with `gcloud auth application-default login`, or run where a service account is attached"
"""The next step of every message about missing credentials of Google Cloud."""


class SetpointError(Exception):
    """Anything that Setpoint raises on purpose."""

    def __str__(self) -> str:
        return scrub(super().__str__())


class PermanentError(SetpointError):
    """The same input can never succeed: dead-letter it, do not retry."""


class MalformedMessage(PermanentError):  # noqa: N818 - the tree above names what happened, as PermissionDenied does
    """A message that is not what a Cloud Asset Inventory feed sends, or no message of a sweep."""


class BadDeclaration(PermanentError):  # noqa: N818 - as above
    """A document that cannot become a declaration."""


class BadRequest(PermanentError):  # noqa: N818 - as above
    """A command, URL or setting that cannot be followed."""


class ScopeDenied(BadRequest):
    """This scope cannot be listed, or the inventory is disabled there: its content is unknown.

    Args:
        scope: the scope.
        reason: why, and what to do about it.
    """

    def __init__(self, scope: str, reason: str) -> None:
        super().__init__(f"{scope}: {reason}")
        self.scope = scope


class AccessDenied(BadRequest):
    """The calling account has no permission to read or write a resource.

    Args:
        resource: its address.
        permission: what would have to be granted.
        reason: why, and what to do about it.
    """

    def __init__(self, resource: str, permission: str, reason: str) -> None:
        super().__init__(f"{resource}: {reason}")
        self.resource = resource
        self.permission = permission


class IncompleteListing(BadRequest):
    """A listing was cut off by a limit: what is not in it may exist anyway."""


class NotPermitted(BadRequest):
    """A rule of the installation forbids it: a guardrail, another owner, or the limit of removals."""


class MissingState(BadRequest):
    """There is no Terraform state where one is named: a wrong address, or a state that was deleted."""


class StateTooLarge(BadRequest):
    """A Terraform state is larger than is read; the message names the maximum and its setting."""


class Superseded(BadRequest):
    """The apply is older than the current declarations; it changed nothing, and no action is needed."""


class Refused(PermanentError):  # noqa: N818 - as above
    """A write that an API will never accept as it is: a person has to look at it."""


class CorruptState(PermanentError):  # noqa: N818 - as above
    """A stored record that this version cannot read.

    Args:
        reason: why, and what to do about it.
        record: its collection and id, ``findings/00ff…``; empty where that is not known.
        resource: the full resource name that it is about; empty where that is not known.
    """

    def __init__(self, reason: str, record: str = "", resource: str = "") -> None:
        super().__init__(reason)
        self.record = record
        self.resource = resource


class NewerRecord(CorruptState):
    """A record that a newer version wrote: to write it again would lose what this version does not know."""


class TransientError(SetpointError):
    """The same input may succeed later: let it be delivered again."""


class BudgetUsed(TransientError):  # noqa: N818 - as above
    """The calls that a run may make are used up; the next run goes on."""


class Conflict(TransientError):  # noqa: N818 - as above
    """Another process wrote the same record since it was read."""


class Overtaken(Conflict):
    """Work on the same record that began later goes first: the same attempt can never succeed."""


class WrongKey(TransientError):  # noqa: N818 - as above
    """The key of the store was wrapped with a key that is not set here: set it, and deliver the message again."""


class Unavailable(TransientError):  # noqa: N818 - as above
    """A store or a bus did not answer; nothing is known of what it did."""


class TokenExpired(Unavailable):
    """A listing cannot go on where it stopped; start it again."""


class Throttled(Unavailable):
    """Too much was asked at once.

    Args:
        what: what does not take more, and what was asked of it.
        seconds: when to ask again.
    """

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what}: it takes no more for {seconds:.0f} s")
        self.seconds = seconds

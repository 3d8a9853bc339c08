"""Ports of alerting: the sinks that messages go to, the records of what was sent, and the users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from setpoint.model.notice_view import FindingView, GroupView, Links

View_co = TypeVar("View_co", covariant=True)
"""What a message shows; a message about a finding serves wherever a message about findings or groups does."""


class NoticeIndex(NamedTuple):
    """The indexed attributes of a record.

    Args:
        finding: the finding that it is about; empty for none.
        thread: the thread that it belongs to; empty for none.
        due: when it is to be handled; None for never.
        expires: when it may be deleted; None for never.
    """

    finding: str = ""
    thread: str = ""
    due: datetime | None = None
    expires: datetime | None = None


class StoredBody(NamedTuple):
    """A stored record of alerting.

    Args:
        id: its id.
        body: its encoded value.
        version: the store's version of it.
    """

    id: str
    body: bytes
    version: Any


class NoticeStore(Protocol):
    """The records of alerting, of several kinds; the name of a kind is a lower-case word.

    Every method raises ``Unavailable`` where the store does not answer. A write is visible to every call that begins
    after it, in this process or another.
    """

    def read(self, kind: str, name: str) -> StoredBody | None:
        """A record; None where it does not exist."""

    def write(self, kind: str, name: str, body: bytes, version: Any, filed: NoticeIndex) -> Any:
        """Replace the record of ``version``, or create it where ``version`` is None.

        Returns:
            The new version.

        Raises:
            Conflict: the stored version is another one; nothing was written.
        """

    def of_finding(self, kind: str, finding: str) -> Sequence[StoredBody]:
        """The records that are about a finding, in the order of their ids."""

    def of_thread(self, kind: str, thread: str) -> Iterator[StoredBody]:
        """The records that belong to a thread, in the order of their ids; read in pages of some hundred."""

    def due(self, kind: str, now: datetime) -> Iterator[StoredBody]:
        """Records that are due by ``now``, those with the earliest time first; read in pages, as far as they are taken.

        A record that is written meanwhile may be left out, or come again.
        """

    def forget(self, now: datetime) -> int:
        """Delete the records that have expired by ``now``, where the store does not do so itself; their number."""


class PostedMessage(msgspec.Struct, frozen=True):
    """Where a message was posted.

    Args:
        channel: the channel as the sink itself knows it.
        ts: the message in it.
    """

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class OutgoingMessage(Generic[View_co]):
    """A message for a sink to send.

    Args:
        name: its id.
        channel: the channel, as the alerting rules name it.
        view: the current state that it shows.
        links: templates of links in it.
        posted: where it was posted; None where it was not, or that is unknown.
        maybe: an earlier attempt with this id may have been taken, whole or in part, since it raised ``Unavailable``
            (``Throttled`` is one, too) or did not return.
    """

    name: str
    channel: str
    view: View_co
    links: Links
    posted: PostedMessage | None = None
    maybe: bool = False


class Sink(Protocol):
    """A service that messages go to: Slack, Google Chat or webhooks.

    Each message has an id. A message that is sent twice with one id appears once, as far as the service allows. A sink
    does not retry: the caller knows what else is waiting.

    Every method raises ``Throttled``, with the time of the next attempt, for a rate limit; ``Unavailable`` where it is
    unknown whether the message was taken; and ``BadRequest`` where it never will be, for example for a channel that
    does not exist.

    Where a message may have been taken before (``OutgoingMessage.maybe``), the sink looks first for what was posted.
    """

    edits: bool
    """Whether a message can be updated after it was sent; otherwise each change is a further message."""

    def show(self, message: OutgoingMessage[FindingView | GroupView]) -> PostedMessage:
        """Show a finding, or several of one cause, as one message; a message that was deleted is posted again.

        Returns:
            Where it is posted.
        """

    def escalate(self, message: OutgoingMessage[FindingView]) -> PostedMessage:
        """Escalate a severe finding that is still open; called again when it is not, end the escalation.

        Returns:
            Where the escalation is posted.
        """

    def reply(self, message: OutgoingMessage[FindingView | Sequence[FindingView]], to: PostedMessage) -> None:
        """Reply to a message with the latest step of a finding, or with the details of several.

        Args:
            message: the reply: a finding, whose latest step is sent; or several, which are sent in full. What does not
                fit into one reply becomes several, ``name/1``, ``name/2``, …
            to: the message that it replies to, in whose channel it is posted.
        """

    def digest(self, message: OutgoingMessage[Sequence[FindingView]]) -> None:
        """Send a digest of many findings."""


class Person(NamedTuple):
    """A user who has clicked a button.

    Args:
        id: the user's id in the service.
        email: the verified e-mail address; empty for none.
        is_guest: whether the user is a guest, who may use no button, whatever the address.
    """

    id: str
    email: str = ""
    is_guest: bool = False


class People(Protocol):
    """Looks users up, and answers them.

    Every method raises ``Throttled``, ``Unavailable`` and ``BadRequest`` as those of a ``Sink`` do.
    """

    def person(self, user: str) -> Person:
        """A user by id; the data may be some minutes old."""

    def group(self, group: str) -> frozenset[str]:
        """The ids of the members of a user group; they may be some minutes old."""

    def send_private(self, user: str, channel: str, text: str, thread: str = "") -> None:
        """Send a message that only this user sees.

        Args:
            user: the user's id.
            channel: the channel of the click.
            text: the message, in the markup of the service.
            thread: the thread of the click; empty for none.
        """

"""What people are told: where it is posted, what is kept of it, and who they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple, Protocol

import msgspec

from setpoint.model.notice_view import FindingView, GroupView, Links


class Filed(NamedTuple):
    """What a record is found by, besides its id.

    Args:
        finding: the finding that it is about, or empty.
        thread: the thread that it belongs to, or empty.
        due: when somebody has to look at it; None for never.
        expires: when it may be forgotten; None for never.
    """

    finding: str = ""
    thread: str = ""
    due: datetime | None = None
    expires: datetime | None = None


class StoredBody(NamedTuple):
    """A record of what people were told.

    Args:
        id: its id.
        body: what it holds.
        version: the store's own mark of it.
    """

    id: str
    body: bytes
    version: Any


class NoticeStore(Protocol):
    """What people were told, in small records of several kinds; a kind is a lower-case word.

    Every method raises ``Unavailable`` where the store does not answer. What one method has written is seen by all that
    begin after it, in this process or another.
    """

    def read(self, kind: str, name: str) -> StoredBody | None:
        """A record, or None where there is none."""

    def write(self, kind: str, name: str, body: bytes, version: Any, filed: Filed) -> Any:
        """Write a record in place of the one of ``version``; None where there is to be none yet.

        Returns:
            The version that it then has.

        Raises:
            Conflict: it is another one by now; nothing was written.
        """

    def of_finding(self, kind: str, finding: str) -> Sequence[StoredBody]:
        """The records that are about a finding, in the order of their ids."""

    def of_thread(self, kind: str, thread: str) -> Iterator[StoredBody]:
        """The records that belong to a thread, in the order of their ids; no more than some hundred are held."""

    def due(self, kind: str, now: datetime, most: int) -> Sequence[StoredBody]:
        """The records that are due by ``now``, those that are due longest first, and no more than ``most``."""

    def forget(self, now: datetime) -> int:
        """Forget what may be forgotten by ``now``, where the store does not do so by itself; how many records."""


class Posted(msgspec.Struct, frozen=True):
    """Where a message stands.

    Args:
        channel: the channel as the sink itself knows it.
        ts: the message in it.
    """

    channel: str
    ts: str


class Sink(Protocol):
    """A place where people are told: channels of one kind.

    Whatever is told has an id; told again under the same id it is told once, as far as the place allows. Nothing is
    tried again by a sink itself: whoever calls knows what else waits.

    Every method raises ``Throttled`` where it is to be tried again later and says when, ``Unavailable`` where nobody
    knows whether it was taken, and ``BadRequest`` where it never will be: there is no such channel, nobody is let in.

    Every method takes ``maybe``: an earlier try under this id may have been taken, in part or whole, since it raised
    ``Unavailable`` (``Throttled`` is one, too) or never came back. The place is then asked first what stands there.
    """

    edits: bool
    """Whether a message can be changed after it was sent; else each change is a message more."""

    def show(
        self,
        name: str,
        channel: str,
        view: FindingView | GroupView,
        links: Links,
        posted: Posted | None,
        *,
        maybe: bool = False,
    ) -> Posted:
        """Show a finding, or several of one cause, as one message.

        Args:
            name: the message's id.
            channel: where.
            view: what it shows by now.
            links: where it links to.
            posted: where it stands already; None where it was not posted, or nobody knows. One that somebody has
                deleted is posted anew.
            maybe: an earlier try may have been taken.

        Returns:
            Where it stands.
        """

    def escalate(
        self, name: str, channel: str, view: FindingView, links: Links, posted: Posted | None, *, maybe: bool = False
    ) -> Posted:
        """Call somebody about a finding that is bad and still open; told of it once more when it is not, end the call.

        Args:
            name: the call's id.
            channel: where.
            view: the finding by now.
            links: where it links to.
            posted: where the call stands already.
            maybe: an earlier try may have been taken.

        Returns:
            Where it stands.
        """

    def reply(
        self, name: str, posted: Posted, view: FindingView | Sequence[FindingView], links: Links, *, maybe: bool = False
    ) -> None:
        """Tell more below a message: what has last happened to a finding, or all of some findings.

        Args:
            name: the reply's id.
            posted: the message.
            view: a finding, of which the last step is told; or findings, to be told in full. What does not fit into one
                reply becomes several, ``name/1``, ``name/2``, …
            links: where it links to.
            maybe: an earlier try may have been taken.
        """

    def digest(
        self, name: str, channel: str, findings: Sequence[FindingView], links: Links, *, maybe: bool = False
    ) -> None:
        """Tell of many findings at once.

        Args:
            name: the message's id.
            channel: where.
            findings: what is told.
            links: where it links to.
            maybe: an earlier try may have been taken.
        """


class Person(NamedTuple):
    """Somebody who has pressed a button.

    Args:
        id: as the place knows them.
        email: their address, where the place vouches for it; else empty.
        is_guest: whether they are no member of the organisation; they may use no button then, whatever their address.
    """

    id: str
    email: str = ""
    is_guest: bool = False


class People(Protocol):
    """Who presses buttons, and how they are answered.

    Every method raises ``Throttled``, ``Unavailable`` and ``BadRequest`` as those of a ``Sink`` do.
    """

    def person(self, user: str) -> Person:
        """Somebody by their id; what is told of them may be some minutes old."""

    def group(self, group: str) -> frozenset[str]:
        """The ids of the members of a user group; they may be some minutes old."""

    def tell(self, user: str, channel: str, text: str, thread: str = "") -> None:
        """Tell somebody something that nobody else sees.

        Args:
            user: whom.
            channel: the channel in which they have pressed.
            text: what, in the place's own markup.
            thread: the thread in which they have pressed, or empty.
        """

"""Dead letters back to where they came from, once what made them is mended.

A letter is taken off only after its message was taken by the topic: whatever breaks in between, it is sent twice at
worst, and what is known already changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple, Protocol

from setpoint.errors import BadRequest
from setpoint.operations.dead_letters import DeadLetter


class DeadLetterQueue(Protocol):
    """A dead-letter subscription, and the topics that its messages came from."""

    def letters(self, most: int) -> Iterator[DeadLetter]:
        """The letters that wait, up to so many; each is held back from others until it is taken off or given back.

        Raises:
            BadRequest: there is no such subscription, or nobody may pull it who runs this.
            Unavailable: Pub/Sub did not answer.
        """

    def topic_of(self, subscription: str) -> str:
        """The full name of the topic that a subscription of the same project is of.

        Raises:
            BadRequest: there is no such subscription.
            Unavailable: Pub/Sub did not answer.
        """

    def send(self, topic: str, letter: DeadLetter, attributes: Mapping[str, str]) -> None:
        """Publish the message of a letter, and return when it was taken.

        Raises:
            Unavailable: it may not have been taken.
        """

    def ack(self, letter: DeadLetter) -> None:
        """Acknowledge a letter."""

    def release(self, letters: list[DeadLetter]) -> None:
        """Leave letters where they are, for the next who looks."""


class Replayed(NamedTuple):
    """What became of a letter.

    Args:
        letter: the letter.
        done: what.
        about: the topic that it was sent to, or why it was left.
    """

    letter: DeadLetter
    done: Literal["sent", "dropped", "left"]
    about: str = ""


def show(box: DeadLetterQueue, most: int) -> list[DeadLetter]:
    """The letters that wait; all of them still do afterwards."""
    letters: list[DeadLetter] = []
    try:
        letters.extend(box.letters(most))
    finally:
        box.release(letters)
    return letters


def replay(
    box: DeadLetterQueue, most: int, reason: str = "", *, drop: bool = False, try_only: bool = False
) -> list[Replayed]:
    """Send letters back to the topics that they came from, or throw them away.

    Args:
        box: where they are.
        most: so many at most.
        reason: those with this in their reason; without it, those that have none: a function that rejected a message
            for what it is will reject it again, until the function is another one.
        drop: throw them away instead.
        try_only: only say what would be done.

    Raises:
        Unavailable: Pub/Sub did not answer; what was sent so far is taken off, and the rest is left.
    """
    done: list[Replayed] = []
    held: list[DeadLetter] = []
    try:
        for letter in box.letters(most):
            held.append(letter)
            replayed = _decided(letter, box, reason, drop=drop)
            done.append(replayed)
            if replayed.done == "left" or try_only:
                continue
            if replayed.done == "sent":
                box.send(replayed.about, letter, letter.restored())
            box.ack(letter)
            held.remove(letter)
    finally:
        box.release(held)
    return done


def _decided(letter: DeadLetter, box: DeadLetterQueue, reason: str, *, drop: bool) -> Replayed:
    if (reason not in letter.reason) if reason else letter.reason:
        return Replayed(letter, "left", "it was rejected for what it is; --reason names those to send all the same")
    if drop:
        return Replayed(letter, "dropped")
    if letter.is_cut:
        return Replayed(letter, "left", "its end was cut off, so that it cannot be sent again; --drop throws it away")
    if not letter.subscription:
        return Replayed(letter, "left", "nothing tells where it came from; --drop throws it away")
    try:
        return Replayed(letter, "sent", box.topic_of(letter.subscription))
    except BadRequest as error:
        return Replayed(letter, "left", str(error))

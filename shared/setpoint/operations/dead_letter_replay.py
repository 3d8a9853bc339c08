"""Replay dead letters to their topics, after the cause is fixed.

A message is acknowledged only after the topic has taken it: a crash in between sends it twice at worst, and what is
known already changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple, Protocol

import msgspec

from setpoint.errors import BadRequest
from setpoint.operations.dead_letters import DeadLetter, decrypted


class DeadLetterQueue(Protocol):
    """A dead-letter subscription, and the topics that its messages came from."""

    def pull(self, most: int) -> Iterator[DeadLetter]:
        """Pull up to ``most`` messages; each stays invisible to other readers until ``ack`` or ``release``.

        Raises:
            BadRequest: the subscription does not exist, or the calling account may not pull it.
            Unavailable: Pub/Sub did not answer.
        """

    def topic_of(self, subscription: str) -> str:
        """The full name of the topic of a subscription in the same project.

        Raises:
            BadRequest: there is no such subscription.
            Unavailable: Pub/Sub did not answer.
        """

    def send(self, topic: str, dead_letter: DeadLetter, attributes: Mapping[str, str]) -> None:
        """Publish the message of a dead letter, and return when Pub/Sub has accepted it.

        Raises:
            Unavailable: it may not have been taken.
        """

    def ack(self, dead_letter: DeadLetter) -> None:
        """Acknowledge a dead letter."""

    def release(self, dead_letters: list[DeadLetter]) -> None:
        """Return messages to the subscription, for the next reader."""


class ReplayResult(NamedTuple):
    """The result for one dead letter.

    Args:
        dead_letter: the dead letter.
        done: what.
        about: the topic that it was sent to, or why it was left.
    """

    dead_letter: DeadLetter
    done: Literal["sent", "dropped", "left"]
    about: str = ""


def show(queue: DeadLetterQueue, most: int) -> list[DeadLetter]:
    """List the waiting messages, and release them again."""
    dead_letters: list[DeadLetter] = []
    try:
        dead_letters.extend(queue.pull(most))
    finally:
        queue.release(dead_letters)
    return dead_letters


def replay(
    queue: DeadLetterQueue,
    most: int,
    reason: str = "",
    *,
    drop: bool = False,
    try_only: bool = False,
    key: Callable[[], bytes] | None = None,
) -> list[ReplayResult]:
    """Send dead-lettered messages back to their topics, or drop them.

    Args:
        queue: where they are.
        most: so many at most.
        reason: those with this in their reason; without it, those that have none: a function that rejected a message
            for what it is will reject it again, until the function is another one.
        drop: throw them away instead.
        try_only: only say what would be done.
        key: reads the key of the installation that encrypted messages; None where it is not known.

    Raises:
        Unavailable: Pub/Sub did not answer; what was sent so far is acknowledged, and the rest is left.
    """
    done: list[ReplayResult] = []
    held: list[DeadLetter] = []
    try:
        for dead_letter in queue.pull(most):
            held.append(dead_letter)
            replayed = _decided(dead_letter, queue, reason, drop=drop)
            message = _opened(dead_letter, key) if replayed.done == "sent" else dead_letter
            if isinstance(message, str):
                replayed = ReplayResult(dead_letter, "left", message)
            done.append(replayed)
            if replayed.done == "left" or try_only:
                continue
            if isinstance(message, DeadLetter) and replayed.done == "sent":
                queue.send(replayed.about, message, dead_letter.restored())
            queue.ack(dead_letter)
            held.remove(dead_letter)
    finally:
        queue.release(held)
    return done


def _opened(dead_letter: DeadLetter, key: Callable[[], bytes] | None) -> DeadLetter | str:
    """A dead letter with its decrypted message; the reason where it cannot be decrypted."""
    if not dead_letter.is_encrypted:
        return dead_letter
    if key is None:
        return "it is encrypted; give --store, which has the key"
    message = decrypted(dead_letter.data, key())
    if message is None:
        return "it was encrypted with the key of another store; --drop discards it"
    return msgspec.structs.replace(dead_letter, data=message)


def _decided(dead_letter: DeadLetter, queue: DeadLetterQueue, reason: str, *, drop: bool) -> ReplayResult:
    if (reason not in dead_letter.reason) if reason else dead_letter.reason:
        return ReplayResult(dead_letter, "left", "it was rejected for what it is; --reason names those to send anyway")
    if drop:
        return ReplayResult(dead_letter, "dropped")
    if dead_letter.is_cut:
        return ReplayResult(
            dead_letter, "left", "its end was cut off, so that it cannot be sent again; --drop discards it"
        )
    if not dead_letter.subscription:
        return ReplayResult(dead_letter, "left", "where it came from is not recorded; --drop discards it")
    try:
        return ReplayResult(dead_letter, "sent", queue.topic_of(dead_letter.subscription))
    except BadRequest as error:
        return ReplayResult(dead_letter, "left", str(error))

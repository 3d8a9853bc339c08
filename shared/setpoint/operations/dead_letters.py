"""Dead letters: the reason, the original subscription and the original message.

Pub/Sub marks those that it gives up with attributes of its own
(https://cloud.google.com/pubsub/docs/handling-failures#dead_letter_topic); those of a function have a reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from setpoint.ports.queues import DeadLetters
from setpoint.util.counts import counted
from setpoint.util.encryption import decrypt, encrypt

REASON = "reason"
REJECTED_BY = "rejected_by"
REPLAYED = "replayed"
_GIVEN_UP = "CloudPubSubDeadLetterSource"
ENCRYPTED = "encrypted"
_OURS = frozenset((REASON, REJECTED_BY, REPLAYED, ENCRYPTED))
_ORIGINAL = "original_"
_PURPOSE = "dead letters"


class EncryptedDeadLetters:
    """``DeadLetters`` that encrypts messages, since feeds and logs carry the configuration of a whole fleet.

    Args:
        dead_letters: takes the encrypted messages.
        key: reads the installation's key.
    """

    def __init__(self, dead_letters: DeadLetters, key: Callable[[], bytes]) -> None:
        self._letters = dead_letters
        self._key = key

    def put(self, message: bytes, attributes: Mapping[str, str], reason: str) -> None:
        """See ``DeadLetters.put``.

        Raises:
            Unavailable: the store, or the place of dead letters, did not answer.
            WrongKey: the key of the store cannot be read with the settings of this process.
        """
        # The mark comes first: where attributes are too many, the last ones are left out.
        marked = {ENCRYPTED: "1"}
        for name, value in attributes.items():
            marked[f"{_ORIGINAL}{name}" if name == ENCRYPTED else name] = value
        self._letters.put(encrypt(self._key(), _PURPOSE, message), marked, reason)


def decrypted(data: bytes, key: bytes) -> bytes | None:
    """The message of an encrypted dead letter; None where another store's key encrypted it."""
    return decrypt(key, _PURPOSE, data)


class DeadLetter(msgspec.Struct, frozen=True):
    """A message in a dead-letter subscription.

    Args:
        id: the message's id there.
        data: its data.
        attributes: its attributes there.
        published_at: when it came there.
        ordering_key: the key that it was ordered by, or empty.
        handle: by which it is acknowledged.
    """

    id: str
    data: bytes
    attributes: Mapping[str, str]
    published_at: datetime
    ordering_key: str = ""
    handle: str = ""

    @property
    def reason(self) -> str:
        """The reason that a function gave; empty where Pub/Sub dead-lettered the message."""
        return self.attributes.get(REASON, "")

    @property
    def attempts(self) -> int:
        """The number of deliveries before Pub/Sub dead-lettered it; 0 where a function did."""
        count = self.attributes.get(f"{_GIVEN_UP}DeliveryCount", "")
        return int(count) if count.isdecimal() else 0

    @property
    def subscription(self) -> str:
        """The short name of the original subscription; empty if unknown."""
        return self.attributes.get(f"{_GIVEN_UP}Subscription") or self.attributes.get(REJECTED_BY, "")

    @property
    def is_cut(self) -> bool:
        """Whether its end is missing, so that it can only be dropped."""
        return "cut_from_bytes" in self.attributes

    @property
    def is_encrypted(self) -> bool:
        """Whether its data is encrypted with the installation's key."""
        return ENCRYPTED in self.attributes

    @property
    def why(self) -> str:
        """The reason for people."""
        if self.reason:
            return self.reason
        if self.attempts:
            return f"given up after {counted(self.attempts, 'delivery', 'deliveries')}"
        return "given up by Pub/Sub"

    def restored(self) -> dict[str, str]:
        """The original attributes, and the number of replays."""
        kept: dict[str, str] = {}
        for name, value in self.attributes.items():
            if name in _OURS or name.startswith((_GIVEN_UP, "googclient_")):
                continue
            while name.startswith(_ORIGINAL):
                name = name.removeprefix(_ORIGINAL)  # noqa: PLW2901 - as often as it was put before
            kept[name] = value
        times = self.attributes.get(REPLAYED, "")
        return {**kept, REPLAYED: str(int(times) + 1 if times.isdecimal() else 1)}

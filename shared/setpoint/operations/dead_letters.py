"""Dead letters: why a message is one, where it came from, and what it was before.

Pub/Sub marks those that it gives up with attributes of its own
(https://cloud.google.com/pubsub/docs/handling-failures#dead_letter_topic); those of a function have a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from setpoint.util.counts import counted

REASON = "reason"
REJECTED_BY = "rejected_by"
REPLAYED = "replayed"
_GIVEN_UP = "CloudPubSubDeadLetterSource"
_OURS = frozenset((REASON, REJECTED_BY, REPLAYED))
_ORIGINAL = "original_"


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
        """Why a function has put it there; empty where Pub/Sub gave it up."""
        return self.attributes.get(REASON, "")

    @property
    def attempts(self) -> int:
        """How often it was delivered before Pub/Sub gave it up; 0 where it did not."""
        count = self.attributes.get(f"{_GIVEN_UP}DeliveryCount", "")
        return int(count) if count.isdecimal() else 0

    @property
    def subscription(self) -> str:
        """The subscription that it came from, by its short name, which a function shares; empty where nothing tells."""
        return self.attributes.get(f"{_GIVEN_UP}Subscription") or self.attributes.get(REJECTED_BY, "")

    @property
    def is_cut(self) -> bool:
        """Whether its end is lost, so that it can only be dropped."""
        return "cut_from_bytes" in self.attributes

    @property
    def why(self) -> str:
        """Why it is here, for people."""
        if self.reason:
            return self.reason
        if self.attempts:
            return f"given up after {counted(self.attempts, 'delivery', 'deliveries')}"
        return "given up by Pub/Sub"

    def restored(self) -> dict[str, str]:
        """The attributes that it had before it became a dead letter, and how often it was replayed."""
        kept: dict[str, str] = {}
        for name, value in self.attributes.items():
            if name in _OURS or name.startswith((_GIVEN_UP, "googclient_")):
                continue
            while name.startswith(_ORIGINAL):
                name = name.removeprefix(_ORIGINAL)  # noqa: PLW2901 - as often as it was put before
            kept[name] = value
        times = self.attributes.get(REPLAYED, "")
        return {**kept, REPLAYED: str(int(times) + 1 if times.isdecimal() else 1)}

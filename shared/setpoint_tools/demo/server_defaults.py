"""The values that Google's APIs add to every resource: ids, times, etags, defaults."""

from __future__ import annotations

import base64
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

_TOKENS = frozenset(("etag", "fingerprint", "labelFingerprint"))
_TIMES = frozenset(("updated", "updateTime"))
_COUNTERS = frozenset(("metageneration", "generation", "settingsVersion", "resourceVersion"))
_PACIFIC = timezone(timedelta(hours=-7))
_BORN = datetime(2024, 2, 1, tzinfo=UTC)


class Server:
    """Answers for Google, from a seed.

    Args:
        rng: makes the choices; the same seed makes the same answers.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def digits(self, length: int = 19) -> str:
        """A numeric id."""
        return str(self._rng.randrange(10 ** (length - 1), 10**length))

    def token(self) -> str:
        """An etag or a fingerprint."""
        return base64.b64encode(self._rng.randbytes(8)).decode()

    def hex(self, length: int) -> str:
        """Hexadecimal digits, as in a uid or a digest."""
        return f"{self._rng.getrandbits(length * 4):0{length}x}"

    def address(self) -> str:
        """A private address."""
        return f"10.{self._rng.randrange(8, 200)}.{self._rng.randrange(256)}.{self._rng.randrange(2, 250)}"

    def born(self) -> datetime:
        """When a resource was made."""
        return _BORN + timedelta(seconds=self._rng.randrange(400 * 86400), microseconds=self._rng.randrange(10**6))

    def time(self) -> str:
        """The same as most APIs write it."""
        return stamp(self.born())

    def compute(self, path: str) -> dict[str, Any]:
        """What Compute Engine adds to everything; it still lives in Pacific time."""
        return {
            "id": self.digits(),
            "creationTimestamp": self.born().astimezone(_PACIFIC).isoformat(timespec="milliseconds"),
            "selfLink": f"https://www.googleapis.com/compute/v1/{path}",
        }

    def labels(self) -> dict[str, str]:
        """Labels that a controller or Google itself puts beside those that are declared."""
        touched = {}
        if self._rng.random() < 0.3:  # noqa: PLR2004 - a share
            touched["goog-managed-by"] = "service-extensions"
        if self._rng.random() < 0.3:  # noqa: PLR2004 - a share
            touched["managed-by-cnrm"] = "true"
        return touched

    def touched(self, live: Any, time: datetime) -> Any:
        """The same resource after a change of no account: everything that moves with each write has moved."""
        if isinstance(live, list):
            return [self.touched(part, time) for part in live]
        if not isinstance(live, dict):
            return live
        return {key: self._moved(key, value, time) for key, value in live.items()}

    def _moved(self, key: str, value: Any, time: datetime) -> Any:
        if key in _TOKENS:
            return self.token()
        if key in _TIMES:
            return stamp(time)
        if key in _COUNTERS:
            return str(int(value) + self._rng.randrange(1, 4))
        if key == "lastModifiedTime":
            return str(int(time.timestamp() * 1000))
        return self.touched(value, time)


def stamp(time: datetime) -> str:
    """RFC 3339 with microseconds, as the feed writes it."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")

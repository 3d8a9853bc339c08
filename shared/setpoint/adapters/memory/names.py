"""Bindings of inventory names in memory."""

from __future__ import annotations

from collections.abc import Mapping

from setpoint.model.resource_key import ResourceKey


class MemoryNames:
    """A ``NameStore`` for one process."""

    def __init__(self) -> None:
        self._bound: dict[str, str] = {}
        self._waiting: dict[str, dict[ResourceKey, None]] = {}

    def bound_name(self, name: str) -> str:
        """See ``NameStore.bound_name``."""
        return self._bound.get(name, "")

    def bind(self, names: Mapping[str, str]) -> None:
        """See ``NameStore.bind``."""
        self._bound.update(names)

    def wait_for(self, unknown: str, key: ResourceKey) -> None:
        """See ``NameStore.wait_for``."""
        self._waiting.setdefault(unknown, {})[key] = None

    def waiting_for(self, unknown: str) -> list[ResourceKey]:
        """See ``NameStore.waiting_for``."""
        return sorted(self._waiting.get(unknown, ()))

    def stop_waiting_for(self, unknown: str) -> None:
        """See ``NameStore.stop_waiting_for``."""
        self._waiting.pop(unknown, None)

"""Bindings of inventory names in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from setpoint.model.resource_key import ResourceKey


class MemoryNames:
    """A ``NameStore`` for one process."""

    def __init__(self) -> None:
        self._bound: dict[str, str] = {}
        self._waiting: dict[str, dict[ResourceKey, None]] = {}

    def bound_names(self, names: Collection[str]) -> dict[str, str]:
        """See ``NameStore.bound_names``."""
        return {name: self._bound[name] for name in names if name in self._bound}

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

"""Bindings of inventory names with server-generated ids to the declared names of the same resources.

An observation with data shows both names; an IAM policy or a deletion has only the id.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from setpoint.catalog import inventory_names
from setpoint.model.observation import Observation
from setpoint.ports.stores import NameStore

_FORGET_SECONDS = 60.0
"""How long an unbound name counts as unbound before the store is read again."""


_HOLDERS = "holders of "
"""Prefix of a natural name: among the bindings, the inventory names of the resources with that name."""


_FIRST = "first name of "
"""Prefix of an inventory name: among the bindings, the natural name under which the resource was first observed."""


class Named(Protocol):
    """A store of bindings."""

    @property
    def names(self) -> NameStore:
        """The bindings."""


class NameBindings:
    """The bindings that this process knows, over those in the store.

    Args:
        store: the shared bindings.
    """

    def __init__(self, store: Named) -> None:
        self._store = store
        self._bound: dict[str, str] = {}
        self._unbound: dict[str, float] = {}
        self._holders: dict[str, str] = {}
        self._first: dict[str, str] = {}
        self.ambiguous: dict[str, tuple[str, ...]] = {}
        """Natural names of several resources, with their inventory names, as far as this process knows."""

    def described(self, observation: Observation) -> dict[str, str]:
        """The bindings in an observation that are new to this process: declared name by inventory name."""
        if observation.deleted or not inventory_names.is_server_named(observation.asset_type):
            return {}
        bindings = inventory_names.bindings(observation.asset_type, observation.key.name, observation.data)
        return {name: declared for name, declared in bindings.items() if self._bound.get(name) != declared}

    def record(self, bindings: Mapping[str, str]) -> dict[str, str]:
        """Store bindings, each once, and return those that are new to the store.

        Raises:
            Unavailable: the store does not answer; try again.
        """
        news = {name: declared for name, declared in bindings.items() if self._store.names.bound_name(name) != declared}
        if news:
            self._store.names.bind(news)
        self._bound.update(bindings)
        return news

    def claim(self, observation: Observation, names: Iterable[str]) -> None:
        """Record which resource has a natural name; a deletion releases the name.

        A name of two resources is ambiguous until one of them is deleted: the declared one cannot be determined.

        Args:
            observation: the observation.
            names: names under which the resource may be declared.

        Raises:
            Unavailable: the store does not answer; try again.
        """
        name = observation.key.name
        for natural in filter(inventory_names.is_natural, names):
            if observation.deleted or self._holders.get(natural) != name:
                self._hold(natural, name, deleted=observation.deleted)
            if name not in self._first:
                known = self._store.names.bound_name(_FIRST + name)
                self._first[name] = known or natural
                if not known:
                    self._store.names.bind({_FIRST + name: natural})

    def is_ambiguous(self, natural: str, *, deleted: bool) -> bool:
        """Whether a natural name is shared, so that the declared resource cannot be determined.

        Args:
            natural: the name.
            deleted: whether the observed resource is deleted; then a single other holder is the declared one.
        """
        return natural in self.ambiguous or (deleted and bool(self._holders.get(natural)))

    def first_name(self, name: str) -> str:
        """The natural name at the first observation of a resource; a renamed resource may be declared under it."""
        return self._first.get(name, "")

    def _hold(self, natural: str, name: str, *, deleted: bool) -> None:
        before = tuple(self._store.names.bound_name(_HOLDERS + natural).split())
        after = tuple(holder for holder in before if holder != name) if deleted else tuple(sorted({*before, name}))
        if after != before:
            self._store.names.bind({_HOLDERS + natural: " ".join(after)})
        self._holders[natural] = " ".join(after)
        if len(after) > 1:
            self.ambiguous[natural] = after
        else:
            self.ambiguous.pop(natural, None)

    def bound_name(self, name: str) -> str:
        """The declared name that is bound to an inventory name, or an empty string."""
        declared = self._bound.get(name, "")
        if declared or self._unbound.get(name, 0.0) > time.monotonic():
            return declared
        declared = self._store.names.bound_name(name)
        if declared:
            self._bound[name] = declared
        else:
            self._unbound[name] = time.monotonic() + _FORGET_SECONDS
        return declared

    def of(self, observation: Observation) -> str:
        """The declared name of an observation with only an id; empty if it has data or the id is not bound."""
        if isinstance(observation.data, dict) and observation.key.content == "resource" and observation.data:
            return ""
        name = observation.key.name
        if inventory_names.is_server_named(observation.asset_type):
            return self.bound_name(name)
        return ""

    def is_unbound(self, observation: Observation) -> bool:
        """Whether the resource of an observation cannot be determined yet."""
        return (
            observation.key.content == "iam_policy"
            and inventory_names.is_server_named(observation.asset_type)
            and inventory_names.is_server_made(observation.key.name)
            and not self.bound_name(observation.key.name)
        )

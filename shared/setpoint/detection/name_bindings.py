"""Bindings of inventory names: which declared resource a name means that only the server knows.

An observation with the data of a resource tells its ids; an IAM policy, or a deletion, has nothing but the id.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Protocol

from setpoint.catalog import inventory_names
from setpoint.model.observation import Observation
from setpoint.ports.stores import NameStore

_FORGET_SECONDS = 60.0
"""How long an unbound name counts as unbound before the store is asked again."""


_HOLDERS = "holders of "
"""Before a natural name: the inventory names of the resources that have it, among the bindings."""


_FIRST = "first name of "
"""Before an inventory name: the natural name that the resource was first seen by, among the bindings."""


class Named(Protocol):
    """What keeps bindings."""

    @property
    def names(self) -> NameStore:
        """The bindings."""


class NameBindings:
    """The bindings that this process has seen, over those in the store.

    Args:
        store: holds the bindings for everybody.
    """

    def __init__(self, store: Named) -> None:
        self._store = store
        self._bound: dict[str, str] = {}
        self._unbound: dict[str, float] = {}
        self._holders: dict[str, str] = {}
        self._first: dict[str, str] = {}
        self.ambiguous: dict[str, tuple[str, ...]] = {}
        """Natural names of several resources, with the inventory names of these, as this process knows them."""

    def described(self, observation: Observation) -> dict[str, str]:
        """The bindings that an observation tells and this process does not know: declared name by inventory name."""
        if observation.deleted or not inventory_names.is_server_named(observation.asset_type):
            return {}
        bindings = inventory_names.bindings(observation.asset_type, observation.key.name, observation.data)
        return {name: declared for name, declared in bindings.items() if self._bound.get(name) != declared}

    def record(self, bindings: Mapping[str, str]) -> dict[str, str]:
        """Store bindings, each once, and return those that are news to the store.

        Raises:
            Unavailable: the store does not answer.
        """
        news = {name: declared for name, declared in bindings.items() if self._store.names.bound_name(name) != declared}
        if news:
            self._store.names.bind(news)
        self._bound.update(bindings)
        return news

    def claim(self, observation: Observation, names: Iterable[str]) -> None:
        """Note which resource has a natural name; a deleted one gives it back.

        Of two that have the same, nobody can tell which is declared by it: the name is ambiguous until one is deleted.

        Args:
            observation: what was observed.
            names: names by which the resource may be declared.

        Raises:
            Unavailable: the store does not answer.
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
        """Whether nobody can tell if an observation under a natural name is of the resource that is declared by it.

        Args:
            natural: the name.
            deleted: whether the observation says that the resource is deleted: then any other holder is the one.
        """
        return natural in self.ambiguous or (deleted and bool(self._holders.get(natural)))

    def first_name(self, name: str) -> str:
        """The natural name that a resource had when it was first seen: it may be declared by it and renamed since."""
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
        """The declared name of an observation that has nothing but an id; empty where it is not bound or has data."""
        if isinstance(observation.data, dict) and observation.key.content == "resource" and observation.data:
            return ""
        name = observation.key.name
        if inventory_names.is_server_named(observation.asset_type):
            return self.bound_name(name)
        return ""

    def is_unbound(self, observation: Observation) -> bool:
        """Whether nobody can tell yet which resource an observation is about."""
        return (
            observation.key.content == "iam_policy"
            and inventory_names.is_server_named(observation.asset_type)
            and inventory_names.is_server_made(observation.key.name)
            and not self.bound_name(observation.key.name)
        )

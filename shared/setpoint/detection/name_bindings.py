"""Bindings of inventory names: which declared resource a name means that only the server knows.

An observation with the data of a resource tells its ids; an IAM policy, or a deletion, has nothing but the id.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

from setpoint.catalog import inventory_names
from setpoint.model.observation import Observation
from setpoint.ports.stores import NameStore

_FORGET_SECONDS = 60.0
"""How long an unbound name counts as unbound before the store is asked again."""


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

"""Bindings of inventory names with server-generated ids to the declared names of the same resources.

An observation with data shows both names; an IAM policy or a deletion has only the id.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from setpoint.catalog import inventory_names
from setpoint.model.observation import Observation
from setpoint.ports.stores import NameStore

_FORGET_SECONDS = 60.0
"""How long an unbound name counts as unbound before the store is read again."""


_HOLDERS = "holders of "
"""Prefix of a natural name: among the bindings, the inventory names of the resources with that name."""


_FIRST = "first name of "
"""Prefix of an inventory name: among the bindings, the natural name under which the resource was first observed."""


class BoundNames(Protocol):
    """A store of bindings."""

    @property
    def names(self) -> NameStore:
        """The bindings."""


class NameClaim(NamedTuple):
    """A natural name of an observed resource.

    Args:
        natural: a name under which the resource may be declared.
        name: its inventory name.
        released: whether the resource is deleted, so that the name is free.
    """

    natural: str
    name: str
    released: bool

    def applied(self, holders: Iterable[str]) -> list[str]:
        """The holders of the name after the claim, in order."""
        others = {holder for holder in holders if holder != self.name}
        return sorted(others if self.released else {*others, self.name})


def claims_of(observation: Observation, names: Iterable[str]) -> Iterator[NameClaim]:
    """The claims of a resource to those of its possible declared names that are natural."""
    for natural in filter(inventory_names.is_natural, names):
        yield NameClaim(natural, observation.key.name, observation.deleted)


class NameBindings:
    """The bindings that this process knows, over those in the store.

    Args:
        store: the shared bindings.
    """

    def __init__(self, store: BoundNames) -> None:
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

    def record(self, bindings: Mapping[str, str], claims: Collection[NameClaim] = ()) -> dict[str, str]:
        """Store bindings and claims of natural names, each once, with one read and at most one write.

        A natural name of two resources is ambiguous until one of them is deleted: the declared one cannot be
        determined.

        Args:
            bindings: declared name by inventory name.
            claims: natural names of observed resources, in the order of the observations.

        Returns:
            The bindings that are new to the store.

        Raises:
            Unavailable: the store does not answer; try again.
        """
        claims = self._unknown_claims(claims)
        names = {*bindings, *(name for claim in claims for name in (_HOLDERS + claim.natural, _FIRST + claim.name))}
        if not names:
            return {}
        stored = self._store.names.bound_names(names)
        news = {name: declared for name, declared in bindings.items() if stored.get(name) != declared}
        after = dict(stored) | news
        for claim in claims:
            before = after.get(_HOLDERS + claim.natural, "").split()
            after[_HOLDERS + claim.natural] = " ".join(claim.applied(before))
            after.setdefault(_FIRST + claim.name, claim.natural)
        changed = {name: value for name, value in after.items() if value != stored.get(name, "")}
        if changed:
            self._store.names.bind(changed)
        self._bound.update(bindings)
        for claim in claims:
            self._first[claim.name] = after[_FIRST + claim.name]
            self._note_holders(claim.natural, after[_HOLDERS + claim.natural])
        return news

    def _unknown_claims(self, claims: Collection[NameClaim]) -> list[NameClaim]:
        """The claims that may change the store; of a name that is released, all."""
        released = {claim.natural for claim in claims if claim.released}
        return [
            claim
            for claim in claims
            if claim.natural in released
            or self._holders.get(claim.natural) != claim.name
            or claim.name not in self._first
        ]

    def _note_holders(self, natural: str, holders: str) -> None:
        self._holders[natural] = holders
        if len(names := tuple(holders.split())) > 1:
            self.ambiguous[natural] = names
        else:
            self.ambiguous.pop(natural, None)

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

    def bound_name(self, name: str) -> str:
        """The declared name that is bound to an inventory name, or an empty string."""
        declared = self._bound.get(name, "")
        if declared or self._unbound.get(name, 0.0) > time.monotonic():
            return declared
        declared = self._store.names.bound_names((name,)).get(name, "")
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

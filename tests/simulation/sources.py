"""The files of each source, and a mirror of what is in force of them, kept by rules of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from setpoint.model import policy as policies
from setpoint.model.declaration import Declaration, Desired, Mode, Scope, clash
from setpoint.model.policy import Policy, Rule
from setpoint.model.resource_key import ResourceKey

NAMES = ("git", "terraform", "console")
"""The first of them holds the policy of the fleet, where there is one."""

POLICIES = (Policy(rules=(Rule("all", mode="approve"),)), Policy("other", (Rule("all", mode="off"),)))


@dataclass(slots=True)
class InForce:
    """What one source declares."""

    desired: dict[ResourceKey, Desired] = field(default_factory=dict)
    scopes: tuple[Scope, ...] = ()
    policy: Policy | None = None
    generation: int = 0


class Mirror:
    """What all sources declare, now and ever."""

    def __init__(self) -> None:
        self.sources = {name: InForce() for name in NAMES}
        self.ever: dict[ResourceKey, dict[str, Desired]] = {}

    @property
    def scopes(self) -> tuple[Scope, ...]:
        return tuple(scope for source in self.sources.values() for scope in source.scopes)

    @property
    def mode(self) -> Mode:
        """What may be done about every drift."""
        policy = self.sources[NAMES[0]].policy
        return policies.more_restrictive(policy.rules[0].mode if policy else None, None)

    def declared(self) -> set[ResourceKey]:
        return {key for source in self.sources.values() for key in source.desired}

    def desired(self, key: ResourceKey) -> Desired | None:
        """What all sources together desire; the digest knows no order of sources."""
        parts = [source.desired[key] for source in self.sources.values() if key in source.desired]
        if not parts:
            return None
        declarations = tuple(declaration for part in parts for declaration in part.declarations)
        return Desired(declarations, "+".join(sorted(part.digest for part in parts)))

    def after(self, name: str, files: InForce, *, prune: bool) -> InForce:
        """What is in force of a source once its files are applied."""
        before = self.sources[name]
        desired = {
            key: desired_before for key, desired_before in before.desired.items() if key in files.desired or not prune
        }
        for key, wanted in files.desired.items():
            if key in before.desired and before.desired[key].digest == wanted.digest:
                continue
            if not any(clash(ours, theirs) for ours in wanted.declarations for theirs in self._others(name, key)):
                desired[key] = wanted
        kept = () if prune else before.scopes
        scopes = tuple({scope.name: scope for scope in (*kept, *files.scopes)}.values())
        return InForce(desired, scopes, files.policy if prune else files.policy or before.policy)

    def _others(self, name: str, key: ResourceKey) -> Iterator[Declaration]:
        for other, source in self.sources.items():
            if other != name and key in source.desired:
                yield from source.desired[key].declarations

    def put(self, name: str, in_force: InForce) -> None:
        changed = self.sources[name].desired.keys() | in_force.desired.keys()
        self.sources[name] = in_force
        for key in changed:
            if (desired := self.desired(key)) is not None:
                self.ever.setdefault(key, {})[desired.digest] = desired

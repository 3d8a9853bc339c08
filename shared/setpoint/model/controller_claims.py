"""The claim of a resource about its controller, and the state of that controller's own resource."""

from __future__ import annotations

from typing import Literal

import msgspec

Proof = Literal["exists", "missing", "made_otherwise", "unchecked"]
"""``exists``: the resource that the claim names exists; ``missing``: a listing shows that it does not;
``made_otherwise``: the audit log names another creator; ``unchecked``: no listing could show it, or none did since."""

_STATES: dict[Proof, str] = {
    "exists": "exists",
    "missing": "does not exist",
    "made_otherwise": "the audit log names another creator",
    "unchecked": "not checked",
}


class ControllerClaim(msgspec.Struct, frozen=True, omit_defaults=True):
    """A claim that a controller made a resource.

    Args:
        creator: what the claim says, for people: ``made by Kubernetes Engine``.
        evidence: what says so: ``label goog-k8s-cluster-name``, ``name``.
        parent: what was looked for, or the full name of the parent that exists: ``cluster prod``.
        proof: whether the parent exists.
        reason: why it is not checked; empty otherwise.
    """

    creator: str
    evidence: str
    parent: str = ""
    proof: Proof = "unchecked"
    reason: str = ""

    @property
    def is_refuted(self) -> bool:
        """Whether the claim is known to be wrong, so that the resource must be declared."""
        return self.proof in ("missing", "made_otherwise")

    def __str__(self) -> str:
        parent = self.parent.removeprefix("//")
        state = _STATES[self.proof] + (f": {self.reason}" if self.reason else "")
        shown = f"{parent} ({self.evidence}; {state})" if parent else f"{self.evidence}; {state}"
        return f'says "{self.creator}": {shown}' if self.is_refuted else f"{self.creator}: {shown}"


class CountedClaim(msgspec.Struct, frozen=True):
    """How many resources make the same claim.

    Args:
        claim: the claim.
        count: the number of resources.
    """

    claim: ControllerClaim
    count: int


class Parent(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A listed resource that controllers make others for.

    Args:
        name: full resource name.
        asset_type: its type.
        ancestors: as in the observation, the project first.
        facts: the few fields that claims are compared with.
    """

    name: str
    asset_type: str
    ancestors: tuple[str, ...] = ()
    facts: dict[str, str] = {}

    @property
    def own(self) -> str:
        """Last segment of the name."""
        return self.name.rpartition("/")[2]

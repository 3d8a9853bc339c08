"""Check the permissions of a source, from the ``Sources`` document, while an apply is planned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from setpoint.errors import NotPermitted
from setpoint.model import source_grants
from setpoint.model.alerting_config import Alerting
from setpoint.model.declaration import Declaration, Desired, Scope, clash
from setpoint.model.observation import Observation
from setpoint.model.policy import Limits, Policy
from setpoint.model.resource_key import ResourceKey
from setpoint.model.source_grants import INSTALLATION, Location, Sources
from setpoint.model.sources import DeclaredVersion


class RefusedDocument(msgspec.Struct, frozen=True):
    """A document that a source may not apply.

    Args:
        name: the resource, or another subject.
        where: file and line.
        reason: the reason.
    """

    name: str
    where: str
    reason: str

    def __str__(self) -> str:
        """``file:line: name: reason``."""
        return f"{self.where}: {self.name}: {self.reason}"


class OwnershipConflict(msgspec.Struct, frozen=True):
    """A resource that two sources declare.

    Args:
        key: the resource and content.
        source: the other source.
        where: file and line of the other declaration.
        here: file and line of this source's declaration.
        disputed: whether both sources have permission, so that neither declaration counts; otherwise this one is not
            applied.
    """

    key: ResourceKey
    source: str
    where: str
    here: str
    disputed: bool = False

    def __str__(self) -> str:
        """The resource, both locations, and the consequence."""
        follows = "none of them counts until one is gone" if self.disputed else "it is not applied"
        return f"{self.here}: {self.key.name} is declared by source {self.source} at {self.where}; {follows}"


class Permits:
    """The permissions of a source.

    Args:
        sources: the current ``Sources`` document; None if sources are not restricted.
        source: the source's name.
    """

    def __init__(self, sources: Sources | None, source: str) -> None:
        self.sources = sources
        self.source = source

    def check_sources(self, new: Sources | None) -> None:
        """Check that the source may hold the ``Sources`` document.

        Raises:
            NotPermitted: it is not the installation's own source.
        """
        if new is not None and self.source != INSTALLATION:
            raise NotPermitted(
                f"{new.source}: only the source {INSTALLATION} may hold the Sources document, and not {self.source}; "
                f"nothing was changed; see docs/sources.md"
            )

    def refusal(self, after: Desired, seen: Observation | None) -> RefusedDocument | None:
        """Why a declaration is refused; None if it is applied, or if the resource's place is not known yet."""
        for declaration in after.declarations:
            asset_type, location = _place(declaration, seen)
            answer = source_grants.may_hold(self.sources, self.source, declaration, asset_type, location)
            if answer.standing == "may_not":
                return RefusedDocument(declaration.key.name, declaration.source.named, answer.reason)
        return None

    def without_effect(self, after: Desired) -> RefusedDocument | None:
        """The part of an applied declaration that has no effect, or None."""
        ignoring = next((declaration for declaration in after.declarations if declaration.ignore), None)
        if ignoring is None or source_grants.may_carry(self.sources, self.source, "ignore"):
            return None
        reason = f"source {self.source} may not carry ignore rules: nothing of it is ignored"
        return RefusedDocument(ignoring.key.name, str(ignoring.source), reason)

    def carried(
        self, scopes: tuple[Scope, ...], policy: Policy | None, alerting: Alerting | None
    ) -> Iterator[RefusedDocument]:
        """The carried parts for which the source has no permission."""
        documents: Iterable[tuple[source_grants.Carried, Policy | Alerting | Scope | None]] = (
            ("policy", policy),
            ("limits", policy if policy is not None and policy.limits != Limits() else None),
            ("alerting", alerting),
            *(("scopes", scope) for scope in scopes),
        )
        for what, document in documents:
            if document is not None and not source_grants.may_carry(self.sources, self.source, what):
                reason = f"source {self.source} may not carry {what}"
                yield RefusedDocument(f"{what} {document.name}", str(document.source), reason)

    def allows(self, what: source_grants.Carried) -> bool:
        """Whether the source may carry a part."""
        return source_grants.may_carry(self.sources, self.source, what)

    def conflict(
        self, key: ResourceKey, after: Desired, versions: Mapping[str, DeclaredVersion], seen: Observation | None
    ) -> OwnershipConflict | None:
        """Another permitted source with a declaration of the same part of a resource, or None."""
        for name, version in versions.items():
            if name == self.source:
                continue
            for theirs in version.declarations:
                asset_type, location = _place(theirs, seen)
                answer = source_grants.may_hold(self.sources, name, theirs, asset_type, location)
                ours = next((declaration for declaration in after.declarations if clash(declaration, theirs)), None)
                if ours is not None and answer.standing != "may_not":
                    is_disputed = self.sources is not None
                    return OwnershipConflict(key, name, theirs.source.named, ours.source.named, is_disputed)
        return None


def _place(declaration: Declaration, seen: Observation | None) -> tuple[str, Location]:
    """Type and place of a resource from the inventory; from its declaration without an observation."""
    if seen is None:
        return declaration.asset_type, source_grants.location_by_name(declaration.key)
    return seen.asset_type, source_grants.location_of(seen)

"""Which declarations readers see: sources, their generations, and the record that holds what each source desires.

Every set of files that is applied under one name is a source. An apply writes the changed declarations beside the ones
in force, under a generation of its own, and then switches the source to that generation in one write: a reader sees all
of it or nothing, and an apply that dies half-way is never seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from setpoint.errors import CorruptState, Overtaken, Superseded
from setpoint.model import source_grants
from setpoint.model.alerting_config import Alerting
from setpoint.model.declaration import Claim, Declaration, Desired, Scope
from setpoint.model.decode_errors import UNREADABLE
from setpoint.model.fleet_rules import Rules, rules
from setpoint.model.policy import Policy
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.model.source_grants import Sources

_T = TypeVar("_T")

_SMALL = 8_192
"""Bytes of a record that is kept when it was read once; thousands are, and an IAM policy may have a megabyte."""


MAX_STATES = 200
"""So many serials of Terraform states are remembered of a source: the control record is read with every event."""


class SourceState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is in force of one source.

    Args:
        generation: the generation that readers see; 0 before the first apply is done.
        pending: the generation that is being written, or 0.
        aborted: generations that were begun and never finished; what they wrote is never seen.
        commit: revision of the repository that was applied, or empty.
        applied_at: when the generation came into force.
        declared: how many resources and contents it declares.
        scopes: the parts of the fleet that it says are fully declared.
        policy: the policy of the fleet, where this source holds it.
        alerting: who is told of which drift, where this source holds that.
        revision: when what is in force was uploaded, as a number that grows; 0 where it was not uploaded.
        judged: the generation up to which all findings that it concerns were judged again.
        earlier: generations since then that declared something that a later one removed; their manifests are kept.
        states: of Terraform states that are in force, lineage → serial; none where there are more than `MAX_STATES`.
        object: of a source that is one object, such as a Terraform state: what tells its content from others.
        claims: sources that declare something that this one declares too; it is applied again after them.
        grants: what each source may do, where this is the installation's own source.
    """

    generation: int = 0
    pending: int = 0
    aborted: tuple[int, ...] = ()
    commit: str = ""
    applied_at: datetime | None = None
    declared: int = 0
    scopes: tuple[Scope, ...] = ()
    policy: Policy | None = None
    alerting: Alerting | None = None
    revision: int = 0
    judged: int = 0
    earlier: tuple[int, ...] = ()
    states: dict[str, int] = {}
    grants: Sources | None = None
    object: str = ""
    claims: tuple[str, ...] = ()

    def shows(self, generation: int) -> bool:
        """Whether readers see what was written under a generation, unless a later one has replaced it."""
        return generation <= self.generation and generation not in self.aborted


class Control(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is in force of every source; stored in one record or in parts, see ``control_parts``.

    Args:
        sources: what is in force, by source.
        last_generation: the last number that was given out.
    """

    sources: dict[str, SourceState] = {}
    last_generation: int = 0


class Version(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one source desires of one resource and content, from one generation on.

    Args:
        source: the source's name.
        generation: the generation that wrote it.
        digest: changes when the declarations change in meaning; empty where the source declares nothing any more.
        declarations: what it declares; empty where nothing any more.
        written_at: when that was applied; None where an older version wrote it.
    """

    source: str
    generation: int
    digest: str = ""
    declarations: tuple[Declaration, ...] = ()
    written_at: datetime | None = None


class DesiredRecord(msgspec.Struct, frozen=True):
    """All versions that are kept of one resource and content, in the order of their generations."""

    versions: tuple[Version, ...] = ()


def begin(control: Control, source: str, expected: int, revision: int = 0) -> Control:
    """Give out a generation for an apply of a source; one that was begun before and not finished is aborted by it.

    Raises:
        Overtaken: the generation in force is not the expected one any more.
        Superseded: a later revision is in force.
    """
    now = _in_force(control, source, expected)
    check_revision(now, source, revision)
    generation = control.last_generation + 1
    aborted = (*now.aborted, now.pending) if now.pending else now.aborted
    begun = replace(now, pending=generation, aborted=aborted)
    return Control({**control.sources, source: begun}, generation)


def finish(control: Control, source: str, generation: int, state: SourceState, *, removes: bool = False) -> Control:
    """Put a generation in force, with what ``state`` tells of it.

    Args:
        control: the control record.
        source: the source's name.
        generation: given out by ``begin``.
        state: commit, time, count and scopes.
        removes: whether it declares less than the one before, whose manifest is then kept until all is judged.

    Raises:
        Overtaken: another apply of the source has begun since.
        Superseded: a later revision is in force.
    """
    now = control.sources.get(source, SourceState())
    if now.pending != generation:
        raise Overtaken(f"source {source}: another apply has begun since; apply again")
    check_revision(now, source, state.revision)
    earlier = (*now.earlier, now.generation) if removes else now.earlier
    in_force = _with_bookkeeping(state, replace(now, generation=generation, pending=0, earlier=earlier))
    return replace(control, sources={**control.sources, source: in_force})


def touch(control: Control, source: str, expected: int, state: SourceState) -> Control:
    """Note that a source was applied and nothing in it had changed.

    Raises:
        Overtaken: the generation in force is not the expected one any more.
        Superseded: a later revision is in force.
    """
    now = _in_force(control, source, expected)
    check_revision(now, source, state.revision)
    return replace(control, sources={**control.sources, source: _with_bookkeeping(state, now)})


def judged(control: Control, source: str, generation: int) -> Control:
    """Note that all findings that a source concerns were judged by a generation or a later one."""
    now = control.sources.get(source, SourceState())
    done = max(now.judged, generation)
    noted = replace(now, judged=done, earlier=tuple(number for number in now.earlier if number >= done))
    return replace(control, sources={**control.sources, source: noted})


def check_revision(now: SourceState, source: str, revision: int) -> None:
    """Refuse what was uploaded before what is in force; what was not uploaded may always be applied.

    Raises:
        Superseded: a later revision is in force.
    """
    if 0 < revision < now.revision:
        raise Superseded(
            f"source {source}: something uploaded later is in force already (commit {now.commit or 'unknown'}); "
            "nothing was changed"
        )


def check_serials(now: SourceState, source: str, states: Mapping[str, int]) -> None:
    """Refuse a Terraform state that is older than the one of its lineage that is in force.

    Args:
        now: what is in force of the source.
        source: its name.
        states: the states that are to be applied, lineage → serial.

    Raises:
        Superseded: a later serial is in force.
    """
    for lineage, serial in states.items():
        if lineage and serial < now.states.get(lineage, 0):
            raise Superseded(
                f"source {source}: serial {serial} of the Terraform state with lineage {lineage} is older than serial "
                f"{now.states[lineage]}, which is in force; nothing was changed; give the newest state"
            )


def _with_bookkeeping(state: SourceState, now: SourceState) -> SourceState:
    """What a new state tells, with the book-keeping of the present one."""
    return replace(
        state,
        generation=now.generation,
        pending=now.pending,
        aborted=now.aborted,
        revision=state.revision or now.revision,
        states=state.states or now.states,
        judged=now.judged,
        earlier=now.earlier,
    )


def _in_force(control: Control, source: str, expected: int) -> SourceState:
    now = control.sources.get(source, SourceState())
    if now.generation != expected:
        raise Overtaken(f"source {source}: it was applied by somebody else since it was planned; apply again")
    return now


def visible(record: DesiredRecord, control: Control) -> dict[str, Version]:
    """The version in force of each source that declares something."""
    versions: dict[str, Version] = {}
    for version in record.versions:
        source = control.sources.get(version.source)
        if source is not None and source.shows(version.generation):
            versions[version.source] = version
    return {name: version for name, version in versions.items() if version.declarations}


def desired_by(record: DesiredRecord, control: Control) -> Desired | None:
    """What all sources together desire, or None."""
    versions = visible(record, control)
    if not versions:
        return None
    claims: tuple[Claim, ...] = ()
    if granted(control) is not None:
        claims = tuple(Claim(name, version.declarations, version.digest) for name, version in versions.items())
    if len(versions) == 1:
        (only,) = versions.values()
        return Desired(only.declarations, only.digest, claims)
    declarations = tuple(declaration for version in versions.values() for declaration in version.declarations)
    return Desired(declarations, "+".join(version.digest for version in versions.values()), claims)


def granted(control: Control) -> Sources | None:
    """What each source may do; None where nothing bounds them. Only the installation's own source says it."""
    own = control.sources.get(source_grants.INSTALLATION)
    return own.grants if own is not None else None


def with_version(record: DesiredRecord, version: Version, control: Control) -> DesiredRecord:
    """The record with a version more; of the same source only the one in force is kept beside it.

    Raises:
        Overtaken: an apply of the same source that began later has written here already.
    """
    if any(
        kept_version.source == version.source and kept_version.generation > version.generation
        for kept_version in record.versions
    ):
        raise Overtaken(f"source {version.source}: another apply has begun since; apply again")
    in_force = visible(record, control).get(version.source)
    kept = [
        kept_version
        for kept_version in record.versions
        if kept_version.source != version.source or kept_version is in_force
    ]
    return DesiredRecord((*kept, version))


def encode_control(value: Control) -> bytes:
    """The stored form of the control record."""
    return _encode(value)


def decode_control(stored: bytes) -> Control:
    """Read the stored form of the control record; empty gives one without sources.

    Raises:
        CorruptState: it is not the stored form.
    """
    return _decode(stored, Control) if stored else Control()


def rules_of(control: Control) -> Rules:
    """The rules of the fleet: the scopes of all sources, policy and alerting of the ones that hold them.

    What a source may not carry does not count, whenever it was applied.
    """
    return rules(*rule_inputs(control))


RuleInputs = tuple[tuple[Scope, ...], Policy | None, Alerting | None, Sources | None]
"""What the rules of the fleet are made of: scopes, policy, alerting, and what each source may do."""


def rule_inputs(control: Control) -> RuleInputs:
    """What the rules are made of; equal inputs make equal rules."""
    sources = granted(control)
    by_name = control.sources.items()
    policies = (source_grants.policy_of(sources, name, state.policy) for name, state in by_name)
    alerting = (state.alerting for name, state in by_name if source_grants.may_carry(sources, name, "alerting"))
    scopes = (scope for name, state in by_name for scope in source_grants.scopes_of(sources, name, state.scopes))
    return tuple(scopes), next(filter(None, policies), None), next(filter(None, alerting), None), sources


MANIFEST_PART = 3_000
"""Entries of a manifest that are stored together; at some 250 bytes each, well below what any store takes."""


def encode_manifest(part: Iterable[tuple[ResourceKey, str]]) -> bytes:
    """The stored form of a part of a manifest."""
    return _encode([(key.name, key.content, digest) for key, digest in part])


def decode_manifest(stored: bytes) -> list[tuple[ResourceKey, str]]:
    """Read the stored form of a part of a manifest; empty gives an empty one.

    Raises:
        CorruptState: it is not the stored form.
    """
    rows = _decode(stored, list[tuple[str, Content, str]]) if stored else []
    return [(ResourceKey(name, content), digest) for name, content, digest in rows]


def encode_record(value: DesiredRecord) -> bytes:
    """The stored form of a record of desired state."""
    return _encode(value)


def decode_record(stored: bytes) -> DesiredRecord:
    """Read the stored form of a record; empty gives an empty one. What changes often and is small is read once.

    Raises:
        CorruptState: it is not the stored form.
    """
    return _decode_small(stored) if len(stored) <= _SMALL else _decode(stored, DesiredRecord)


@lru_cache(maxsize=4096)
def _decode_small(stored: bytes) -> DesiredRecord:
    return _decode(stored, DesiredRecord) if stored else DesiredRecord()


_encode = msgspec.json.Encoder(order="deterministic").encode


def _decode(stored: bytes, form: type[_T]) -> _T:
    try:
        return msgspec.json.decode(stored, type=form)
    except UNREADABLE as error:
        what = getattr(form, "__name__", "manifest")
        raise CorruptState(f"a stored {what} cannot be read ({error}); apply the declarations again") from None

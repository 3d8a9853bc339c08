"""Sources and their generations: which declarations readers see, and the stored record of each resource's declarations.

Each set of files that is applied under one name is a source. An apply writes the changed declarations beside the
current ones, under its own generation, and then switches the source to that generation in one write: a reader sees all
of it or nothing, and an interrupted apply is never seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from setpoint.errors import CorruptState, Overtaken, Superseded
from setpoint.model import newer_fields, source_grants
from setpoint.model.alerting_config import Alerting
from setpoint.model.declaration import Claim, Declaration, Desired, Scope
from setpoint.model.decode_errors import UNREADABLE, reason_of
from setpoint.model.fleet_rules import Rules, rules
from setpoint.model.policy import Policy
from setpoint.model.resource_key import Content, ResourceKey
from setpoint.model.source_grants import Sources

_T = TypeVar("_T")

_SMALL = 8_192
"""Maximum size in bytes of a cached record; there are thousands, and an IAM policy may have a megabyte."""


MAX_STATES = 200
"""Maximum number of Terraform state serials that a source stores, since every event reads the control record."""


CONTROL = "the control record of all sources"
"""What the record is, for errors."""


class SourceState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The current state of a source.

    Args:
        generation: the generation that readers see; 0 before the first apply completes.
        pending: the generation that is being written, or 0.
        aborted: generations that were never completed; readers never see them.
        commit: the applied revision of the repository, or empty.
        applied_at: when the generation became current.
        declared: number of resources and contents that it declares.
        scopes: its scopes, which are fully declared.
        policy: the policy of the fleet, if this source holds it.
        alerting: the alerting rules, if this source holds them.
        revision: the increasing number of the current upload; 0 if it was not uploaded.
        judged: the latest generation whose findings were all evaluated again.
        earlier: generations since then with declarations that a later one removed; their manifests are kept.
        states: serials of the current Terraform states by lineage; empty for more than `MAX_STATES`.
        object: version of the object, for a source that is one object such as a Terraform state.
        claims: sources that declare some of the same resources; this source is applied again after them.
        grants: the permissions of each source, if this is the installation's own source.
        grace_seconds: the grace period that a Terraform state was loaded with; None for the default.
        inputs: digest of the files that are in force, as `declarations.unchanged_files` has it; empty where unknown.
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
    grace_seconds: float | None = None
    inputs: str = ""

    def shows(self, generation: int) -> bool:
        """Whether readers see declarations of a generation, unless a later generation replaced them."""
        return generation <= self.generation and generation not in self.aborted


class Control(msgspec.Struct, frozen=True, omit_defaults=True):
    """The current state of every source; stored in one record or in parts, see ``control_parts``.

    Args:
        sources: the state of each source by name.
        last_generation: the last generation that was assigned.
        schema: the form of the record.
    """

    sources: dict[str, SourceState] = {}
    last_generation: int = 0
    schema: int = 1


class DeclaredVersion(msgspec.Struct, frozen=True, omit_defaults=True):
    """The declarations of one source for a resource and content, from one generation on.

    Args:
        source: the source's name.
        generation: the generation that wrote it.
        digest: changes with the meaning of the declarations; empty if the source no longer declares the resource.
        declarations: the declarations; empty if there are none any more.
        written_at: the time of the apply; None if an older version wrote it.
    """

    source: str
    generation: int
    digest: str = ""
    declarations: tuple[Declaration, ...] = ()
    written_at: datetime | None = None


class DesiredRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """All stored versions of the declarations of a resource and content, ordered by generation.

    Args:
        versions: the versions.
        schema: the form of the record.
    """

    versions: tuple[DeclaredVersion, ...] = ()
    schema: int = 1


def begin(control: Control, source: str, expected: int, revision: int = 0) -> Control:
    """Assign a generation to an apply of a source; abort an earlier one that did not complete.

    Raises:
        Overtaken: the current generation is not the expected one; plan again.
        Superseded: a later revision is current; nothing is left to do.
    """
    now = _in_force(control, source, expected)
    check_revision(now, source, revision)
    generation = control.last_generation + 1
    aborted = (*now.aborted, now.pending) if now.pending else now.aborted
    begun = replace(now, pending=generation, aborted=aborted)
    return replace(control, sources={**control.sources, source: begun}, last_generation=generation)


def finish(control: Control, source: str, generation: int, state: SourceState, *, removes: bool = False) -> Control:
    """Make a generation current.

    Args:
        control: the control record.
        source: the source's name.
        generation: the generation from ``begin``.
        state: commit, time, count and scopes of the apply.
        removes: whether it removes declarations; the earlier manifest is then kept until everything is evaluated.

    Raises:
        Overtaken: another apply of the source has begun; plan again.
        Superseded: a later revision is current; nothing is left to do.
    """
    now = control.sources.get(source, SourceState())
    if now.pending != generation:
        raise Overtaken(f"source {source}: another apply has begun since; apply again")
    check_revision(now, source, state.revision)
    earlier = (*now.earlier, now.generation) if removes else now.earlier
    in_force = _with_bookkeeping(state, replace(now, generation=generation, pending=0, earlier=earlier))
    return replace(control, sources={**control.sources, source: in_force})


def touch(control: Control, source: str, expected: int, state: SourceState) -> Control:
    """Record an apply of a source without changes.

    Raises:
        Overtaken: the current generation is not the expected one; plan again.
        Superseded: a later revision is current; nothing is left to do.
    """
    now = _in_force(control, source, expected)
    check_revision(now, source, state.revision)
    return replace(control, sources={**control.sources, source: _with_bookkeeping(state, now)})


def with_evaluated(control: Control, source: str, generation: int) -> Control:
    """Record that all findings of a source were evaluated by a generation or a later one."""
    now = control.sources.get(source, SourceState())
    done = max(now.judged, generation)
    noted = replace(now, judged=done, earlier=tuple(number for number in now.earlier if number >= done))
    return replace(control, sources={**control.sources, source: noted})


def check_revision(now: SourceState, source: str, revision: int) -> None:
    """Refuse a revision that is older than the current one; applies without a revision are always allowed.

    Raises:
        Superseded: a later revision is current; nothing is left to do.
    """
    if 0 < revision < now.revision:
        raise Superseded(
            f"source {source}: a later upload is applied already (commit {now.commit or 'unknown'}); "
            "nothing was changed"
        )


def check_serials(now: SourceState, source: str, states: Mapping[str, int]) -> None:
    """Refuse a Terraform state that is older than the current one of its lineage.

    Args:
        now: the current state of the source.
        source: its name.
        states: serials of the states to apply, by lineage.

    Raises:
        Superseded: a later serial is current; apply the latest state.
    """
    for lineage, serial in states.items():
        if lineage and serial < now.states.get(lineage, 0):
            raise Superseded(
                f"source {source}: serial {serial} of the Terraform state with lineage {lineage} is older than serial "
                f"{now.states[lineage]}, which is applied; nothing was changed; give the newest state"
            )


def _with_bookkeeping(state: SourceState, now: SourceState) -> SourceState:
    """A new state with the bookkeeping fields of the current one."""
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
        raise Overtaken(f"source {source}: another process applied it after the plan; apply again")
    return now


def visible(record: DesiredRecord, control: Control) -> dict[str, DeclaredVersion]:
    """The current version of each source with a declaration."""
    versions: dict[str, DeclaredVersion] = {}
    for version in record.versions:
        source = control.sources.get(version.source)
        if source is not None and source.shows(version.generation):
            versions[version.source] = version
    return {name: version for name, version in versions.items() if version.declarations}


def desired_by(record: DesiredRecord, control: Control) -> Desired | None:
    """The declarations of all sources together, or None."""
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
    """The permissions of each source, from the installation's own source; None if sources are not restricted."""
    own = control.sources.get(source_grants.INSTALLATION)
    return own.grants if own is not None else None


def with_version(record: DesiredRecord, version: DeclaredVersion, control: Control) -> DesiredRecord:
    """Add a version to a record; of the same source only the current version is kept beside it.

    Raises:
        Overtaken: a later apply of the same source has written this record; plan again.
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
    """Encode the control record."""
    return _encode(value)


def decode_control(stored: bytes) -> Control:
    """Decode the control record; empty bytes give one without sources.

    Raises:
        NewerRecord: a newer version wrote it; upgrade to that version again.
        CorruptState: the record cannot be read.
    """
    control = _decode(stored, Control) if stored else Control()
    newer_fields.refuse_newer(control.schema, CONTROL)
    return control


def rules_of(control: Control) -> Rules:
    """The rules of the fleet: the scopes of all sources, and the policy and alerting of the sources that hold them.

    Parts that a source may not carry do not count, whenever they were applied.
    """
    return rules(*rule_inputs(control))


RuleInputs = tuple[tuple[Scope, ...], Policy | None, Alerting | None, Sources | None]
"""The inputs of the rules of the fleet: scopes, policy, alerting, and the permissions of each source."""


def rule_inputs(control: Control) -> RuleInputs:
    """The inputs of the rules; equal inputs give equal rules."""
    sources = granted(control)
    by_name = control.sources.items()
    policies = (source_grants.policy_of(sources, name, state.policy) for name, state in by_name)
    alerting = (state.alerting for name, state in by_name if source_grants.may_carry(sources, name, "alerting"))
    scopes = (scope for name, state in by_name for scope in source_grants.scopes_of(sources, name, state.scopes))
    return tuple(scopes), next(filter(None, policies), None), next(filter(None, alerting), None), sources


MANIFEST_PART = 3_000
"""Entries of a manifest in one document; at about 250 bytes each, well below the limits of every store."""


def encode_manifest(part: Iterable[tuple[ResourceKey, str]]) -> bytes:
    """Encode a part of a manifest."""
    return _encode([(key.name, key.content, digest) for key, digest in part])


def decode_manifest(stored: bytes) -> list[tuple[ResourceKey, str]]:
    """Decode a part of a manifest; empty bytes give an empty part.

    Raises:
        CorruptState: the part cannot be read.
    """
    rows = _decode(stored, list[tuple[str, Content, str]]) if stored else []
    return [(ResourceKey(name, content), digest) for name, content, digest in rows]


def encode_record(value: DesiredRecord, before: bytes = b"") -> bytes:
    """Encode a record of declarations, with the unknown fields of the one that it replaces.

    Args:
        value: the record.
        before: the stored form that it replaces; empty for none.
    """
    body = _encode(_stored(value))
    return newer_fields.with_stored_fields(before, _encode(_stored(decode_record(before))), body) if before else body


def decode_record(stored: bytes) -> DesiredRecord:
    """Decode a record of declarations; empty bytes give an empty record. Small records are cached.

    Raises:
        NewerRecord: a newer version wrote it; upgrade to that version again.
        CorruptState: the record cannot be read.
    """
    record = _decode_small(stored) if len(stored) <= _SMALL else _decode_any(stored)
    newer_fields.refuse_newer(record.schema, "a stored record of declarations", reads=WITH_DIGESTS)
    return record


@lru_cache(maxsize=4096)
def _decode_small(stored: bytes) -> DesiredRecord:
    return _decode_any(stored) if stored else DesiredRecord()


def _decode_any(stored: bytes) -> DesiredRecord:
    record = _decode(stored, DesiredRecord)
    if record.schema == WITH_DIGESTS:
        record = replace(record, versions=tuple(_moved(version, _opened) for version in record.versions), schema=1)
    if any(each.data is msgspec.UNSET for version in record.versions for each in version.declarations):
        newer_fields.refuse_newer(record.schema, "a stored record of declarations", reads=WITH_DIGESTS)
        raise CorruptState("a stored DesiredRecord cannot be read (it has no data); apply the declarations again")
    return record


WITH_DIGESTS = 2
"""The form of records with digests: without `data`, so that no version that knows no digests takes them for texts."""


def _stored(record: DesiredRecord) -> DesiredRecord:
    """A record in its stored form."""
    if not any(each.digests for version in record.versions for each in version.declarations):
        return record
    versions = tuple(_moved(version, _closed) for version in record.versions)
    return replace(record, versions=versions, schema=WITH_DIGESTS)


def _closed(declaration: Declaration) -> Declaration:
    return replace(declaration, sealed=declaration.data, data=msgspec.UNSET)


def _opened(declaration: Declaration) -> Declaration:
    return replace(declaration, data=declaration.sealed, sealed=msgspec.UNSET)


def _moved(version: DeclaredVersion, change: Callable[[Declaration], Declaration]) -> DeclaredVersion:
    declarations = tuple(change(each) if each.digests else each for each in version.declarations)
    return replace(version, declarations=declarations)


_encode = msgspec.json.Encoder(order="deterministic").encode


def _decode(stored: bytes, form: type[_T]) -> _T:
    try:
        return msgspec.json.decode(stored, type=form)
    except UNREADABLE as error:
        what = getattr(form, "__name__", "manifest")
        reads = WITH_DIGESTS if form is DesiredRecord else newer_fields.SCHEMA
        newer_fields.check_schema(stored, f"a stored {what}", reads=reads)
        raise CorruptState(
            f"a stored {what} cannot be read ({reason_of(error)}); apply the declarations again"
        ) from None

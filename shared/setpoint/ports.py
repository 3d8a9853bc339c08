"""What the flow needs of the world, as small protocols; their docstrings are the contract of every backend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, Protocol

import msgspec

from setpoint.core.actors import Change
from setpoint.core.audit import Entry
from setpoint.core.brakes import Brakes
from setpoint.core.control import Control, DesiredRecord
from setpoint.core.declarations import Desired
from setpoint.core.events import CloudEvent
from setpoint.core.findings import ResourceState
from setpoint.core.interactions import Interaction
from setpoint.core.names import Content, ResourceKey
from setpoint.core.notices import Group, Links, Shown
from setpoint.core.observations import Observation
from setpoint.core.rules import Rules
from setpoint.core.sweeps import Part, Shard, Sweep, SweepMessage
from setpoint.core.writes import Call, Done, Failed, Running, Started, WritePlan, Written
from setpoint.errors import TransientError


class Snapshot(msgspec.Struct, frozen=True):
    """All that is stored of one resource and content, as it was at one moment.

    Args:
        key: the resource and content.
        desired: what is desired of it, or None where nothing declares it.
        rules: the rules of the fleet.
        state: its record, or None where there is none yet.
        version: the store's own mark of that record; None where there is none yet.
        changes: what audit logs tell of who has changed it, the oldest first; the latest few.
    """

    key: ResourceKey
    desired: Desired | None
    rules: Rules
    state: ResourceState | None
    version: Any
    changes: tuple[Change, ...] = ()


class Commit(NamedTuple):
    """A record that is to be stored.

    Args:
        snapshot: what was read before.
        state: the new record.
        observation: what gave it; None keeps the one before.
    """

    snapshot: Snapshot
    state: ResourceState
    observation: Observation | None = None


class StateStore(Protocol):
    """The state of findings, read together with what is desired.

    Whoever shares a store, in this process or another, sees each commit whole or not at all. Every method raises
    ``Unavailable`` where the store does not answer.
    """

    def read(self, key: ResourceKey) -> Snapshot:
        """All that is stored of ``key``, in one read; an unknown key gives a snapshot of nothing, never an error."""

    def commit(self, snapshot: Snapshot, state: ResourceState, observation: Observation | None = None) -> Snapshot:
        """Store ``state``, and the observation that gave it, in place of the one in ``snapshot``.

        Args:
            snapshot: what was read before.
            state: the new record.
            observation: what gave it; None keeps the one before. One that is too large for a record is left out.

        Returns:
            The snapshot that is then true.

        Raises:
            Conflict: the record is no longer the one in ``snapshot``; nothing was written.
        """

    def read_many(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, Snapshot]:
        """What ``read`` gives of each of ``keys``, in one read; up to some hundred at a time."""

    def commit_many(self, commits: Sequence[Commit]) -> list[Snapshot | TransientError]:
        """Do what ``commit`` does with each of ``commits``, in one write; of different keys, up to some hundred.

        Each is written or not whatever becomes of the others.

        Returns:
            For each, in their order: the snapshot that is then true; or ``Conflict`` where it was not written, and
            ``Unavailable`` where nobody knows. Committed by itself it will tell more.

        Raises:
            Unavailable: some may have been written and some not.
        """

    def last_observation(self, key: ResourceKey) -> Observation | None:
        """The observation of the last commit that had one; None where there is none, or where it was left out."""

    def mark_published(self, snapshot: Snapshot) -> None:
        """Clear what is pending in the record of ``snapshot``.

        A record that was written since is left as it is: whoever wrote it has carried the pending events along.
        """

    def states(self, *, drifted: bool = False) -> Iterator[ResourceState]:
        """All records in an order of the store's own; with ``drifted`` only those that have a finding, ever."""

    def suppressed(self) -> Iterator[ResourceState]:
        """All records with a drift that a rule keeps quiet about, whether they have a finding or not."""

    def unpublished(self) -> Iterator[ResourceKey]:
        """The keys of all records with pending events."""

    def due(self, now: datetime) -> Iterator[ResourceKey]:
        """The keys of all records that somebody has to look at by ``now``: their ``due`` is not later."""

    def close(self) -> None:
        """Let go of connections; closing twice does no harm."""


class StoredControl(NamedTuple):
    """The control record.

    Args:
        value: what it says; one without sources where there is no record yet.
        version: the store's own mark of it; None where there is no record yet.
    """

    value: Control
    version: Any


class StoredRecord(NamedTuple):
    """The record of what is desired of one resource and content.

    Args:
        value: what it holds; nothing where there is no record yet.
        version: the store's own mark of it; None where there is no record yet.
    """

    value: DesiredRecord
    version: Any


Manifest = Iterable[tuple[ResourceKey, str]]
"""What a source declares, in the order of keys: each resource and content with the digest of what is declared of it."""


class DesiredStore(Protocol):
    """Desired state, by source and generation; every method raises ``Unavailable`` where the store does not answer."""

    def control(self) -> StoredControl:
        """The control record."""

    def write_control(self, control: Control, version: Any) -> None:
        """Write the control record in place of the one of ``version``.

        Raises:
            Conflict: it is another one by now; nothing was written.
        """

    def manifest(self, source: str, generation: int) -> Iterator[tuple[ResourceKey, str]]:
        """What a source declares with a generation, in the order of keys; nothing for one that was never written.

        No more than some thousand are ever held.

        Raises:
            Conflict: it was dropped or replaced while it was read.
        """

    def write_manifest(self, source: str, generation: int, manifest: Manifest) -> None:
        """Write, or replace, what a source declares with a generation; no more than some thousand are ever held.

        Args:
            source: the source's name.
            generation: the generation.
            manifest: in the order of keys.
        """

    def drop_manifest(self, source: str, generation: int) -> None:
        """Forget a generation's manifest; one that is not there does no harm."""

    def records(self, keys: Iterable[ResourceKey]) -> dict[ResourceKey, StoredRecord]:
        """The records of all ``keys``, empty ones where there are none; up to some hundred at a time."""

    def write_records(self, records: Mapping[ResourceKey, StoredRecord]) -> None:
        """Write records, each in place of the one of its version; up to some hundred at a time.

        All of them are written or none, up to 300 records and 3 MB together; more than that may be written in parts,
        each of which is.

        Raises:
            Conflict: one of them is another one by now; nothing of its part was written.
        """


class ProjectStore(Protocol):
    """Which project has which number; both methods raise ``Unavailable`` where the store does not answer."""

    def project_id(self, number: str) -> str:
        """The id of the project with a number, as it was last learned; empty where it is not known.

        Args:
            number: the project's number, digits alone.
        """

    def learn_project(self, number: str, identifier: str) -> None:
        """Keep the id of the project with a number, in place of the one before; to learn it twice does no harm.

        Args:
            number: the project's number, digits alone.
            identifier: the project's id, ``my-project``.
        """


class StoredSweep(NamedTuple):
    """The record of a sweep.

    Args:
        value: the record; None where there is none yet.
        version: the store's own mark of it; None where there is none yet.
    """

    value: Sweep | None
    version: Any


class StoredShard(NamedTuple):
    """The record of a shard.

    Args:
        value: the record; None where there is none.
        version: the store's own mark of it; None where there is none.
    """

    value: Shard | None
    version: Any


class SweepStore(Protocol):
    """How far sweeps have come; every method raises ``Unavailable`` where the store does not answer.

    What one method has written is seen by all that begin after it, in this process or another.
    """

    def sweep(self, name: str) -> StoredSweep:
        """The record of the latest run of a sweep."""

    def sweeps(self) -> Iterator[StoredSweep]:
        """The records of all sweeps."""

    def write_sweep(self, sweep: Sweep, version: Any) -> StoredSweep:
        """Write a record in place of the one of ``version``; None where there is to be none yet.

        Raises:
            Conflict: it is another one by now; nothing was written.
        """

    def shard(self, run: str, number: int) -> StoredShard:
        """The record of a shard."""

    def shards(self, run: str) -> Iterator[StoredShard]:
        """The records of all shards of a run, by their numbers."""

    def write_shard(self, shard: Shard, version: Any, part: Part | None = None) -> StoredShard:
        """Write a record in place of the one of ``version``, and one part more of it; both of them or neither.

        Args:
            shard: the record; the part is the last of ``shard.parts``.
            version: the version of the one before; None where there is to be none yet.
            part: the part, up to some hundred kilobytes.

        Raises:
            Conflict: it is another one by now; nothing was written.
        """

    def parts(self, run: str, number: int) -> Iterator[Part]:
        """The parts of a shard in their order."""

    def drop_run(self, run: str) -> None:
        """Forget all shards of a run and their parts; what is not there does no harm."""


class StoredBrakes(NamedTuple):
    """The brakes of the fleet.

    Args:
        value: what they say; all off where there is no record yet.
        version: the store's own mark of the record; None where there is none yet.
    """

    value: Brakes
    version: Any


class RemedyStore(Protocol):
    """What remediation keeps besides findings; every method raises ``Unavailable`` where the store does not answer."""

    def brakes(self) -> StoredBrakes:
        """The brakes of the fleet."""

    def write_brakes(self, brakes: Brakes, version: Any) -> None:
        """Write the brakes in place of the ones of ``version``.

        Raises:
            Conflict: they are other ones by now; nothing was written.
        """

    def claim(self, snapshot: Snapshot, state: ResourceState, brakes: Brakes, version: Any) -> Snapshot:
        """Store ``state`` in place of the one in ``snapshot``, and the brakes in place of those of ``version``.

        Both are written or none.

        Returns:
            The snapshot that is then true.

        Raises:
            Conflict: one of them is another one by now; nothing was written.
        """

    def note(self, key: ResourceKey, entry: Entry) -> None:
        """Add to the audit trail of a finding."""

    def trail(self, key: ResourceKey) -> Sequence[Entry]:
        """The audit trail of a finding, the oldest entry first."""


class Filed(NamedTuple):
    """What a record is found by, besides its id.

    Args:
        finding: the finding that it is about, or empty.
        thread: the thread that it belongs to, or empty.
        due: when somebody has to look at it; None for never.
        expires: when it may be forgotten; None for never.
    """

    finding: str = ""
    thread: str = ""
    due: datetime | None = None
    expires: datetime | None = None


class StoredBody(NamedTuple):
    """A record of what people were told.

    Args:
        id: its id.
        body: what it holds.
        version: the store's own mark of it.
    """

    id: str
    body: bytes
    version: Any


class NoticeStore(Protocol):
    """What people were told, in small records of several kinds; a kind is a lower-case word.

    Every method raises ``Unavailable`` where the store does not answer. What one method has written is seen by all that
    begin after it, in this process or another.
    """

    def read(self, kind: str, name: str) -> StoredBody | None:
        """A record, or None where there is none."""

    def write(self, kind: str, name: str, body: bytes, version: Any, filed: Filed) -> Any:
        """Write a record in place of the one of ``version``; None where there is to be none yet.

        Returns:
            The version that it then has.

        Raises:
            Conflict: it is another one by now; nothing was written.
        """

    def of_finding(self, kind: str, finding: str) -> Sequence[StoredBody]:
        """The records that are about a finding, in the order of their ids."""

    def of_thread(self, kind: str, thread: str) -> Iterator[StoredBody]:
        """The records that belong to a thread, in the order of their ids; no more than some hundred are held."""

    def due(self, kind: str, now: datetime, most: int) -> Sequence[StoredBody]:
        """The records that are due by ``now``, those that are due longest first, and no more than ``most``."""

    def forget(self, now: datetime) -> int:
        """Forget what may be forgotten by ``now``, where the store does not do so by itself; how many records."""


class ActorStore(Protocol):
    """Who has changed resources, as audit logs tell; it is read with ``StateStore.read``."""

    def changes(self, key: ResourceKey) -> tuple[Change, ...]:
        """What is known of the changes of a resource and content, as ``StateStore.read`` gives it, and nothing else.

        Raises:
            Unavailable: the store does not answer.
        """

    def remember(self, key: ResourceKey, change: Change, now: datetime) -> None:
        """Keep a change of a resource and content, as ``core.changes.remembered`` puts it to those that are kept.

        It may come more than once, late, and at once with others, of which none is lost.

        Raises:
            Conflict: others write the same again and again; nothing was kept.
            Unavailable: the store does not answer.
        """


class Store(StateStore, DesiredStore, ProjectStore, RemedyStore, ActorStore, Protocol):
    """A whole store, as every backend is one."""

    @property
    def sweeps(self) -> SweepStore:
        """How far sweeps have come."""

    @property
    def notices(self) -> NoticeStore:
        """What people were told."""


class SweepRecords(Protocol):
    """What a report asks of sweeps."""

    def sweeps(self) -> Iterator[StoredSweep]:
        """See ``SweepStore.sweeps``."""


class ReportStore(Protocol):
    """What a report asks of a store; it writes nothing."""

    def states(self, *, drifted: bool = False) -> Iterator[ResourceState]:
        """See ``StateStore.states``."""

    def control(self) -> StoredControl:
        """See ``DesiredStore.control``."""

    def trail(self, key: ResourceKey) -> Sequence[Entry]:
        """See ``RemedyStore.trail``."""

    @property
    def sweeps(self) -> SweepRecords:
        """How far sweeps have come."""


class EventBus(Protocol):
    """Where events go."""

    def publish(self, events: Sequence[CloudEvent]) -> None:
        """Hand over events, those of one resource in their order, and return when all have been taken.

        Raises:
            Unavailable: some may not have been taken; publish all of them again.
        """


class DeadLetters(Protocol):
    """Where messages go that can never be handled, for a person to look at and to replay."""

    def put(self, message: bytes, attributes: Mapping[str, str], reason: str) -> None:
        """Keep a message with the reason, and return when it is safe.

        Raises:
            Unavailable: it may not have been kept; let the message be delivered again.
        """


class SweepQueue(Protocol):
    """Where messages go that tell what a sweep has to do next."""

    def publish(self, messages: Sequence[SweepMessage]) -> None:
        """Hand over messages in any order, and return when all have been taken.

        Raises:
            Unavailable: some may not have been taken; publish all of them again.
        """


class PressQueue(Protocol):
    """Where it is handed on that somebody has pressed a button."""

    def publish(self, interaction: Interaction) -> None:
        """Hand it over, and return when it was taken; somebody is waiting for the answer.

        Raises:
            Unavailable: it may not have been taken; whoever pressed is told to press again.
        """


class Warehouse(Protocol):
    """Where rows are kept for reports, in tables whose days can be replaced one by one."""

    def replace_day(self, table: str, day: date, rows: Iterable[bytes], run: str) -> int:
        """Put rows in place of whatever a table has of a day: all of them or none.

        Args:
            table: the table's name.
            day: the day that all rows are of.
            rows: each as a JSON object; they are read to their end whatever becomes of them, and are not all held.
            run: names the attempt; what was done under the same name is not done again.

        Returns:
            How many rows were given.

        Raises:
            Refused: there is no such table, or a row does not fit it.
            Unavailable: nobody answered, or nobody is let in; nothing is known of what was done.
        """


class Archive(NamedTuple):
    """Declarations as they were uploaded; all of it is of one upload.

    Args:
        data: the archive itself.
        metadata: what its uploader says of it.
        revision: when it was uploaded; greater than that of whatever was uploaded before, under any name.
    """

    data: bytes
    metadata: Mapping[str, str]
    revision: int


class Archives(Protocol):
    """Where archives of declarations are uploaded."""

    def read(self, bucket: str, name: str, generation: int) -> Archive:
        """An archive as it was uploaded once.

        Args:
            bucket: the bucket's name.
            name: the object's name.
            generation: the number of that upload; 0 for whatever is there now.

        Raises:
            Superseded: that upload was overwritten or deleted since.
            BadRequest: there is no such archive, or it is too large.
            Unavailable: nobody answered, or nobody is let in.
        """


class Page(NamedTuple):
    """Some of what an inventory lists.

    Args:
        observations: what it tells of each resource.
        next_token: where the listing goes on; empty on the last page.
        read_at: the moment that the whole listing is of.
    """

    observations: Sequence[Observation]
    next_token: str
    read_at: datetime


class Inventory(Protocol):
    """What exists in a part of the fleet, whether anybody declared it or not."""

    def pages(
        self, scope: str, content: Content, asset_types: Sequence[str] = (), *, page_token: str = ""
    ) -> Iterator[Page]:
        """One content of all resources below a scope, a page at a time; no more than a page is ever held.

        Each page may be the last one for long, since a full inventory makes its reader wait: keep ``next_token`` with
        what was done, and go on from it after a crash. A resource that does not have the content is not listed.

        Args:
            scope: ``organizations/N``, ``folders/N`` or ``projects/P``.
            content: what to tell of them.
            asset_types: names, or regular expressions in RE2 that match a whole name; all types where empty.
            page_token: go on from here, with the same arguments as before.

        Raises:
            ScopeDenied: nobody may list this scope, or the inventory is switched off there; others may be well.
            BadRequest: there is no such scope, type or content.
            TokenExpired: the inventory no longer knows the token; begin anew.
            Unavailable: the inventory does not answer.
        """


class ResourceApi(Protocol):
    """The APIs that hold the resources themselves: what is live, and what is put back.

    Every method raises ``AccessDenied`` with the permission that is missing, and ``Unavailable`` where there is no
    answer or no good one.
    """

    def read(self, call: Call) -> Any:
        """The body of a live resource, or of its IAM policy; None where there is no such resource.

        Args:
            call: as ``core.requests.read`` or ``core.iam_writing.read`` makes it.

        Raises:
            Refused: the API does not take the request.
        """

    def write(self, plan: WritePlan) -> Written | Started:
        """Send a planned write, once: it is sent again only where it surely did nothing, or says which state it is for.

        After ``Unavailable`` it may have taken effect or not: read before anything else is done.

        Args:
            plan: as ``core.writing.plan`` makes it.

        Raises:
            Conflict: the resource is not the one that the plan was made for, or is gone; nothing was changed.
            Refused: the API will never take it; nothing was changed.
        """

    def operation(self, started: Started) -> Running | Done | Failed:
        """How far a write has come that goes on after its answer.

        Args:
            started: what ``write`` gave; it may have been stored in the meantime.
        """


class Posted(msgspec.Struct, frozen=True):
    """Where a message stands.

    Args:
        channel: the channel as the sink itself knows it.
        ts: the message in it.
    """

    channel: str
    ts: str


class Sink(Protocol):
    """A place where people are told: channels of one kind.

    Whatever is told has an id; told again under the same id it is told once, as far as the place allows. Nothing is
    tried again by a sink itself: whoever calls knows what else waits.

    Every method raises ``Throttled`` where it is to be tried again later and says when, ``Unavailable`` where nobody
    knows whether it was taken, and ``BadRequest`` where it never will be: there is no such channel, nobody is let in.

    Every method takes ``maybe``: an earlier try under this id may have been taken, in part or whole, since it raised
    ``Unavailable`` (``Throttled`` is one, too) or never came back. The place is then asked first what stands there.
    """

    edits: bool
    """Whether a message can be changed after it was sent; else each change is a message more."""

    def show(
        self, name: str, channel: str, view: Shown | Group, links: Links, posted: Posted | None, *, maybe: bool = False
    ) -> Posted:
        """Show a finding, or several of one cause, as one message.

        Args:
            name: the message's id.
            channel: where.
            view: what it shows by now.
            links: where it links to.
            posted: where it stands already; None where it was not posted, or nobody knows. One that somebody has
                deleted is posted anew.
            maybe: an earlier try may have been taken.

        Returns:
            Where it stands.
        """

    def escalate(
        self, name: str, channel: str, view: Shown, links: Links, posted: Posted | None, *, maybe: bool = False
    ) -> Posted:
        """Call somebody about a finding that is bad and still open; told of it once more when it is not, end the call.

        Args:
            name: the call's id.
            channel: where.
            view: the finding by now.
            links: where it links to.
            posted: where the call stands already.
            maybe: an earlier try may have been taken.

        Returns:
            Where it stands.
        """

    def reply(
        self, name: str, posted: Posted, view: Shown | Sequence[Shown], links: Links, *, maybe: bool = False
    ) -> None:
        """Tell more below a message: what has last happened to a finding, or all of some findings.

        Args:
            name: the reply's id.
            posted: the message.
            view: a finding, of which the last step is told; or findings, to be told in full. What does not fit into one
                reply becomes several, ``name/1``, ``name/2``, …
            links: where it links to.
            maybe: an earlier try may have been taken.
        """

    def digest(self, name: str, channel: str, findings: Sequence[Shown], links: Links, *, maybe: bool = False) -> None:
        """Tell of many findings at once.

        Args:
            name: the message's id.
            channel: where.
            findings: what is told.
            links: where it links to.
            maybe: an earlier try may have been taken.
        """


class Person(NamedTuple):
    """Somebody who has pressed a button.

    Args:
        id: as the place knows them.
        email: their address, where the place vouches for it; else empty.
        is_guest: whether they are no member of the organisation; nobody may press then, whatever their address.
    """

    id: str
    email: str = ""
    is_guest: bool = False


class People(Protocol):
    """Who presses buttons, and how they are answered.

    Every method raises ``Throttled``, ``Unavailable`` and ``BadRequest`` as those of a ``Sink`` do.
    """

    def person(self, user: str) -> Person:
        """Somebody by their id; what is told of them may be some minutes old."""

    def group(self, group: str) -> frozenset[str]:
        """The ids of the members of a user group; they may be some minutes old."""

    def tell(self, user: str, channel: str, text: str, thread: str = "") -> None:
        """Tell somebody something that nobody else sees.

        Args:
            user: whom.
            channel: the channel in which they have pressed.
            text: what, in the place's own markup.
            thread: the thread in which they have pressed, or empty.
        """

"""Apply stored Terraform states: each object is a source, with its URL as name.

A state whose revision is current is not read again. New states are read in parallel, and applied in batches. An
interrupted run resumes where it stopped, since each state is applied separately.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from msgspec.structs import replace

from setpoint.declarations import apply_together, plan
from setpoint.declarations.apply_together import PlannedSource
from setpoint.declarations.plan import Plan
from setpoint.declarations.readers import documents, encodings
from setpoint.declarations.readers.documents import Problem
from setpoint.declarations.readers.load import LoadResult, load_documents
from setpoint.detection.pipeline import Context
from setpoint.errors import (
    Conflict,
    MissingState,
    NotPermitted,
    PermanentError,
    Superseded,
    TransientError,
)
from setpoint.model import sources as controlling
from setpoint.model.declaration import Declaration, Desired
from setpoint.model.declaration import desired as desired_of
from setpoint.model.outcome import Outcome
from setpoint.model.resource_key import ResourceKey
from setpoint.model.secrecy import THIS_PROCESS, Secrecy
from setpoint.model.sources import Control, SourceState
from setpoint.model.state_urls import is_listed, names, scheme
from setpoint.ports.services import StateObject, StateStorage
from setpoint.util.counts import counted

_READERS = 16
"""Number of states that are read in parallel."""
_AHEAD = 64
"""Maximum number of states that were read and not applied yet."""
_TOGETHER = 200
"""Number of states in a batch."""
_FEW = 10
"""Number of resources that any state may lose, even if they exceed the allowed share: states are small."""

_CLOCKS_APART = timedelta(hours=1)

_NEW = SourceState()

Status = Literal["applied", "planned", "unchanged", "superseded", "refused", "waiting", "gone", "failed"]


class StateOptions(NamedTuple):
    """The options for states.

    Args:
        max_removals: the share of a state that may be removed, 0 to 1; None for the default share or ten resources.
        grace_seconds: the grace period in seconds for drift from states; None for the default.
        dry_run: whether to plan only, and write nothing.
    """

    max_removals: float | None = None
    grace_seconds: float | None = None
    dry_run: bool = False


class StateReport(NamedTuple):
    """The result of a state.

    Args:
        url: URL of the state.
        status: ``applied``; ``planned`` by a dry run; ``unchanged`` since it was applied; ``superseded`` by a later
            one; ``refused``, since it is not a readable state; ``waiting`` for a person who allows it; ``gone``:
            current, but its object was deleted; ``failed``: it could not be read, planned or evaluated now.
        message: what was done, or the reason and the next step.
        problems: errors in the state.
    """

    url: str
    status: Status
    message: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class StatesApplied:
    """The result of all states.

    Args:
        counts: number of states by status.
        resources: number of resources and contents that the applied states declare.
        outcomes: number of evaluated findings by outcome.
    """

    counts: Counter[Status] = field(default_factory=Counter)
    resources: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)

    @property
    def needs_attention(self) -> bool:
        """Whether a person has to act."""
        return any(self.counts[status] for status in ("refused", "waiting", "gone", "failed"))


ReportState = Callable[[StateReport], None]


def sync_states(
    pattern: str,
    storage: StateStorage,
    detection: Context,
    now: datetime,
    options: StateOptions,
    report: ReportState,
) -> StatesApplied:
    """Apply all states that a URL matches.

    Args:
        pattern: the URL, with or without wildcards.
        storage: reads states.
        detection: evaluates findings again.
        now: the time of the run.
        options: the options.
        report: called with the result of each state, in any order.

    Raises:
        BadRequest: the location does not exist, or the permission to list it is missing.
        MissingState: it has no state, and none of it is in force.
        Unavailable: the storage does not answer; try again.
    """
    run = _Run(storage, detection, now, options, report)
    listed: set[str] = set()
    control = detection.store.control().value
    for state, data in _read_ahead(_new(storage.list(pattern), control, listed, run), storage):
        run.take(state, data)
    run.flush()
    if not listed and not run.in_force(pattern, control):
        raise MissingState(f"{pattern}: names no state; check the place")
    for url in run.in_force(pattern, control):
        if url not in listed:
            run.gone(url)
    run.again_after_claims()
    return run.done


def _new(states: Iterable[StateObject], control: Control, listed: set[str], run: _Run) -> Iterator[StateObject]:
    """The states whose content is not current."""
    for state in states:
        listed.add(state.url)
        if is_in_force(state, control, run.grace_seconds):
            run.report(StateReport(state.url, "unchanged"))
        else:
            yield state


def is_in_force(state: StateObject, control: Control, grace_seconds: float | None = None) -> bool:
    """Whether a state's content is current with this grace period, and all of its findings were evaluated."""
    known = control.sources.get(state.url)
    return (
        known is not None
        and bool(state.revision)
        and known.object == state.revision
        and known.grace_seconds == grace_seconds
        and known.judged >= known.generation
        and not any(_may_have_released(claim, known, control) for claim in known.claims)
    )


def _may_have_released(claim: str, known: SourceState, control: Control) -> bool:
    """Whether another source may have released what it declared of this one's resources since this one was read.

    Sources of one run are applied at the same time; what they release is read again in that run. Clocks of other
    machines may be late, so that a source that was applied shortly before counts as later.
    """
    other = control.sources.get(claim)
    if other is None or other.applied_at is None or known.applied_at is None:
        return True
    return other.applied_at != known.applied_at and other.applied_at > known.applied_at - _CLOCKS_APART


def _read_ahead(
    states: Iterable[StateObject], storage: StateStorage
) -> Iterator[tuple[StateObject, bytes | PermanentError | TransientError]]:
    """The content of states, in their order; several are read in parallel."""

    def read(state: StateObject) -> bytes | PermanentError | TransientError:
        try:
            return storage.read(state)
        except (PermanentError, TransientError) as error:
            return error

    ahead: deque[tuple[StateObject, Future[bytes | PermanentError | TransientError]]] = deque()
    with ThreadPoolExecutor(_READERS) as pool:
        for state in states:
            ahead.append((state, pool.submit(read, state)))
            if len(ahead) >= _AHEAD:
                first, future = ahead.popleft()
                yield first, future.result()
        while ahead:
            first, future = ahead.popleft()
            yield first, future.result()


class _Run:
    """A run that reads, plans and applies states."""

    def __init__(
        self, storage: StateStorage, detection: Context, now: datetime, options: StateOptions, report: ReportState
    ) -> None:
        self._storage = storage
        self._detection = detection
        self._now = now
        self._options = options
        self._report = report
        self._batch: list[tuple[PlannedSource, StateReport]] = []
        self._keys: set[ResourceKey] = set()
        self._released: set[str] = set()
        self.grace_seconds = options.grace_seconds
        self.done = StatesApplied()

    def report(self, report: StateReport) -> None:
        """Count and report the result of a state."""
        self.done.counts[report.status] += 1
        self._report(report)

    def take(self, state: StateObject, data: bytes | PermanentError | TransientError) -> None:
        """Plan a state; first apply the batch if it is full or declares one of this state's resources."""
        if (
            isinstance(data, MissingState)
            and self._detection.store.control().value.sources.get(state.url, _NEW).declared
        ):
            self.gone(state.url)
            return
        if isinstance(data, Exception):
            self._not_applied(state.url, data)
            return
        loaded = load_state(data, state.url, self.grace_seconds, self._detection.secrecy)
        if refusal := _refusal(loaded):
            self.report(StateReport(state.url, "refused", refusal, tuple(loaded.problems)))
            return
        try:
            self._plan(state, loaded)
        except NotPermitted as error:
            self.report(StateReport(state.url, "waiting", f"{state.url}: {error}", tuple(loaded.problems)))
        except (PermanentError, TransientError) as error:
            self._not_applied(state.url, error, tuple(loaded.problems))

    def _not_applied(
        self, url: str, error: PermanentError | TransientError, problems: tuple[Problem, ...] = ()
    ) -> None:
        """Report the error of a state, which concerns no other state."""
        status: Status = "superseded" if isinstance(error, Superseded) else "failed"
        message = str(error) if url in str(error) else f"{url}: {error}"
        self.report(StateReport(url, status, message, problems))

    def _plan(self, state: StateObject, loaded: LoadResult) -> None:
        present = self._detection.store.control().value.sources.get(state.url, _NEW)
        self._check_serial(present, state, loaded)
        self._check_lineage(present, loaded)
        planned = self._planned(state.url, loaded)
        if not self._keys.isdisjoint(planned.touched):
            self.flush()
            planned = self._planned(state.url, loaded)
        self._check_removals(planned)
        self._keys.update(planned.touched)
        source = PlannedSource(planned, loaded.states, state.revision, loaded.bindings, self.grace_seconds)
        self._batch.append((source, StateReport(state.url, "applied", planned.summary(), tuple(loaded.problems))))
        if len(self._batch) >= _TOGETHER:
            self.flush()

    def _check_serial(self, present: SourceState, state: StateObject, loaded: LoadResult) -> None:
        """Refuse an older state, unless all removals are allowed.

        Raises:
            Superseded: the state in force was written after this state was read.
            NotPermitted: it was restored, and is now the stored state.
        """
        if self._allows_all:
            return
        try:
            controlling.check_serials(present, state.url, loaded.states)
        except Superseded as error:
            if not any(current.revision == state.revision for current in self._storage.list(state.url)):
                raise
            older = str(error).removeprefix(f"source {state.url}: ").partition(";")[0]
            message = f"{older}; it is what is stored now: if it was restored, allow it with --max-removals 100%"
            raise NotPermitted(message) from error

    @property
    def _allows_all(self) -> bool:
        return (self._options.max_removals or 0) >= 1

    def _check_lineage(self, present: SourceState, loaded: LoadResult) -> None:
        """Refuse the state of another root module, unless all removals are allowed.

        Raises:
            NotPermitted: the lineage is another one.
        """
        new, before = set(filter(None, loaded.states)), set(filter(None, present.states))
        if new and before and new.isdisjoint(before) and not self._allows_all:
            raise NotPermitted(
                f"lineage {min(new)} is not that of the state before, {min(before)}: it is the state of another root "
                "module, or was created again; if that is meant, allow it with --max-removals 100%"
            )

    def _planned(self, url: str, loaded: LoadResult) -> Plan:
        return plan.plan(loaded.desired, (), url, self._detection.store, prune=True, held=loaded.prune_protection)

    def _check_removals(self, planned: Plan) -> None:
        """Refuse a plan that removes too much, or everything."""
        removals = len(planned.removed)
        most = self._options.max_removals
        if most is None and removals <= _FEW and removals < planned.declared_before:
            return
        plan.check_removals(planned, plan.DEFAULT_MAX_REMOVALS if most is None else most)

    def flush(self) -> None:
        """Apply the planned batch."""
        batch, self._batch = self._batch, []
        self._keys = set()
        if not batch:
            return
        if self._options.dry_run:
            for _, report in batch:
                self.report(report._replace(status="planned"))
            return
        sources = [source for source, _ in batch]
        try:
            applied = apply_together.apply_together(sources, self._detection, self._now)
        except (Conflict, PermanentError, TransientError) as error:
            for _, report in batch:
                self.report(report._replace(status="failed", message=f"{report.url}: {error}"))
            return
        self.done.outcomes += applied.outcomes
        for source, report in batch:
            self.done.resources += len(source.planned.manifest)
            if source.planned.removed:
                self._released.add(report.url)
            if reason := applied.failed.get(report.url):
                message = f"is applied, but not all of its findings were evaluated ({reason}); apply again"
                self.report(report._replace(status="failed", message=f"{report.url}: {message}"))
            else:
                self.report(report)

    def in_force(self, pattern: str, control: Control) -> list[str]:
        """The current sources that a pattern matches."""
        matches = names(pattern)
        return [url for url, state in control.sources.items() if state.declared and matches.fullmatch(url)]

    def gone(self, url: str) -> None:
        """Report a current state whose object was deleted: its declarations stay until their removal is allowed."""
        try:
            planned = self._planned(url, LoadResult())
        except (PermanentError, TransientError) as error:
            self._not_applied(url, error)
            return
        try:
            self._check_removals(planned)
        except NotPermitted:
            message = (
                f"{url}: the state is gone, and {counted(planned.declared_before, 'resource')} that it "
                "declared stay declared; to remove them run the command again with --max-removals 100%"
            )
            self.report(StateReport(url, "gone", message))
            return
        self._batch.append((PlannedSource(planned, {}, ""), StateReport(url, "applied", planned.summary())))
        self.flush()

    def again_after_claims(self) -> None:
        """Read states again whose resources another state declared, and released in this run."""
        if not self._released:
            return
        for url, state in self._detection.store.control().value.sources.items():
            if state.claims and not self._released.isdisjoint(state.claims) and self._may_read(url):
                try:
                    again = list(self._storage.list(url))
                except (PermanentError, TransientError) as error:
                    self._not_applied(url, error)
                    continue
                for current in again:
                    self.take(current, _content(self._storage, current))
        self.flush()

    def _may_read(self, url: str) -> bool:
        """Whether the run's storage holds the state with this name."""
        return is_listed(url) and scheme(url) in {scheme(released) for released in self._released}


def _content(storage: StateStorage, state: StateObject) -> bytes | PermanentError | TransientError:
    try:
        return storage.read(state)
    except (PermanentError, TransientError) as error:
        return error


def load_state(
    data: bytes, url: str, grace_seconds: float | None = None, secrecy: Secrecy = THIS_PROCESS
) -> LoadResult:
    """Load the declarations of a state.

    Args:
        data: the object.
        url: its URL, for error messages.
        grace_seconds: the grace period in seconds for its drift; None for the default.
        secrecy: makes the digests that stand for its secrets.
    """
    try:
        text = encodings.decoded(data)
    except UnicodeDecodeError as error:
        return LoadResult(problems=[Problem(url, 0, "", encodings.reason(error))])
    loaded = load_documents(documents.parse_json(text, url), secrecy=secrecy)
    if grace_seconds is not None:
        loaded.desired = [_with_grace(desired, grace_seconds) for desired in loaded.desired]
    return loaded


def _with_grace(desired: Desired, seconds: float) -> Desired:
    return desired_of(tuple(_settling(declared, seconds) for declared in desired.declarations))


def _settling(declaration: Declaration, seconds: float) -> Declaration:
    return replace(declaration, settle=seconds) if declaration.settle is None else declaration


def _refusal(loaded: LoadResult) -> str:
    """Why a document is not a state; empty if it is one, with or without resources."""
    if loaded.states:
        return ""
    for problem in (*loaded.problems, *loaded.warnings):
        return str(problem)
    if loaded.desired:
        return "is the output of `terraform show -json`; a state that is stored is a raw one; give this as a file"
    return "is not a Terraform state of format version 4; check the object"

"""The sink that keeps a change request for a finding or a cause: the edits that declare what is there.

A request is a message like another: it belongs to a thread, is opened once, follows its findings, and ends with them.
Its edits are made again from the store and the repository each time it is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from setpoint.alerting.change_requests import DesiredRequest, branch_of, reconcile
from setpoint.alerting.rendering import change_request as rendering
from setpoint.alerting.rendering.change_request import ShownFinding
from setpoint.catalog.schemas import Catalogue
from setpoint.comparison.masking import Masking
from setpoint.declarations import repository_additions, repository_edits
from setpoint.declarations.repository_edits import Checkout
from setpoint.detection import finding_events
from setpoint.errors import BadRequest, IncompleteListing
from setpoint.model import codeowners
from setpoint.model import policy as policies
from setpoint.model.declaration import Declaration
from setpoint.model.declaration_links import repository_of
from setpoint.model.notice_view import FindingView, GroupView, Links
from setpoint.model.resource_key import ResourceKey
from setpoint.model.secrecy import THIS_PROCESS, Secrecy
from setpoint.ports.people import OutgoingMessage, PostedMessage
from setpoint.ports.repositories import Repositories, Repository, RequestSettings
from setpoint.ports.stores import Snapshot, Store

NO_REQUEST = "0"
"""The number in place of a request's where there is none: nothing is to be edited, or not in this repository."""
_MAX_FINDINGS = 200
"""Findings in one request; the others of a cause get theirs when these are over."""
_ENDS = {"in sync": "the resource is as declared again", "absorbed": "the declaration matches the resource"}


class _Drift(NamedTuple):
    snapshot: Snapshot
    shown: ShownFinding


class RequestSink:
    """A ``Sink`` to repositories, with their names in the settings as channels.

    Args:
        repositories: the repositories.
        store: the findings, declarations and observations.
        members: the findings of a message, by its id.
        schemas: the API's schemas.
        secrecy: has the key of the declarations' digests.
    """

    edits = True

    def __init__(
        self,
        repositories: Repositories,
        store: Store,
        members: Callable[[str], Iterable[ResourceKey]],
        schemas: Catalogue,
        secrecy: Secrecy = THIS_PROCESS,
    ) -> None:
        self._hiding = Masking(secrecy)
        self._repositories = repositories
        self._store = store
        self._members = members
        self._schemas = schemas

    def show(self, message: OutgoingMessage[FindingView | GroupView]) -> PostedMessage:
        """See ``Sink.show``; what is there is always looked up first."""
        channel = message.channel
        settings = self._repositories.get(channel)
        drifts = [drift for drift in self._drifts(message.name) if _concerns(drift, settings.repository)]
        if not drifts:
            return PostedMessage(channel, NO_REQUEST)
        wanted, commit = self._wanted(drifts, message.view, message.links, settings)
        request = reconcile(branch_of(message.name), commit, wanted, settings.repository)
        return PostedMessage(channel, str(request.number) if request is not None else NO_REQUEST)

    def escalate(self, message: OutgoingMessage[FindingView]) -> PostedMessage:
        """See ``Sink.escalate``."""
        return self.show(message)

    def reply(self, message: OutgoingMessage[FindingView | Sequence[FindingView]], to: PostedMessage) -> None:
        """See ``Sink.reply``; the text of a request has all details."""

    def digest(self, message: OutgoingMessage[Sequence[FindingView]]) -> None:
        """See ``Sink.digest``."""
        raise BadRequest(f"request:{message.channel}: a request takes no digests; name another destination for them")

    def _drifts(self, thread: str) -> Iterable[_Drift]:
        """The findings of a thread as they are now."""
        keys = sorted(set(self._members(thread)), key=lambda each: (each.name, each.content))
        drifted = 0
        for key in keys:
            if drifted == _MAX_FINDINGS:
                return
            snapshot = self._store.read(key)
            if snapshot.state is not None and snapshot.state.finding is not None:
                data = finding_events.data_of(snapshot.state)
                drifted += data.status != "resolved"
                yield _Drift(snapshot, ShownFinding(data, data.differences))

    def _wanted(
        self, drifts: Sequence[_Drift], view: FindingView | GroupView, links: Links, settings: RequestSettings
    ) -> tuple[DesiredRequest, str]:
        """The request that the findings require, and the commit that its edits are made in."""
        present = [drift for drift in drifts if drift.shown.data.status != "resolved"]
        if not present:
            return _ended([drift.shown for drift in drifts], links), ""
        repository = settings.repository
        commit = repository.base()
        checkout = Checkout(
            _paths(repository, commit),
            lambda path: repository.read(path, commit),
            settings.directory,
            settings.roots,
            settings.code,
        )
        steps = [step for drift in present for step in self._edit(drift, checkout, repository)]
        shown = [drift.shown for drift in present]
        if not checkout.changed and not steps:
            return _ended(shown, links, "absorbed"), commit
        wanted = DesiredRequest(
            title=rendering.title(shown),
            body=rendering.body(shown, view, links),
            files=checkout.changed,
            by_hand=rendering.by_hand(steps),
            labels=settings.labels,
            owners=_owners(checkout, present),
        )
        return wanted, commit

    def _edit(self, drift: _Drift, checkout: Checkout, repository: Repository) -> Sequence[str]:
        """Edit the files of one resource; the manual steps."""
        desired, key = drift.snapshot.desired, drift.snapshot.key
        if desired is None:
            return self._add(drift, checkout)
        elsewhere = [each for each in desired.declarations if not _is_in(each, repository)]
        steps = [f"{each.source}: {key.name} is declared in another repository" for each in elsewhere]
        own = [each for each in desired.declarations if each not in elsewhere]
        observation = self._store.last_observation(key)
        if observation is None:
            return [*steps, f"{key.name}: its last observation was too large to be kept"]
        return [*steps, *repository_edits.edit(own, observation, checkout, self._schemas, self._hiding)]

    def _add(self, drift: _Drift, checkout: Checkout) -> Sequence[str]:
        """Add a file that declares an undeclared resource; return the manual steps."""
        key, project = drift.snapshot.key, drift.shown.data.project
        observation = self._store.last_observation(key)
        if observation is None or observation.deleted or observation.data is None:
            return (f"{key.name}: its last observation is not kept; `setpoint export` writes its declaration",)
        masking = Masking(show=policies.shown(drift.snapshot.rules.policy, observation.asset_type))
        return repository_additions.add(observation, project, checkout, self._schemas, masking)


def _paths(repository: Repository, commit: str) -> Collection[str] | None:
    """The paths of all files; None where they cannot be listed whole."""
    try:
        return repository.files(commit)
    except IncompleteListing:
        return None


def _concerns(drift: _Drift, repository: Repository) -> bool:
    """Whether a repository declares a resource, or no source does."""
    desired = drift.snapshot.desired
    return desired is None or any(_is_in(declaration, repository) for declaration in desired.declarations)


def _is_in(declaration: Declaration, repository: Repository) -> bool:
    """Whether a declaration was applied from a repository, or it is unknown from which one."""
    source = declaration.source.repo
    return not source or repository_of(source) == repository_of(repository.url)


def _owners(checkout: Checkout, drifts: Sequence[_Drift]) -> tuple[str, ...]:
    """The owners of the edited files, or of the declaring files where none could be edited."""
    place = next((path for path in codeowners.PLACES if path in checkout.paths), "")
    text = checkout.text(place) if place else None
    if text is None:
        return ()
    declaring = (
        checkout.path_of(declaration.source.file)
        for drift in drifts
        if drift.snapshot.desired is not None
        for declaration in drift.snapshot.desired.declarations
    )
    return codeowners.owners(text, sorted(checkout.changed) or sorted({path for path in declaring if path}))


def _ended(shown: Sequence[ShownFinding], links: Links, reason: str = "") -> DesiredRequest:
    why = reason or shown[0].data.reason
    end = _ENDS.get(why, f"the drift has ended ({why})" if why else "the drift has ended")
    return DesiredRequest(rendering.title(shown), rendering.ended(shown, end, links), end=end)


def by_name(known: Mapping[str, RequestSettings]) -> Repositories:
    """Repositories that are known beforehand, for tests and the local system."""
    return _Known(known)


class _Known:
    def __init__(self, known: Mapping[str, RequestSettings]) -> None:
        self._known = known

    def get(self, name: str) -> RequestSettings:
        """See ``Repositories.get``."""
        if name not in self._known:
            raise BadRequest(f"request:{name}: there is no such repository; it has {', '.join(self._known) or 'none'}")
        return self._known[name]

"""The sink that keeps the findings of a message in the organisation's centre of findings, each under its own id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from setpoint.alerting.rendering import links as addresses
from setpoint.alerting.rendering import phrases
from setpoint.comparison import difference_text
from setpoint.detection import finding_events
from setpoint.model.events import DriftData
from setpoint.model.notice_view import FindingView, GroupView, Links
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.finding_centers import CentralFinding, FindingCenter
from setpoint.ports.people import OutgoingMessage, PostedMessage
from setpoint.ports.stores import Store

_MAX_FIELDS = 12
_MAX_KEPT = 5_000
_MAX_VALUE = 120


class FindingCenterSink:
    """A ``Sink`` to a centre of findings, with the names of sources in the settings as channels.

    Args:
        center: the centre.
        store: the findings.
        members: the findings of a message, by its id.
    """

    edits = True

    def __init__(self, center: FindingCenter, store: Store, members: Callable[[str], Iterable[ResourceKey]]) -> None:
        self._center = center
        self._kept: dict[tuple[str, str], CentralFinding] = {}
        self._store = store
        self._members = members

    def show(self, message: OutgoingMessage[FindingView | GroupView]) -> PostedMessage:
        """See ``Sink.show``: of several findings each is kept for itself."""
        kept = PostedMessage(message.channel, message.name)
        if isinstance(message.view, FindingView):
            self._put(message.channel, message.view.data, message.links)
            return kept
        for key in self._members(message.name):
            state = self._store.read(key).state
            if state is not None and state.finding is not None:
                self._put(message.channel, finding_events.data_of(state), message.links)
        return kept

    def escalate(self, message: OutgoingMessage[FindingView]) -> PostedMessage:
        """See ``Sink.escalate``."""
        return self.show(message)

    def reply(self, message: OutgoingMessage[FindingView | Sequence[FindingView]], to: PostedMessage) -> None:
        """See ``Sink.reply``; a finding has no thread, and is updated by ``show``."""

    def digest(self, message: OutgoingMessage[Sequence[FindingView]]) -> None:
        """See ``Sink.digest``."""
        for view in message.view:
            self._put(message.channel, view.data, message.links)

    def _put(self, channel: str, data: DriftData, links: Links) -> None:
        """Keep a finding, unless this process has kept it as it is: a large group is shown again in parts."""
        finding, place = central_finding(data, links), (channel, data.finding_id)
        if self._kept.get(place) == finding:
            return
        self._center.put(channel, finding)
        if len(self._kept) >= _MAX_KEPT:
            self._kept.clear()
        self._kept[place] = finding


def central_finding(data: DriftData, links: Links) -> CentralFinding:
    """A finding as the centre keeps it; values are those of messages, without secrets."""
    lines = [difference_text.as_line(each, _MAX_VALUE, own_path=True) for each in data.differences[:_MAX_FIELDS]]
    facts = {
        "declaredIn": str(data.declared_in),
        "changedBy": data.actor.principal if data.actor is not None else "",
        "owner": data.owner.team,
        "status": data.status,
        "reason": data.reason,
        "firstSeen": data.first_seen.isoformat(),
        "differences": "\n".join(lines),
    }
    return CentralFinding(
        id=data.finding_id,
        resource_name=data.resource_name,
        category=f"DRIFT_{data.kind.upper()}",
        is_active=data.status == "open",
        severity=data.severity.upper(),
        event_time=data.observed_at,
        description=f"{phrases.subject(data)} {phrases.status_phrase(data)}",
        external_uri=addresses.of_finding(links, FindingView("drift.changed", data.observed_at, data)),
        properties={name: value for name, value in facts.items() if value},
    )

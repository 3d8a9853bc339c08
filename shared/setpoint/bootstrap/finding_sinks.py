"""The sinks that read findings from the store: change requests, issues, and Security Command Center."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from setpoint.bootstrap.settings import Settings
from setpoint.catalog.schemas import default_catalogue
from setpoint.model.alerting_config import SinkKind
from setpoint.model.resource_key import ResourceKey
from setpoint.model.secrecy import Secrecy
from setpoint.ports.people import Sink
from setpoint.ports.stores import Store

if TYPE_CHECKING:
    from setpoint.alerting.repository import NoticeRecords


def open_finding_sinks(
    settings: Settings, store: Store, records: NoticeRecords, secrecy: Secrecy
) -> Mapping[SinkKind, Sink]:
    """The sinks with settings, by kind.

    Args:
        settings: with the places and their tokens.
        store: the findings, declarations and observations.
        records: the records of alerting.
        secrecy: has the key of the declarations' digests.

    Raises:
        BadRequest: the setting cannot be read.
    """
    from setpoint.adapters.webhooks.sink_addresses import Addresses
    from setpoint.alerting import service

    addresses = Addresses(settings.sinks)

    def members(thread: str) -> Iterable[ResourceKey]:
        return (member.key for member in service.findings_of_thread(thread, records))

    sinks: dict[SinkKind, Sink] = {}
    if addresses.has_repositories:
        from setpoint.adapters.repositories.configured import ConfiguredRepositories
        from setpoint.adapters.repositories.issues import GitHubIssues
        from setpoint.adapters.webhooks.http_post import session
        from setpoint.alerting.request_sink import RequestSink

        repositories = ConfiguredRepositories(addresses, session())
        sinks["request"] = RequestSink(repositories, store, members, default_catalogue(), secrecy)
        sinks["issue"] = GitHubIssues(repositories.issues)
    if addresses.has_centers:
        from setpoint.adapters.google import rest
        from setpoint.adapters.google.security_center import SecurityCommandCenter
        from setpoint.alerting.center_sink import FindingCenterSink

        center = SecurityCommandCenter(rest.session, lambda name: addresses.get(name, "scc").url)
        sinks["scc"] = FindingCenterSink(center, store, members)
    return sinks

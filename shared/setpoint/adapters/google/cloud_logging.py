"""Read Admin Activity and System Event audit logs from Cloud Logging.

Source: https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list. The JSON of the REST API is what sinks
publish, so the same parser reads both; the gRPC client gives a payload that would have to be converted back to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

import msgspec

from setpoint.adapters.google.call_pace import CallBudget, CallPace
from setpoint.errors import AccessDenied, Refused, Throttled, Unavailable
from setpoint.model.write_plan import Call
from setpoint.ports.services import LogPage, LogWindows
from setpoint.util.retries import backoff

CALLS_A_MINUTE = 60
"""The quota of a project for reading entries (https://cloud.google.com/logging/quotas#api-limits)."""
MAX_LETTERS = 20_000
"""Maximum length of a filter (https://cloud.google.com/logging/quotas#logs_usage_limits)."""
MAX_CONTAINERS = 50
"""A query may reach 200 log buckets; a project has two, and often a few of its own."""
PAGE_SIZE = 1_000
_TRIES = 8
_LONGEST_WAIT = 60.0
_URL = "https://logging.googleapis.com/v2/entries:list"
_MAX_TIMES = 200
"""Times of one container in a filter, which take about 15,000 letters."""
_LOGS = '(log_id("cloudaudit.googleapis.com/activity") OR log_id("cloudaudit.googleapis.com/system_event"))'
_FRAME = len(_LOGS) + 10

Windows = Sequence[tuple[datetime, datetime]]


class LogReader(Protocol):
    """Sends a request that changes nothing; see ``ResourceApi.read``."""

    def read(self, call: Call) -> Any:
        """The body of the answer; None where there is nothing."""


class GoogleActivityLogs:
    """``ActivityLogs`` over Cloud Logging.

    Args:
        api: sends the requests.
        pace: keeps the calls within the quota.
        page_size: entries of a page; the API's maximum is 1,000.
    """

    def __init__(self, api: LogReader, pace: CallPace | None = None, *, page_size: int = PAGE_SIZE) -> None:
        self._api = api
        self._pace = pace or CallPace(CALLS_A_MINUTE, CallBudget())
        self._page_size = page_size

    def pages(self, windows: LogWindows) -> Iterator[LogPage]:
        """See ``ActivityLogs.pages``."""
        for query in queries(windows):
            yield from self._pages_of(query)

    def _pages_of(self, query: LogQuery) -> Iterator[LogPage]:
        containers = tuple(query.windows)
        token = ""
        while True:
            try:
                body = self._answer(query.windows, token)
            except (AccessDenied, Refused) as error:
                if len(containers) == 1:
                    yield LogPage(containers, denied={containers[0]: _reason(containers[0], error)})
                    return
                for part in _halves(query):  # one container that may not be read spoils the query
                    yield from self._pages_of(part)
                return
            entries = body.get("entries") or []
            token = body.get("nextPageToken") or ""
            read_to = _time_of(entries[-1]) if entries and token else query.next_begin
            if entries or not token:
                yield LogPage(containers, [msgspec.json.encode(entry) for entry in entries], read_to)
            if not token:
                return

    def _answer(self, query: LogWindows, token: str) -> Any:
        body = {
            "resourceNames": list(query),
            "filter": filter_of(query),
            "orderBy": "timestamp asc",
            "pageSize": self._page_size,
            **({"pageToken": token} if token else {}),
        }
        call = Call("logging.entries.list", "POST", _URL, body=body, permission="logging.logEntries.list")
        for attempt in range(_TRIES):
            self._pace.wait()
            try:
                return self._api.read(call) or {}
            except Unavailable as error:
                if attempt + 1 == _TRIES:
                    raise
                first = error.seconds if isinstance(error, Throttled) else 0.5
                self._pace.sleep(backoff(first, _LONGEST_WAIT, attempt))
        raise Unavailable("Cloud Logging does not answer; try again later")


class LogQuery(NamedTuple):
    """The times of some containers that one query reads.

    Args:
        windows: the times by container.
        next_begin: begin of the rest, for a container whose times do not fit into one filter; None without a rest.
    """

    windows: Mapping[str, Windows]
    next_begin: datetime | None = None


def queries(windows: LogWindows) -> Iterator[LogQuery]:
    """Pack containers into queries, each within the limits on filters and containers.

    A container by number is a query of its own, and so is each part of one whose times do not fit into one filter.
    """
    query: dict[str, Windows] = {}
    size = _FRAME
    for container, all_times in windows.items():
        times = all_times
        while len(times) > _MAX_TIMES:
            yield LogQuery({container: times[:_MAX_TIMES]}, times[_MAX_TIMES][0])
            times = times[_MAX_TIMES:]
        if _is_numbered(container):
            yield LogQuery({container: times})
            continue
        length = len(_clause(container, times)) + len(" OR ")
        if query and (size + length > MAX_LETTERS or len(query) == MAX_CONTAINERS):
            yield LogQuery(query)
            query, size = {}, _FRAME
        query[container] = times
        size += length
    if query:
        yield LogQuery(query)


def filter_of(query: LogWindows) -> str:
    """The filter of a query."""
    return f"{_LOGS} AND ({' OR '.join(_clause(container, times) for container, times in query.items())})"


def _clause(container: str, times: Windows) -> str:
    ranges = " OR ".join(f'(timestamp>="{_text(begin)}" AND timestamp<="{_text(end)}")' for begin, end in times)
    # A log is named by the id of its project, so that a project known by its number alone is asked by itself.
    return f"({ranges})" if _is_numbered(container) else f'(logName:"{container}/" AND ({ranges}))'


def _is_numbered(container: str) -> bool:
    return container.startswith("projects/") and container[9:].isdigit()


def _text(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _halves(query: LogQuery) -> Iterator[LogQuery]:
    containers = list(query.windows)
    middle = len(containers) // 2
    for part in (containers[:middle], containers[middle:]):
        yield LogQuery({container: query.windows[container] for container in part})


def _reason(container: str, error: Exception) -> str:
    if isinstance(error, AccessDenied):
        return (
            f"no permission to read the audit log of {container}; grant roles/logging.viewer on it to the calling "
            "account"
        )
    return f"the audit log of {container} cannot be read: {error}"


def _time_of(entry: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(str(entry.get("timestamp", "")))
    except ValueError:
        return None

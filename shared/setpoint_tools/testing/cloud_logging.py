"""A fake of Cloud Logging's ``entries.list``, on the loopback: the product's real REST client talks to it.

It filters, orders and pages as the service does, takes no more calls in a minute than its quota, denies containers, and
fails as it is told to. Source: https://cloud.google.com/logging/docs/reference/v2/rest/v2/entries/list
"""

from __future__ import annotations

import itertools
import json
from bisect import insort
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from werkzeug.wrappers import Request, Response

from setpoint_tools.testing.http_server import serving
from setpoint_tools.testing.log_filters import FilterError, compiled
from setpoint_tools.testing.rate_quotas import Quota

_PATH = "/logging.googleapis.com/v2/entries:list"
_MAX_LETTERS, _MAX_NAMES, _MAX_ENTRIES, _USUAL_ENTRIES = 20_000, 100, 1_000, 50


class CloudLogging:
    """The entries that the fake holds, what it was asked, and how it is to behave.

    ``requests`` are the bodies of all calls; ``quota`` limits calls; ``denied`` are containers that may not be read;
    ``failures`` are statuses that the next calls answer.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.quota = Quota()
        self.denied: set[str] = set()
        self.failures: list[int] = []
        self.numbers: dict[str, str] = {}
        self._entries: dict[str, list[tuple[str, int, Mapping[str, Any]]]] = {}
        self._generated: Callable[[str], Sequence[Mapping[str, Any]]] = lambda _: ()
        self._counter = itertools.count()
        self._listings: dict[str, tuple[str, list[Mapping[str, Any]]]] = {}

    def put(self, entry: Mapping[str, Any]) -> None:
        """Hold an entry, as a sink publishes it; its log name says which container it is in."""
        container = str(entry["logName"]).partition("/logs/")[0]
        insort(self._entries.setdefault(container, []), (str(entry["timestamp"]), next(self._counter), entry))

    def name_project(self, number: str, identifier: str) -> None:
        """Let a project be asked for by its number, too."""
        self.numbers[f"projects/{number}"] = f"projects/{identifier}"

    def generate(self, make: Callable[[str], Sequence[Mapping[str, Any]]]) -> None:
        """Hold further entries of each container, made each time they are read."""
        self._generated = make

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request, as a WSGI application."""
        request = Request(environ)
        status, body = self._answer(request)
        return Response(json.dumps(body), status, content_type="application/json")(environ, start_response)

    def _answer(self, request: Request) -> tuple[int, dict[str, Any]]:
        if request.method != "POST" or request.path != _PATH:
            return _error(404, "NOT_FOUND", "Method not found.")
        body = json.loads(request.get_data())
        self.requests.append(body)
        names = [self.numbers.get(name, name) for name in body.get("resourceNames", ())]
        refused = self._refusal(names, body)
        if refused is not None:
            return refused
        try:
            return 200, self._page(names, body)
        except (FilterError, KeyError) as error:
            return _error(400, "INVALID_ARGUMENT", f"Unparseable filter, or unknown page token: {error}")

    def _refusal(self, names: Sequence[str], body: Mapping[str, Any]) -> tuple[int, dict[str, Any]] | None:
        if self.failures:
            return _error(self.failures.pop(0), "INTERNAL", "told to fail")
        if not self.quota.takes():
            return _error(429, "RESOURCE_EXHAUSTED", "Quota exceeded for 'Read requests per minute'")
        if not names or len(names) > _MAX_NAMES or len(body.get("filter", "")) > _MAX_LETTERS:
            return _error(400, "INVALID_ARGUMENT", "resource_names or filter is out of range")
        if denied := sorted(self.denied.intersection(names)):
            return _error(403, "PERMISSION_DENIED", f"Permission denied for {denied[0]}")
        return None

    def _page(self, names: Sequence[str], body: Mapping[str, Any]) -> dict[str, Any]:
        size = min(body.get("pageSize") or _USUAL_ENTRIES, _MAX_ENTRIES)
        asked = json.dumps({key: value for key, value in body.items() if key != "pageToken"}, sort_keys=True)
        token = body.get("pageToken", "")
        if token:
            listing, start = token.split(":")
            asked_before, entries = self._listings[listing]
            if asked_before != asked:
                raise KeyError(token)
        else:
            listing, start, entries = str(next(self._counter)), "0", self._selected(names, body)
            self._listings[listing] = asked, entries
        page = entries[int(start) : int(start) + size]
        following = int(start) + len(page)
        more = following < len(entries)
        if not more:
            self._listings.pop(listing)
        answer: dict[str, Any] = {"entries": page} if page else {}
        return answer | ({"nextPageToken": f"{listing}:{following}"} if more else {})

    def _selected(self, names: Sequence[str], body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        matches = compiled(body["filter"]) if body.get("filter") else lambda _: True
        held = [entry for name in names for _, _, entry in self._entries.get(name, ())]
        held += [entry for name in names for entry in self._generated(name)]
        is_latest_first = body.get("orderBy") == "timestamp desc"
        return sorted(
            (entry for entry in held if matches(entry)), key=lambda entry: entry["timestamp"], reverse=is_latest_first
        )


def _error(code: int, status: str, message: str) -> tuple[int, dict[str, Any]]:
    return code, {"error": {"code": code, "message": message, "status": status}}


@contextmanager
def cloud_logging(port: int = 0) -> Iterator[tuple[CloudLogging, str]]:
    """The fake, up on a port of the loopback, and its address; ``SETPOINT_GOOGLE_APIS`` may name it."""
    logging = CloudLogging()
    with serving(logging, port) as address:
        yield logging, address

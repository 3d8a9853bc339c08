"""A fake of Google's REST APIs, of any service, made from Google's own discovery documents.

It runs on loopback and is talked to by the product's real client. It keeps resources by their paths and does with them
what the method of a request says: read, list, make, patch, replace, delete, set a field, read and write the IAM policy;
with update masks, etags and fingerprints, long-running operations, and the faults that a test asks for. What a method
outside these does, it does not guess: it answers 501.

It needs ``google-api-python-client``, which carries the documents, and ``werkzeug``.
"""

from __future__ import annotations

import copy
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from werkzeug.wrappers import Request, Response

from setpoint_tools.testing import google_policies, google_set_methods
from setpoint_tools.testing import google_requests as requested
from setpoint_tools.testing.google_bodies import ApiError, Shape, conflicts, invalid, stamp
from setpoint_tools.testing.google_documents import Route, route_of
from setpoint_tools.testing.google_faults import Effect, Fault, Planned, hang_up, path_of, refusal
from setpoint_tools.testing.google_operations import Operations
from setpoint_tools.testing.http_server import serving

_PAGE_SIZES = ("pageSize", "maxResults")


class GoogleApis:
    """The resources that the fake holds, what was done to them, and the faults that it is to show.

    ``journal`` tells the writes that took effect, ``requests`` every request as ``VERB host/path``, ``polls`` how often
    an operation is read before it has ended; what is in ``meanwhile`` is called once, after the next resource was read.
    ``manners`` says, by service, that an API does not do with a body what its documents say. ``refused_masks`` are
    beginnings of update masks that are not taken; ``side_effect`` is given a resource before and after a write, and
    gives what it is then.
    """

    def __init__(self) -> None:
        self.journal: list[Effect] = []
        self.requests: list[str] = []
        self.meanwhile: list[Callable[[], object]] = []
        self.polls = 1
        self.refused_masks = set(requested.REFUSED_MASKS)
        self.manners: dict[str, requested.Manner] = {}
        self.side_effect: Callable[[dict[str, Any], dict[str, Any]], dict[str, Any]] = lambda _, after: after
        self._lock = threading.RLock()
        self._resources: dict[str, dict[str, Any]] = {}
        self._policies: dict[str, dict[str, Any]] = {}
        self._operations = Operations()
        self._faults: list[Planned] = []
        self._numbers = itertools.count(1)

    def put(self, url: str, body: Mapping[str, Any]) -> None:
        """Hold a resource at its address, with a state of its own where its schema knows one."""
        route, key = self._located("GET", url)
        held = copy.deepcopy(dict(body))
        for name in ("etag", "fingerprint", "labelFingerprint"):
            if name in route.document.properties(route.schema):
                held.setdefault(name, self._token())
        if route.schema == "Bucket":
            held.setdefault("metageneration", "1")
        with self._lock:
            self._resources[key] = held

    def put_policy(self, url: str, policy: Mapping[str, Any]) -> None:
        """Hold the IAM policy of the resource at an address."""
        with self._lock:
            self._policies[self._located("GET", url)[1]] = {"etag": self._token(), **copy.deepcopy(dict(policy))}

    def get(self, url: str) -> dict[str, Any] | None:
        """The resource at an address, or None."""
        return copy.deepcopy(self._resources.get(self._located("GET", url)[1]))

    def policy(self, url: str) -> dict[str, Any] | None:
        """The IAM policy of the resource at an address, or None."""
        return copy.deepcopy(self._policies.get(self._located("GET", url)[1]))

    def delete(self, url: str) -> None:
        """Let a resource be gone."""
        self._resources.pop(self._located("GET", url)[1], None)

    def end_operations(self) -> None:
        """Let every operation that goes on end when it is read next."""
        self._operations.hurry()

    def fail(self, fault: Fault, *, verb: str = "", path: str = "", times: int = 1) -> None:
        """Let requests go wrong.

        Args:
            fault: how.
            verb: only requests of this verb.
            path: only requests with this in their path.
            times: how many of them; -1 for all.
        """
        self._faults.append(Planned(fault, verb, path, times))

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer one request, as a WSGI application."""
        request = Request(environ)
        with self._lock:
            self.requests.append(f"{request.method} {path_of(request)}")
            fault = self._fault(request)
        if fault.delay:  # a sleep of no time gives the processor away
            time.sleep(fault.delay)
        if fault.lost == "before":
            return hang_up(environ, start_response)
        answer = self._answer(request, fault)
        return hang_up(environ, start_response) if fault.lost == "after" else answer(environ, start_response)

    def _fault(self, request: Request) -> Fault:
        for planned in self._faults:
            if planned.applies(request):
                planned.left -= 1
                return planned.fault
        return Fault()

    def _answer(self, request: Request, fault: Fault) -> Response:
        if fault.status and fault.lost != "shown":
            return fault.answer
        try:
            with self._lock:
                body = self._handled(request, fault)
            return fault.answer if fault.status else Response(json.dumps(body), content_type="application/json")
        except ApiError as error:
            return refusal(error)

    def _handled(self, request: Request, fault: Fault) -> Any:
        host, _, path = path_of(request).partition("/")
        operation = self._operations.read(f"https://{host}/{path}") if request.method == "GET" else None
        if operation is not None:
            return operation
        match_ = route_of(host, request.method, path)
        if match_ is None:
            raise ApiError(404, "notFound", f"no method at {request.method} {path}")
        route, rest = match_
        if route.response and "IamPolicy" in route.name:
            return self._policy(route, host, rest, request)
        if request.method == "GET":
            return self._read(route, host, rest, request)
        return self._write(route, host, rest, request, fault)

    def _read(self, route: Route, host: str, rest: str, request: Request) -> Any:
        if not route.resource or route.suffix:
            return self._listed(route, host, rest, request)
        body = copy.deepcopy(self._held(f"{host}/{rest}"))
        waiting, self.meanwhile = self.meanwhile, []
        for happening in waiting:
            happening()
        return body

    def _listed(self, route: Route, host: str, rest: str, request: Request) -> dict[str, Any]:
        """A page of what lies directly below a path."""
        fields = route.document.properties(route.response)
        name = next((name for name, field in fields.items() if field.get("type") == "array"), "")
        if not name:
            raise ApiError(501, "notImplemented", f"the fake does not know {route.method['id']}")
        below = f"{host}/{rest}/"
        items = [
            body
            for key, body in sorted(self._resources.items())
            if key.startswith(below) and "/" not in key[len(below) :]
        ]
        size = next((int(request.args[siz]) for siz in _PAGE_SIZES if siz in request.args), len(items) or 1)
        start = int(request.args.get("pageToken") or 0)
        page: dict[str, Any] = {name: copy.deepcopy(items[start : start + size])}
        if start + size < len(items):
            page["nextPageToken"] = str(start + size)
        return page

    def _write(self, route: Route, host: str, rest: str, request: Request, fault: Fault) -> Any:
        body = request.get_json(silent=True)
        if request.method == "POST" and not route.suffix and route.name in ("create", "insert"):
            return self._make(route, host, rest, request, body or {}, fault)
        if not route.resource:
            raise ApiError(501, "notImplemented", f"the fake does not know {route.method['id']}")
        key = f"{host}/{rest[: len(rest) - len(route.suffix)] if route.suffix else rest}"
        live = self._held(key)
        if request.method == "DELETE":
            return self._done(route, key, live, None, fault)
        self._precondition(route, live, request, body or {})
        requested.check_mask(route, request, body or {}, self.refused_masks)
        manner = self.manners.get(route.document.service, "documented")
        after = self.side_effect(copy.deepcopy(live), requested.after(route, live, request, body, manner))
        return self._done(route, key, live, after, fault)

    def _make(self, route: Route, host: str, rest: str, request: Request, body: dict[str, Any], fault: Fault) -> Any:
        identifier = next((value for name, value in request.args.items() if name.endswith("Id")), body.get("name"))
        if not identifier:
            raise invalid("it has no name")
        key = f"{host}/{rest}/{identifier}"
        if key in self._resources:
            raise ApiError(409, "alreadyExists", "it exists already")
        Shape(route.document, route.request).check(body)
        return self._done(route, key, None, copy.deepcopy(body), fault)

    def _precondition(self, route: Route, live: Mapping[str, Any], request: Request, body: dict[str, Any]) -> None:
        held = requested.unwrapped(route, body)
        live = google_set_methods.meant(route, live)
        wanted = request.args.get("ifMetagenerationMatch")
        match = request.headers.get("If-Match")
        stale = conflicts(live, held) or ("etag" if match and match != live.get("etag") else "")
        if route.name == "update" and "update" in body:
            stale = stale or conflicts(live, body["update"])
        if stale or (wanted and wanted != str(live.get("metageneration"))):
            status = 412 if route.document.service in ("compute", "storage", "bigquery", "sqladmin") else 409
            raise ApiError(status, "conditionNotMet" if status == 412 else "ABORTED", f"{stale or wanted} is stale")  # noqa: PLR2004 - of HTTP
        if route.document.service == "compute":
            name = "labelFingerprint" if route.name == "setLabels" else "fingerprint"
            if name in route.document.properties(route.request) and name in live and not body.get(name):
                raise ApiError(412, "conditionNotMet", f"{name} must be sent")

    def _done(self, route: Route, key: str, before: Any, after: dict[str, Any] | None, fault: Fault) -> Any:
        """Let a write take effect, at once or when its operation ends, and answer."""

        def effect() -> None:
            made = after
            if made is not None:
                stamp(before or {}, made, self._token())
                self._resources[key] = made
            else:
                self._resources.pop(key, None)
            was, now = copy.deepcopy(before), copy.deepcopy(made)
            self.journal.append(Effect(str(route.method["id"]), f"https://{key}", was, now))

        if route.response.endswith("Operation"):
            return self._operations.start(
                route, key, effect, polls=self.polls, error=fault.operation, has_effect=fault.has_effect
            )
        effect()
        return copy.deepcopy(after) if after is not None else {}

    def _policy(self, route: Route, host: str, rest: str, request: Request) -> Any:
        key = f"{host}/{rest[: len(rest) - len(route.suffix)]}"
        live = self._policies.setdefault(key, {"etag": self._token()})
        body = request.get_json(silent=True) or {}
        if route.name == "getIamPolicy":
            asked = next((value for name, value in request.args.items() if name.lower().endswith("policyversion")), "")
            version = asked or body.get("options", {}).get("requestedPolicyVersion") or 1
            return google_policies.shown(live, int(version))
        if route.name != "setIamPolicy":
            raise ApiError(501, "notImplemented", f"the fake does not know {route.method['id']}")
        made = google_policies.replaced(live, body.get("policy", body), body.get("updateMask", ""), self._token())
        self._policies[key] = made
        self.journal.append(Effect(str(route.method["id"]), f"https://{key}", copy.deepcopy(live), copy.deepcopy(made)))
        return google_policies.shown(made, int(made["version"]))

    def _held(self, key: str) -> dict[str, Any]:
        resource = self._resources.get(key)
        if resource is None:
            raise ApiError(404, "notFound", "there is no such resource")
        return resource

    def _located(self, verb: str, url: str) -> tuple[Route, str]:
        parts = urlsplit(url)
        match_ = route_of(parts.netloc, verb, parts.path.lstrip("/"))
        if match_ is None or not match_[0].resource:
            raise ValueError(f"no document tells of a resource at {url}")
        return match_[0], f"{parts.netloc}/{match_[1]}"

    def _token(self) -> str:
        return f"state-{next(self._numbers)}="


@contextmanager
def google_apis() -> Iterator[tuple[GoogleApis, str]]:
    """The fake, up on a free loopback port, and its address."""
    apis = GoogleApis()
    with serving(apis) as address:
        yield apis, address

"""Shared by the fakes of GitHub and GitLab: one repository in memory, its server, and the faults of its API."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import requests
from requests.adapters import BaseAdapter
from werkzeug.wrappers import Request, Response

from setpoint_tools.testing.google_faults import hang_up
from setpoint_tools.testing.slack_faults import wait_for_the_end


class HostFault(NamedTuple):
    """What goes wrong with a request.

    Args:
        status: of the answer; 0 for none.
        message: what the answer says.
        retry_after: seconds in the header of that name; 0 for no header.
        taken: the request has its effect all the same.
        lost: the connection is dropped in place of an answer.
        silent: no answer comes until the client has hung up.
    """

    status: int = 0
    message: str = ""
    retry_after: int = 0
    taken: bool = False
    lost: bool = False
    silent: bool = False


NONE = HostFault()
HOST_FAULTS: dict[str, HostFault] = {
    "secondary limit": HostFault(403, "You have exceeded a secondary rate limit", 3),
    "too many": HostFault(429, "Too Many Requests", 2),
    "conflict before": HostFault(409, "Conflict"),
    "broken before": HostFault(502, "Bad Gateway"),
    "broken after": HostFault(500, "Server Error", taken=True),
    "dropped before": HostFault(lost=True),
    "dropped after": HostFault(lost=True, taken=True),
}
"""Each way in which a request may go wrong, by its name."""


class HostAnswer(NamedTuple):
    """An answer: its status, its body as JSON or as it is, its headers."""

    status: int
    data: Any = None
    headers: Mapping[str, str] = {}

    @property
    def content(self) -> bytes:
        """The body."""
        return (
            self.data if isinstance(self.data, bytes) else b"" if self.data is None else json.dumps(self.data).encode()
        )


class HostCall(NamedTuple):
    """A request: the HTTP method, the path, the query, the headers in lower case, and the body."""

    verb: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class StoredCommit:
    """A commit: the commit below, all its files, its message, and whether it was amended after it was written."""

    parent: str
    files: Mapping[str, str]
    message: str
    is_amended: bool = False

    @property
    def dates(self) -> tuple[str, str]:
        """When it was written and when it was committed."""
        return (
            "2026-03-01T12:00:00Z",
            "2026-03-01T12:30:00+00:00" if self.is_amended else "2026-03-01T12:00:00.000+00:00",
        )

    @property
    def id(self) -> str:
        """By its content."""
        text = json.dumps([self.parent, sorted(self.files.items()), self.message])
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class StoredRequest:
    """A pull or merge request; ``fork`` is the path of the repository that it comes from, if that is another one.

    ``strangers`` are the comments that another account than the token's wrote.
    """

    number: int
    branch: str
    title: str
    body: str
    state: str = "open"
    labels: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    comments: dict[int, str] = field(default_factory=dict)
    fork: str = ""
    strangers: set[int] = field(default_factory=set)


class StoredRepository:
    """One repository in memory, as people see it.

    Args:
        path: ``OWNER/NAME``.
        files: the files of its main branch.
        base: the name of that branch.
    """

    def __init__(self, path: str, files: Mapping[str, str], base: str = "main") -> None:
        self.path = path
        self.base = base
        first = StoredCommit("", dict(files), "first")
        self.commits = {first.id: first}
        self.branches = {base: first.id}
        self.requests: dict[int, StoredRequest] = {}
        self.issues: dict[int, StoredRequest] = {}
        self.next_id = 1

    def about(self, number: int) -> StoredRequest:
        """A request or an issue, which share their numbers."""
        return self.requests[number] if number in self.requests else self.issues[number]

    def new_id(self) -> int:
        """A number that nothing else has."""
        self.next_id += 1
        return self.next_id - 1

    def add(self, commit: StoredCommit) -> str:
        """Keep a commit; its id."""
        self.commits[commit.id] = commit
        return commit.id

    def files(self, branch: str) -> Mapping[str, str]:
        """The files of a branch."""
        return self.commits[self.branches[branch]].files

    def push(self, branch: str, files: Mapping[str, str], message: str = "by hand") -> None:
        """Commit files to a branch, as a person does."""
        below = self.branches[branch]
        self.branches[branch] = self.add(StoredCommit(below, {**self.files(branch), **files}, message))

    def amend(self, branch: str, files: Mapping[str, str]) -> None:
        """Amend the last commit of a branch without a new message, as a person does."""
        last = self.commits[self.branches[branch]]
        self.branches[branch] = self.add(
            StoredCommit(last.parent, {**last.files, **files}, last.message, is_amended=True)
        )

    def merge(self, number: int) -> None:
        """Merge a request, as a person does: what its commits change is changed on the main branch."""
        request = self.requests[number]
        start = self.commits[self.branches[request.branch]]
        while start.parent and start.parent != self.branches[self.base] and not _has(self, start.parent):
            start = self.commits[start.parent]
        below = self.commits[start.parent].files if start.parent else {}
        changed = {path: text for path, text in self.files(request.branch).items() if below.get(path) != text}
        self.push(self.base, changed, f"Merge {request.number}")
        request.state = "merged"

    def delete(self, branch: str) -> None:
        """Delete a branch; the hosts close its open requests."""
        del self.branches[branch]
        for request in self.requests.values():
            if request.branch == branch and not request.fork and request.state == "open":
                request.state = "closed"

    def has_open(self, branch: str) -> bool:
        """Whether a request from a branch of this repository is open."""
        return any(request.state == "open" and not request.fork for request in self.by_branch(branch))

    def by_branch(self, branch: str) -> list[StoredRequest]:
        """The requests from a branch of this name, here or in a fork, the latest first."""
        return [request for request in reversed(self.requests.values()) if request.branch == branch]


def _has(repository: StoredRepository, commit: str) -> bool:
    """Whether a commit is on the main branch."""
    current = repository.branches[repository.base]
    while current:
        if current == commit:
            return True
        current = repository.commits[current].parent
    return False


class CodeHost:
    """A fake of a code host: a repository, the faults to show, and the requests that were made.

    Args:
        repository: its one repository.
        token: the token that is accepted.
        answer: the API.
    """

    def __init__(
        self, repository: StoredRepository, token: str, answer: Callable[[CodeHost, HostCall], HostAnswer]
    ) -> None:
        self.repository = repository
        self.token = token
        self.plan: list[HostFault] = []
        self.calls: list[HostCall] = []
        self._answer = answer
        self._lock = threading.Lock()

    def handle(self, call: HostCall) -> HostAnswer | None:
        """Answer a request; None where the connection is dropped."""
        with self._lock:
            self.calls.append(call)
            fault = self.plan.pop(0) if self.plan else NONE
            answer = self._answer(self, call) if fault == NONE or fault.taken else HostAnswer(fault.status)
        if fault.lost or fault.silent:
            return None
        if fault == NONE:
            return answer
        waits = {"Retry-After": str(fault.retry_after)} if fault.retry_after else {}
        return HostAnswer(fault.status, {"message": fault.message}, waits)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Answer a request, as a WSGI application."""
        request = Request(environ)
        path = unquote(urlsplit(environ.get("REQUEST_URI", environ["PATH_INFO"])).path)
        headers = {name.lower(): value for name, value in request.headers.items()}
        is_silent = bool(self.plan) and self.plan[0].silent
        text = request.get_data()
        call = HostCall(request.method, path, request.args.to_dict(), headers, json.loads(text) if text else None)
        answer = self.handle(call)
        if is_silent:
            wait_for_the_end(environ)
        if answer is None:
            return hang_up(environ, start_response)
        response = Response(answer.content, answer.status, dict(answer.headers), mimetype="application/json")
        return response(environ, start_response)


class InProcess(BaseAdapter):
    """Hands the requests of a session to a fake in this process, without a socket.

    Args:
        host: the fake.
    """

    def __init__(self, host: CodeHost) -> None:
        super().__init__()
        self._host = host

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Answer one request."""
        parts = urlsplit(request.url or "")
        headers = {name.lower(): str(value) for name, value in request.headers.items()}
        text = request.body or b""
        call = HostCall(
            request.method or "",
            unquote(str(parts.path)),
            _query(request.url or ""),
            headers,
            json.loads(text) if isinstance(text, (str, bytes)) and text else None,
        )
        answer = self._host.handle(call)
        if answer is None:
            raise requests.ConnectionError
        response = requests.Response()
        response.status_code = answer.status
        response.headers.update(answer.headers)
        response.raw = io.BytesIO(answer.content)
        response.request = request
        return response

    def close(self) -> None:
        """Nothing is open."""


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


def in_process(host: CodeHost) -> requests.Session:
    """A session whose requests go to a fake in this process."""
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", InProcess(host))
    session.mount("https://", InProcess(host))
    return session


Route = tuple[str, str, Callable[..., HostAnswer]]
"""The method, the path below the repository's own as a pattern, and what answers with the pattern's groups."""


def routed(host: CodeHost, call: HostCall, place: str, routes: Sequence[Route], missing: HostAnswer) -> HostAnswer:
    """The answer of the route that a request takes.

    Args:
        host: the fake.
        call: the request.
        place: the path of the repository.
        routes: the routes below it.
        missing: the answer where there is no such route.
    """
    if call.path != place and not call.path.startswith(f"{place}/"):
        return missing
    rest = call.path.removeprefix(place)
    for verb, pattern, handler in routes:
        if verb == call.verb and (match_ := re.fullmatch(pattern, rest)):
            return handler(host.repository, call, *match_.groups())
    return missing

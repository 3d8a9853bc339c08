"""A fake of GitLab's REST API for one repository: branches, commits, files, merge requests, notes, users.

Source: https://docs.gitlab.com/ee/api/rest/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from setpoint_tools.testing.code_hosts import (
    CodeHost,
    HostAnswer,
    HostCall,
    Route,
    StoredCommit,
    StoredRepository,
    StoredRequest,
    routed,
)
from setpoint_tools.testing.http_server import serving

TOKEN = "gitlab-token-of-the-fake"  # noqa: S105 - of the fake
_MISSING = HostAnswer(404, {"message": "404 Not Found"})
_ACCOUNT = 1
_STATES = {"open": "opened", "closed": "closed", "merged": "merged"}


def new_gitlab(files: Mapping[str, str], path: str = "acme/fleet", token: str = TOKEN) -> CodeHost:
    """A fake with one repository."""
    return CodeHost(StoredRepository(path, files), token, _answer)


@contextmanager
def gitlab(files: Mapping[str, str], path: str = "acme/fleet", token: str = TOKEN) -> Iterator[tuple[CodeHost, str]]:
    """The fake, up on a free loopback port, and the address of its API; its ``repository`` is what people see."""
    host = new_gitlab(files, path, token)
    with serving(host) as address:
        yield host, address


def _answer(host: CodeHost, call: HostCall) -> HostAnswer:
    if call.headers.get("private-token") != host.token:
        return HostAnswer(401, {"message": "401 Unauthorized"})
    if call.path == "/user":
        return HostAnswer(200, {"id": _ACCOUNT})
    if call.path == "/users":
        name = call.query["username"]
        is_user = "/" not in name and not name.startswith("stranger")
        return HostAnswer(200, [{"id": f"user:{name}", "username": name}] if is_user else [])
    return routed(host, call, f"/projects/{host.repository.path}", _ROUTES, _MISSING)


def _about(repository: StoredRepository, _: HostCall) -> HostAnswer:
    return HostAnswer(200, {"default_branch": repository.base, "path_with_namespace": repository.path})


def _branch(repository: StoredRepository, _: HostCall, branch: str) -> HostAnswer:
    commit = repository.branches.get(branch)
    if commit is None:
        return _MISSING
    stored = repository.commits[commit]
    written, committed = stored.dates
    dates = {"authored_date": written, "committed_date": committed}
    return HostAnswer(200, {"name": branch, "commit": {"id": commit, "message": stored.message, **dates}})


def _delete_branch(repository: StoredRepository, _: HostCall, branch: str) -> HostAnswer:
    if branch not in repository.branches:
        return _MISSING
    repository.delete(branch)
    return HostAnswer(204)


def _tree(repository: StoredRepository, call: HostCall) -> HostAnswer:
    files = list(repository.commits[call.query["ref"]].files)
    return _page(call, [{"path": path, "type": "blob", "mode": "100644"} for path in files])


def _content(repository: StoredRepository, call: HostCall, path: str) -> HostAnswer:
    text = repository.commits[call.query["ref"]].files.get(path)
    return _MISSING if text is None else HostAnswer(200, text.encode())


def _commit(repository: StoredRepository, call: HostCall) -> HostAnswer:
    body = call.body
    if body["branch"] in repository.branches and not body.get("force"):
        return HostAnswer(400, {"message": "A branch called that already exists"})
    if not body["actions"]:
        return HostAnswer(400, {"error": "actions is required"})
    files = dict(repository.commits[body["start_sha"]].files)
    for action in body["actions"]:
        is_there = action["file_path"] in files
        if is_there != (action["action"] == "update"):
            return HostAnswer(400, {"message": "A file with this name already exists, or does not"})
        files[action["file_path"]] = action["content"]
    made = repository.add(StoredCommit(body["start_sha"], files, body["commit_message"]))
    repository.branches[body["branch"]] = made
    return HostAnswer(201, {"id": made})


def _requests(repository: StoredRepository, call: HostCall) -> HostAnswer:
    """GitLab compares the name of the branch alone, so that requests of forks are among them."""
    return _page(call, [_shown(repository, each) for each in repository.by_branch(call.query["source_branch"])])


def _new_request(repository: StoredRepository, call: HostCall) -> HostAnswer:
    branch = call.body["source_branch"]
    if branch not in repository.branches:
        return HostAnswer(400, {"message": {"source_branch": ["does not exist"]}})
    if repository.has_open(branch):
        return HostAnswer(409, {"message": ["Another open merge request already exists for this source branch: !1"]})
    request = StoredRequest(repository.new_id(), branch, call.body["title"], call.body["description"])
    repository.requests[request.number] = request
    return HostAnswer(201, _shown(repository, request))


def _change_request(repository: StoredRepository, call: HostCall, number: str) -> HostAnswer:
    request = repository.requests.get(int(number))
    if request is None:
        return _MISSING
    request.title = call.body.get("title", request.title)
    request.body = call.body.get("description", request.body)
    if call.body.get("state_event") == "close" and request.state == "open":
        request.state = "closed"
    labels = filter(None, str(call.body.get("add_labels", "")).split(","))
    request.labels = list(dict.fromkeys([*request.labels, *labels]))
    if "reviewer_ids" in call.body:
        request.reviewers = [str(user).removeprefix("user:") for user in call.body["reviewer_ids"]]
    return HostAnswer(200, _shown(repository, request))


def _shown(repository: StoredRepository, request: StoredRequest) -> dict[str, Any]:
    return {
        "iid": request.number,
        "state": _STATES[request.state],
        "title": request.title,
        "description": request.body,
        "source_branch": request.branch,
        "source_project_id": 2 if request.fork else 1,
        "target_project_id": 1,
        "web_url": f"https://gitlab.example.com/{repository.path}/-/merge_requests/{request.number}",
    }


def _notes(repository: StoredRepository, call: HostCall, number: str) -> HostAnswer:
    request = repository.requests[int(number)]
    notes = [
        {"id": name, "body": text, "system": False, "author": {"id": 2 if name in request.strangers else _ACCOUNT}}
        for name, text in request.comments.items()
    ]
    return _page(call, notes)


def _new_note(repository: StoredRepository, call: HostCall, number: str) -> HostAnswer:
    identifier = repository.new_id()
    repository.requests[int(number)].comments[identifier] = call.body["body"]
    return HostAnswer(201, {"id": identifier})


def _change_note(repository: StoredRepository, call: HostCall, number: str, note: str) -> HostAnswer:
    comments = repository.requests[int(number)].comments
    if int(note) not in comments:
        return _MISSING
    comments[int(note)] = call.body["body"]
    return HostAnswer(200, {"id": int(note)})


def _page(call: HostCall, elements: list[Any]) -> HostAnswer:
    size, page = int(call.query["per_page"]), int(call.query["page"])
    return HostAnswer(200, elements[size * (page - 1) : size * page])


_ROUTES: tuple[Route, ...] = (
    ("GET", "", _about),
    ("GET", r"/repository/branches/(.+)", _branch),
    ("DELETE", r"/repository/branches/(.+)", _delete_branch),
    ("GET", r"/repository/tree", _tree),
    ("GET", r"/repository/files/(.+)/raw", _content),
    ("POST", r"/repository/commits", _commit),
    ("GET", r"/merge_requests", _requests),
    ("POST", r"/merge_requests", _new_request),
    ("PUT", r"/merge_requests/(\d+)", _change_request),
    ("GET", r"/merge_requests/(\d+)/notes", _notes),
    ("POST", r"/merge_requests/(\d+)/notes", _new_note),
    ("PUT", r"/merge_requests/(\d+)/notes/(\d+)", _change_note),
)

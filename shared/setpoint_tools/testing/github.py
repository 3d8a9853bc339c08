"""A fake of GitHub's REST API for one repository: git data, contents, pull requests, issues.

Source: https://docs.github.com/rest
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

TOKEN = "github-token-of-the-fake"  # noqa: S105 - of the fake
ACCOUNT = "setpoint"
"""The account of the token; empty for the token of an app's installation, which may not ask for it."""
MAX_FILES = 100_000
"""Entries of a tree in one answer: https://docs.github.com/rest/git/trees#get-a-tree"""
_NO_ACCOUNT = "Resource not accessible by integration"
_MISSING = HostAnswer(404, {"message": "Not Found"})


def _invalid(message: str) -> HostAnswer:
    return HostAnswer(422, {"message": "Validation Failed", "errors": [{"message": message}]})


def new_github(files: Mapping[str, str], path: str = "acme/fleet", token: str = TOKEN) -> CodeHost:
    """A fake with one repository."""
    return CodeHost(StoredRepository(path, files), token, _answer)


@contextmanager
def github(files: Mapping[str, str], path: str = "acme/fleet", token: str = TOKEN) -> Iterator[tuple[CodeHost, str]]:
    """The fake, up on a free loopback port, and the address of its API; its ``repository`` is what people see."""
    host = new_github(files, path, token)
    with serving(host) as address:
        yield host, address


def _answer(host: CodeHost, call: HostCall) -> HostAnswer:
    if call.headers.get("authorization") != f"Bearer {host.token}":
        return HostAnswer(401, {"message": "Bad credentials"})
    if call.path == "/user":
        return HostAnswer(200, {"login": ACCOUNT}) if ACCOUNT else HostAnswer(403, {"message": _NO_ACCOUNT})
    return routed(host, call, f"/repos/{host.repository.path}", _ROUTES, _MISSING)


def _about(repository: StoredRepository, _: HostCall) -> HostAnswer:
    return HostAnswer(200, {"default_branch": repository.base, "full_name": repository.path})


def _ref(repository: StoredRepository, _: HostCall, branch: str) -> HostAnswer:
    commit = repository.branches.get(branch)
    return _MISSING if commit is None else HostAnswer(200, {"ref": f"refs/heads/{branch}", "object": {"sha": commit}})


def _commit(repository: StoredRepository, _: HostCall, commit: str) -> HostAnswer:
    stored = repository.commits.get(commit)
    if stored is None:
        return _MISSING
    written, committed = stored.dates
    dates = {"author": {"date": written}, "committer": {"date": committed}}
    return HostAnswer(200, {"sha": commit, "message": stored.message, "tree": {"sha": f"tree-{commit}"}, **dates})


def _tree(repository: StoredRepository, _: HostCall, commit: str) -> HostAnswer:
    stored = repository.commits.get(commit)
    if stored is None:
        return _MISSING
    paths = list(stored.files)
    entries = [{"path": path, "mode": "100644", "type": "blob", "sha": "0"} for path in paths[:MAX_FILES]]
    return HostAnswer(200, {"sha": f"tree-{commit}", "tree": entries, "truncated": len(paths) > MAX_FILES})


def _new_tree(repository: StoredRepository, call: HostCall) -> HostAnswer:
    below = repository.commits.get(str(call.body["base_tree"]).removeprefix("tree-"))
    if below is None:
        return _MISSING
    files = {**below.files, **{entry["path"]: entry["content"] for entry in call.body["tree"]}}
    return HostAnswer(201, {"sha": f"tree-{repository.add(StoredCommit('', files, ''))}"})


def _new_commit(repository: StoredRepository, call: HostCall) -> HostAnswer:
    tree = repository.commits[str(call.body["tree"]).removeprefix("tree-")]
    (parent,) = call.body["parents"]
    return HostAnswer(201, {"sha": repository.add(StoredCommit(parent, tree.files, call.body["message"]))})


def _new_ref(repository: StoredRepository, call: HostCall) -> HostAnswer:
    branch = str(call.body["ref"]).removeprefix("refs/heads/")
    if branch in repository.branches:
        return HostAnswer(422, {"message": "Reference already exists"})
    repository.branches[branch] = call.body["sha"]
    return HostAnswer(201, {"ref": call.body["ref"], "object": {"sha": call.body["sha"]}})


def _move_ref(repository: StoredRepository, call: HostCall, branch: str) -> HostAnswer:
    if branch not in repository.branches:
        return HostAnswer(422, {"message": "Reference does not exist"})
    repository.branches[branch] = call.body["sha"]
    return HostAnswer(200, {"object": {"sha": call.body["sha"]}})


def _delete_ref(repository: StoredRepository, _: HostCall, branch: str) -> HostAnswer:
    if branch not in repository.branches:
        return HostAnswer(422, {"message": "Reference does not exist"})
    repository.delete(branch)
    return HostAnswer(204)


def _content(repository: StoredRepository, call: HostCall, path: str) -> HostAnswer:
    text = repository.commits[call.query["ref"]].files.get(path)
    return _MISSING if text is None else HostAnswer(200, text.encode())


def _pulls(repository: StoredRepository, call: HostCall) -> HostAnswer:
    owner, _, branch = call.query["head"].partition(":")
    if owner != repository.path.partition("/")[0]:
        return HostAnswer(200, [])
    pulls = [each for each in repository.by_branch(branch) if not each.fork or each.fork.partition("/")[0] == owner]
    size, page = int(call.query["per_page"]), int(call.query["page"])
    return HostAnswer(200, [_pull(repository, each) for each in pulls][size * (page - 1) : size * page])


def _new_pull(repository: StoredRepository, call: HostCall) -> HostAnswer:
    branch = call.body["head"]
    if branch not in repository.branches:
        return _invalid("head is invalid")
    if repository.branches[branch] == repository.branches[call.body["base"]]:
        return _invalid(f"No commits between {call.body['base']} and {branch}")
    if repository.has_open(branch):
        return _invalid(f"A pull request already exists for {repository.path.partition('/')[0]}:{branch}.")
    request = StoredRequest(repository.new_id(), branch, call.body["title"], call.body["body"])
    repository.requests[request.number] = request
    return HostAnswer(201, _pull(repository, request))


def _change_pull(repository: StoredRepository, call: HostCall, number: str) -> HostAnswer:
    request = repository.requests.get(int(number))
    if request is None:
        return _MISSING
    request.title = call.body.get("title", request.title)
    request.body = call.body.get("body", request.body)
    if request.state != "merged":
        request.state = call.body.get("state", request.state)
    return HostAnswer(200, _pull(repository, request))


def _pull(repository: StoredRepository, request: StoredRequest) -> dict[str, Any]:
    return {
        "number": request.number,
        "state": "open" if request.state == "open" else "closed",
        "merged_at": "2026-03-01T12:00:00Z" if request.state == "merged" else None,
        "title": request.title,
        "body": request.body,
        "head": {"ref": request.branch, "repo": {"full_name": request.fork or repository.path}},
        "base": {"ref": repository.base, "repo": {"full_name": repository.path}},
        "html_url": f"https://github.example.com/{repository.path}/pull/{request.number}",
    }


def _labels(repository: StoredRepository, call: HostCall, number: str) -> HostAnswer:
    request = repository.requests[int(number)]
    request.labels = list(dict.fromkeys([*request.labels, *call.body["labels"]]))
    return HostAnswer(200, [{"name": name} for name in request.labels])


def _reviewers(repository: StoredRepository, call: HostCall, number: str) -> HostAnswer:
    request = repository.requests[int(number)]
    asked = [*call.body.get("reviewers", ()), *(f"team:{name}" for name in call.body.get("team_reviewers", ()))]
    if any(name.startswith("stranger") for name in asked):
        return _invalid("Reviews may only be requested from collaborators.")
    request.reviewers = list(dict.fromkeys([*request.reviewers, *asked]))
    return HostAnswer(201, _pull(repository, request))


def _comments(repository: StoredRepository, call: HostCall, number: str) -> HostAnswer:
    size, page = int(call.query["per_page"]), int(call.query["page"])
    about = repository.about(int(number))
    own = {"login": ACCOUNT, "type": "User"} if ACCOUNT else {"login": "setpoint[bot]", "type": "Bot"}
    stranger = {"login": "stranger", "type": "User"}
    listed = [
        {"id": name, "body": text, "user": stranger if name in about.strangers else own}
        for name, text in about.comments.items()
    ]
    return HostAnswer(200, listed[size * (page - 1) : size * page])


def _new_comment(repository: StoredRepository, call: HostCall, number: str) -> HostAnswer:
    identifier = repository.new_id()
    repository.about(int(number)).comments[identifier] = call.body["body"]
    return HostAnswer(201, {"id": identifier})


def _change_comment(repository: StoredRepository, call: HostCall, comment: str) -> HostAnswer:
    for request in repository.requests.values():
        if int(comment) in request.comments:
            request.comments[int(comment)] = call.body["body"]
            return HostAnswer(200, {"id": int(comment)})
    return _MISSING


def _issues(repository: StoredRepository, call: HostCall) -> HostAnswer:
    size, page = int(call.query["per_page"]), int(call.query["page"])
    listed = [_issue(issue) for issue in repository.issues.values() if call.query["labels"] in issue.labels]
    return HostAnswer(200, listed[size * (page - 1) : size * page])


def _new_issue(repository: StoredRepository, call: HostCall) -> HostAnswer:
    issue = StoredRequest(repository.new_id(), "", call.body["title"], call.body["body"], labels=call.body["labels"])
    repository.issues[issue.number] = issue
    return HostAnswer(201, _issue(issue))


def _change_issue(repository: StoredRepository, call: HostCall, number: str) -> HostAnswer:
    issue = repository.issues.get(int(number))
    if issue is None:
        return _MISSING
    issue.title, issue.body, issue.state = call.body["title"], call.body["body"], call.body["state"]
    return HostAnswer(200, _issue(issue))


def _issue(issue: StoredRequest) -> dict[str, Any]:
    return {"number": issue.number, "title": issue.title, "body": issue.body, "state": issue.state}


_ROUTES: tuple[Route, ...] = (
    ("GET", "", _about),
    ("GET", r"/git/ref/heads/(.+)", _ref),
    ("GET", r"/git/commits/(\w+)", _commit),
    ("GET", r"/git/trees/(\w+)", _tree),
    ("POST", r"/git/trees", _new_tree),
    ("POST", r"/git/commits", _new_commit),
    ("POST", r"/git/refs", _new_ref),
    ("PATCH", r"/git/refs/heads/(.+)", _move_ref),
    ("DELETE", r"/git/refs/heads/(.+)", _delete_ref),
    ("GET", r"/contents/(.+)", _content),
    ("GET", r"/pulls", _pulls),
    ("POST", r"/pulls", _new_pull),
    ("PATCH", r"/pulls/(\d+)", _change_pull),
    ("GET", r"/issues", _issues),
    ("POST", r"/issues", _new_issue),
    ("PATCH", r"/issues/(\d+)", _change_issue),
    ("POST", r"/issues/(\d+)/labels", _labels),
    ("POST", r"/pulls/(\d+)/requested_reviewers", _reviewers),
    ("GET", r"/issues/(\d+)/comments", _comments),
    ("POST", r"/issues/(\d+)/comments", _new_comment),
    ("PATCH", r"/issues/comments/(\d+)", _change_comment),
)

"""A repository at GitLab.

Sources: https://docs.gitlab.com/ee/api/branches.html, https://docs.gitlab.com/ee/api/commits.html,
https://docs.gitlab.com/ee/api/merge_requests.html, https://docs.gitlab.com/ee/api/notes.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from setpoint.adapters.repositories.rest import Rest, is_amended, text_of
from setpoint.errors import BadRequest
from setpoint.ports.repositories import BranchHead, ChangeRequest, GitCommit, RequestState, latest

_NOT_FOUND, _INVALID = 404, 400
_STATES: Mapping[str, RequestState] = {"opened": "open", "locked": "open", "merged": "merged", "closed": "closed"}


def headers(token: Callable[[], str]) -> Callable[[], Mapping[str, str]]:
    """The headers of each request."""
    return lambda: {"PRIVATE-TOKEN": token(), "User-Agent": "setpoint"}


class GitLabRepository:
    """A ``Repository`` at GitLab.

    Args:
        name: its name in the settings.
        url: its page.
        path: ``GROUP/…/NAME``.
        rest: the API.
        branch: the branch that requests are made to; empty for the default branch.
    """

    def __init__(self, name: str, url: str, path: str, rest: Rest, branch: str = "") -> None:
        self.name = name
        self.url = url
        self._project = f"/projects/{quote(path, safe='')}"
        self._rest = rest
        self._branch = branch
        self._own_id = 0
        self._listed: tuple[str, frozenset[str]] = ("", frozenset())

    def base(self) -> str:
        """See ``Repository.base``."""
        return str(self._get(f"/repository/branches/{_quoted(self._target())}")["commit"]["id"])

    def files(self, commit: str) -> Collection[str]:
        """See ``Repository.files``; links and submodules are left out."""
        if self._listed[0] != commit:
            self._listed = commit, frozenset(self._paths(commit))
        return self._listed[1]

    def read(self, path: str, commit: str) -> str | None:
        """See ``Repository.read``."""
        address = f"{self._project}/repository/files/{_quoted(path)}/raw"
        answer = self._rest.call("GET", address, query={"ref": commit}, accept="*/*", expected=(_NOT_FOUND,))
        return text_of(answer)

    def head(self, branch: str) -> BranchHead | None:
        """See ``Repository.head``."""
        address = f"{self._project}/repository/branches/{_quoted(branch)}"
        answer = self._rest.call("GET", address, expected=(_NOT_FOUND,))
        if answer.status == _NOT_FOUND:
            return None
        commit = answer.data["commit"]
        amended = is_amended(commit["authored_date"], commit["committed_date"])
        return BranchHead(str(commit["id"]), str(commit["message"]), amended)

    def put(self, branch: str, commit: GitCommit) -> None:
        """See ``Repository.put``; ``force`` sets an existing branch to the new commit.

        GitLab refuses a commit without actions (https://gitlab.com/gitlab-org/gitlab/-/issues/584164): an empty one
        writes a file as it is.
        """
        present = self.files(commit.parent) if commit.files else ()
        actions = [
            {"action": "update" if path in present else "create", "file_path": path, "content": text}
            for path, text in commit.files.items()
        ] or [self._unchanged(commit.parent)]
        body = {
            "branch": branch,
            "start_sha": commit.parent,
            "commit_message": commit.message,
            "actions": actions,
            "force": True,
        }
        self._post("/repository/commits", body)

    def remove(self, branch: str) -> None:
        """See ``Repository.remove``."""
        address = f"{self._project}/repository/branches/{_quoted(branch)}"
        self._rest.call("DELETE", address, expected=(_NOT_FOUND,))

    def find(self, branch: str) -> ChangeRequest | None:
        """See ``Repository.find``."""
        query = {"source_branch": branch, "state": "all", "order_by": "created_at"}
        listed = self._rest.pages(f"{self._project}/merge_requests", query)
        # GitLab compares the branch's name alone: anybody's fork may have one of that name.
        own = (_request(each) for each in listed if each["source_project_id"] == each["target_project_id"])
        return latest(own)

    def open(self, branch: str, title: str, body: str) -> ChangeRequest:
        """See ``Repository.open``; GitLab answers 409 where an open request from the branch exists."""
        new = {"source_branch": branch, "target_branch": self._target(), "title": title, "description": body}
        answer = self._rest.call("POST", f"{self._project}/merge_requests", {**new, "remove_source_branch": True})
        return _request(answer.data)

    def update(self, number: int, title: str, body: str, *, close: bool = False) -> None:
        """See ``Repository.update``."""
        change = {"title": title, "description": body} | ({"state_event": "close"} if close else {})
        self._put(number, change)

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        """See ``Repository.add_labels``."""
        if labels:
            self._put(number, {"add_labels": ",".join(labels)})

    def ask_reviewers(self, number: int, owners: Sequence[str]) -> None:
        """See ``Repository.ask_reviewers``; groups cannot review, and are left out."""
        users = []
        for owner in owners:
            listed = self._rest.call("GET", "/users", query={"username": owner.removeprefix("@")}).data
            users += [user["id"] for user in listed or ()][:1]
        if users:
            self._put(number, {"reviewer_ids": users}, expected=(_INVALID,))

    def comments(self, number: int) -> Mapping[int, str]:
        """See ``Repository.comments``."""
        listed = self._rest.pages(f"{self._project}/merge_requests/{number}/notes", {"sort": "asc"})
        notes = [note for note in listed if not note.get("system")]
        return {int(note["id"]): str(note["body"]) for note in notes if note["author"]["id"] == self._account()}

    def comment(self, number: int, text: str, comment: int = 0) -> None:
        """See ``Repository.comment``."""
        notes = f"{self._project}/merge_requests/{number}/notes"
        if comment:
            self._rest.call("PUT", f"{notes}/{comment}", {"body": text})
        else:
            self._rest.call("POST", notes, {"body": text})

    def _account(self) -> int:
        """The id of the token's account: https://docs.gitlab.com/ee/api/users.html#get-the-current-user."""
        if not self._own_id:
            self._own_id = int(self._rest.call("GET", "/user").data["id"])
        return self._own_id

    def _paths(self, commit: str) -> Iterator[str]:
        """The paths of files in a commit, as far as they are asked for."""
        entries = self._rest.pages(f"{self._project}/repository/tree", {"ref": commit, "recursive": "true"})
        return (entry["path"] for entry in entries if entry["type"] == "blob" and entry["mode"] != "120000")

    def _unchanged(self, commit: str) -> dict[str, str]:
        """The action that writes a file of a commit as it is; not all files need to be listed for that."""
        for path in self._paths(commit):
            if (text := self.read(path, commit)) is not None:
                return {"action": "update", "file_path": path, "content": text}
        raise BadRequest(f"repository `{self.name}`: it has no text file; push a first one")

    def _target(self) -> str:
        if not self._branch:
            about = self._get("")
            if not about.get("default_branch"):
                raise BadRequest(f"repository `{self.name}`: it is empty; push a first commit")
            self._branch = str(about["default_branch"])
        return self._branch

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        return self._rest.call("GET", f"{self._project}{path}", query=query).data

    def _post(self, path: str, body: Any) -> None:
        self._rest.call("POST", f"{self._project}{path}", body)

    def _put(self, number: int, change: Any, expected: Collection[int] = ()) -> None:
        self._rest.call("PUT", f"{self._project}/merge_requests/{number}", change, expected=expected)


def _quoted(path: str) -> str:
    return quote(path, safe="")


def _request(data: Mapping[str, Any]) -> ChangeRequest:
    state = _STATES[data["state"]]
    return ChangeRequest(data["iid"], state, data["title"], data["description"] or "", data["web_url"])

"""A repository at GitHub.

Sources: https://docs.github.com/rest/git, https://docs.github.com/rest/pulls, https://docs.github.com/rest/issues
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from setpoint.adapters.repositories.rest import ApiResponse, Rest, is_amended, text_of
from setpoint.errors import AccessDenied, BadRequest, Conflict, IncompleteListing
from setpoint.ports.repositories import BranchHead, ChangeRequest, GitCommit, RequestState, latest

_RAW = "application/vnd.github.raw+json"
_FILE, _EXECUTABLE = "100644", "100755"
_NOT_FOUND, _INVALID = 404, 422


def headers(token: Callable[[], str]) -> Callable[[], Mapping[str, str]]:
    """The headers of each request, with a token that may change."""
    return lambda: {
        "Authorization": f"Bearer {token()}",
        "X-GitHub-Api-Version": "2022-11-28",
        "User-Agent": "setpoint",
    }


class GitHubRepository:
    """A ``Repository`` at GitHub.

    Args:
        name: its name in the settings.
        url: its page.
        path: ``OWNER/NAME``.
        rest: the API.
        branch: the branch that requests are made to; empty for the default branch.
    """

    def __init__(self, name: str, url: str, path: str, rest: Rest, branch: str = "") -> None:
        self.name = name
        self.url = url
        self._owner = path.partition("/")[0]
        self._path = f"/repos/{quote(path)}"
        self._rest = rest
        self._branch = branch
        self._account: str | None = None
        self._modes: tuple[str, Mapping[str, str]] = ("", {})

    def base(self) -> str:
        """See ``Repository.base``."""
        return str(self._get(f"/git/ref/heads/{quote(self._target())}")["object"]["sha"])

    def files(self, commit: str) -> Collection[str]:
        """See ``Repository.files``; links and submodules are left out."""
        if self._modes[0] != commit:
            tree = self._get(f"/git/trees/{commit}", {"recursive": "1"})
            if tree.get("truncated"):
                raise IncompleteListing(
                    f"repository `{self.name}`: it has more files than GitHub lists; it cannot be listed whole"
                )
            modes = {entry["path"]: entry["mode"] for entry in tree["tree"] if entry["type"] == "blob"}
            self._modes = commit, {path: mode for path, mode in modes.items() if mode in (_FILE, _EXECUTABLE)}
        return self._modes[1]

    def read(self, path: str, commit: str) -> str | None:
        """See ``Repository.read``."""
        answer = self._rest.call(
            "GET", f"{self._path}/contents/{quote(path)}", query={"ref": commit}, accept=_RAW, expected=(_NOT_FOUND,)
        )
        return text_of(answer)

    def head(self, branch: str) -> BranchHead | None:
        """See ``Repository.head``."""
        answer = self._rest.call("GET", f"{self._path}/git/ref/heads/{quote(branch)}", expected=(_NOT_FOUND,))
        if answer.status == _NOT_FOUND:
            return None
        commit = str(answer.data["object"]["sha"])
        data = self._get(f"/git/commits/{commit}")
        amended = is_amended(data["author"]["date"], data["committer"]["date"])
        return BranchHead(commit, str(data["message"]), amended)

    def put(self, branch: str, commit: GitCommit) -> None:
        """See ``Repository.put``."""
        tree = self._get(f"/git/commits/{commit.parent}")["tree"]["sha"]
        if commit.files:
            self.files(commit.parent)
            entries = [self._entry(path, text) for path, text in commit.files.items()]
            tree = self._post("/git/trees", {"base_tree": tree, "tree": entries}).data["sha"]
        body = {"message": commit.message, "tree": tree, "parents": [commit.parent]}
        made = self._post("/git/commits", body).data["sha"]
        answer = self._post("/git/refs", {"ref": f"refs/heads/{branch}", "sha": made}, expected=(_INVALID,))
        if answer.status == _INVALID:
            if "exists" not in answer.message:
                raise BadRequest(f"repository `{self.name}`: branch {branch} refused: {answer.message}")
            self._rest.call("PATCH", f"{self._path}/git/refs/heads/{quote(branch)}", {"sha": made, "force": True})

    def remove(self, branch: str) -> None:
        """See ``Repository.remove``."""
        path = f"{self._path}/git/refs/heads/{quote(branch)}"
        self._rest.call("DELETE", path, expected=(_NOT_FOUND, _INVALID))

    def find(self, branch: str) -> ChangeRequest | None:
        """See ``Repository.find``."""
        query = {"head": f"{self._owner}:{branch}", "state": "all", "sort": "created", "direction": "desc"}
        listed = self._rest.pages(f"{self._path}/pulls", query)
        own = (_request(each) for each in listed if _is_from_here(each))
        return latest(own)

    def open(self, branch: str, title: str, body: str) -> ChangeRequest:
        """See ``Repository.open``."""
        new = {"title": title, "body": body, "head": branch, "base": self._target(), "maintainer_can_modify": True}
        answer = self._post("/pulls", new, expected=(_INVALID,))
        if answer.status == _INVALID:
            if "already exists" in answer.message:
                raise Conflict(f"repository `{self.name}`: a pull request from {branch} exists")
            raise BadRequest(f"repository `{self.name}`: pull request from {branch} refused: {answer.message}")
        return _request(answer.data)

    def update(self, number: int, title: str, body: str, *, close: bool = False) -> None:
        """See ``Repository.update``."""
        change = {"title": title, "body": body} | ({"state": "closed"} if close else {})
        self._rest.call("PATCH", f"{self._path}/pulls/{number}", change)

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        """See ``Repository.add_labels``."""
        if labels:
            self._post(f"/issues/{number}/labels", {"labels": list(labels)})

    def ask_reviewers(self, number: int, owners: Sequence[str]) -> None:
        """See ``Repository.ask_reviewers``; GitHub refuses the author, and who has no access to the repository."""
        for owner in owners:
            name = owner.removeprefix("@")
            team = name.partition("/")[2]
            asked = {"team_reviewers": [team]} if team else {"reviewers": [name]}
            self._post(f"/pulls/{number}/requested_reviewers", asked, expected=(_INVALID, _NOT_FOUND))

    def comments(self, number: int) -> Mapping[int, str]:
        """See ``Repository.comments``."""
        listed = self._rest.pages(f"{self._path}/issues/{number}/comments")
        return {int(comment["id"]): str(comment["body"]) for comment in listed if self._is_own(comment["user"])}

    def _is_own(self, user: Mapping[str, Any] | None) -> bool:
        """Whether an account is the token's; an app may not ask for its own, which is a bot. None is a deleted one.

        Source: https://docs.github.com/rest/users/users#get-the-authenticated-user
        """
        if self._account is None:
            try:
                self._account = str(self._rest.call("GET", "/user").data["login"])
            except AccessDenied:
                self._account = ""
        if user is None:
            return False
        return bool(user["login"] == self._account if self._account else user["type"] == "Bot")

    def comment(self, number: int, text: str, comment: int = 0) -> None:
        """See ``Repository.comment``."""
        if comment:
            self._rest.call("PATCH", f"{self._path}/issues/comments/{comment}", {"body": text})
        else:
            self._post(f"/issues/{number}/comments", {"body": text})

    def _target(self) -> str:
        if not self._branch:
            self._branch = str(self._get("")["default_branch"])
        return self._branch

    def _entry(self, path: str, text: str) -> dict[str, str]:
        mode = self._modes[1].get(path, _FILE)
        return {"path": path, "mode": mode, "type": "blob", "content": text}

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        return self._rest.call("GET", f"{self._path}{path}", query=query).data

    def _post(self, path: str, body: Any, expected: Collection[int] = ()) -> ApiResponse:
        return self._rest.call("POST", f"{self._path}{path}", body, expected=expected)


def _is_from_here(data: Mapping[str, Any]) -> bool:
    """Whether a pull request is from a branch of the repository: its owner may have forks, and a fork may be gone."""
    head = data["head"]["repo"]
    return head is not None and head["full_name"] == data["base"]["repo"]["full_name"]


def _request(data: Mapping[str, Any]) -> ChangeRequest:
    state: RequestState = "merged" if data.get("merged_at") else "open" if data["state"] == "open" else "closed"
    return ChangeRequest(data["number"], state, data["title"], data["body"] or "", data["html_url"])

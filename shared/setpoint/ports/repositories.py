"""The port of repositories: branches, commits and change requests (pull or merge requests) of one repository."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

RequestState = Literal["open", "closed", "merged"]


class ChangeRequest(NamedTuple):
    """A pull or merge request.

    Args:
        number: its number in the repository.
        state: whether it is open, closed without a merge, or merged.
        title: its title.
        body: its text.
        url: its page.
    """

    number: int
    state: RequestState
    title: str
    body: str
    url: str


def latest(requests: Iterable[ChangeRequest]) -> ChangeRequest | None:
    """The request that counts for a branch: an open one, else the newest; None for none."""
    return max(requests, key=lambda each: (each.state == "open", each.number), default=None)


class BranchHead(NamedTuple):
    """The last commit of a branch.

    Args:
        commit: its id.
        message: its message.
        is_amended: it was committed again after it was written: amended or rebased.
    """

    commit: str
    message: str
    is_amended: bool = False


class GitCommit(NamedTuple):
    """One commit on top of another.

    Args:
        parent: the id of the commit below.
        files: the new text of each changed file, by path; empty for an empty commit.
        message: its message.
    """

    parent: str
    files: Mapping[str, str]
    message: str


class Repository(Protocol):
    """One repository at GitHub or GitLab.

    Every method raises ``Throttled`` with the time of the next attempt for a rate limit, ``Unavailable`` where the
    service did not answer and the effect is unknown, ``Conflict`` where another change was made to the same thing, and
    ``BadRequest`` with the next step where it never succeeds. Methods do not retry: read again before the next attempt.
    """

    name: str
    """Its name in the settings."""
    url: str
    """Its page, ``https://github.com/acme/fleet``."""

    def base(self) -> str:
        """The id of the last commit of the branch that requests are made to."""

    def files(self, commit: str) -> Collection[str]:
        """The paths of all files in a commit.

        Raises:
            IncompleteListing: there are more than can be listed.
        """

    def read(self, path: str, commit: str) -> str | None:
        """The text of a file in a commit; None where it does not exist or is not UTF-8."""

    def head(self, branch: str) -> BranchHead | None:
        """The last commit of a branch; None where there is no such branch."""

    def put(self, branch: str, commit: GitCommit) -> None:
        """Set a branch to one commit on top of another; create the branch where it does not exist."""

    def remove(self, branch: str) -> None:
        """Delete a branch, if it exists."""

    def find(self, branch: str) -> ChangeRequest | None:
        """The latest request from a branch; None where there was none."""

    def open(self, branch: str, title: str, body: str) -> ChangeRequest:
        """Open a request from a branch to the base.

        Raises:
            Conflict: an open request from the branch exists.
        """

    def update(self, number: int, title: str, body: str, *, close: bool = False) -> None:
        """Replace the title and text of a request, and close it where that is asked for, in one call."""

    def add_labels(self, number: int, labels: Sequence[str]) -> None:
        """Add labels to a request."""

    def ask_reviewers(self, number: int, owners: Sequence[str]) -> None:
        """Ask the owners that the service knows for a review: ``@user``, ``@organization/team``."""

    def comments(self, number: int) -> Mapping[int, str]:
        """The texts of the token's own comments on a request by their ids, oldest first."""

    def comment(self, number: int, text: str, comment: int = 0) -> None:
        """Write a comment on a request, or replace one.

        Args:
            number: the request.
            text: the comment.
            comment: the id of the comment to replace; 0 for a new one.
        """


class RequestSettings(NamedTuple):
    """How requests are made in a repository.

    Args:
        repository: the repository.
        labels: the labels of each request.
        directory: the directory that the files of declarations are relative to; empty for the top.
        roots: the directory of the Terraform root module of each plan or state, by a glob of its file or URL.
        code: the format of declarations that are added.
    """

    repository: Repository
    labels: tuple[str, ...] = ()
    directory: str = ""
    roots: Mapping[str, str] = {}
    code: Literal["native", "krm", "terraform"] = "native"


class Repositories(Protocol):
    """The repositories of the installation, by the names in its settings."""

    def get(self, name: str) -> RequestSettings:
        """A repository.

        Raises:
            BadRequest: no repository has the name.
        """

"""Bring the change request of a finding or cause to the state that the findings require.

Each call reads what is there and does what is missing, so that it is repeated after any failure. The branch's name
follows from the thread, a commit and a text of Setpoint carry marks, and what a person has closed or pushed stays as it
is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

import msgspec

from setpoint.ports.repositories import BranchHead, ChangeRequest, GitCommit, Repository

_TRAILER = "Setpoint-Change: "
_MARK = re.compile(r"<!-- setpoint:(opening|ready|ended) -->\s*\Z")
_BY_HAND = "<!-- setpoint:by-hand -->"

Stage = Literal["opening", "ready", "ended"]


class DesiredRequest(NamedTuple):
    """The request that findings require.

    Args:
        title: its title.
        body: its text.
        files: the new text of each file that changes, by path.
        by_hand: the manual steps as Markdown; empty for none.
        labels: the labels.
        owners: who is asked for a review.
        end: why no request is required any more; empty while one is.
    """

    title: str
    body: str
    files: Mapping[str, str] = {}
    by_hand: str = ""
    labels: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    end: str = ""


def branch_of(name: str) -> str:
    """The branch of a thread, which never changes: ``setpoint/drift-NAME``."""
    is_plain = re.fullmatch(r"[A-Za-z0-9-]{1,60}", name)
    return f"setpoint/drift-{name if is_plain else hashlib.blake2b(name.encode(), digest_size=12).hexdigest()}"


def reconcile(branch: str, commit: str, wanted: DesiredRequest, repository: Repository) -> ChangeRequest | None:
    """Open, update or close the request of a branch.

    Args:
        branch: the branch of the request.
        commit: the commit that the files of ``wanted`` were edited in.
        wanted: the request that is required.
        repository: where it is.

    Returns:
        The request as it was last seen; None where there is none.

    Raises:
        Unavailable: an effect is unknown, or the rate limit is reached; call it again.
        Conflict: the same file was changed concurrently; call again.
        BadRequest: it never succeeds.
    """
    current = repository.find(branch)
    if wanted.end:
        return _end(branch, current, wanted, repository)
    if current is None or _is_over(current):
        if current is not None and current.state == "merged" and not wanted.files:
            return current
        _push(branch, commit, wanted, repository)
        current = repository.open(branch, wanted.title, _marked(wanted.body, "opening"))
    elif current.state == "closed":
        return current
    else:
        _push(branch, commit, wanted, repository)
    return _complete(current, wanted, repository)


def _is_over(request: ChangeRequest) -> bool:
    """Whether a further drift gets a new request: this one was merged, or Setpoint has closed it."""
    return request.state == "merged" or (request.state == "closed" and _stage(request.body) == "ended")


def _end(
    branch: str, current: ChangeRequest | None, wanted: DesiredRequest, repository: Repository
) -> ChangeRequest | None:
    """Close an open request, and delete its branch if it has no commits by others."""
    if current is not None and current.state == "open":
        repository.update(current.number, current.title, _marked(wanted.body, "ended"), close=True)
        current = current._replace(state="closed", body=_marked(wanted.body, "ended"))
    is_ours = current is None or _is_over(current)
    if is_ours and (head := repository.head(branch)) is not None and _is_own(head):
        repository.remove(branch)
    return current


def _push(branch: str, commit: str, wanted: DesiredRequest, repository: Repository) -> None:
    """Set the branch to the commit with the files, unless it has that, or commits of others."""
    digest = hashlib.blake2b(msgspec.json.encode(wanted.files, order="sorted"), digest_size=16).hexdigest()
    head = repository.head(branch)
    if head is not None and (not _is_own(head) or head.message.rstrip().endswith(f"{_TRAILER}{digest}")):
        return
    repository.put(branch, GitCommit(commit, wanted.files, f"{wanted.title}\n\n{_TRAILER}{digest}\n"))


def _is_own(head: BranchHead) -> bool:
    """Whether Setpoint made a commit; one that a person amended has its message still."""
    return not head.is_amended and head.message.rstrip().rpartition("\n")[2].startswith(_TRAILER)


def _complete(current: ChangeRequest, wanted: DesiredRequest, repository: Repository) -> ChangeRequest:
    """Add labels, reviewers and the manual steps to an open request, then mark it as complete."""
    if _stage(current.body) != "ready":
        repository.add_labels(current.number, wanted.labels)
        repository.ask_reviewers(current.number, wanted.owners)
    had_steps = _BY_HAND in current.body
    if wanted.by_hand or had_steps:
        _comment(current.number, wanted.by_hand or "No field is left to change manually.", repository)
    body = _marked(f"{wanted.body}\n\n{_BY_HAND}" if wanted.by_hand else wanted.body, "ready")
    if (current.title, _normal(current.body)) != (wanted.title, _normal(body)):
        repository.update(current.number, wanted.title, body)
    return current._replace(title=wanted.title, body=body)


def _comment(number: int, text: str, repository: Repository) -> None:
    """Write the one comment with the manual steps, or update it."""
    text = f"{text}\n\n{_BY_HAND}"
    own = next(((name, body) for name, body in repository.comments(number).items() if _BY_HAND in body), None)
    if own is None:
        repository.comment(number, text)
    elif _normal(own[1]) != _normal(text):
        repository.comment(number, text, own[0])


def _normal(text: str) -> str:
    """A text without the line ends that a service may change."""
    return text.replace("\r\n", "\n").strip()


def _marked(body: str, stage: Stage) -> str:
    return f"{body.rstrip()}\n\n<!-- setpoint:{stage} -->"


def _stage(body: str) -> str:
    match_ = _MARK.search(_normal(body))
    return match_[1] if match_ else ""

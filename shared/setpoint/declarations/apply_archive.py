"""The life of an archive of declarations that CI has uploaded: from its bucket into the store.

CI says in the object's metadata what it is; all of it is optional: ``source``, ``commit``, ``repo``, ``prune``
(``true`` unless ``false``), ``max-removals`` (a percentage). Without ``source`` the object's folder names it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from setpoint.declarations import apply, plan
from setpoint.declarations.apply import Request, Synced
from setpoint.declarations.plan import DEFAULT_SOURCE
from setpoint.declarations.readers import archives as unpacking
from setpoint.declarations.readers.documents import Problem
from setpoint.declarations.readers.load import load
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest
from setpoint.ports.services import Archive, Archives


class ArchiveReport(NamedTuple):
    """What became of an archive.

    Args:
        request: how it was applied.
        synced: what it changed.
        problems: what is wrong in it.
        skipped: what is none of Setpoint's business, and how often.
    """

    request: Request
    synced: Synced
    problems: list[Problem]
    skipped: Mapping[str, int]

    def summary(self) -> str:
        """One line: what was changed, and how much is wrong."""
        wrong = (
            f", {len(self.problems)} problems, so that what they might have named was not removed"
            if self.problems
            else ""
        )
        if self.synced.failed:
            wrong += f", {self.synced.failed} findings could not be judged again, first: {self.synced.failure}"
        return f"{self.synced.plan.summary()}{wrong}"


def sync_archive(event: Mapping[str, Any], archives: Archives, deps: Context, now: datetime) -> ArchiveReport:
    """Apply an archive of declarations; what is bad in it is reported, and nothing is removed that it might have named.

    Events come in any order and more than once: what was uploaded before what is in force changes nothing.

    Args:
        event: what Cloud Storage tells of the upload: ``bucket``, ``name`` and ``generation``.
        archives: where it is read from.
        deps: where it is applied.
        now: the time of the apply.

    Raises:
        Superseded: something later is in force, or has an event of its own; nothing was changed.
        PermanentError: it can never be applied; the message says why.
        TransientError: let the event be delivered again.
    """
    bucket, name, generation = _upload(event)
    archive = archives.read(bucket, name, generation)
    request = _request(name, archive)
    with tempfile.TemporaryDirectory() as folder:
        if not unpacking.unpack(name, archive.data, Path(folder)):
            raise BadRequest(f"gs://{bucket}/{name}: holds no YAML and no JSON; is it the right archive?")
        loaded = load([folder], root=folder)
    if not loaded.desired and not loaded.scopes and not loaded.policy and not loaded.alerting:
        raise BadRequest(
            f"gs://{bucket}/{name}: declares nothing ({len(loaded.problems)} problems); nothing was changed"
        )
    return ArchiveReport(request, apply.sync(loaded, request, deps, now), loaded.problems, loaded.skipped)


def _upload(event: Mapping[str, Any]) -> tuple[str, str, int]:
    try:
        return event["bucket"], event["name"], int(event.get("generation") or 0)
    except (KeyError, TypeError, ValueError):
        raise BadRequest("an event that names no object; is the trigger one of Cloud Storage?") from None


def _request(name: str, archive: Archive) -> Request:
    path = PurePosixPath(name)
    folder = "" if str(path.parent) == "." else str(path.parent)
    metadata = archive.metadata
    percent = metadata.get("max-removals", f"{plan.DEFAULT_MAX_REMOVALS:.0%}")
    return Request(
        source=metadata.get("source") or folder or DEFAULT_SOURCE,
        commit=metadata.get("commit", ""),
        repo=metadata.get("repo", ""),
        prune=metadata.get("prune", "true").lower() != "false",
        max_removals=plan.part(percent),
        revision=archive.revision,
    )

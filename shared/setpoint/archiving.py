"""The life of an archive of declarations that CI has uploaded: from its bucket into the store.

CI says in the object's metadata what it is; all of it is optional: ``source``, ``commit``, ``prune`` (``true`` unless
``false``), ``max-removals`` (a percentage). Without ``source`` the object's folder names it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol

from setpoint import syncing
from setpoint.declare import archives
from setpoint.declare.documents import Problem
from setpoint.declare.load import load
from setpoint.errors import BadRequest
from setpoint.flow import Deps
from setpoint.syncing import DEFAULT_SOURCE, Request, Synced


class Bucket(Protocol):
    """Where archives are read from."""

    def read(self, bucket: str, name: str) -> StoredArchive:
        """The archive and what its uploader says of it.

        Raises:
            BadRequest: there is no such archive.
            Unavailable: nobody answered.
        """


class StoredArchive(Protocol):
    """An archive in a bucket."""

    @property
    def data(self) -> bytes:
        """The archive itself."""

    @property
    def metadata(self) -> Mapping[str, str]:
        """What its uploader says of it."""


class Report(NamedTuple):
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
        wrong = f", {len(self.problems)} problems, so that nothing was removed" if self.problems else ""
        if self.synced.failed:
            wrong += f", {self.synced.failed} findings could not be judged again, first: {self.synced.failure}"
        return f"{self.synced.plan.summary()}{wrong}"


def sync_archive(bucket: str, name: str, buckets: Bucket, deps: Deps, now: datetime) -> Report:
    """Apply an archive of declarations; what is bad in it is reported, and then nothing is removed.

    Args:
        bucket: the bucket's name.
        name: the object's name.
        buckets: where it is read from.
        deps: where it is applied.
        now: the time of the apply.

    Raises:
        PermanentError: it can never be applied; the message says why.
        TransientError: let the event be delivered again.
    """
    archive = buckets.read(bucket, name)
    request = _request(name, archive.metadata)
    with tempfile.TemporaryDirectory() as folder:
        if not archives.unpack(name, archive.data, Path(folder)):
            raise BadRequest(f"gs://{bucket}/{name}: holds no YAML and no JSON; is it the right archive?")
        loaded = load([folder], root=folder)
    if not loaded.desired and not loaded.scopes:
        raise BadRequest(
            f"gs://{bucket}/{name}: declares nothing ({len(loaded.problems)} problems); nothing was changed"
        )
    return Report(request, syncing.sync(loaded, request, deps, now), loaded.problems, loaded.skipped)


def _request(name: str, metadata: Mapping[str, str]) -> Request:
    path = PurePosixPath(name)
    folder = "" if str(path.parent) == "." else str(path.parent)
    percent = metadata.get("max-removals", f"{syncing.DEFAULT_MAX_REMOVALS:.0%}")
    return Request(
        source=metadata.get("source") or folder or DEFAULT_SOURCE,
        commit=metadata.get("commit", ""),
        prune=metadata.get("prune", "true").lower() != "false",
        max_removals=syncing.part(percent),
    )

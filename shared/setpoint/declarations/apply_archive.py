"""Apply an archive of declarations that CI uploaded to a bucket.

The object's folder is the name of its source, since the bucket's IAM conditions restrict writes by folder. Further
options are in the object's metadata, all of them optional: ``commit``, ``repo``, ``prune`` (``true`` unless ``false``),
``max-removals`` (a percentage).
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from setpoint.declarations import apply, plan
from setpoint.declarations.apply import ApplyRequest, ApplyResult
from setpoint.declarations.plan import DEFAULT_SOURCE
from setpoint.declarations.readers import archives as unpacking
from setpoint.declarations.readers.documents import SUFFIXES, Problem
from setpoint.declarations.readers.load import LoadResult, load
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest
from setpoint.model import source_grants
from setpoint.model import sources as controlling
from setpoint.model.secrecy import Secrecy
from setpoint.ports.services import Archive, Archives
from setpoint.ports.stores import DesiredStore
from setpoint.util.counts import counted

SOURCES = f"{source_grants.INSTALLATION}/sources.json"
"""The object with the ``Sources`` document, which ``infra/`` writes and no uploader may."""


class ArchiveReport(NamedTuple):
    """The result of an archive.

    Args:
        request: the options.
        synced: the result of the apply.
        problems: errors in the files.
        skipped: ignored documents, with their number.
    """

    request: ApplyRequest
    synced: ApplyResult
    problems: list[Problem]
    skipped: Mapping[str, int]

    def summary(self) -> str:
        """One line about the changes and the number of errors."""
        wrong = (
            f", {counted(len(self.problems), 'problem')}, so that what they might have named was not removed"
            if self.problems
            else ""
        )
        if self.synced.failed:
            wrong += (
                f", {counted(self.synced.failed, 'finding')} could not be evaluated again, first: {self.synced.failure}"
            )
        if (refused := self.synced.plan.refused) and (first := next(iter(refused), None)):
            wrong += f"; the first that is refused: {first}"
        if (claimed := self.synced.plan.claimed) and (conflict := next(iter(claimed), None)):
            wrong += f"; the first that another source declares: {conflict}"
        return f"{self.synced.plan.summary()}{wrong}"

    @property
    def is_wrong(self) -> bool:
        """Whether a person has to act: a finding was not evaluated, or a declaration was not applied."""
        plan = self.synced.plan
        return bool(self.synced.failed or len(plan.refused) or len(plan.claimed))


def sync_archive(event: Mapping[str, Any], archives: Archives, detection: Context, now: datetime) -> ArchiveReport:
    """Apply an archive of declarations; invalid documents are reported, and nothing that they may declare is removed.

    Events arrive in any order and repeatedly: an upload that is older than the current one changes nothing.

    Args:
        event: the event's data from Cloud Storage: ``bucket``, ``name`` and ``generation``.
        archives: reads archives.
        detection: evaluates findings again.
        now: the time of the apply.

    Raises:
        Superseded: a later upload is current or has its own event, and nothing was changed.
        PermanentError: the archive can never be applied; the message says why.
        TransientError: the apply failed for now; redeliver the event.
    """
    bucket, name, generation = _upload(event)
    archive = archives.read(bucket, name, generation)
    request = _request(name, archive)
    document = _sources_document(bucket, name, archives, detection.store)
    if document is not None:
        apply.sync(_loaded(bucket, SOURCES, document, detection.secrecy), _request(SOURCES, document), detection, now)
    _check_source(request.source, archive.metadata, detection.store)
    loaded = _loaded(bucket, name, archive, detection.secrecy)
    return ArchiveReport(request, apply.sync(loaded, request, detection, now), loaded.problems, loaded.skipped)


def _loaded(bucket: str, name: str, archive: Archive, secrecy: Secrecy) -> LoadResult:
    """The declarations of an archive.

    Raises:
        BadRequest: it declares nothing.
    """
    with tempfile.TemporaryDirectory() as folder:
        if not _unpack(name, archive.data, Path(folder)):
            raise BadRequest(f"gs://{bucket}/{name}: holds no YAML and no JSON; check the archive")
        loaded = load([folder], root=folder, secrecy=secrecy)
    if loaded.is_empty:
        raise BadRequest(
            f"gs://{bucket}/{name}: declares nothing ({counted(len(loaded.problems), 'problem')}); nothing was changed"
        )
    return loaded


def _unpack(name: str, data: bytes, folder: Path) -> int:
    """Unpack an archive, or copy a single file of declarations; return the number of files."""
    if not name.endswith(SUFFIXES):
        return unpacking.unpack(name, data, folder)
    folder.joinpath(PurePosixPath(name).name).write_bytes(data)
    return 1


def _sources_document(bucket: str, name: str, archives: Archives, store: DesiredStore) -> Archive | None:
    """The installation's ``Sources`` document where it has to be applied first: its event may be late or lost."""
    if name == SOURCES or controlling.granted(store.control().value) is not None:
        return None
    try:
        return archives.read(bucket, SOURCES, 0)
    except BadRequest:
        return None  # without the document, sources are not restricted


def _check_source(source: str, metadata: Mapping[str, str], store: DesiredStore) -> None:
    """Check that an upload may belong to its source.

    Raises:
        BadRequest: the metadata names another source, the ``Sources`` document does not list the source, or there is no
            document and another source is current.
    """
    named = metadata.get("source", source)
    if named != source:
        raise BadRequest(
            f"source {named} is named in the object's metadata, and the object is in the folder of source {source}; "
            "a source is its folder: upload it there, and leave the metadata out"
        )
    control = store.control().value
    sources = controlling.granted(control)
    if source == source_grants.INSTALLATION:
        return
    if sources is not None and sources.grant(source) is None:
        raise BadRequest(f"source {source} is not listed in the Sources document; add it to `sources` of the module")
    others = [name for name, state in control.sources.items() if name != source and state.generation]
    if sources is None and others:
        raise BadRequest(
            f"source {source}: no Sources document says what it may declare, and source {others[0]} owns everything "
            "until then; set `sources` of the module, or upload to that folder"
        )


def _upload(event: Mapping[str, Any]) -> tuple[str, str, int]:
    try:
        return event["bucket"], event["name"], int(event.get("generation") or 0)
    except (KeyError, TypeError, ValueError):
        raise BadRequest("an event that names no object; check that its trigger is one of Cloud Storage") from None


def _request(name: str, archive: Archive) -> ApplyRequest:
    path = PurePosixPath(name)
    folder = "" if str(path.parent) == "." else str(path.parent)
    metadata = archive.metadata
    percent = metadata.get("max-removals", f"{plan.DEFAULT_MAX_REMOVALS:.0%}")
    return ApplyRequest(
        source=folder or DEFAULT_SOURCE,
        commit=metadata.get("commit", ""),
        repo=metadata.get("repo", ""),
        prune=metadata.get("prune", "true").lower() != "false",
        max_removals=plan.part(percent),
        revision=archive.revision,
        not_seen_yet=metadata.get("not-seen-yet", "false").lower() == "true",
    )

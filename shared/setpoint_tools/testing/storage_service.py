"""A fake of Cloud Storage's JSON API, as far as reading and listing objects.

The real ``google.cloud.storage.Client`` talks to it.

Source: https://cloud.google.com/storage/docs/json_api/v1/objects
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from setpoint_tools.testing.http_server import POLL

VARIABLE = "STORAGE_EMULATOR_HOST"
"""The environment variable that leads the client to the fake."""


class _Object(NamedTuple):
    data: bytes
    metadata: dict[str, str]
    generation: int
    created: datetime


class StorageService:
    """The objects that the fake holds, the faults that it is to show, and what happens after it has told of one."""

    def __init__(self) -> None:
        self.failures: list[int] = []
        self.reads: list[str] = []
        self.listings = 0
        self.meanwhile: list[Callable[[], object]] = []
        self._objects: dict[str, _Object] = {}
        self._uploads = 0

    def put(self, bucket: str, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> int:
        """Hold an object, with the metadata of its uploader, in place of the one before; gives its generation.

        As of a bucket without versioning; each upload is a second later than the one before.
        """
        self._uploads += 1
        generation = _generation(self._uploads)
        created = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self._uploads)
        self._objects[f"{bucket}/{name}"] = _Object(data, dict(metadata or {}), generation, created)
        return generation

    def answer(self, target: str) -> tuple[int, bytes]:
        """Status and body for the path and query of a GET; each of ``failures`` answers one request for an object.

        The client asks for the bucket too, for its own tracing and in a thread of its own.
        """
        url = urlsplit(target)
        _, _, path = url.path.partition("/b/")
        bucket, of_object, name = path.partition("/o/")
        if not of_object:
            return (
                self._listing(bucket.removesuffix("/o"), parse_qs(url.query)) if bucket.endswith("/o") else (404, b"{}")
            )
        if self.failures:
            return self.failures.pop(0), b"{}"
        stored, asked = self._objects.get(f"{bucket}/{unquote(name)}"), parse_qs(url.query)
        if "media" in asked.get("alt", ()):
            self.reads.append(unquote(name))
        if stored is None or str(stored.generation) not in asked.get("generation", [str(stored.generation)]):
            return 404, b"{}"
        if str(stored.generation) not in asked.get("ifGenerationMatch", [str(stored.generation)]):
            return 412, b"{}"
        if "media" in asked.get("alt", ()):
            return 200, stored.data
        body = json.dumps(_resource(bucket, unquote(name), stored)).encode()
        for happening in self.meanwhile:
            happening()
        self.meanwhile.clear()
        return 200, body

    def delete(self, bucket: str, name: str) -> None:
        """Let an object be gone."""
        del self._objects[f"{bucket}/{name}"]

    def _listing(self, bucket: str, asked: Mapping[str, list[str]]) -> tuple[int, bytes]:
        """A page of the objects of a bucket, in the order of their names; 404 of a bucket that holds none."""
        if self.failures:
            return self.failures.pop(0), b"{}"
        self.listings += 1
        prefix, start = (next(iter(asked.get(name, ())), "") for name in ("prefix", "pageToken"))
        names = sorted(name.partition("/")[2] for name in self._objects if name.startswith(f"{bucket}/"))
        if not names:
            return 404, b"{}"
        matching = [name for name in names if name.startswith(prefix) and name > start]
        page = matching[:_PAGE]
        items = [_resource(bucket, name, self._objects[f"{bucket}/{name}"]) for name in page]
        body = {"kind": "storage#objects", "items": items}
        if len(matching) > _PAGE:
            body["nextPageToken"] = page[-1]
        return 200, json.dumps(body).encode()


_PAGE = 1_000
"""Objects of one page, as the service gives them."""


def _generation(upload: int) -> int:
    """Generations tell uploads apart, and nothing of their order."""
    return 1_700_000_000_000_000 - upload


def _resource(bucket: str, name: str, stored: _Object) -> dict[str, Any]:
    digest = base64.b64encode(hashlib.md5(stored.data, usedforsecurity=False).digest()).decode()
    return {
        "kind": "storage#object",
        "bucket": bucket,
        "name": name,
        "generation": str(stored.generation),
        "timeCreated": stored.created.isoformat().replace("+00:00", "Z"),
        "size": str(len(stored.data)),
        "md5Hash": digest,
        "metadata": stored.metadata,
    }


@contextmanager
def storage_service() -> Iterator[tuple[StorageService, str]]:
    """The fake, up on a free loopback port, and its address."""
    service = StorageService()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = service.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[POLL], daemon=True)
        thread.start()
        try:
            yield service, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()

"""A fake of Cloud Storage's JSON API, as far as reading objects: the real ``google.cloud.storage.Client`` talks to it.

Source: https://cloud.google.com/storage/docs/json_api/v1/objects
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

VARIABLE = "STORAGE_EMULATOR_HOST"
"""The environment variable that leads the client to the fake."""


class StorageService:
    """The objects that the fake holds, and the faults that it is to show."""

    def __init__(self) -> None:
        self.failures: list[int] = []
        self._objects: dict[str, tuple[bytes, dict[str, str]]] = {}

    def put(self, bucket: str, name: str, data: bytes, metadata: Mapping[str, str] | None = None) -> None:
        """Hold an object, with the metadata of its uploader."""
        self._objects[f"{bucket}/{name}"] = data, dict(metadata or {})

    def answer(self, target: str) -> tuple[int, bytes]:
        """Status and body for the path and query of a GET; ``failures`` are answered first, one a request."""
        if self.failures:
            return self.failures.pop(0), b"{}"
        url = urlsplit(target)
        _, _, path = url.path.partition("/b/")
        bucket, _, name = path.partition("/o/")
        found = self._objects.get(f"{bucket}/{unquote(name)}")
        if found is None:
            return 404, b"{}"
        data, metadata = found
        if "media" in parse_qs(url.query).get("alt", ()):
            return 200, data
        return 200, json.dumps(_resource(bucket, unquote(name), data, metadata)).encode()


def _resource(bucket: str, name: str, data: bytes, metadata: Mapping[str, str]) -> dict[str, Any]:
    digest = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
    return {
        "kind": "storage#object",
        "bucket": bucket,
        "name": name,
        "generation": "1",
        "size": str(len(data)),
        "md5Hash": digest,
        "metadata": metadata,
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
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield service, f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()

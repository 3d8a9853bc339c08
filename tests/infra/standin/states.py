"""A place for Terraform's states, as its backend ``http`` asks for it: kept in memory, written once by each command.

In a file Terraform writes the whole state again with each resource, which takes longer than all else.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import quote


class States:
    """Serves states by name, for the life of the process."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        kept = self._kept

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                state = kept.get(self.path)
                self.send_response(404 if state is None else 200)
                self.send_header("Content-Length", str(len(state or b"")))
                self.end_headers()
                self.wfile.write(state or b"")

            def do_POST(self) -> None:
                kept[self.path.partition("?")[0]] = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self._server.serve_forever, daemon=True).start()

    def backend(self, name: str) -> str:
        """The block by which a root module keeps its state here."""
        address = f"http://127.0.0.1:{self._server.server_port}{_path(name)}"
        return f'terraform {{\n  backend "http" {{\n    address = "{address}"\n  }}\n}}\n'

    def read(self, name: str) -> bytes:
        """A state."""
        return self._kept[_path(name)]

    def write(self, name: str, state: dict[str, Any]) -> None:
        """Put a state in place of what there is."""
        self._kept[_path(name)] = json.dumps(state).encode()


def _path(name: str) -> str:
    return f"/{quote(name, safe='')}"

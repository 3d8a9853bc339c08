"""Control a running system from another terminal, by a server on the loopback whose address is in a file."""

from __future__ import annotations

import fcntl
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

from setpoint.errors import BadRequest, SetpointError

_FILE = "dev.json"
_LOCK = "dev.lock"
_SECONDS = 30
_LARGEST = 10_000


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold a folder for one system, before anything in it is touched; the hold ends with the process at the latest.

    Raises:
        BadRequest: another one is up in that folder, or on its way.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRequest(f"{folder}: cannot be created ({error.strerror}); change to another folder") from None
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BadRequest(f"it is up already in {folder}; `setpoint dev down` ends it") from None
        yield


@contextmanager
def reachable(folder: Path, description: dict[str, Any], commands: dict[str, Callable[[str], str]]) -> Iterator[None]:
    """Take commands from this machine's user, who alone can read the file that says how.

    Args:
        folder: where the file is written.
        description: what it says besides.
        commands: what is done for each, with its argument; gives what to say.
    """
    token = secrets.token_urlsafe(16)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = min(int(self.headers.get("Content-Length") or 0), _LARGEST)
            argument = self.rfile.read(size).decode(errors="replace")
            command = commands.get(self.path.strip("/"))
            if not secrets.compare_digest(self.headers.get("Authorization", "").encode(), token.encode()):
                self._answer(403, "not you")
            elif command is None:
                self._answer(404, "no such command")
            else:
                try:
                    self._answer(200, command(argument))
                except SetpointError as error:
                    self._answer(400, str(error))

        def _answer(self, status: int, text: str) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    file = folder / _FILE
    file.touch(mode=0o600)
    file.write_text(json.dumps({"address": f"http://127.0.0.1:{server.server_port}", "token": token, **description}))
    try:
        yield
    finally:
        file.unlink(missing_ok=True)
        server.shutdown()
        thread.join()
        server.server_close()


def send_command(folder: Path, command: str, argument: str = "") -> str:
    """Have the system that is up do something; what it says.

    Raises:
        BadRequest: none is up, or it cannot be done.
    """
    try:
        where = json.loads((folder / _FILE).read_text())
        answer = requests.post(
            f"{where['address']}/{command}", argument, headers={"Authorization": where["token"]}, timeout=_SECONDS
        )
    except (OSError, ValueError, KeyError) as error:
        raise BadRequest(f"nothing is up in {folder}; `setpoint dev up` starts it") from error
    if not answer.ok:
        raise BadRequest(answer.text)
    return answer.text

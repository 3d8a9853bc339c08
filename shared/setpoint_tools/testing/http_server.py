"""A WSGI application on a port of the loopback, which keeps connections open as the real services do."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

from werkzeug.serving import WSGIRequestHandler, make_server

POLL = 0.005
"""Seconds after which the server notices that it is to stop."""

_NO_BODY = frozenset({"204", "304"})


class _KeepAlive(WSGIRequestHandler):
    """Reads a request whole and writes its answer at once, so that another may follow; writes no log.

    Werkzeug's own handler closes each connection: a client spends most of a request on making the next one.
    """

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    open_connections: ClassVar[set[socket.socket]]

    def setup(self) -> None:
        """Note the connection."""
        super().setup()
        self.open_connections.add(self.connection)

    def finish(self) -> None:
        """Forget the connection."""
        self.open_connections.discard(self.connection)
        super().finish()

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing."""

    def run_wsgi(self) -> None:
        """Answer one request."""
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            super().run_wsgi()
            return
        self.environ = environ = self.make_environ()
        environ["wsgi.input"] = io.BytesIO(self.rfile.read(int(self.headers.get("Content-Length") or 0)))
        try:
            self._send(*self._answer(environ))
        except ConnectionError as error:
            self.close_connection = True
            self.connection_dropped(error, environ)

    def _answer(self, environ: dict[str, Any]) -> tuple[str, list[tuple[str, str]], bytes]:
        begun: list[Any] = []
        written: list[bytes] = []

        def begin(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
            begun[:] = [status, headers]
            return written.append

        parts = self.server.app(environ, begin)
        try:
            body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        return begun[0], begun[1], b"".join(written) + body

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        if code not in _NO_BODY and "content-length" not in {name.lower() for name, _ in headers}:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()


@contextmanager
def serving(application: Any, port: int = 0) -> Iterator[str]:
    """Serve an application, on a free port unless one is named; its address."""

    class Handler(_KeepAlive):
        open_connections: ClassVar[set[socket.socket]] = set()

    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=Handler)
    thread = threading.Thread(target=server.serve_forever, args=[POLL], daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        for connection in tuple(Handler.open_connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

"""A stand-in for the API server of a cluster with Config Connector, for the official client: lists, Events, refusals.

Sources: https://kubernetes.io/docs/reference/using-api/api-concepts/ (lists in chunks, 410 Gone),
https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from setpoint_tools.testing.http_server import POLL

_CONTENT = "application/json"


class Fault(NamedTuple):
    """An answer other than the right one.

    Args:
        status: The status.
        text: The body, sent as it is; empty for the server's own message.
        headers: Headers beside the usual ones.
    """

    status: int
    text: str = ""
    headers: Mapping[str, str] = MappingProxyType({})


class KubernetesApi:
    """The objects that a cluster holds, and what was asked of it.

    ``requests`` has every request as ``VERB path``; requests to paths in ``denied``, and below them, are refused;
    ``expires`` is how many continued lists are answered with 410 Gone; ``tokens`` has the bearer tokens that came;
    ``faults`` has answers that are given, one after the other, before a path is served again.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.tokens: set[str] = set()
        self.denied: set[str] = set()
        self.expires = 0
        self.faults: dict[str, list[Fault]] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self._objects: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        self._kinds: dict[tuple[str, str], dict[str, str]] = {}
        self._namespaces: list[dict[str, Any]] = []

    def add_namespace(self, name: str, annotations: Mapping[str, str] | None = None) -> None:
        """Hold a namespace."""
        self._namespaces.append({"metadata": {"name": name, "annotations": dict(annotations or {})}})

    def add(self, value: Mapping[str, Any]) -> None:
        """Hold an object; its kind is served from then on."""
        group, _, version = str(value["apiVersion"]).partition("/")
        kind = str(value["kind"])
        plural = f"{kind.lower()}s"
        self._kinds.setdefault((group, version), {})[plural] = kind
        # The server leaves apiVersion and kind out of the items of a list.
        item = {name: part for name, part in value.items() if name not in ("apiVersion", "kind")}
        item["metadata"] = {"uid": f"uid-{value['metadata']['name']}", "managedFields": [{}], **item["metadata"]}
        self._objects.setdefault((group, version, plural), []).append(item)

    def fault(self, address: str) -> Fault | None:
        """The wrong answer that a request gets; None for the right one."""
        faults = self.faults.get(urlsplit(address).path)
        return faults.pop(0) if faults else None

    def answer(self, verb: str, address: str, body: Any) -> tuple[int, Any]:
        """The status and the body that a request gets."""
        parts = urlsplit(address)
        path, query = parts.path, {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.requests.append(f"{verb} {path}")
        if any(path == denied or path.startswith(f"{denied}/") for denied in self.denied):
            return 403, _status(403, "Forbidden")
        segments = path.strip("/").split("/")
        if "events" in segments:
            return self._event(verb, segments, body)
        if verb != "GET":
            return 405, _status(405, "MethodNotAllowed")
        return self._read(path, segments, query)

    def _read(self, path: str, segments: list[str], query: Mapping[str, str]) -> tuple[int, Any]:
        if path == "/apis":
            return 200, {"groups": [_group(group, version) for group, version in self._kinds]}
        if path == "/api/v1/namespaces":
            return self._page(self._namespaces, query)
        if segments[0] != "apis":
            return 404, _status(404, "NotFound")
        group, version, *rest = segments[1:]
        if not rest:
            kinds = self._kinds.get((group, version), {})
            resources = [
                {"name": f"{plural}{part}", "kind": kind, "verbs": ["list", "get"]}
                for plural, kind in kinds.items()
                for part in ("", "/status")
            ]
            return 200, {"resources": resources}
        objects = self._objects.get((group, version, rest[-1]), [])
        if rest[0] == "namespaces":
            objects = [value for value in objects if value["metadata"].get("namespace") == rest[1]]
        return self._page(objects, query)

    def _page(self, objects: list[dict[str, Any]], query: Mapping[str, str]) -> tuple[int, Any]:
        start, limit = int(query.get("continue", 0)), int(query.get("limit", 0)) or len(objects) or 1
        if start and self.expires:
            self.expires -= 1
            return 410, _status(410, "Expired")
        after = start + limit
        token = {"continue": str(after)} if after < len(objects) else {}
        return 200, {"kind": "List", "metadata": {"resourceVersion": "1", **token}, "items": objects[start:after]}

    def _event(self, verb: str, segments: list[str], body: Any) -> tuple[int, Any]:
        if verb == "POST":
            name = str(body["metadata"]["name"])
            if name in self.events:
                return 409, _status(409, "AlreadyExists")
            self.events[name] = body
            return 201, body
        if verb == "PATCH" and segments[-1] in self.events:
            self.events[segments[-1]] |= body
            return 200, self.events[segments[-1]]
        return 404, _status(404, "NotFound")


def _group(group: str, version: str) -> dict[str, Any]:
    served = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _status(code: int, reason: str) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}


@contextmanager
def serving(api: KubernetesApi) -> Iterator[str]:
    """Serve it on a free port of this machine; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            api.tokens.add(self.headers.get("Authorization", ""))
            fault = api.fault(self.path)
            if fault is not None:
                status, answer, headers = fault.status, fault.text or _status(fault.status, "Fault"), fault.headers
            else:
                (status, answer), headers = api.answer(self.command, self.path, body), {}
            data = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", _CONTENT)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle  # noqa: N815 - names of the base class

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[POLL], daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def kubeconfig(address: str, context: str = "fleet") -> dict[str, Any]:
    """A kubeconfig whose one context leads there."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": {"server": address}}],
        "users": [{"name": context, "user": {"token": "secret-token"}}],
        "contexts": [{"name": context, "context": {"cluster": context, "user": context}}],
    }

"""Long-running operations as each of Google's APIs answers them: started, read, ended."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from setpoint_tools.distil.methods import located
from setpoint_tools.distil.schemas import methods as methods_of
from setpoint_tools.testing.google_documents import Document, Route


@dataclass
class _Operation:
    body: dict[str, Any]
    effect: Callable[[], None]
    polls: int
    error: str
    has_effect: bool = False


class Operations:
    """The operations that were started, by their address."""

    def __init__(self) -> None:
        self._running: dict[str, _Operation] = {}
        self._numbers = itertools.count(1)

    def start(
        self,
        route: Route,
        key: str,
        effect: Callable[[], None],
        *,
        polls: int,
        error: str,
        has_effect: bool = False,
    ) -> dict[str, Any]:
        """Start one, and answer as the API does.

        Args:
            route: the method that starts it.
            key: host and path of the resource that it works on.
            effect: what it does in the end.
            polls: how often it is read before it has ended; with 0 it has at once.
            error: how it ends, without effect; empty where it ends well.
            has_effect: it takes effect although it ends with an error.
        """
        path = key.partition("/")[2]
        identifier = f"operation-{next(self._numbers)}"
        base, where = _place(route, path, identifier)
        body = _body(route, f"{base}{where}", where, identifier)
        address = f"{base}{where}"
        self._running[address] = _Operation(body, effect, polls, error, has_effect)
        return self.read(address) or {} if polls == 0 else body

    def hurry(self) -> None:
        """Let every one that goes on end when it is read next."""
        for operation in self._running.values():
            operation.polls = min(operation.polls, 0)

    def read(self, address: str) -> dict[str, Any] | None:
        """How far one has come, which brings it nearer to its end; None where there is none at an address."""
        operation = self._running.get(address)
        if operation is None:
            return None
        if operation.polls > 0:
            operation.polls -= 1
            return operation.body
        if operation.polls == 0:
            operation.polls = -1
            operation.body = _ended(operation.body, operation.error)
            if not operation.error or operation.has_effect:
                operation.effect()
        return operation.body


def _place(route: Route, path: str, identifier: str) -> tuple[str, str]:
    """Where an operation on a resource is: the nearest of the places that the API has for operations."""
    best = ""
    for pattern in _patterns(route.document):
        filled = _filled(pattern, path, identifier)
        if filled.count("/") > best.count("/") or not best:
            best = filled or best
    return route.base, best or f"operations/{identifier}"


def _patterns(document: Document) -> Iterator[str]:
    for collections, name, method in methods_of(document.content):
        if name == "get" and collections and collections[-1].lower().endswith("operations"):
            where = located(document.content, method)
            if where is not None:
                yield where[1]


def _filled(pattern: str, path: str, identifier: str) -> str:
    """The pattern with the resource's own segments, or empty where it does not begin as the resource does."""
    head = re.sub(r"/?operations/\*\Z", "", pattern)
    segments = path.split("/")
    parts = head.split("/") if head else []
    further = parts[len(segments) :]
    if "*" in further:
        return ""
    if any(part not in ("*", segment) for part, segment in zip(parts, segments, strict=False)):
        return ""
    return "/".join([*segments[: len(parts)], *further, "operations", identifier])


def _body(route: Route, address: str, where: str, identifier: str) -> dict[str, Any]:
    fields = route.document.properties(route.response)
    if "done" in fields:
        return {"name": where, "done": False}
    if "selfLink" in fields:
        return {"name": identifier, "selfLink": address, "status": "RUNNING"}
    return {"id": identifier, "status": "pending"}


def _ended(body: dict[str, Any], error: str) -> dict[str, Any]:
    if "done" in body:
        return {**body, "done": True, **({"error": {"code": 3, "message": error}} if error else {"response": {}})}
    failure = {"error": {"errors": [{"code": "FAILED", "message": error}]}} if error else {}
    return {**body, "status": "DONE" if body["status"].isupper() else "done", **failure}

"""The faults of a fake Cloud Asset Inventory."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from google.protobuf import any_pb2  # type: ignore[import-untyped]
from google.rpc import code_pb2, error_details_pb2, status_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]


@dataclass(slots=True)
class Fault:
    """An error that is answered instead of a page.

    Args:
        code: its code.
        times: how often.
        page: only for this page of a listing, from 0; for any where None.
        scope: only for this scope; for any where empty.
        message: what it says.
        method: only for this method, ``ListAssets``; for any where empty.
    """

    code: grpc.StatusCode
    times: int = 1
    page: int | None = None
    scope: str = ""
    message: str = "told to fail"
    method: str = ""


class Faults:
    """What goes wrong, and for whom."""

    def __init__(self) -> None:
        self.shown: list[Fault] = []
        self.pause = 0.0
        self.denied: dict[str, str] = {}

    def show(self, method: str, scope: str, page: int, context: grpc.ServicerContext) -> None:
        """End the call with the first fault that fits it; else let it go on, after a pause."""
        time.sleep(self.pause)
        for fault in self.shown:
            fits = fault.page in (None, page) and fault.scope in ("", scope) and fault.method in ("", method)
            if fault.times > 0 and fits:
                fault.times -= 1
                context.abort(fault.code, fault.message)
        if scope in self.denied:
            deny(context, self.denied[scope], scope)


def deny(context: grpc.ServicerContext, reason: str, scope: str) -> NoReturn:
    """End the call as Google does for who has no role, or where the API is switched off."""
    info = error_details_pb2.ErrorInfo(reason=reason, domain="googleapis.com", metadata={"consumer": scope})
    detail = any_pb2.Any()
    detail.Pack(info)
    message = f"{reason}: the caller may not call cloudasset.assets.list on {scope}."
    status = status_pb2.Status(code=code_pb2.PERMISSION_DENIED, message=message, details=[detail])
    context.abort_with_status(rpc_status.to_status(status))
    raise AssertionError  # it has raised


def refuse(context: grpc.ServicerContext, message: str, code: Any = grpc.StatusCode.INVALID_ARGUMENT) -> NoReturn:
    """End the call with an error."""
    context.abort(code, message)
    raise AssertionError  # it has raised

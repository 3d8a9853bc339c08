"""How Firestore's refusals reach the flow: whatever is not the message's own fault has it delivered again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
import pytest
from grpc import StatusCode

from contract.records import KEY, declare, declared, in_sync
from setpoint.bootstrap import open_store
from setpoint.errors import BadRequest, Conflict, TransientError, Unavailable
from setpoint.model.fleet_rules import Rules
from setpoint.ports.stores import Snapshot, StateStore

NEVER_READ = Snapshot(KEY, None, Rules(), None, None)


class Refusing(grpc.GenericRpcHandler):
    """Answers every method with one status."""

    def __init__(self, status: StatusCode) -> None:
        self.status = status

    def service(self, handler_call_details):
        del handler_call_details
        return grpc.unary_unary_rpc_method_handler(lambda _request, context: context.abort(self.status, "so it is"))


@pytest.fixture
def refusing(monkeypatch):
    @contextmanager
    def opened(status: StatusCode) -> Iterator[StateStore]:
        server = grpc.server(ThreadPoolExecutor(1), handlers=(Refusing(status),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{port}")
        store = open_store("firestore://refused/(default)")
        yield store
        store.close()
        server.stop(None).wait()

    return opened


NOT_THE_MESSAGES_FAULT = [
    StatusCode.PERMISSION_DENIED,
    StatusCode.UNAUTHENTICATED,
    StatusCode.NOT_FOUND,
    StatusCode.ABORTED,
    StatusCode.CANCELLED,
    StatusCode.DATA_LOSS,
]


@pytest.mark.parametrize("status", NOT_THE_MESSAGES_FAULT, ids=lambda status: status.name)
def test_a_refused_read_is_tried_again_later(refusing, status):
    with refusing(status) as store:
        with pytest.raises(Unavailable):
            store.read(KEY)
        with pytest.raises(Unavailable):
            list(store.states())
        with pytest.raises(Unavailable):
            store.unpublished()


@pytest.mark.parametrize("status", NOT_THE_MESSAGES_FAULT, ids=lambda status: status.name)
def test_a_refused_commit_is_tried_again_later(refusing, status):
    with refusing(status) as store, pytest.raises(TransientError):
        store.commit(NEVER_READ, in_sync())


@pytest.mark.parametrize("status", [StatusCode.PERMISSION_DENIED, StatusCode.ABORTED], ids=lambda status: status.name)
def test_a_refused_declaration_may_be_declared_again(refusing, status):
    with refusing(status) as store, pytest.raises(Unavailable):
        declare(store, [declared()])


@pytest.mark.parametrize("status", [StatusCode.ALREADY_EXISTS, StatusCode.FAILED_PRECONDITION, StatusCode.ABORTED])
def test_a_commit_that_lost_a_race_is_a_conflict(refusing, status):
    with refusing(status) as store, pytest.raises(Conflict):
        store.commit(NEVER_READ, in_sync())


def test_what_firestore_can_never_take_is_permanent(refusing):
    with refusing(StatusCode.INVALID_ARGUMENT) as store, pytest.raises(BadRequest, match="limits"):
        store.commit(NEVER_READ, in_sync())

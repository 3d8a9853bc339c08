"""The worker: batches as large as what waits, room for so many, and an end that loses nothing."""

from __future__ import annotations

import threading
import time

import pytest

from detection.fleet import bucket, declare, deps, grants, stray
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.detection import batch
from setpoint.detection.pull_worker import Worker
from setpoint.errors import BadRequest, Unavailable
from setpoint_tools.testing.polling import LIMIT, wait_until


class Handed:
    """A message that was delivered; `settled` once or never."""

    def __init__(self, data: bytes):
        self.data = data
        self.attributes: dict[str, str] = {}
        self.settled: list[str] = []

    def ack(self):
        self.settled.append("ack")

    def nack(self):
        self.settled.append("nack")


class FakeStream:
    """Hands over all messages at once, and then nothing, or an error."""

    def __init__(self, deliveries, error=None):
        self.deliveries, self.error = deliveries, error
        self.settled_at_close = None

    def open(self, take):
        for delivery in self.deliveries:
            take(delivery)

    def wait(self, seconds):
        time.sleep(seconds / 20)
        if self.error is not None:
            raise self.error

    def close(self):
        self.settled_at_close = [list(delivery.settled) for delivery in self.deliveries]


@pytest.fixture
def world():
    made = deps(MemoryStore(), MemoryBus(), MemoryDeadLetters())
    declare(made.store)
    return made


@pytest.fixture
def warned():
    return []


def run(worker: Worker, stream: FakeStream, until) -> None:
    """Let it work until something is so."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stream, stop))
    thread.start()
    try:
        wait_until(until, "what was delivered is not settled", pause=0.002)
    finally:
        stop.set()
        thread.join()


def test_what_waits_is_handled_in_batches_and_acknowledged_once(world, warned, mocker):
    sizes = []
    receive = batch.receive_many
    mocker.patch.object(batch, "receive_many", lambda some, deps: sizes.append(len(some)) or receive(some, deps))
    deliveries = [Handed(bucket(second, location="US")) for second in range(250)]
    worker = Worker(world, warned.append, batch=100, threads=1)

    run(worker, FakeStream(deliveries), lambda: all(delivery.settled for delivery in deliveries))

    assert [delivery.settled for delivery in deliveries] == [["ack"]] * 250
    assert [size for size in sizes if size] == [100, 100, 50]
    assert worker.outcomes == {"opened": 1, "drifted": 249}
    assert warned == []


def test_a_worker_that_is_stopped_finishes_its_batch_and_hands_back_the_rest(world, warned, mocker):
    begun, go_on = threading.Event(), threading.Event()
    receive = batch.receive_many

    def slow(some, deps):
        begun.set()
        assert go_on.wait(LIMIT)
        return receive(some, deps)

    mocker.patch.object(batch, "receive_many", slow)
    deliveries = [Handed(bucket(second)) for second in range(30)]
    stream = FakeStream(deliveries)
    worker = Worker(world, warned.append, batch=10, threads=1)
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(stream, stop))
    thread.start()
    assert begun.wait(LIMIT)
    stop.set()
    time.sleep(0.3)
    assert thread.is_alive()
    go_on.set()
    thread.join()

    assert stream.settled_at_close == [["ack"]] * 10 + [["nack"]] * 20, "settled before the stream is closed"


def test_what_cannot_be_handled_now_is_handed_back_and_told(world, warned, mocker):
    mocker.patch.object(world.bus, "publish", side_effect=Unavailable("not taken"))
    deliveries = [Handed(bucket(1, location="US")), Handed(grants(1, [])), Handed(b"{broken"), Handed(stray(1))]

    run(Worker(world, warned.append), FakeStream(deliveries), lambda: all(delivery.settled for delivery in deliveries))

    assert [delivery.settled for delivery in deliveries] == [["nack"], ["nack"], ["ack"], ["nack"]]
    assert [str(warning) for warning in warned] == ["not taken"] * 3


def test_a_worker_pauses_longer_and_longer_while_its_store_is_away(world, warned, mocker):
    mocker.patch.object(world.store, "read_many", side_effect=Unavailable("away"))
    deliveries = [Handed(bucket(second)) for second in range(8)]
    started = time.monotonic()

    run(
        Worker(world, warned.append, batch=1, threads=1),
        FakeStream(deliveries),
        lambda: sum(bool(delivery.settled) for delivery in deliveries) == 4,
    )

    assert time.monotonic() - started >= (0.125 + 0.25 + 0.5) * 0.9


@pytest.mark.parametrize("error", [BadRequest("there is no such subscription"), Unavailable("the stream has ended")])
def test_a_stream_that_ends_ends_the_worker_with_its_reason(world, warned, error):
    deliveries = [Handed(bucket(1))]
    stream = FakeStream(deliveries, error)

    with pytest.raises(type(error), match=str(error)):
        Worker(world, warned.append).run(stream, threading.Event())

    assert len(deliveries[0].settled) == 1
    assert stream.settled_at_close is not None


def test_an_error_that_nobody_foresaw_ends_the_worker_and_not_a_thread_of_it(world, warned, mocker):
    mocker.patch.object(batch, "receive_many", side_effect=[ZeroDivisionError("x")])

    with pytest.raises(ZeroDivisionError):
        Worker(world, warned.append, threads=1).run(FakeStream([Handed(bucket(1))]), threading.Event())

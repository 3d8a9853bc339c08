"""A worker that takes the changes of a fleet from a stream, in batches, for fleets that are more than push carries.

What comes while a batch is worked on is the next batch, so that batches are small while little comes, and large under
load. A message is acknowledged when everything that follows from it is safe. Held messages are as many as the stream
gives; it gives no more until some are settled.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Protocol

from setpoint.detection import batch
from setpoint.detection.batch import IncomingMessage, Result
from setpoint.detection.pipeline import Context
from setpoint.errors import Unavailable
from setpoint.model.outcome import Outcome

_WAIT_SECONDS = 0.2
_LONGEST_PAUSE = 30.0


class Delivery(IncomingMessage, Protocol):
    """A message that was delivered and not yet settled."""

    def ack(self) -> None:
        """It is done."""

    def nack(self) -> None:
        """Have it delivered again."""


class Stream(Protocol):
    """Messages as they come."""

    def open(self, take: Callable[[Delivery], None]) -> None:
        """Hand each message to ``take``, in a thread of the stream's own, for as long as there is room."""

    def wait(self, seconds: float) -> None:
        """Wait so long; raises what has ended the stream, where it has ended."""

    def close(self) -> None:
        """Take no more, and return when what was settled is known."""


class Worker:
    """Takes what is delivered and handles it in batches.

    Args:
        context: what the flow works with.
        batch: messages that are handled together at most.
        threads: batches that are handled at once: one waits for the store while another is judged.
        warn: told of each message that has to be delivered again, and why.
    """

    def __init__(
        self, context: Context, warn: Callable[[Exception], None], *, batch: int = 100, threads: int = 2
    ) -> None:
        self._context = context
        self._warn = warn
        self._batch = batch
        self._queue: SimpleQueue[Delivery] = SimpleQueue()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, name=f"batches-{number}") for number in range(threads)]
        self._broken: list[BaseException] = []
        self.outcomes: Counter[Outcome | str] = Counter()

    def run(self, stream: Stream, stop: threading.Event) -> None:
        """Work until told to stop, or until the stream ends; then finish what is begun and hand back what is not.

        Args:
            stream: where messages come from.
            stop: set when the worker is to stop.

        Raises:
            BadRequest: the stream cannot be read.
            Unavailable: the stream has ended.
        """
        for thread in self._threads:
            thread.start()
        try:
            stream.open(self._queue.put)
            while not stop.is_set() and not self._broken:
                stream.wait(_WAIT_SECONDS)
        finally:
            self._stopping.set()
            for thread in self._threads:
                thread.join()
            self._hand_back()
            stream.close()
        if self._broken:
            raise self._broken[0]

    def _work(self) -> None:
        failures = 0
        try:
            while not self._stopping.is_set():
                deliveries = self._next()
                results = batch.receive_many(deliveries, self._context)
                self._settle(deliveries, results)
                is_down = bool(results) and all(isinstance(result, Unavailable) for result in results)
                failures = failures + 1 if is_down else 0
                if failures:  # what was handed back comes again at once
                    self._stopping.wait(min(2.0 ** (failures - 4), _LONGEST_PAUSE))
        except BaseException as error:  # noqa: BLE001 - told by `run`, in the thread that can
            self._broken.append(error)

    def _next(self) -> list[Delivery]:
        """What has come so far, up to a batch; nothing where nothing comes for a moment."""
        deliveries: list[Delivery] = []
        with contextlib.suppress(Empty):
            deliveries.append(self._queue.get(timeout=_WAIT_SECONDS))
            while len(deliveries) < self._batch:
                deliveries.append(self._queue.get_nowait())
        return deliveries

    def _settle(self, deliveries: Sequence[Delivery], results: Sequence[Result]) -> None:
        for delivery, result in zip(deliveries, results, strict=True):
            if isinstance(result, Exception):
                self._warn(result)
                delivery.nack()
            else:
                delivery.ack()
        with self._lock:
            self.outcomes.update("again" if isinstance(result, Exception) else result for result in results)

    def _hand_back(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                self._queue.get_nowait().nack()

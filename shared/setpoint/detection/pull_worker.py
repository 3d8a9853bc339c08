"""A worker that pulls the changes of a fleet in batches, for fleets with more changes than a push subscription carries.

Messages that arrive during a batch form the next batch: batches are small at low load and large at high load. A message
is acknowledged after its results are stored and published. The stream limits the number of outstanding messages.
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


class PullDelivery(IncomingMessage, Protocol):
    """A delivered message that is neither acknowledged nor released."""

    def ack(self) -> None:
        """Acknowledge the message."""

    def nack(self) -> None:
        """Release the message for redelivery."""


class Stream(Protocol):
    """A subscription that delivers messages."""

    def open(self, take: Callable[[PullDelivery], None]) -> None:
        """Pass each message to ``take``, in a thread of the stream, within the limit of outstanding messages."""

    def wait(self, seconds: float) -> None:
        """Wait this many seconds; raise the error that ended the stream, if it ended."""

    def close(self) -> None:
        """Stop deliveries, and return when all acknowledgements are sent."""


class Worker:
    """Handle delivered messages in batches.

    Args:
        context: the context of detection.
        batch: maximum number of messages in a batch.
        threads: number of concurrent batches: one waits for the store while another is evaluated.
        warn: called with each message that must be redelivered, and the reason.
    """

    def __init__(
        self, context: Context, warn: Callable[[Exception], None], *, batch: int = 100, threads: int = 2
    ) -> None:
        self._context = context
        self._warn = warn
        self._batch = batch
        self._queue: SimpleQueue[PullDelivery] = SimpleQueue()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, name=f"batches-{number}") for number in range(threads)]
        self._broken: list[BaseException] = []
        self.outcomes: Counter[Outcome | str] = Counter()

    def run(self, stream: Stream, stop: threading.Event) -> None:
        """Run until stopped, or until the stream ends; then finish the current batches and release the other messages.

        Args:
            stream: delivers the messages.
            stop: set to stop the worker.

        Raises:
            BadRequest: the stream cannot be read; fix its subscription.
            Unavailable: the stream ended; start the worker again.
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
            self._return_messages()
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
                if failures:  # released messages are redelivered at once
                    self._stopping.wait(min(2.0 ** (failures - 4), _LONGEST_PAUSE))
        except BaseException as error:  # noqa: BLE001 - raised again by `run`, in its own thread
            self._broken.append(error)

    def _next(self) -> list[PullDelivery]:
        """The messages that have arrived, up to a batch; empty after a moment without messages."""
        deliveries: list[PullDelivery] = []
        with contextlib.suppress(Empty):
            deliveries.append(self._queue.get(timeout=_WAIT_SECONDS))
            while len(deliveries) < self._batch:
                deliveries.append(self._queue.get_nowait())
        return deliveries

    def _settle(self, deliveries: Sequence[PullDelivery], results: Sequence[Result]) -> None:
        for delivery, result in zip(deliveries, results, strict=True):
            if isinstance(result, Exception):
                self._warn(result)
                delivery.nack()
            else:
                delivery.ack()
        with self._lock:
            self.outcomes.update("again" if isinstance(result, Exception) else result for result in results)

    def _return_messages(self) -> None:
        with contextlib.suppress(Empty):
            while True:
                self._queue.get_nowait().nack()

"""A broker that delivers at least once to worker processes that it kills: late, twice, and in no order."""

from __future__ import annotations

import base64
import contextlib
import heapq
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from queue import SimpleQueue

from chaos import piped

TESTS = Path(__file__).parents[1]
_HELD = 400
_LONGEST_DELAY = 300


class Life:
    """One life of a worker process."""

    def __init__(self, url: str, events: Path, skew: float, acknowledged: SimpleQueue[tuple[Life, int | None]]) -> None:
        paths = filter(None, (str(TESTS), os.environ.get("PYTHONPATH")))
        self.events = events
        self.held: dict[int, bytes] = {}
        self.process = subprocess.Popen(
            [sys.executable, piped.__file__, url, str(events), str(skew)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self._acknowledged = acknowledged
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith(b"\n"):
                self._acknowledged.put((self, int(line)))
        self._acknowledged.put((self, None))

    def give(self, number: int, data: bytes) -> None:
        """Deliver a message; to a process that is dead it is lost, and comes again when that is noticed."""
        assert self.process.stdin is not None
        self.held[number] = data
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(b"%d %s\n" % (number, base64.b64encode(data)))
            self.process.stdin.flush()

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self.process.send_signal(signal.SIGKILL)

    def end(self) -> None:
        """Let go of it; it ends by itself when it has done what it holds."""
        with contextlib.suppress(BrokenPipeError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        self.process.wait()
        self._listener.join()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Broker:
    """Delivers a feed until all of it is acknowledged.

    Args:
        url: the store that the workers share.
        folder: where their events go, a file for each life.
        workers: how many live at once.
        kill_after: acknowledgements between two kills; 0 for none.
        held: messages that a worker has at most.
        seed: of the choices.
    """

    def __init__(
        self, url: str, folder: Path, *, workers: int = 2, kill_after: int = 700, held: int = _HELD, seed: int = 0
    ) -> None:
        self._url, self._folder, self._kill_after, self._held = url, folder, kill_after, held
        self._rng = random.Random(seed)  # noqa: S311 - chaos, no secret
        self._acknowledged: SimpleQueue[tuple[Life, int | None]] = SimpleQueue()
        self._again: list[tuple[int, bytes]] = []
        self._lives: list[Life] = []
        self._number = 0
        self.kills = self.deliveries = self.messages = 0
        self._alive = [self._born() for _ in range(workers)]

    def _born(self) -> Life:
        skew = self._rng.uniform(-24, 24)
        life = Life(self._url, self._folder / f"events-{len(self._lives)}.jsonl", skew, self._acknowledged)
        self._lives.append(life)
        return life

    def deliver(self, feed: Iterable[bytes]) -> None:
        """Deliver everything, and end the workers."""
        try:
            self._deliver(feed)
        except BaseException:
            for life in self._alive:
                life.kill()
            raise
        finally:
            for life in self._alive:
                life.end()

    def _deliver(self, feed: Iterable[bytes]) -> None:
        waiting = iter(self._late(feed))
        until_kill = self._kill_after
        is_over = False
        while not (is_over and not self._again and not any(other.held for other in self._alive)):
            for life in self._alive:
                while len(life.held) < self._held and not (is_over and not self._again):
                    given = self._next_again() if not is_over else None
                    if given is None:
                        given = next(waiting, None)
                        is_over = given is None
                    if given is None and (given := self._pop_again()) is None:
                        break
                    self.deliveries += 1
                    life.give(*given)
            life, number = self._acknowledged.get()
            until_kill -= self._hear(life, number)
            if self._kill_after and until_kill <= 0 and not is_over:
                self._rng.choice(self._alive).kill()
                self.kills += 1
                until_kill = self._rng.randrange(self._kill_after // 2, self._kill_after * 2)

    def _next_again(self) -> tuple[int, bytes] | None:
        """A message that comes again, half of the time: what fails for long does not keep back the feed."""
        return self._pop_again() if self._rng.random() < 0.5 else None

    def _pop_again(self) -> tuple[int, bytes] | None:
        return self._again.pop(self._rng.randrange(len(self._again))) if self._again else None

    def _hear(self, life: Life, number: int | None) -> int:
        """Take note of an acknowledgement, of its opposite, or of a death; how many were acknowledged."""
        if number is None:
            if life in self._alive:
                life.end()
                self._again += life.held.items()
                self._alive[self._alive.index(life)] = self._born()
            return 0
        data = life.held.pop(abs(number), None)
        if data is not None and number < 0:
            self._again.append((-number, data))
        return int(number > 0)

    def _late(self, feed: Iterable[bytes]) -> Iterable[tuple[int, bytes]]:
        """The messages numbered from 1, each up to some hundred places late, and some of them twice."""
        held: list[tuple[float, int, bytes]] = []
        for place, data in enumerate(feed):
            self.messages += 1
            for _ in range(1 + (self._rng.random() < 0.05)):
                self._number += 1
                late = self._rng.random() * (_LONGEST_DELAY if self._rng.random() < 0.2 else 5)
                heapq.heappush(held, (place + late, self._number, data))
            while held and held[0][0] <= place:
                yield heapq.heappop(held)[1:]
        while held:
            yield heapq.heappop(held)[1:]

    def events(self) -> Iterable[bytes]:
        """All lines that were written in full."""
        for life in self._lives:
            yield from (line for line in life.events.read_bytes().splitlines(keepends=True) if line.endswith(b"\n"))

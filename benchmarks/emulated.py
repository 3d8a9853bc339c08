"""The worker and the pushed function on Google's emulators, relative to the emulators alone.

The bare worker is the same process with another handler: one `get_all` of two documents a message and one `batchWrite`
of one, of the same sizes, and nothing in between. The bare functions are an empty one, and one that reads three
documents and writes one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PROJECT = "bench-project"
ROOT = Path(__file__).resolve().parents[1]
BARE = """
import functions_framework, os, threading, time
lock, seen = threading.Lock(), [0]
if os.environ["BENCH_CALLS"]:
    from google.cloud.firestore import Client
    client = Client(project=os.environ["BENCH_CALLS"])

@functions_framework.cloud_event
def detect(event):
    if os.environ["BENCH_CALLS"]:
        record = client.collection("findings").document(event["id"])
        list(client.get_all([record, client.document("desired/x"), client.document("control/sources")]))
        record.create({"body": "x" * 1500})
    with lock:
        seen[0] += 1
        if seen[0] in (1, int(os.environ["BENCH_TOTAL"])):
            with open(os.environ["BENCH_TIMES"], "a") as times:
                times.write(f"{time.time()}\\n")
"""


def work(handler: str, total: int) -> None:
    """Be a worker until so many messages are handled; print a line of JSON."""
    import resource

    from setpoint import bootstrap
    from setpoint.detection import batch
    from setpoint.detection.pull_worker import Worker

    stream, deps = bootstrap.worker(messages=1_000, size=64 << 20)
    handle: Callable[..., list[Any]] = _bare(total) if handler == "bare" else batch.receive_many
    stop, times, handled, lock = threading.Event(), [], [0], threading.Lock()

    def counted(messages: Sequence[Any], of: Any) -> list[Any]:
        if messages:
            times.append(time.perf_counter())
        results = handle(messages, of)
        with lock:
            handled[0] += len(results)
        times.append(time.perf_counter())
        if handled[0] >= total:
            stop.set()
        return results

    batch.receive_many = counted  # type: ignore[assignment]
    Worker(deps, print).run(stream, stop)
    seconds = max(times) - min(times)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"messages_per_second": round(total / seconds, 1), "peak_mb": round(peak, 1)}))


def _bare(total: int) -> Callable[..., list[Any]]:
    from google.cloud.firestore import Client
    from google.cloud.firestore_v1.bulk_batch import BulkWriteBatch

    client = Client(project=PROJECT)
    findings, desired = client.collection("findings"), client.collection("desired")
    numbers = iter(range(total * 2))

    def handle(messages: Sequence[Any], _: Any) -> list[Any]:
        ids = [f"bare-{next(numbers)}" for _ in messages]
        list(client.get_all([of.document(id_) for id_ in ids for of in (desired, findings)], field_paths=("body",)))
        writes = BulkWriteBatch(client)
        for name, message in zip(ids, messages, strict=True):
            body = {"name": name, "content": "resource", "status": "none", "pending": False, "body": "x" * 300}
            writes.create(
                findings.document(name), {**body, "observation": message.data.decode()[: len(message.data) // 2]}
            )
        if ids:
            writes.commit()
        return ["in_sync"] * len(ids)

    return handle


class Bench:
    """A fleet that is declared on the emulators, and a feed of one message for each resource of it."""

    def __init__(self, messages: int) -> None:
        from google.cloud.firestore import Client

        from setpoint.bootstrap import open_store
        from setpoint.declarations import apply
        from setpoint_tools.testing.fleet import FaultRates, Fleet
        from setpoint_tools.testing.pubsub import PubSubProject

        fleet = Fleet(messages, projects=50, rounds=1, drifting=0.02, fault_rates=FaultRates(0, 0, 0))
        self.topics = PubSubProject(PROJECT)
        names = ("asset-changes", "drift-events", "dead-letters")
        self.changes, self.events, self.letters = map(self.topics.topic, names)
        store = open_store(f"firestore://{PROJECT}/(default)")
        apply.declare(store, fleet.desired(), (), datetime.now(UTC))
        store.close()
        self.records = Client(project=PROJECT).collection("findings")
        expectations = [expectation for expectation in fleet.feed() if expectation.expected_state]
        self.feed: list[tuple[bytes, dict[str, str]]] = [(expectation.data, {}) for expectation in expectations]
        self.declared = [expectation.outcome != "undeclared" for expectation in expectations]
        self.environment = {
            **os.environ,
            "SETPOINT_STORE": f"firestore://{PROJECT}/(default)",
            "SETPOINT_EVENTS_TOPIC": self.events,
            "SETPOINT_DEAD_LETTER_TOPIC": self.letters,
            "SETPOINT_SUBSCRIPTION": f"projects/{PROJECT}/subscriptions/worker",
        }

    def worked(self, handler: str) -> dict[str, float]:
        """What a worker does for which the whole feed waits."""
        subscription = self.topics.subscription(self.changes, name="worker", ordered=False)
        self.topics.publish(self.changes, self.feed)
        command = [sys.executable, __file__, "--work", handler, str(len(self.feed))]
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, check=True, text=True)
        self.topics.unsubscribe(subscription)
        self._forget()
        figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return figures

    def pushed(self, source: Path, folder: Path, name: str, messages: int) -> float:
        """Messages a second of a function that is pushed to, with four threads."""
        from setpoint_tools.testing.emulators import free_port

        port, times = free_port(), folder / f"times-{source.parent.name}-{name}"
        calls = PROJECT if source.parent.name == "calling" else ""
        names = {"THREADS": "4", "BENCH_TIMES": str(times), "BENCH_TOTAL": str(messages), "BENCH_CALLS": calls}
        with _served(source, port, {**self.environment, **names}):
            subscription = self.topics.subscription(
                self.changes, name="push", push_to=f"http://127.0.0.1:{port}/{self.changes}"
            )
            started = time.time()
            self.topics.publish(self.changes, self.feed[:messages])
            if "functions" in source.parts:
                wanted = sum(self.declared[:messages])
                while self._written() < wanted:
                    time.sleep(0.1)
                ended = time.time()
            else:
                while not times.exists() or len(times.read_text().split()) < 2:
                    time.sleep(0.1)
                ended = float(times.read_text().split()[1])
            self.topics.unsubscribe(subscription)
        self._forget()
        return messages / (ended - started)

    def _written(self) -> int:
        count: int = self.records.count().get()[0][0].value  # type: ignore[no-untyped-call]
        return count

    def _forget(self) -> None:
        for document in self.records.list_documents(page_size=500):
            document.delete()


@contextmanager
def _served(source: Path, port: int, environment: dict[str, str]) -> Iterator[None]:
    import http.client
    import signal

    framework = Path(sys.executable).with_name("functions-framework")
    options = ["--target=detect", f"--source={source}", "--signature-type=cloudevent", f"--port={port}"]
    process = subprocess.Popen(
        [framework, *options, "--host=127.0.0.1"],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while process.poll() is None:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                connection.connect()
                connection.close()
                break
            except OSError:
                time.sleep(0.05)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def measure(messages: int, pushes: int, rounds: int) -> dict[str, Any]:
    """All figures; each ratio is the median of pairs that were measured in turn."""
    import statistics

    from setpoint_tools.testing.emulators import FIRESTORE, PUBSUB, running

    with running(PUBSUB) as pubsub, running(FIRESTORE) as firestore, tempfile.TemporaryDirectory() as folder:
        os.environ |= {emulator.kind.variable: emulator.address for emulator in (pubsub, firestore)}
        sources = [Path(folder, name, "main.py") for name in ("empty", "calling")]
        for main in sources:
            main.parent.mkdir()
            main.write_text(BARE)
        sources.append(ROOT / "functions/detect/main.py")
        bench = Bench(messages)
        worked = [(bench.worked("bare"), bench.worked("setpoint")) for _ in range(rounds)]
        pushed = [
            [bench.pushed(source, Path(folder), str(number), pushes) for source in sources] for number in range(rounds)
        ]
        bench.topics.close()
    rates = [(bare["messages_per_second"], own["messages_per_second"]) for bare, own in worked]
    return {
        "worker_messages_per_second": statistics.median(own for _, own in rates),
        "bare_worker_messages_per_second": statistics.median(bare for bare, _ in rates),
        "worker_ratio": round(statistics.median(own / bare for bare, own in rates), 3),
        "worker_peak_mb": max(own["peak_mb"] for _, own in worked),
        "push_messages_per_second": round(statistics.median(own for _, _, own in pushed), 1),
        "bare_push_messages_per_second": round(statistics.median(empty for empty, _, _ in pushed), 1),
        "push_ratio": round(statistics.median(own / empty for empty, _, own in pushed), 3),
        "push_over_bare_calls": round(statistics.median(own / calling for _, calling, own in pushed), 3),
    }


def main() -> None:
    """Measure; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=4_000)
    parser.add_argument("--pushes", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work[0], int(options.work[1]))
        return
    print(json.dumps(measure(options.messages, options.pushes, options.rounds)))


if __name__ == "__main__":
    main()

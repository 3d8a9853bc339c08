"""Raw Terraform states in the fake Cloud Storage: the first load, a run in which nothing changed, and one that changed.

`python benchmarks/terraform_states.py` loads 3,000 states with 50,000 resources into SQLite on one core, and prints
seconds by the clock and of the processor, peak memory and the objects that were read. With `--emulators` it also
loads states into Firestore's emulator, and measures from the notification of a changed object on Pub/Sub's emulator,
pushed to the served `functions/sync`, until the changed declaration is in force.

The fake is a process of its own. So is each run: on Linux the peak of a process counts what it was forked from.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

BUCKET = "states"
ALL = f"gs://{BUCKET}/**/*.tfstate"
PROJECT = "bench-project"
_FEWER = 10
"""Memory is compared with that of so many times fewer states."""
_KIB = 1 if sys.platform != "darwin" else 1 / 1024


def serve(states: int, resources: int) -> None:
    """Serve generated states until standard input ends; each line of it is the number of a state to change."""
    from setpoint_tools.testing import terraform_fleet
    from setpoint_tools.testing.storage_service import storage_service

    sizes = terraform_fleet.sizes(states, resources)
    names = list(terraform_fleet.paths(states))
    with storage_service() as (service, address):
        for number, name in enumerate(names):
            service.put(BUCKET, name, terraform_fleet.state(number, sizes[number]))
        print(address, flush=True)
        serials = dict.fromkeys(range(states), 1)
        for line in sys.stdin:
            if line.strip():
                number = int(line)
                serials[number] += 1
                service.put(BUCKET, names[number], terraform_fleet.state(number, sizes[number], serials[number]))
            print(json.dumps({"reads": len(service.reads), "listings": service.listings}), flush=True)
            service.reads.clear()
            service.listings = 0


class Served:
    """The fake Cloud Storage with generated states, in a process of its own.

    Args:
        states: number of states.
        resources: number of their resources.
    """

    def __init__(self, states: int, resources: int) -> None:
        command = [sys.executable, __file__, "--serve", str(states), str(resources)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.address = self._output.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._input.close()
        self._process.wait()

    @property
    def _input(self) -> IO[str]:
        assert self._process.stdin is not None
        return self._process.stdin

    @property
    def _output(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def calls(self) -> dict[str, int]:
        """How many objects were read, and pages listed, since the last call."""
        return self._tell("")

    def change(self, number: int) -> None:
        """Store the next serial of a state."""
        self._tell(str(number))

    def _tell(self, line: str) -> dict[str, int]:
        self._input.write(f"{line}\n")
        self._input.flush()
        calls: dict[str, int] = json.loads(self._output.readline())
        return calls


def loads(states: int, resources: int) -> dict[str, Any]:
    """The first load into SQLite, a run without a change, and a run after a single state has changed."""
    with Served(states, resources) as served, tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "STORAGE_EMULATOR_HOST": served.address}
        command = _apply(ALL, f"sqlite:///{folder}/store.db")
        figures: dict[str, Any] = {"states": states, "resources": resources}
        for run in ("first", "unchanged", "one changed"):
            if run == "one changed":
                served.change(states // 2)
                served.calls()
            figures[run] = {**_run(command, environment), **served.calls()}
    return figures


def _apply(url: str, store: str) -> list[str]:
    return [sys.executable, "-m", "setpoint", "apply", url, "--store", store]


def _run(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Run a command on one core; seconds by the clock and of the processor, and peak memory."""
    started = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as process:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return {
        "seconds": round(time.perf_counter() - started, 2),
        "processor_s": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mib": round(usage.ru_maxrss * _KIB / 1024, 1),
    }


def events(states: int, resources: int, changes: int) -> dict[str, float]:
    """Milliseconds from the event of a changed state until it is in force, on Google's emulators."""
    from setpoint_tools.testing.emulators import FIRESTORE, PUBSUB, running

    with running(PUBSUB) as pubsub, running(FIRESTORE) as firestore, Served(states, resources) as served:
        environment = {emulator.kind.variable: emulator.address for emulator in (pubsub, firestore)}
        environment |= {"STORAGE_EMULATOR_HOST": served.address, "GOOGLE_CLOUD_PROJECT": PROJECT}
        os.environ |= environment
        store = f"firestore://{PROJECT}/(default)"
        loaded = _run(_apply(ALL, store), dict(os.environ))
        with _installation(store, environment) as (store_, publish, processor):
            first = _wait(0, served, store_, publish)
            before = processor()
            waits = [_wait(number, served, store_, publish) for number in range(1, changes + 1)]
            per_event = round((processor() - before) / changes * 1e3, 1)
    waits.sort()
    measured = {"median_ms": waits[len(waits) // 2], "slowest_ms": waits[-1]}
    return {"load_s": loaded["seconds"], "cold_ms": first, **measured, "function_processor_ms": per_event}


def _processor_seconds(group: int) -> float:
    """Processor time of a group of processes, by proc(5)."""
    ticks = 0
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = file.read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12]) if int(fields[2]) == group else 0
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def _installation(store: str, environment: dict[str, str]) -> Iterator[tuple[Any, Any, Callable[[], float]]]:
    """Its store, what publishes the notification of a changed object, and the processor time of its function."""
    from setpoint.bootstrap import open_store
    from setpoint_tools.testing.emulators import free_port
    from setpoint_tools.testing.pubsub import PubSubProject
    from setpoint_tools.testing.serving import Served as ServedFunction

    with ExitStack() as stack:
        topics = PubSubProject(PROJECT)
        stack.callback(topics.close)
        changes, drift, letters = map(topics.topic, ("state-changes", "drift-events", "dead-letters"))
        settings = {
            "SETPOINT_STORE": store,
            "SETPOINT_EVENTS_TOPIC": drift,
            "SETPOINT_DEAD_LETTER_TOPIC": letters,
            "SETPOINT_DECLARATIONS_BUCKET": "declarations",
            "SETPOINT_STATE_BUCKETS": json.dumps({BUCKET: {}}),
        }
        log = stack.enter_context(tempfile.TemporaryFile())
        port = free_port()
        function = stack.enter_context(ServedFunction("sync", port, {**environment, **settings}, log))
        pushed = topics.subscription(changes, name="sync", push_to=f"http://127.0.0.1:{port}/{changes}")
        stack.callback(topics.unsubscribe, pushed)
        opened = open_store(store)
        stack.callback(opened.close)

        def publish(name: str) -> None:
            notified = {"bucketId": BUCKET, "objectId": name, "eventType": "OBJECT_FINALIZE", "objectGeneration": "1"}
            topics.publish(changes, [(b"{}", notified)])

        yield opened, publish, lambda: _processor_seconds(function.group)


def _wait(number: int, served: Served, store: Any, publish: Any) -> float:
    """Change a state, publish its event, and wait until its bucket is declared again; milliseconds."""
    from setpoint.model.resource_key import ResourceKey
    from setpoint_tools.testing import terraform_fleet
    from setpoint_tools.testing.polling import wait_until

    project, name = f"team-{number % 40:02}-{number:05}", list(terraform_fleet.paths(number + 1))[number]
    key = ResourceKey(f"//storage.googleapis.com/{project}-r-0")

    def is_in_force() -> bool:
        desired = store.read(key).desired
        return desired is not None and desired.declarations[0].data["labels"]["release"] == "v2"

    served.change(number)
    started = time.perf_counter()
    publish(name)
    wait_until(is_in_force, f"{name} is not in force", seconds=60, pause=0.01)
    return round((time.perf_counter() - started) * 1e3, 1)


def main() -> None:
    """Measure; one line of JSON for each part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--states", type=int, default=3_000)
    parser.add_argument("--resources", type=int, default=50_000)
    parser.add_argument("--emulators", action="store_true", help="measure events on Google's emulators, too")
    parser.add_argument("--changes", type=int, default=30, help="number of events on the emulators")
    parser.add_argument("--serve", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(*options.serve)
        return
    for part in (_FEWER, 1):
        print(json.dumps(loads(options.states // part, options.resources // part)), flush=True)
    if options.emulators:
        print(json.dumps({"events": events(options.states, options.resources, options.changes)}), flush=True)


if __name__ == "__main__":
    main()

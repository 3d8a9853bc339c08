"""Read files and archives within limits, as a script.

``python bomb_reader.py MEMORY PATH…`` writes one JSON object a path, which is an archive or a folder of declarations:
seconds of processor time, and what came of it. Each is read in a process of its own with so many bytes more than the
imports take.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path


def _read(path: str) -> dict[str, object]:
    from setpoint.declarations.readers import archives as unpacking  # noqa: PLC0415 - imported before memory is limited
    from setpoint.declarations.readers import load  # noqa: PLC0415
    from setpoint.errors import BadRequest  # noqa: PLC0415

    is_archive = Path(path).is_file()
    data = Path(path).read_bytes() if is_archive else b""
    started = time.process_time()
    problems: list[str] = []
    read: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            if is_archive:
                unpacking.unpack(Path(path).name, data, Path(folder))
            else:
                loaded = load.load([path])
                assert all(problem.file and problem.message for problem in loaded.problems)
                problems = [str(problem) for problem in loaded.problems]
                read = [desired.declarations[0].key.name for desired in loaded.desired]
        except BadRequest as error:
            problems = [str(error)]
        except BaseException as error:  # noqa: BLE001 - that is what must not happen
            return {"leak": f"{type(error).__name__}: {error}"}
        return {"seconds": time.process_time() - started, "problems": problems[:2], "read": read[:9]}


def _limited(path: str, memory: int) -> None:
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + memory, taken + memory))
    sys.stdout.write(json.dumps({"path": path, **_read(path)}) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read each in a process of its own."""
    from setpoint.declarations.readers import load  # noqa: PLC0415 - as above

    load.load([])
    memory, *paths = sys.argv[1:]
    for path in paths:
        child = os.fork()
        if child == 0:
            _limited(path, int(memory))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            sys.stdout.write(json.dumps({"path": path, "leak": f"it ended with {status}"}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Files and archives that are small and cost much to read; run as a script, it reads each within limits.

``python bombs.py PATH…`` writes one JSON object a path, which is an archive or a folder of declarations: seconds of
processor time, and what came of it. Each is read in a process of its own with 200 MB more than the imports take.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import struct
import sys
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

MEMORY = 200_000_000
SECONDS = 2.0

_DOCUMENT = (
    '{"apiVersion":"setpoint.dev/v1","kind":"Declaration","metadata":{"name":"//storage.googleapis.com/b"},'
    '"spec":{"assetType":"storage.googleapis.com/Bucket","data":{"location":%s}}}'
)
_LAUGHS = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)


def _tar(size: int, count: int = 1, mode: str = "w:gz") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for number in range(count):
            member = tarfile.TarInfo(f"{number}.yaml")
            member.size = size
            archive.addfile(member, io.BytesIO(bytes(size)))
    return packed.getvalue()


def _zip(size: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.yaml", "w") as member:
        for _ in range(size // 1_000_000):
            member.write(bytes(1_000_000))
    return packed.getvalue()


def _zip_directory(entries: int) -> bytes:
    """A zip archive whose directory names one empty file again and again (APPNOTE.TXT 4.3.12, 4.3.14)."""
    name = b"a.yaml"
    file = b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name
    entry = b"PK\x01\x02" + struct.pack("<6H3I5H2I", 20, 20, *[0] * 7, len(name), *[0] * 6) + name
    size, offset = len(entry) * entries, len(file)
    end = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, entries, entries, size, offset)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, offset + size, 1)
    return (
        file
        + entry * entries
        + end
        + locator
        + b"PK\x05\x06"
        + struct.pack("<4H2IH", 0, 0, *[65_535] * 2, size, offset, 0)
    )


def _tar_of(names: Iterable[str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    return packed.getvalue()


def _overlapping(entries: int, size: int) -> bytes:
    """A zip archive whose files are all the same few bytes (https://www.bamsoftware.com/hacks/zipbomb/)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(bytes(size)) + packer.flush()
    checksum = zlib.crc32(bytes(size))
    local = b"PK\x03\x04" + struct.pack("<5H3I2H", 20, 0, 8, 0, 0, checksum, len(data), size, 0, 0) + data
    entry = struct.pack("<6H3I5H2I", 20, 20, 0, 8, 0, 0, checksum, len(data), size, 10, *[0] * 4, 0, 0)
    directory = b"".join(b"PK\x01\x02" + entry + f"{number:05}.yaml".encode() for number in range(entries))
    end = struct.pack("<4H2IH", 0, 0, entries, entries, len(directory), len(local), 0)
    return local + directory + b"PK\x05\x06" + end


def documents() -> dict[str, str | bytes]:
    """Files of declarations by their names; none of them can be read whole."""
    return {
        "4300-digits.json": _DOCUMENT % ("9" * 5_000),
        "4300-digits.yaml": _DOCUMENT % ("9" * 5_000),
        "hexadecimal.yaml": f"a: 0x{'f' * 5_000}",
        "infinite.yaml": _DOCUMENT % "1e999",
        "infinite.json": _DOCUMENT % "1e999",
        "no-number.json": _DOCUMENT % "NaN",
        "half-a-pair.json": _DOCUMENT % '"\\ud800"',
        "half-a-pair.yaml": _DOCUMENT % '"\\ud800"',
        "600-deep.json": _DOCUMENT % ("[" * 600 + "]" * 600),
        "100000-deep.json": "[" * 100_000,
        "100000-deep.yaml": "[" * 100_000,
        "closed.json": '[{"a":' * 50_000 + "1" + "}]" * 50_000,
        "indented.yaml": "".join(" " * i + "a:\n" for i in range(1_500)),
        "keys-in-keys.yaml": "{" * 5_000,
        "questions.yaml": "? " * 20_000,
        "dashes.yaml": "- " * 20_000,
        "opened.json": '{"a":\n' * 100_000,
        "broken-lines.jsonl": "{bad\n" * 200_000,
        "broken-documents.yaml": "---\n: [\n" * 100_000,
        "laughs.yaml": _LAUGHS,
        "2000-aliases.yaml": f'a: &a "{"x" * 1_000_000}"\nb: [{",".join(["*a"] * 2_000)}]\n',
        "documents.yaml": "---\na\n" * 700_000,
        "separators.yaml": "---\n" * 1_000_000,
        "tags.yaml": "--- !a\n" * 400_000,
        "elements.yaml": "- a\n" * 900_000,
        "items.yaml": "kind: List\nitems:\n" + "- a\n" * 900_000,
        "numbers.json": "1 " * 2_000_000,
        "objects.jsonl": "{}\n" * 1_300_000,
        "lists.jsonl": "[]\n" * 1_300_000,
        "empty-lists.jsonl": '{"kind":"List","items":[]}\n' * 300_000,
        "elements.json": f"[{'{},' * 1_300_000}1]",
        "one-list.json": f'{{"a":[{"[]," * 4_000_000}1]}}',
        "one-list.yaml": f"a: [{'[],' * 1_100_000}]",
        "namespaces.jsonl": '{"kind":"Namespace"}\n' * 200_000,
        "merges.yaml": f"a: &a {{{','.join(f'k{i}: 1' for i in range(2_000))}}}\n"
        + "".join(f"m{i}: {{<<: *a}}\n" for i in range(2_000)),
        "quotation.yaml": "'" * 1_000_001,
        "tabs.yaml": "\t" * 1_000_000,
        "utf-16.yaml": "a: 1".encode("utf-16")[:-1],
        "latin.yaml": b"a: \xff\xfe",
        "two-marks.json": b"\xef\xbb\xbf\xef\xbb\xbf{}",
        "raw-nul.json": _DOCUMENT % '"\0"',
        "raw-nul.yaml": _DOCUMENT % '"\0"',
    }


ARCHIVES: dict[str, Callable[[], bytes]] = {
    "100-mb.tar.gz": lambda: _tar(100_000_000),
    "members.tar.gz": lambda: _tar(0, 20_000),
    "100-mb.zip": lambda: _zip(100_000_000),
    "1000000-entries.zip": lambda: _zip_directory(1_000_000),
    "overlapping.zip": lambda: _overlapping(5_000, 5_000_000),
    "directories.tar.gz": lambda: _tar_of(f"{'d/' * 50}{number}/{'e/' * 45}a.yaml" for number in range(3_000)),
    "deepest.tar.gz": lambda: _tar_of(["d/" * 101 + "a.yaml"]),
    "names.tar.gz": lambda: _tar_of(["n" * 14_000_000 + ".yaml", "n/" * 4_000_000 + "a.yaml"]),
    "ignored-names.tar.gz": lambda: _tar_of(f"{number}{'n' * 1_000_000}" for number in range(60)),
    "streams.tar.gz": lambda: gzip.compress(bytes(1_000_000)) * 100,
    "60-mb.tar.bz2": lambda: _tar(60_000_000, mode="w:bz2"),
    "60-mb.tar.xz": lambda: _tar(60_000_000, mode="w:xz"),
}
"""Makers of archives by their names; each archive unpacks to far more than it is worth."""


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


def _limited(path: str) -> None:
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    sys.stdout.write(json.dumps({"path": path, **_read(path)}) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Read each in a process of its own."""
    from setpoint.declarations.readers import load  # noqa: PLC0415 - as above

    load.load([])
    for path in sys.argv[1:]:
        child = os.fork()
        if child == 0:
            _limited(path)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status:
            sys.stdout.write(json.dumps({"path": path, "leak": f"it ended with {status}"}) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()

"""Files and archives that are small and cost much to read.

They go a little beyond what is allowed in a usual run, and far beyond it in a long one.
"""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable

from sizes import size

_DOCUMENT = (
    '{"apiVersion":"setpoint.dev/v1","kind":"Declaration","metadata":{"name":"//storage.googleapis.com/b"},'
    '"spec":{"assetType":"storage.googleapis.com/Bucket","data":{"location":%s}}}'
)
_LAUGHS = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10)
)


def _tar(length: int, count: int = 1, mode: str = "w:gz") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for number in range(count):
            member = tarfile.TarInfo(f"{number}.yaml")
            member.size = length
            archive.addfile(member, io.BytesIO(bytes(length)))
    return packed.getvalue()


def _zip(length: int) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.yaml", "w") as member:
        for _ in range(length // 1_000_000):
            member.write(bytes(1_000_000))
    return packed.getvalue()


def _zip_directory(entries: int) -> bytes:
    """A zip archive whose directory names one empty file again and again (APPNOTE.TXT 4.3.12, 4.3.14)."""
    name = b"a.yaml"
    file = b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name
    entry = b"PK\x01\x02" + struct.pack("<6H3I5H2I", 20, 20, *[0] * 7, len(name), *[0] * 6) + name
    length, offset = len(entry) * entries, len(file)
    end = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, entries, entries, length, offset)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, offset + length, 1)
    return (
        file
        + entry * entries
        + end
        + locator
        + b"PK\x05\x06"
        + struct.pack("<4H2IH", 0, 0, *[65_535] * 2, length, offset, 0)
    )


def _tar_of(names: Iterable[str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    return packed.getvalue()


def _overlapping(entries: int, length: int) -> bytes:
    """A zip archive whose files are all the same few bytes (https://www.bamsoftware.com/hacks/zipbomb/)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = packer.compress(bytes(length)) + packer.flush()
    checksum = zlib.crc32(bytes(length))
    local = b"PK\x03\x04" + struct.pack("<5H3I2H", 20, 0, 8, 0, 0, checksum, len(data), length, 0, 0) + data
    entry = struct.pack("<6H3I5H2I", 20, 20, 0, 8, 0, 0, checksum, len(data), length, 10, *[0] * 4, 0, 0)
    directory = b"".join(b"PK\x01\x02" + entry + f"{number:05}.yaml".encode() for number in range(entries))
    end = struct.pack("<4H2IH", 0, 0, entries, entries, len(directory), len(local), 0)
    return local + directory + b"PK\x05\x06" + end


def documents() -> dict[str, str | bytes]:
    """Files of declarations by their names; none of them can be read whole."""
    too_many_values = {"one-list.yaml": f"a: [{'[],' * 1_100_000}]"} if size(0, 1) else {}  # a million are allowed
    return {
        **too_many_values,
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
        "documents.yaml": "---\na\n" * size(70_000, 700_000),
        "separators.yaml": "---\n" * size(100_000, 1_000_000),
        "tags.yaml": "--- !a\n" * size(40_000, 400_000),
        "elements.yaml": "- a\n" * size(90_000, 900_000),
        "items.yaml": "kind: List\nitems:\n" + "- a\n" * size(90_000, 900_000),
        "numbers.json": "1 " * size(200_000, 2_000_000),
        "objects.jsonl": "{}\n" * 1_300_000,
        "lists.jsonl": "[]\n" * 1_300_000,
        "empty-lists.jsonl": '{"kind":"List","items":[]}\n' * size(35_000, 300_000),
        "elements.json": f"[{'{},' * 1_300_000}1]",
        "one-list.json": f'{{"a":[{"[]," * size(1_100_000, 4_000_000)}1]}}',
        "namespaces.jsonl": '{"kind":"Namespace"}\n' * size(25_000, 200_000),
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
    "zeros.tar.gz": lambda: _tar(size(25_000_000, 100_000_000)),
    "members.tar.gz": lambda: _tar(0, size(5_000, 20_000)),
    "zeros.zip": lambda: _zip(size(25_000_000, 100_000_000)),
    "entries.zip": lambda: _zip_directory(size(250_000, 1_000_000)),
    "overlapping.zip": lambda: _overlapping(size(500, 5_000), size(1_000_000, 5_000_000)),
    "directories.tar.gz": lambda: _tar_of(
        f"{'d/' * 50}{number}/{'e/' * 45}a.yaml" for number in range(size(300, 3_000))
    ),
    "deepest.tar.gz": lambda: _tar_of(["d/" * 101 + "a.yaml"]),
    "names.tar.gz": lambda: _tar_of(
        ["n" * size(1_400_000, 14_000_000) + ".yaml", "n/" * size(400_000, 4_000_000) + "a.yaml"]
    ),
    "ignored-names.tar.gz": lambda: _tar_of(f"{number}{'n' * 1_000_000}" for number in range(size(25, 60))),
    "streams.tar.gz": lambda: gzip.compress(bytes(1_000_000)) * size(25, 100),
    "zeros.tar.bz2": lambda: _tar(size(25_000_000, 60_000_000), mode="w:bz2"),
    "zeros.tar.xz": lambda: _tar(size(25_000_000, 60_000_000), mode="w:xz"),
}
"""Makers of archives by their names; each archive unpacks to far more than it is worth."""

from __future__ import annotations

import io
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.declarations.readers import archives
from setpoint.errors import BadRequest

FILES = {
    "fleet/a.yaml": b"a: 1\n" * 50,
    "fleet/deep/b.json": b'{"b": 2}',
    "fleet/note.txt": b"none of it",
    "fleet/.setpointignore": b"scratch-*\n",
}


def tarred(mode: str, files: dict[str, bytes] = FILES) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{mode}") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def zipped(compression: int = zipfile.ZIP_DEFLATED, files: dict[str, bytes] = FILES) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


FORMS = {
    "tar": tarred(""),
    "tgz": tarred("gz"),
    "tbz": tarred("bz2"),
    "txz": tarred("xz"),
    "zip": zipped(),
    "stored": zipped(zipfile.ZIP_STORED),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_files_with_declarations_are_unpacked(form: str, tmp_path: Path) -> None:
    assert archives.unpack("x", FORMS[form], tmp_path) == 3
    assert (tmp_path / "fleet/a.yaml").read_bytes() == FILES["fleet/a.yaml"]
    assert (tmp_path / "fleet/deep/b.json").read_bytes() == FILES["fleet/deep/b.json"]
    assert (tmp_path / "fleet/.setpointignore").read_bytes() == FILES["fleet/.setpointignore"]
    assert not (tmp_path / "fleet/note.txt").exists()


@given(st.sampled_from(sorted(FORMS)), st.data())
def test_a_damaged_archive_is_a_bad_request_and_nothing_else(form: str, data: st.DataObject) -> None:
    broken = bytearray(FORMS[form])
    for _ in range(data.draw(st.integers(0, 3))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = broken[: data.draw(st.integers(0, len(broken)))] if data.draw(st.booleans()) else broken
    with tempfile.TemporaryDirectory() as folder:
        try:
            archives.unpack("x", bytes(cut), Path(folder))
        except BadRequest as error:
            assert str(error).startswith("x: ")  # noqa: PT017 - some damage harms nothing


@pytest.mark.parametrize("form", FORMS)
def test_an_archive_that_breaks_off_is_never_taken_for_all_there_is(form: str) -> None:
    whole = FORMS[form]
    data_ends = 3 * 1024 if form == "tar" else len(whole) - 1  # a tar archive ends in zeros, of which two blocks count
    for size in range(0, data_ends, 7):
        with tempfile.TemporaryDirectory() as folder, pytest.raises(BadRequest):
            archives.unpack("x", whole[:size], Path(folder))


def flagged(data: bytes) -> bytes:
    """The archive with every file marked as encrypted."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        offsets = [entry.header_offset for entry in archive.infolist()]
    changed = bytearray(data)
    for number in offsets:
        changed[number + 6] |= 1
    number = -1
    while (number := data.find(b"PK\x01\x02", number + 1)) >= 0:
        changed[number + 8] |= 1
    return bytes(changed)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lambda: b"", "not a tar or zip archive"),
        (lambda: b"apiVersion: v1\n", "not a tar or zip archive"),
        (lambda: flagged(FORMS["zip"]), "encrypted"),
        (lambda: zipped(zipfile.ZIP_LZMA), "rare way"),
        (lambda: zipped(zipfile.ZIP_BZIP2), "rare way"),
        (lambda: zipped(files={"x" * 300 + ".yaml": b""}), "x: x+ cannot be unpacked .*rename it"),
        (lambda: zipped(files={"a.yaml": b"", "a.yaml/b.yaml": b""}), "x: a.yaml/b.yaml cannot be unpacked .*rename"),
        (lambda: tarred("gz", {"a.yaml/b.yaml": b"", "a.yaml": b""}), "x: a.yaml cannot be unpacked .*rename it"),
    ],
)
def test_what_cannot_be_unpacked_is_said(data: Callable[[], bytes], message: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match=message):
        archives.unpack("x", data(), tmp_path)


@pytest.mark.parametrize("form", ["gz", "xz", "zip"])
@pytest.mark.parametrize("name", ["a.yaml", "a.bin"])
def test_what_unpacks_to_far_more_than_it_says_is_refused(
    form: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "_MAX_BYTES", 3_000_000)
    files = {name: b"\0" * 5_000_000, "b.yaml": b"b: 1"}
    if form == "zip" and name == "a.bin":
        assert archives.unpack("x", zipped(files=files), tmp_path) == 1  # it is not even looked at
        return
    data = zipped(files=files) if form == "zip" else tarred(form, files)
    with pytest.raises(BadRequest, match="unpacks to more than"):
        archives.unpack("x", data, tmp_path)
    assert sum(file.stat().st_size for file in tmp_path.rglob("*.yaml")) <= 3_000_000

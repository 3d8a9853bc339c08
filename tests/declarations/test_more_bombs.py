"""Archives and directories that are small and have much to look through, and what must not be taken for another."""

from __future__ import annotations

import io
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from setpoint.declarations.readers import archives
from setpoint.declarations.readers.load import LoadResult, load
from setpoint.errors import BadRequest
from sizes import size

GOOD = (
    "apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {name: //storage.googleapis.com/good}\n"
    "spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}\n"
)


def tar(files: Iterable[tuple[str, bytes]], mode: str = "w") -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name}.yaml", content)
    return packed.getvalue()


def test_a_zip_archive_within_a_tar_archive_does_not_take_its_place(tmp_path: Path) -> None:
    """The directory of a zip archive is looked for from the end of the file, so that the last member looked like it."""
    data = tar([("good.yaml", GOOD.encode()), ("charts.zip", zipped(evil=b"a: 1\n"))])
    assert zipfile.is_zipfile(io.BytesIO(data))
    assert archives.unpack("a.tar", data, tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["good.yaml"]


def test_a_zip_archive_is_read_with_and_without_files(tmp_path: Path) -> None:
    assert archives.unpack("a.zip", zipped(good=GOOD.encode()), tmp_path) == 1
    assert archives.unpack("a.zip", zipped(), tmp_path) == 0


@pytest.mark.parametrize("name", ["s.yaml", "s.txt"])
def test_a_sparse_declaration_is_refused_by_its_name_and_another_sparse_file_is_left_out(tmp_path: Path, name) -> None:
    """Left out in silence it would look like a removed declaration."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 40)}
        content = b"1\n0\n5\n".ljust(512, b"\0") + b"a: 1\n"
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    if name.endswith(".txt"):
        assert archives.unpack("a.tar", packed.getvalue(), tmp_path) == 0
    else:
        with pytest.raises(BadRequest, match=r"a\.tar: s\.yaml is stored sparse; make the archive without `--sparse`"):
            archives.unpack("a.tar", packed.getvalue(), tmp_path)


def test_a_file_may_lie_a_hundred_directories_deep_and_no_deeper(tmp_path: Path) -> None:
    assert archives.unpack("a.tar", tar([("d/" * 100 + "a.yaml", b"a: 1\n")]), tmp_path) == 1
    with pytest.raises(BadRequest, match="has more than 100 directories above it"):
        archives.unpack("a.tar", tar([("d/" * 101 + "a.yaml", b"a: 1\n")]), tmp_path)
    longest = "/".join(["d" * 200] * 19) + "/" + "n" * 170 + ".yaml"
    assert len(longest) < 4_000
    assert archives.unpack("a.tar", tar([("./" + longest, b"a: 1\n")]), tmp_path / "b") == 1


def test_directories_count_as_files_do(tmp_path: Path) -> None:
    """20 MB are 4,882 files of 4 KB at least."""
    few = [(f"{number}/a.yaml", b"a: 1\n") for number in range(2_440)]
    assert archives.unpack("a.tar", tar(few, "w:gz"), tmp_path) == 2_440
    more = [(f"{number}/a/b/a.yaml", b"a: 1\n") for number in range(2_440)]
    with pytest.raises(BadRequest, match="200,000 files and directories"):
        archives.unpack("a.tar", tar(more, "w:gz"), tmp_path / "b")


def charts(folder: Path) -> None:
    for number in range(size(400, 2_000)):
        (folder / str(number)).mkdir()
        (folder / str(number) / "Chart.yaml").write_text("")


def bad_ignore_files(folder: Path) -> None:
    for number in range(size(100, 400)):
        (folder / str(number)).mkdir()
        (folder / str(number) / ".setpointignore").write_text("[a\n" * 5_000)


def doubled_bases(folder: Path) -> None:
    for number in range(31):
        for side in "de":
            (folder / f"{side}{number}").mkdir()
            following = f"[../d{number + 1}, ../e{number + 1}]" if number < 30 else "[]"
            (folder / f"{side}{number}" / "kustomization.yaml").write_text(f"resources: {following}\n")


def unlisted_files(folder: Path) -> None:
    for number in range(size(300, 1_500)):
        (folder / str(number)).mkdir()
        (folder / str(number) / "kustomization.yaml").write_text("resources: []\n")
        (folder / str(number) / "a.yaml").write_text("kind: List\nitems: []\n")


@pytest.mark.thorough
@pytest.mark.parametrize("fill", [charts, bad_ignore_files, doubled_bases, unlisted_files])
def test_a_directory_costs_no_more_than_its_size_and_the_good_file_in_it_is_read(
    tmp_path: Path, fill: Callable[[Path], None]
) -> None:
    fill(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    started = time.process_time()
    loaded: LoadResult = load([str(tmp_path)])
    assert time.process_time() - started < size(2, 4)
    assert [desired.declarations[0].key.name for desired in loaded.desired] == ["//storage.googleapis.com/good"]


def test_patterns_of_all_ignore_files_are_counted_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / ".setpointignore").write_text("x\n" * 5_000)
    assert load([str(tmp_path)]).problems == []
    (tmp_path / "b" / ".setpointignore").write_text("x\n" * 5_001)
    (problem,) = load([str(tmp_path)]).problems
    assert (Path(problem.file).parent.name, problem.line) == ("b", 5_001)


def test_bases_may_be_built_a_thousand_times_and_not_once_more(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "kustomization.yaml").write_text("resources: []\n")
    (tmp_path / "root").mkdir()
    for count, is_built in ((999, True), (1_000, False)):
        text = "resources:\n" + "- ../base\n" * count
        (tmp_path / "root" / "kustomization.yaml").write_text(text)
        problems = load([str(tmp_path)]).problems
        assert ["more than 1,000 times" in problem.message for problem in problems] == ([] if is_built else [True])

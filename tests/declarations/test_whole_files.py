"""What is read whole is read up to a size: files, sparse ones included, standard input, exports and downloads."""

from __future__ import annotations

import gzip
import io
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from setpoint.adapters.google import cloud_storage
from setpoint.cli import diff_jsonl
from setpoint.declarations import proposed_changes, unchanged_files
from setpoint.declarations.readers import terraform_config, whole_files
from setpoint.declarations.readers.load import load
from setpoint.errors import BadRequest
from setpoint.model import asset_stream

BUCKET = (
    "apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {name: //storage.googleapis.com/good}\n"
    "spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}\n"
)
LARGEST = 200_000_000


def sparse(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


@pytest.mark.parametrize("name", ["a.yaml", "a.json", "a.tfstate", ".setpointignore", "kustomization.yaml"])
def test_a_sparse_file_of_a_terabyte_is_named_and_the_good_file_beside_it_is_read(tmp_path, name):
    (tmp_path / "good.yaml").write_text(BUCKET)
    folder = tmp_path / "k" if name.startswith("kust") else tmp_path
    folder.mkdir(exist_ok=True)
    sparse(folder / name, 1 << 40)
    loaded = load([str(tmp_path)])
    (problem,) = loaded.problems
    assert problem.file.endswith(name)
    assert "it is larger than" in problem.message
    assert len(loaded.desired) == 1
    assert unchanged_files.digest_of([str(tmp_path)], ()) == ""


def test_a_file_of_the_largest_size_is_read_and_one_byte_more_is_not(tmp_path):
    assert len(whole_files.read(sparse(tmp_path / "a", 1_000), 1_000)) == 1_000
    with pytest.raises(whole_files.TooLargeError, match="larger than 1,000 bytes"):
        whole_files.read(sparse(tmp_path / "a", 1_001), 1_000)
    assert len(whole_files.content(io.BytesIO(bytes(1_000)), 1_000)) == 1_000
    with pytest.raises(whole_files.TooLargeError):
        whole_files.content(io.BytesIO(bytes(1_001)), 1_000)


def test_standard_input_without_end_is_refused():
    script = "from setpoint.declarations.readers.load import load; print(load(['-']).problems)"
    with Path("/dev/zero").open("rb") as endless:
        done = subprocess.run(
            [sys.executable, "-c", script],
            stdin=endless,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30)),
        )
    assert "it is larger than 200,000,000 bytes" in done.stdout


def test_terraform_code_and_its_manifest_may_be_sparse(tmp_path):
    (tmp_path / ".terraform" / "modules").mkdir(parents=True)
    sparse(tmp_path / ".terraform" / "modules" / "modules.json", 1 << 40)
    sparse(tmp_path / "main.tf", 1 << 40)
    (problem,) = terraform_config.read(str(tmp_path)).problems
    assert "it is larger than 4,000,000 bytes" in problem.message


def test_a_plan_of_any_nesting_or_size_is_no_plan(tmp_path):
    (tmp_path / "deep.json").write_text('{"resource_changes":' + "[" * 100_000)
    assert not proposed_changes.is_terraform_plan(tmp_path / "deep.json")
    assert not proposed_changes.is_terraform_plan(sparse(tmp_path / "large.json", 1 << 40))


def test_an_ignore_file_may_have_so_many_patterns_and_not_one_more(tmp_path):
    (tmp_path / "good.yaml").write_text(BUCKET)
    (tmp_path / ".setpointignore").write_text("# a remark\n" * 20_000 + "a\n" * 10_000)
    assert load([str(tmp_path)]).problems == []
    (tmp_path / ".setpointignore").write_text("[\n" * 2_000_000)
    problems = load([str(tmp_path)]).problems
    assert len(problems) == 10_001
    assert problems[-1].message == "more than 10,000 patterns; the rest was not read; write fewer with wildcards"


def asset(number: int, size: int = 0) -> bytes:
    padding = {"labels": {"a": "x" * size}} if size else {}
    return json.dumps({"name": f"//storage.googleapis.com/{number}", "asset_type": "t", **padding}).encode()


def test_a_line_that_is_too_long_is_one_bad_record_and_the_next_one_is_read():
    long = b'{"name":"' + b"x" * 45_000_000 + b'"}'
    stream = io.BytesIO(b"\n".join([asset(1), long, asset(2), asset(3, 19_000_000)]))
    read = list(asset_stream.messages(stream))
    assert [message.where for message in read] == [1, 2, 3, 4]
    assert [message.kind for message in read] == ["asset", "unknown", "asset", "asset"]
    assert len(read[1].data) <= 20_000_001


@pytest.mark.parametrize(
    ("start", "block"), [(b"", bytes(1_000_000)), (b"[\n", b"\n" * 1_000_000)], ids=["line", "list"]
)
def test_a_compressed_line_or_list_without_end_is_refused(start, block, monkeypatch):
    assert asset_stream.LARGEST_LIST == 200_000_000
    monkeypatch.setattr(asset_stream, "LARGEST_LIST", 25_000_000)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        file.write(start)
        for _ in range(35):
            file.write(block)
    with pytest.raises(BadRequest, match="more than 200,000,000 bytes; use one asset per line"):
        list(asset_stream.messages(io.BytesIO(packed.getvalue())))


def test_a_question_of_diff_that_is_too_long_is_answered_with_an_error_and_so_is_the_next_one(tmp_path):
    good = {"id": "b", "format": "api", "asset_type": "storage.googleapis.com/Bucket", "declared": {}, "live": {}}
    questions = tmp_path / "questions.jsonl"
    questions.write_bytes(b'{"id":"' + b"x" * 50_000_000 + b'"}\n' + json.dumps(good).encode() + b"\n")
    command = [sys.executable, "-m", "setpoint", "diff", "--jsonl", str(questions)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, env=dict(os.environ))
    first, second = map(json.loads, done.stdout.splitlines())
    assert f"a line of more than {diff_jsonl.LARGEST_LINE:,} bytes" in first["error"]
    assert (second["id"], second["verdict"]) == ("b", "in_sync")


class _Blob:
    """An object of Cloud Storage that is larger unpacked than its size says, as with ``Content-Encoding: gzip``."""

    generation, size, metadata, time_created = 1, 1_000, None, None

    def __init__(self, unpacked: int) -> None:
        self._unpacked = unpacked

    def download_to_file(self, file: Any, **_: Any) -> None:
        for _ in range(self._unpacked // 1_000_000):
            file.write(bytes(1_000_000))


@pytest.mark.parametrize(("unpacked", "is_read"), [(5_000_000, True), (6_000_000, False)])
def test_an_archive_that_unpacks_while_it_is_downloaded_is_refused_beyond_its_limit(unpacked, is_read, monkeypatch):
    monkeypatch.setattr(cloud_storage, "_LARGEST", 5_000_000)
    bucket = SimpleNamespace(get_blob=lambda *_, **__: _Blob(unpacked))
    archives = cloud_storage.CloudStorageArchives(SimpleNamespace(bucket=lambda _: bucket))
    if is_read:
        assert len(archives.read("b", "a.tar", 1).data) == 5_000_000
    else:
        with pytest.raises(BadRequest, match=r"gs://b/a\.tar: has more than 5,000,000 bytes"):
            archives.read("b", "a.tar", 1)

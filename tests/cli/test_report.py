"""``setpoint report``, as it is called."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pages.samples import many
from setpoint.bootstrap import open_store
from setpoint.cli import app
from setpoint.errors import BadRequest


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path / 'setpoint.db'}"
    store = open_store(url)
    for declaration in many(40):
        store.commit(store.read(declaration.key), declaration)
    store.close()
    return url


def run(*arguments):
    return CliRunner().invoke(app, ["report", *arguments], env={"COLUMNS": "120"})


def test_a_terminal_gets_figures_and_where_it_drifts(url):
    shown = run("--store", url, "--since", "365d")
    assert shown.exit_code == 0
    for text in (
        "mean time to resolve",
        "never swept",
        "open by team",
        "open by project",
        "open by type",
        "and 5 others",
    ):
        assert text.split()[0] in shown.stdout
    assert "No sweep has ended yet" in shown.stderr


def test_a_program_gets_all_of_it(url):
    content = json.loads(run("--store", url, "--output", "json").stdout)
    assert content["figures"]["open"] == sum(
        row["status"] in ("open", "awaiting", "remediating") for row in content["rows"]
    )
    assert content["total"] == len(content["rows"])


def test_a_browser_gets_a_file_and_where_it_is_is_said(url, tmp_path):
    file = tmp_path / "report.html"
    shown = run("--store", url, "--html", str(file))
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert str(file) in shown.stderr.replace("\n", "")
    assert file.read_bytes().startswith(b"<!doctype html>")


def test_a_store_that_has_seen_nothing_is_not_called_clean(tmp_path):
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    open_store(url).close()
    shown = run("--store", url)
    assert shown.exit_code == 0
    assert "does not mean that there is no drift" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "2y"], "is not a time"),
        (["--since", "500d"], "more than a year"),
        (["--html", "/nowhere/x"], "No such file"),
    ],
)
def test_what_cannot_be_done_is_said(url, arguments, message):
    assert isinstance((failed := run("--store", url, *arguments)).exception, BadRequest)
    assert message in str(failed.exception)


def test_there_is_no_report_of_a_store_that_is_not_there(tmp_path):
    assert "no such store" in str(run("--store", f"sqlite:///{tmp_path}/none.db").exception)


def test_a_page_that_cannot_be_written_leaves_the_earlier_one(url, tmp_path, monkeypatch):
    file = tmp_path / "report.html"
    file.write_bytes(b"the page of yesterday")
    file.chmod(0o640)
    write = Path.write_bytes

    def full(path, data):
        write(path, data[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        assert "No space left on device" in str(run("--store", url, "--html", str(file)).exception)
    assert file.read_bytes() == b"the page of yesterday"
    assert {path.suffix for path in tmp_path.iterdir()} == {".db", ".html"}

    assert run("--store", url, "--html", str(file)).exit_code == 0
    assert file.read_bytes().startswith(b"<!doctype html>")
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_page_replaces_what_a_link_leads_to_and_goes_to_devices(url, tmp_path):
    (tmp_path / "site").mkdir()
    link = tmp_path / "report.html"
    link.symlink_to(tmp_path / "site/index.html")
    assert run("--store", url, "--html", str(link)).exit_code == 0
    assert link.is_symlink()
    assert (tmp_path / "site/index.html").read_bytes().startswith(b"<!doctype html>")
    assert run("--store", url, "--html", os.devnull).exit_code == 0

from __future__ import annotations

import gzip
import json
import re

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from rendering.block_kit import faults
from rendering.samples import BUCKET, OBSERVED_AT, resolved
from setpoint.cli import app
from setpoint.errors import BadRequest
from setpoint.model import events
from setpoint.model.difference import Difference
from setpoint.model.events import drift_event
from setpoint.model.notice_view import Message


def run(*arguments: str):
    result = CliRunner().invoke(app, ["notify", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def published(tmp_path):
    """Three findings: one that is resolved again, and two of one cause."""
    others = [
        replace(BUCKET, finding_id=str(number), differences=(Difference("location", "changed", "EU", "US"),))
        for number in range(2)
    ]
    happened = [
        drift_event("drift.opened", 1, BUCKET),
        *(drift_event("drift.opened", 1, other) for other in others),
        drift_event("drift.resolved", 2, resolved().data),
    ]
    happened.append(happened[0])
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"".join(events.encode(event) + b"\n" for event in reversed(happened)) + b"{}\n\n")
    return file


def test_events_give_each_finding_as_it_is_by_now_and_one_message_for_one_cause(published):
    output = run("--preview", "--events", str(published)).output
    assert "High: 2 Buckets in 1 project drifted; 2 open" in output
    assert "Resolved: Bucket billing-exports" in output
    assert "[Fix now] [Exempt] [Accept] [Why?]" in output
    assert "events.jsonl:6: not an event of Setpoint's" in re.sub(r"\s+", " ", output)


def test_blocks_are_what_slack_takes_one_message_a_line(published):
    lines = run("--preview", "--events", str(published), "--output", "json").stdout.splitlines()
    messages = [Message(content["text"], tuple(content["blocks"])) for content in map(json.loads, lines)]
    assert len(messages) == 5
    assert [fault for message in messages for fault in faults(message)] == []


def test_a_compressed_file_is_read_too(published):
    published.write_bytes(gzip.compress(published.read_bytes()))
    assert "Resolved: Bucket billing-exports" in run("--preview", "--events", str(published)).output


def test_a_picture_is_written(published, tmp_path):
    picture = tmp_path / "slack.html"
    run("--preview", "--events", str(published), "--html", str(picture))
    written = picture.read_text()
    assert "2 Buckets in 1 project drifted" in written
    assert OBSERVED_AT.isoformat() in written


def test_nothing_is_sent_from_the_command_line():
    with pytest.raises(BadRequest, match="--preview"):
        run()


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadRequest, match=r"none\.jsonl: cannot be read"):
        run("--preview", "--events", str(tmp_path / "none.jsonl"))


def test_a_place_that_cannot_be_written_is_named(published, tmp_path):
    with pytest.raises(BadRequest, match="cannot be written"):
        run("--preview", "--events", str(published), "--html", str(tmp_path))

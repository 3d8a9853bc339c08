"""Secrets in the places where people leave them come out nowhere: in no event, record, message, row or page."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from marked.corpus import FREE, NAMED, Marked, corpus, marks_in
from rendering.samples import LINKS
from setpoint.alerting.rendering import slack
from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison import difference_text
from setpoint.detection import verdict as judging
from setpoint.detection.finding_state_machine import advance
from setpoint.model import events
from setpoint.model.declaration import Declaration, desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.notice_view import FindingView
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey
from setpoint.model.resource_state import ResourceState, encode_state
from setpoint.model.secrecy import Secrecy
from setpoint.reporting.html import build, page
from setpoint.reporting.rows import SnapshotTime, finding_row

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = Secrecy(b"k" * 32)
CATALOGUE = default_catalogue()


def drifted(marked: Marked, *, gone: bool = False) -> ResourceState:
    key = ResourceKey(marked.name)
    wanted = desired((Declaration(key, marked.asset_type, marked.declared),))
    data: Any = marked.live
    if gone:
        wanted = desired((Declaration(key, marked.asset_type, marked.live),))
    observation = Observation(key, marked.asset_type, NOON, deleted=gone, data=data)
    verdict = judging.judge(wanted, Rules(), observation, CATALOGUE, secrecy=KEY)
    state = advance(None, observation, verdict, NOON + timedelta(minutes=2)).state
    assert state is not None
    assert state.finding is not None, marked
    return state


def outlets(state: ResourceState) -> dict[str, str]:
    """Everything by which a finding leaves the detector, as text."""
    assert state.finding is not None
    row = finding_row(state, SnapshotTime(NOON.date(), NOON))
    texts = {
        "record": encode_state(state),
        "event": b"".join(map(events.encode, state.pending)),
        "row": msgspec.json.encode(row),
        "line": "\n".join(map(difference_text.as_line, state.finding.differences)),
    }
    for event in state.pending:
        message = slack.finding(FindingView(event.type, event.time, event.data), LINKS)
        texts[f"message of {event.type}"] = json.dumps(msgspec.to_builtins(message), ensure_ascii=False)
    return {name: text.decode() if isinstance(text, bytes) else text for name, text in texts.items()}


def leaks(*, gone: bool) -> Counter[str]:
    leaked: Counter[str] = Counter()
    for marked in corpus():
        for outlet, text in outlets(drifted(marked, gone=gone)).items():
            if marked.mark in text or json.dumps(marked.mark)[1:-1] in text:
                leaked[f"{marked.place}: {outlet}"] += 1
    return leaked


def test_the_corpus_is_large_enough_to_say_something() -> None:
    assert len(corpus()) >= 400
    assert len({marked.mark for marked in corpus()}) == len(corpus())
    assert len(FREE) + len(NAMED) >= 40


def test_each_mark_is_seen_in_a_text() -> None:
    marks = [marked.mark for marked in corpus()]
    assert marks_in(f"<p>{' '.join(marks)}</p>") == marks
    assert [mark for mark in marks[::20] if mark not in marks_in(f"<p>{mark}</p>")] == []


@pytest.mark.parametrize("gone", [False, True], ids=["modified", "deleted"])
def test_no_marked_secret_leaves_the_detector(gone: bool) -> None:
    assert leaks(gone=gone) == Counter()


def test_no_marked_secret_is_on_the_page() -> None:
    states = [drifted(marked) for marked in corpus()]
    report = build.build(build.Facts(states), NOON - timedelta(days=1), NOON + timedelta(days=1), most=10_000)
    read = page.render(report).decode()
    assert marks_in(read) == []


def test_two_marked_secrets_never_have_one_fingerprint() -> None:
    by_place: dict[str, set[str]] = {}
    count: Counter[str] = Counter()
    for marked in corpus():
        by_place.setdefault(marked.place, set()).add(drifted(marked).fingerprint)
        count[marked.place] += 1
    assert {place: len(prints) for place, prints in by_place.items()} == dict(count)

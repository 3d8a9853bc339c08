"""Every parser of what comes from outside, or is stored: any bytes give a value, or an error without a secret."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli import feed
from setpoint.declarations.apply import declare
from setpoint.declarations.readers import load
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import MalformedMessage, SetpointError
from setpoint.model import audit_trail, events, resource_state, safety_limits, sources, sweep_records
from setpoint.model import observation as observations
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.declaration import Declaration, desired
from setpoint.model.resource_key import ResourceKey
from setpoint.model.safety_limits import Breaker, Pause, SafetyState, WriteRecord
from setpoint.model.sources import Control, SourceState
from setpoint.model.sweep_records import Shard, ShardPart, ShardWork, Summary, Sweep, SweepStart
from setpoint_tools.dev import fleet
from setpoint_tools.testing import messages
from sizes import size

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = ResourceKey("//storage.googleapis.com/exports")
TYPE = "storage.googleapis.com/Bucket"
SECRET = "hunter2-marked"  # noqa: S105 - what must not come out
FEED = messages.resource(KEY.name, TYPE, {"location": "US", "labels": {"note": SECRET}}, NOON)


def world() -> Context:
    made = Context(MemoryStore(), MemoryBus(), MemoryDeadLetters(), default_catalogue())
    declare(made.store, [desired((Declaration(KEY, TYPE, {"location": "EU"}, project="shop"),))], (), NOON)
    return made


def recorded() -> tuple[bytes, bytes, bytes]:
    """A stored finding, its event and its observation."""
    deps = world()
    pipeline.receive(FEED, {}, deps)
    state = deps.store.read(KEY).state
    observation = observations.parse(FEED)
    return resource_state.encode_state(state), events.encode(deps.bus.events[0]), observations.encode(observation)


STATE, EVENT, OBSERVATION = recorded()
ENTRY = AuditEntry(recorded_at=NOON, what="act", by="ann")
START = SweepStart(("organizations/1",), ("resource",))
SWEEP = Sweep("s", "1", START, NOON, summary=Summary(NOON, listed=1))
BRAKES = SafetyState((Pause("fleet", NOON),), (WriteRecord("p", NOON),), breaker=Breaker(NOON, "surge"))

PARSERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "feed message": (observations.parse, FEED),
    "stored observation": (observations.decode, OBSERVATION),
    "drift event": (events.read, EVENT),
    "stored finding": (resource_state.decode_state, STATE),
    "sweep message": (sweep_records.decode_message, sweep_records.encode_message(ShardWork("s", "1", 2))),
    "start of a sweep": (sweep_records.decode_message, sweep_records.encode_message(START)),
    "stored sweep": (partial(sweep_records.decode_record, form=Sweep), sweep_records.encode_record(SWEEP)),
    "stored shard": (
        partial(sweep_records.decode_record, form=Shard),
        sweep_records.encode_record(Shard("1", 0, "organizations/1", "resource", NOON)),
    ),
    "stored part": (
        partial(sweep_records.decode_record, form=ShardPart),
        sweep_records.encode_record(ShardPart(b"12345678")),
    ),
    "stored brakes": (safety_limits.decode_safety_state, safety_limits.encode_safety_state(BRAKES)),
    "control record": (
        sources.decode_control,
        sources.encode_control(Control({"git": SourceState(1, commit="abc", applied_at=NOON)}, 1)),
    ),
    "stored rules": (
        lambda stored: sources.rules_of(sources.decode_control(stored)),
        json.dumps({"scopes": [], "policy": None}).encode(),
    ),
    "audit entry": (lambda data: audit_trail.decode_entries([data]), audit_trail.encode_entry(ENTRY)),
    "recorded feed": (lambda data: list(feed.messages(io.BytesIO(data))), b'{"message": {"data": "e30="}}\n{}\n'),
}

_TOKENS = [
    b"null",
    b"{}",
    b"[]",
    b'""',
    b"1e999",
    b"-",
    b"\xff",
    b"\x00",
    b"[" * 2000,
    b"9" * 400,
    b"\\ud800",
    b'"\xc3"',
    b"true",
]


@st.composite
def mutated(draw: st.DrawFn, valid: bytes) -> bytes:
    """The same bytes with parts of them cut, doubled, or replaced by what parsers stumble over."""
    data = valid
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 30)))
        piece = draw(st.sampled_from(_TOKENS) | st.binary(max_size=6) | st.just(data[start:end] * 2))
        data = data[:start] + piece + data[end:]
    return data


@st.composite
def swapped(draw: st.DrawFn, valid: bytes) -> bytes:
    """Valid JSON of the same shape, with a value replaced by one of another type."""
    values = list(
        re.finditer(rb'(?<=[:\[,])\s*("(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null)(?=\s*[,\]}])', valid)
    )
    if not values:
        return valid
    value = draw(st.sampled_from(values))
    other = draw(
        st.sampled_from(
            [
                b"null",
                b"{}",
                b"[]",
                b"-1",
                b"1.5",
                b'"\\u0000"',
                b"true",
                b"[[[]]]",
                b'{"a": 1}',
                b"99999999999999999999",
            ]
        )
    )
    return valid[: value.start(1)] + other + valid[value.end(1) :]


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=size(40, 150), suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_is_parsed_gives_a_value_or_an_error_of_ours_without_the_content(name, data):
    parse, valid = PARSERS[name]
    parse(valid)
    given_bytes = data.draw(st.binary(max_size=200) | mutated(valid) | swapped(valid))
    message = ""
    try:
        parse(given_bytes)
    except SetpointError as error:
        message = str(error)
    assert SECRET not in message


@settings(max_examples=size(40, 150), suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_a_feed_sends_is_handled_and_what_is_rejected_is_kept(data):
    deps = world()
    message = data.draw(st.binary(max_size=200) | mutated(FEED) | swapped(FEED))
    outcome = pipeline.receive(message, {}, deps)
    assert (outcome == "rejected") == bool(deps.dead_letters.kept)
    for letter in deps.dead_letters.kept:
        assert letter.message == message
        assert SECRET not in letter.reason


FILES = {
    "native": yaml.safe_dump_all(fleet.documents("http://localhost:8080")).encode(),
    "krm": b"""apiVersion: storage.cnrm.cloud.google.com/v1beta1
kind: StorageBucket
metadata: {name: exports, annotations: {cnrm.cloud.google.com/project-id: shop}}
spec: {location: EU, versioning: {enabled: true}}
""",
    "terraform": json.dumps({
        "format_version": "1.0",
        "values": {"root_module": {"resources": [{
            "address": "google_storage_bucket.exports", "mode": "managed", "type": "google_storage_bucket",
            "name": "exports", "values": {"name": "exports", "location": "EU", "project": "shop"},
        }]}},
    }).encode(),
}  # fmt: skip


@pytest.mark.parametrize("kind", FILES)
@settings(
    max_examples=size(20, 60),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_whatever_is_in_a_file_of_declarations_it_is_read_or_its_problems_are_told(kind, data, tmp_path):
    valid = FILES[kind]
    name = "fleet.json" if kind == "terraform" else "fleet.yaml"
    file = Path(tmp_path) / name
    file.write_bytes(data.draw(mutated(valid) | swapped(valid) | st.binary(max_size=100)))
    try:
        loaded = load.load([str(file)])
    except SetpointError:
        return
    assert all(str(problem) for problem in loaded.problems)


@pytest.mark.parametrize("message", [b'{"id":"\x80"', b"[" * 100_000], ids=["not UTF-8", "nested too deeply"])
def test_a_drift_event_that_is_not_text_or_too_deep_is_malformed_and_does_not_come_for_ever(message):
    with pytest.raises(MalformedMessage):
        events.read(message)

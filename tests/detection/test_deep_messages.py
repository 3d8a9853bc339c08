"""Data that is nested too deeply to be compared goes to the dead letters with the reason, and keeps back no other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from chaos.embedded import Message
from contract.records import BUCKET, KEY, OTHER, declare, declared
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters
from setpoint.catalog.schemas import default_catalogue
from setpoint.detection import batch, pipeline
from setpoint.detection.pipeline import Context
from setpoint_tools.testing import messages

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def context(store) -> Context:
    declare(store, [declared(KEY, location="EU"), declared(OTHER, location="EU")])
    return Context(store, MemoryBus(), MemoryDeadLetters(), default_catalogue())


def deep(levels: int) -> bytes:
    value: Any = "US"
    for _ in range(levels):
        value = [value]
    return messages.resource(KEY.name, BUCKET, {"location": value}, NOON)


def test_a_message_that_is_nested_too_deeply_is_dead_lettered(context):
    assert pipeline.receive(deep(900), {"a": "b"}, context) == "rejected"
    (letter,) = context.dead_letters.kept
    assert letter.message == deep(900)
    assert letter.reason == f"{KEY.name}: its data is nested too deeply to be compared"
    assert pipeline.receive(deep(50), {}, context) == "opened"


def test_the_others_of_a_batch_are_handled(context):
    other = messages.resource(OTHER.name, BUCKET, {"location": "US"}, NOON)
    results = batch.receive_many([Message(deep(900)), Message(other), Message(b"{")], context)
    assert results == ["rejected", "opened", "rejected"]
    assert len(context.dead_letters.kept) == 2

"""With another wrapping key than that of the store, messages wait: none is rejected, and no resource unreadable."""

from __future__ import annotations

import pytest

from detection.fleet import BUCKET, BUCKET_TYPE, moment
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.detection import batch, pipeline
from setpoint.detection.installation_key import InstallationKey
from setpoint.detection.pipeline import Context
from setpoint.errors import WrongKey
from setpoint.model import observation as observations
from setpoint.model.declaration import Declaration, desired
from setpoint.operations.dead_letters import EncryptedDeadLetters
from setpoint_tools.testing import messages

SECRET = "ghp_" + "a1B2c3D4e5" * 4


@pytest.fixture(name="context")
def context_() -> Context:
    store = MemoryStore()
    InstallationKey(store, (b"1" * 32,)).read()
    key = InstallationKey(store, (b"2" * 32,))
    dead_letters = EncryptedDeadLetters(MemoryDeadLetters(), key.read)
    context = Context(store, MemoryBus(), dead_letters, default_catalogue(), secret_key=key.read)
    declaration = Declaration(BUCKET, BUCKET_TYPE, {"labels": {"team": "billing"}}, project="billing")
    apply.declare(store, [desired((declaration,))], (), moment(0))
    return context


def test_a_message_waits_and_is_not_rejected(context: Context) -> None:
    message = messages.resource(BUCKET.name, BUCKET_TYPE, {"labels": {"team": SECRET}}, moment(1))
    with pytest.raises(WrongKey):
        pipeline.receive(message, {}, context)
    with pytest.raises(WrongKey):
        pipeline.receive(b"broken", {}, context)


def test_a_sweep_does_not_count_a_resource_as_unreadable(context: Context) -> None:
    message = messages.resource(BUCKET.name, BUCKET_TYPE, {"labels": {"team": SECRET}}, moment(1))
    observation = observations.parse(message, {})
    assert observation is not None
    (result,) = batch.handle_many([observation], context)
    with pytest.raises(WrongKey):
        batch.outcome_of(result)

"""An error of a library may quote a payload: a function's log has its type and its place, and not its text."""

from __future__ import annotations

import msgspec
import pytest
import requests

from functions.test_detect import message_of, push
from functions.test_serving import served
from setpoint import bootstrap
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import Unavailable

PAYLOAD = "correct horse battery staple"


class QuotingError(Exception):
    """An error whose text is made when it is asked for."""

    def __str__(self) -> str:
        return f"cannot handle {PAYLOAD}"


def fails_with(error: Exception, *, cause: Exception | None = None):
    def receive(*_):
        try:
            raise error  # noqa: TRY301 - as a library does
        except Exception as raised:
            if cause is None:
                raise
            raise cause from raised

    return receive


@pytest.mark.parametrize(
    "cause", [None, Unavailable("the store does not answer; try again")], ids=["alone", "as cause"]
)
@pytest.mark.parametrize(
    "error",
    [
        ValueError(PAYLOAD),
        KeyError(PAYLOAD),
        QuotingError(),
        msgspec.ValidationError(PAYLOAD),
        requests.ConnectionError(PAYLOAD),
        UnicodeDecodeError("utf-8", PAYLOAD.encode(), 0, 1, PAYLOAD),
        ExceptionGroup(PAYLOAD, [ValueError(PAYLOAD)]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_log_quotes_the_text_of_a_foreign_error(error, cause, monkeypatch, capfd, caplog):
    context = Context(MemoryStore(), MemoryBus(), MemoryDeadLetters(), default_catalogue())
    monkeypatch.setattr(bootstrap, "detector", lambda: context)
    monkeypatch.setattr(pipeline, "receive", fails_with(error, cause=cause))
    client = served("detect")

    assert push(client, message_of(b"{}")) >= 500

    written = capfd.readouterr()
    text = written.out + written.err + caplog.text
    assert PAYLOAD not in text
    assert type(error).__name__ in text
    assert "test_foreign_errors.py" in text

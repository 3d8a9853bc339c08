from __future__ import annotations

import io
import time

import pytest

from setpoint.cli import progress as module
from setpoint.cli.output import _Console
from setpoint.cli.progress import Interrupted, progress


@pytest.fixture
def shown(monkeypatch):
    """What a console shows; terminal or not."""

    def console(*, terminal: bool) -> io.StringIO:
        stream = io.StringIO()
        monkeypatch.setattr(module, "errors", _Console(file=stream, force_terminal=terminal, width=100))
        return stream

    monkeypatch.setattr(module, "_SECONDS", 0.05)
    return console


def work(seconds: float) -> None:
    with progress("assets", 10) as advance:
        for _ in range(10):
            time.sleep(seconds / 10)
            advance(1)


def test_what_takes_long_shows_its_progress_on_a_terminal(shown):
    stream = shown(terminal=True)
    work(0.4)
    assert "assets" in stream.getvalue()


def test_what_is_quick_shows_none(shown):
    stream = shown(terminal=True)
    work(0)
    assert "assets" not in stream.getvalue()


def test_a_pipe_gets_none(shown):
    stream = shown(terminal=False)
    work(0.2)
    assert stream.getvalue() == ""


def interrupted(what: str, done: int, total: int | None = None) -> None:
    with progress(what, total) as advance:
        advance(done)
        raise KeyboardInterrupt


def test_an_interruption_says_how_far_it_has_come():
    with pytest.raises(Interrupted, match="after 2 of 10 assets"):
        interrupted("assets", 2, 10)
    with pytest.raises(Interrupted, match=r"\A\Z"):
        interrupted("records", 0)

from __future__ import annotations

import io
import time

import pytest

from setpoint.cli import progress as module
from setpoint.cli.output import _Console
from setpoint.cli.progress import Interrupted, progress
from setpoint_tools.testing.polling import wait_until


@pytest.fixture
def shown(monkeypatch):
    """What a console shows, a terminal or not, of what takes longer than some seconds."""

    def console(*, terminal: bool, after: float = 0.0) -> io.StringIO:
        stream = io.StringIO()
        monkeypatch.setattr(module, "errors", _Console(file=stream, force_terminal=terminal, width=100))
        monkeypatch.setattr(module, "_SECONDS", after)
        return stream

    return console


def test_what_takes_long_shows_its_progress_on_a_terminal(shown):
    stream = shown(terminal=True)
    with progress("assets", 10) as advance:
        advance(1)
        wait_until(lambda: "assets" in stream.getvalue(), lambda: f"{stream.getvalue()!r} is shown")


def test_what_is_quick_shows_none(shown):
    stream = shown(terminal=True, after=600.0)
    with progress("assets", 10) as advance:
        advance(10)
    assert stream.getvalue() == ""


def test_a_pipe_gets_none(shown):
    stream = shown(terminal=False)
    with progress("assets", 10) as advance:
        time.sleep(0.2)  # in which a terminal would be shown it
        advance(10)
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


def test_an_interruption_while_the_timer_starts_is_one_as_well(monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module.threading.Timer, "start", interrupted)
    with pytest.raises(Interrupted), progress("documents"):
        pass

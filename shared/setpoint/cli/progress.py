"""Progress of operations that take longer than two seconds, and the message after an interruption."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from setpoint.cli.output import errors

_SECONDS = 2.0
"""What is quicker shows no progress."""
_COLUMNS = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())

READING = "nothing was changed; run it again"
NEXT: dict[str, str] = {
    "apply": "run it again: what is applied already is not applied twice",
    "detect": "run it again: messages that were handled change nothing",
    "sweep": "run it again within a day: it continues where it stopped, and restarts with --from",
    "attribute": "run it again: entries that were handled change nothing",
    "baseline": "run it again: it decides about the findings that are left",
    "findings accept": "run it again: it decides about the findings that are left",
    "findings exempt": "run it again: it decides about the findings that are left",
    "export": "nothing was written; run it again",
    "remediate": "see with `setpoint findings show` what was written; a started write is not repeated",
    "repair": "run it again: records that were repaired stay",
    "dead-letters replay": "run it again: messages that were published are acknowledged",
}
"""What to do after an interruption, by command; all others only read."""


class Interrupted(KeyboardInterrupt):
    """A person or a system has stopped a command.

    Args:
        done: how far it has come; empty where nothing was counted.
    """

    def __init__(self, done: str) -> None:
        super().__init__(done)
        self.done = done


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show how far a command has come, on a terminal and after two seconds; give what advances it.

    Args:
        what: what is counted, in the plural: ``declarations``.
        total: how many there are; None where that is not known.

    Raises:
        Interrupted: in place of a keyboard interrupt, with the count.
    """
    done = 0
    bar = Progress(*_COLUMNS, console=errors, transient=True, disable=not errors.is_terminal)
    task = bar.add_task(what, total=total)
    timer = threading.Timer(_SECONDS, bar.start)
    timer.daemon = True

    def advance(count: int = 1) -> None:
        nonlocal done
        done += count
        bar.advance(task, count)

    try:
        timer.start()
        yield advance
    except KeyboardInterrupt as stop:
        of = f" of {total:,}" if total else ""
        within = stop.done if isinstance(stop, Interrupted) else ""
        raise Interrupted(f"after {done:,}{of} {what}" if done else within) from None
    finally:
        timer.cancel()
        with suppress(RuntimeError):  # it has not started yet: the interruption came first
            timer.join()
        bar.stop()

from __future__ import annotations

import pytest

from setpoint.errors import Conflict, Overtaken, Unavailable
from setpoint.util.retries import ATTEMPTS, retry_on_conflict


class Race:
    """Work that loses a race some times, and the pauses that were made in between."""

    def __init__(self, losses):
        self.losses = losses
        self.calls = 0
        self.pauses = []

    def work(self):
        self.calls += 1
        if self.calls <= self.losses:
            raise Conflict("somebody else wrote it")
        return "written"

    def run(self, **options):
        return retry_on_conflict(self.work, what="//a/b", sleep=self.pauses.append, **options)


def test_work_that_meets_nobody_is_done_once_and_without_a_pause():
    race = Race(0)
    assert (race.run(), race.calls, race.pauses) == ("written", 1, [])


def test_work_that_loses_a_race_is_done_again_after_a_pause():
    race = Race(3)
    assert (race.run(), race.calls, len(race.pauses)) == ("written", 4, 3)


def test_the_pauses_are_drawn_below_a_limit_that_doubles():
    limits = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.5, 0.5, 0.5]
    rounds = []
    for _ in range(50):
        race = Race(9)
        race.run(attempts=10)
        rounds.append(race.pauses)
    assert all(0 <= pause <= limit for pauses in rounds for pause, limit in zip(pauses, limits, strict=True))
    assert len({pauses[-1] for pauses in rounds}) > 1  # two who met once do not meet again in step


def test_work_that_loses_every_race_ends_with_an_error_that_names_the_record_and_the_next_step():
    race = Race(ATTEMPTS)
    with pytest.raises(Conflict, match=rf"^//a/b: written by others {ATTEMPTS} times in a row; apply again$"):
        race.run(then="apply again")
    assert (race.calls, len(race.pauses)) == (ATTEMPTS, ATTEMPTS - 1)


def test_another_error_is_not_retried():
    def fail():
        raise Unavailable("the store does not answer")

    with pytest.raises(Unavailable):
        retry_on_conflict(fail, what="//a/b", sleep=lambda _: pytest.fail("it waited"))


def test_work_that_later_work_has_overtaken_is_not_done_again_and_says_so():
    calls = []

    def work():
        calls.append(1)
        raise Overtaken("another apply has begun since")

    with pytest.raises(Conflict, match="another apply has begun since"):
        retry_on_conflict(work, what="the control record", sleep=lambda _: None)
    assert calls == [1]


def test_work_that_plans_anew_is_done_again_after_it_was_overtaken():
    tries: list[int] = []

    def work() -> str:
        tries.append(len(tries))
        if len(tries) < 3:
            raise Overtaken("another apply has begun since")
        return "applied"

    assert retry_on_conflict(work, what="the declarations", sleep=lambda _: None, plans_anew=True) == "applied"
    assert tries == [0, 1, 2]

from __future__ import annotations

import pytest

from setpoint_tools.testing.polling import poll, wait_until
from setpoint_tools.testing.scaling import growth


def test_a_wait_ends_as_soon_as_its_condition_holds_and_gives_the_answer():
    answers = iter([[], None, ["ready"]])
    assert wait_until(lambda: next(answers), "nothing is ready", pause=0) == ["ready"]


def test_a_wait_that_reaches_its_limit_says_what_is_missing_by_then():
    with pytest.raises(AssertionError, match="after 0 seconds: two of three"):
        wait_until(lambda: False, "two of three", seconds=0)
    with pytest.raises(AssertionError, match="one of three"):
        wait_until(lambda: False, lambda: "one of three", seconds=0.01, pause=0)


def test_a_condition_is_asked_once_even_without_time():
    assert poll(lambda: 7, seconds=0) == 7
    assert poll(lambda: 0, seconds=0) == 0


def test_growth_tells_quadratic_work_from_linear_work():
    assert growth(lambda size: sum(range(size)), 20_000, 200_000) < 40
    assert growth(lambda size: [sum(range(size)) for _ in range(size)], 100, 1_000) > 40

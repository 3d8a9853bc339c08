from __future__ import annotations

import io
import json
import time

from setpoint.cli import feed


def test_a_long_run_of_objects_over_several_lines_is_read_at_once() -> None:
    text = "".join('{\n "a": ' + str(at) + ', "text": "' + "x" * 100 + '"\n}\n' for at in range(20_000))
    started = time.perf_counter()
    found = list(feed.messages(io.BytesIO(text.encode())))
    assert time.perf_counter() - started < 2
    assert [one.where for one in found] == list(range(1, 60_000, 3))
    assert json.loads(found[-1].data)["a"] == 19_999


def test_what_is_broken_between_objects_keeps_its_line() -> None:
    found = list(feed.messages(io.BytesIO(b'{\n"a": 1\n}\n{\n"a": \n}\n{\n"a": 3\n}\n')))
    assert [one.where for one in found] == [1, 4, 7]

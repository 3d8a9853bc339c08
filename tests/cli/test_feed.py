from __future__ import annotations

import io
import json

from setpoint.cli import feed
from setpoint_tools.testing.scaling import growth


def test_a_long_run_of_objects_over_several_lines_is_read_at_once() -> None:
    text = "x" * 100

    def read_objects(count: int) -> None:
        lines = "".join(f'{{\n "a": {number}, "text": "{text}"\n}}\n' for number in range(count))
        messages = list(feed.messages(io.BytesIO(lines.encode())))
        assert [message.where for message in messages] == list(range(1, 3 * count, 3))
        assert json.loads(messages[-1].data)["a"] == count - 1

    assert growth(read_objects, 2_000, 20_000) < 40, "ten times as many objects are to take about ten times as long"


def test_what_is_broken_between_objects_keeps_its_line() -> None:
    messages = list(feed.messages(io.BytesIO(b'{\n"a": 1\n}\n{\n"a": \n}\n{\n"a": 3\n}\n')))
    assert [difference.where for difference in messages] == [1, 4, 7]

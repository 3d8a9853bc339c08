"""Messages about JSON that cannot be decoded."""

from __future__ import annotations

import msgspec
import pytest

from setpoint.model.decode_errors import UNREADABLE, reason_of


class Part(msgspec.Struct):
    name: str
    sizes: list[int] | None = None


class Whole(msgspec.Struct):
    part: Part


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{}", "field `part` is missing"),
        (b'{"part": {}}', "field `part.name` is missing"),
        (b'{"part": {"name": 5}}', "field `part.name` is an integer, not text"),
        (b'{"part": {"name": "a", "sizes": "b"}}', "field `part.sizes` is text, not a list or null"),
        (b'{"part": {"name": "a", "sizes": [true]}}', "field `part.sizes[0]` is true or false, not an integer"),
        (b"[]", "the JSON is a list, not an object"),
        (b'{"part"', "the JSON ends early"),
        (b"{part}", "invalid JSON: object keys must be strings (byte 1)"),
        (b'{"part": {"name": "\xff"}}', "JSON is not UTF-8: invalid start byte"),
        (b'{"x": ' + b"[" * 100_000, "JSON is nested too deeply"),
    ],
)
def test_a_reason_names_the_field_and_has_no_words_of_the_decoder(text, reason):
    with pytest.raises(UNREADABLE) as raised:
        msgspec.json.decode(text, type=Whole)
    assert reason_of(raised.value) == reason


def test_the_field_that_holds_the_json_is_part_of_the_path():
    with pytest.raises(UNREADABLE) as raised:
        msgspec.json.decode(b'{"part": {}}', type=Whole)
    assert reason_of(raised.value, "asset") == "field `asset.part.name` is missing"

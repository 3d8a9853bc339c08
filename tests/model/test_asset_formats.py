"""Assets are read in every shape in which Google's tools write them."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma

import pytest

from setpoint.errors import BadRequest
from setpoint.model import observation as observations
from setpoint.model.asset_stream import messages

NAME = "//storage.googleapis.com/shop"
NOON = "2026-03-01T12:00:00Z"
DATA = {"name": "shop", "location": "US", "labels": {"team_name": "shop"}}
ASSET = {
    "name": NAME,
    "assetType": "storage.googleapis.com/Bucket",
    "updateTime": NOON,
    "ancestors": ["projects/123456789012", "organizations/987654321098"],
    "resource": {"version": "v1", "discoveryName": "Bucket", "data": DATA},
}
SNAKE = {
    "name": NAME,
    "asset_type": "storage.googleapis.com/Bucket",
    "update_time": NOON,
    "ancestors": ASSET["ancestors"],
    "resource": {"version": "v1", "discovery_name": "Bucket", "data": DATA},
}
TEMPORAL = {"asset": ASSET, "window": {"startTime": NOON}}
ROW = {
    **SNAKE,
    "update_time": "2026-03-01 12:00:00 UTC",
    "resource": {"version": "v1", "discovery_name": "Bucket", "data": json.dumps(DATA), "parent": None},
    "iam_policy": None,
    "org_policy": [],
}
PUSHED = {"message": {"data": base64.b64encode(json.dumps(TEMPORAL).encode()).decode(), "messageId": "1"}}
SEARCHED = {
    "name": NAME,
    "assetType": "storage.googleapis.com/Bucket",
    "project": "projects/123456789012",
    "organization": "organizations/987654321098",
    "updateTime": NOON,
    "versionedResources": [{"version": "v1", "resource": DATA}],
}


def read(content: bytes):
    return [(message.kind, observations.parse(message.data)) for message in messages(io.BytesIO(content))]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (TEMPORAL, "feed message"),
        ({"asset": SNAKE, "window": {"start_time": NOON}, "prior_asset_state": "PRESENT"}, "feed message"),
        (ASSET, "asset"),
        (SNAKE, "asset"),
        (ROW, "asset"),
        ([ASSET], "asset"),
        ([ROW], "asset"),
        ({"readTime": NOON, "assets": [ASSET]}, "asset"),
        ({"assets": [TEMPORAL]}, "feed message"),
        ([TEMPORAL], "feed message"),
        ({"results": [SEARCHED]}, "search result"),
        ([SEARCHED], "search result"),
        (PUSHED, "feed message"),
        ({"receivedMessages": [{"ackId": "a", **PUSHED}]}, "feed message"),
        ([{"ackId": "a", **PUSHED}], "feed message"),
        (PUSHED["message"], "feed message"),
        ({"data": PUSHED}, "feed message"),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_one_resource_is_read_alike_in_every_shape(value, kind, indent):
    ((recorded, observation),) = read(json.dumps(value, indent=indent).encode())
    assert recorded == kind
    assert (observation.key.name, observation.data) == (NAME, DATA)
    assert observation.observed_at.isoformat() == "2026-03-01T12:00:00+00:00"
    assert observation.ancestors == tuple(ASSET["ancestors"])


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_compressed_files_are_read(compress):
    ((kind, observation),) = read(compress(json.dumps(SNAKE).encode() + b"\n"))
    assert (kind, observation.key.name) == ("asset", NAME)


def test_policies_of_dumps_are_read_in_the_spelling_of_feeds():
    policy = {"bindings": [], "audit_configs": [{"service": "a", "audit_log_configs": [{"log_type": "DATA_READ"}]}]}
    dumped = {key: value for key, value in SNAKE.items() if key != "resource"} | {"iam_policy": policy}
    ((_, observation),) = read(json.dumps(dumped).encode())
    assert observation.key.content == "iam_policy"
    assert observation.data["auditConfigs"] == [{"service": "a", "auditLogConfigs": [{"logType": "DATA_READ"}]}]


def test_a_search_result_without_content_says_only_that_the_resource_exists():
    result = {key: value for key, value in SEARCHED.items() if key != "versionedResources"}
    ((kind, observation),) = read(json.dumps(result).encode())
    assert (kind, observation.data) == ("search result", None)


def test_what_is_no_asset_is_passed_on_to_be_rejected():
    kinds = [message.kind for message in messages(io.BytesIO(b'{"level": "info"}\nplain text\n[1, 2]\n'))]
    assert kinds == ["unknown"] * 4


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data[:12] + b"\0" * 40])
def test_a_compressed_file_that_is_damaged_or_cut_off_is_an_error_that_says_so(compress, damage):
    line = b'{"asset": {"name": "//x/y"}}\n'
    with pytest.raises(BadRequest, match="compressed data is damaged or cut off"):
        list(messages(io.BytesIO(damage(compress(line * 50)))))


def test_an_object_that_begins_with_its_fields_on_the_first_line_goes_on_below():
    first, rest = json.dumps(ASSET).split(', "updateTime"')
    ((recorded, observation),) = read(f'{first},\n "updateTime"{rest}'.encode())
    assert (recorded, observation.key.name) == ("asset", NAME)


def test_a_record_that_is_cut_off_costs_no_record_below_it():
    whole = json.dumps(ASSET)
    shapes = [message.data for message in messages(io.BytesIO(f"{whole[:40]}\n{whole}\n".encode()))]
    assert len(shapes) == 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("indent", [None, 2])
def test_a_file_that_powershell_redirected_is_read(encoding, indent):
    named = {**ASSET, "resource": {**ASSET["resource"], "data": {**DATA, "labels": {"ort": "Köln\u2028"}}}}
    text = json.dumps([named, ASSET], indent=indent, ensure_ascii=False).replace("\n", "\r\n") + "\r\n"
    mark = "" if encoding == "utf-16" else "\ufeff"
    (_, first), (_, second) = read((mark + text).encode(encoding))
    assert first.data["labels"] == {"ort": "Köln\u2028"}
    assert second.data == DATA
    lines = (mark + f"{json.dumps(ASSET)}\r\n" * 3).encode(encoding)
    assert len(read(lines)) == 3


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_list_that_is_cut_off_is_said_to_be(indent, share):
    text = json.dumps([ASSET] * 20, indent=indent)
    with pytest.raises(BadRequest, match="the list that begins in line 1 is damaged or cut off; create the file again"):
        read(text[: int(len(text) * share)].encode())


def test_a_list_that_is_cut_off_between_two_assets_is_not_taken_for_a_whole_one():
    text = json.dumps([ASSET] * 20, indent=2)
    with pytest.raises(BadRequest, match="cut off"):
        read(text[: text.rindex("  {")].encode())

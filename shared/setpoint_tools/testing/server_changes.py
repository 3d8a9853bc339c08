"""A day of server changes of a resource: what services write, and how they respell unchanged values.

Made up from what Google's documentation says of its fields, by the names of fields and the schema alone: nothing here
looks at what Setpoint takes for wandering, so that its false alarms can be measured.
"""

from __future__ import annotations

import base64
import copy
import random
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from setpoint.catalog.schemas import Field, Schema

_TOKENS = re.compile(r"(?:etag|(?:label|metadata|tags?)?[fF]ingerprint)\Z")
_TIMES = re.compile(r"(?:updated|updateTime|lastModifiedTime|last\w+Time|last\w+Timestamp|nextRotationTime)\Z")
_COUNTERS = re.compile(r"(?:metageneration|generation|observedGeneration|settingsVersion|resourceVersion)\Z")
_USAGE = re.compile(r"(?:num\w+|currentNodeCount|\w+Bytes|\w+Rows|currentDiskSize|targetSize|nodeCount)\Z")
_VERSIONS = re.compile(
    r"(?:currentMasterVersion|currentNodeVersion|databaseInstalledVersion|maintenanceVersion|imageVersion)\Z"
)
_LEASED = re.compile(r"(?:natIP|externalIpv6)\Z")
_SETS = frozenset(("items", "scopes", "sourceRanges", "targetTags", "sourceTags", "serviceAccounts", "networkTags"))
"""Lists of texts that APIs answer in any order."""
_HOSTS = ("https://www.googleapis.com/compute/v1/", "https://compute.googleapis.com/compute/v1/")
_DURATION = re.compile(r"(\d+)(\.0+)?s\Z")
_LABELS = ("goog-managed-by", "goog-drz-location", "goog-ops-agent-policy")

Change = Callable[[str, Any, random.Random, datetime], Any]


def a_day(live: Mapping[str, Any], schema: Schema | None, rng: random.Random, now: datetime) -> dict[str, Any]:
    """The resource after a day in which nobody changed it.

    Args:
        live: the resource.
        schema: what the API says of it; without one, its fields alone tell.
        rng: makes the choices.
        now: the time that the service writes.
    """
    changed = copy.deepcopy(dict(live))
    _below(changed, schema.fields if schema is not None else {}, rng, now)
    if schema is not None:
        _show_or_hide(changed, schema, rng)
        _write_output(changed, schema, rng, now)
    if isinstance(changed.get("labels"), dict) and rng.random() < 0.1:  # noqa: PLR2004 - once in ten days
        changed["labels"] = {**changed["labels"], rng.choice(_LABELS): "x"}
    return changed


def _below(data: dict[str, Any], fields: Mapping[str, Field], rng: random.Random, now: datetime) -> None:
    for name, value in list(data.items()):
        field = fields.get(name)
        if isinstance(value, dict):
            _below(value, field.schema.fields if field is not None and field.schema is not None else {}, rng, now)
        elif isinstance(value, list):
            item = field.item if field is not None else None
            for part in value:
                if isinstance(part, dict):
                    _below(part, item.schema.fields if item is not None and item.schema is not None else {}, rng, now)
            if name in _SETS and all(isinstance(part, str) for part in value):
                rng.shuffle(value)
        else:
            data[name] = _scalar(name, value, field, rng, now)


def _scalar(name: str, value: Any, field: Field | None, rng: random.Random, now: datetime) -> Any:
    for pattern, change in _WRITTEN:
        if pattern.match(name):
            return change(name, value, rng, now)
    if isinstance(value, bool):
        return value
    if field is not None and field.format in ("int64", "uint64") and str(value).lstrip("-").isdigit():
        return rng.choice((str(value), int(value)))
    if isinstance(value, str):
        if value.startswith(_HOSTS):
            return rng.choice(_HOSTS) + value.partition("/compute/v1/")[2]
        if field is not None and field.format == "duration" and (match := _DURATION.match(value)):
            return rng.choice((f"{match[1]}s", f"{match[1]}.000s"))
    return value


def _token(name: str, value: Any, rng: random.Random, now: datetime) -> Any:
    del name, value, now
    return base64.b64encode(rng.randbytes(8)).decode()


def _time(name: str, value: Any, rng: random.Random, now: datetime) -> Any:
    del name, rng
    return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(value, str) else value


def _counted(name: str, value: Any, rng: random.Random, now: datetime) -> Any:
    del name, now
    counted = int(value) + rng.randrange(1, 4) if str(value).isdigit() else value
    return str(counted) if isinstance(value, str) and not isinstance(counted, str) else counted


def _upgraded(name: str, value: Any, rng: random.Random, now: datetime) -> Any:
    del name, now
    is_upgraded = isinstance(value, str) and rng.random() < 0.05  # noqa: PLR2004 - once in three weeks
    return f"{value.partition('-upgrade')[0]}-upgrade.{rng.randrange(100)}" if is_upgraded else value


def _leased(name: str, value: Any, rng: random.Random, now: datetime) -> Any:
    del name, value, now
    return f"34.{rng.randrange(256)}.{rng.randrange(256)}.{rng.randrange(256)}"


_WRITTEN: tuple[tuple[re.Pattern[str], Change], ...] = (
    (_TOKENS, _token),
    (_TIMES, _time),
    (_COUNTERS, _counted),
    (_USAGE, _counted),
    (_VERSIONS, _upgraded),
    (_LEASED, _leased),
)


def _show_or_hide(data: dict[str, Any], schema: Schema, rng: random.Random) -> None:
    """Answer a field that is false, zero or empty today, and leave it out tomorrow."""
    for name, field in schema.fields.items():
        if field.presence or field.default not in (None, False):
            continue
        if name in data and data[name] in (False, "", []) and rng.random() < 0.5:  # noqa: PLR2004
            del data[name]
        elif name not in data and field.kind == "scalar" and field.type == "boolean" and rng.random() < 0.1:  # noqa: PLR2004
            data[name] = False


def _write_output(data: dict[str, Any], schema: Schema, rng: random.Random, now: datetime) -> None:
    """Write a field that only the service writes."""
    written = [field for field in schema.fields.values() if field.output_only and field.type == "string"]
    if written and rng.random() < 0.3:  # noqa: PLR2004 - three days of ten
        data[rng.choice(written).name] = f"written-{now:%j}-{rng.randrange(1000)}"

"""What a provider refuses beyond its schema: enums, conflicts, patterns, ranges, lengths, durations."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from infra.standin.blocks import Block, walk
from infra.standin.messages import error, is_unknown

_DURATION = re.compile(r"\d+(\.\d{1,9})?s\Z")


def check(rules: Mapping[str, Any], block: Block, config: dict[str, Any]) -> list[Any]:
    """The diagnostics of one configuration, by the rules of its type."""
    diagnostics = []
    for nested, values, path in walk(block, config):
        for name, attribute in nested.get("attributes", {}).items():
            value = values.get(name)
            if value is None or is_unknown(value):
                continue
            names = ".".join([*(step for step in path if isinstance(step, str)), name])
            refusals = _refusals(rules, attribute, names, value)
            diagnostics.extend(error(f"{names}: {summary}", path=(*path, name)) for summary in refusals)
    return [*diagnostics, *map(error, _combinations(rules, config))]


def _refusals(rules: Mapping[str, Any], attribute: Mapping[str, Any], names: str, value: Any) -> Iterator[str]:
    """What is wrong with one value."""
    if attribute.get("computed") and not attribute.get("optional"):  # Terraform leaves this check to providers
        yield "Value for unconfigurable attribute"
    for kind, refuse in _OF_VALUES.items():
        rule = rules.get(kind, {}).get(names)
        if kind == "enums" and rule is None:
            rule = attribute.get("enum")
        if rule is not None and (summary := refuse(rule, value)):
            yield summary


def _enum(allowed: list[str], value: Any) -> str:
    refused = isinstance(value, str) and value not in [*allowed, ""]
    return f"expected one of {json.dumps(allowed)}, got {value}" if refused else ""


def _pattern(pattern: str, value: Any) -> str:
    return f"{value!r} does not match {pattern}" if isinstance(value, str) and not re.search(pattern, value) else ""


def _range(limits: list[float | None], value: Any) -> str:
    least, most = limits
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    outside = (least is not None and value < least) or (most is not None and value > most)
    return f"expected the range ({least} - {most}), got {value}" if outside else ""


def _length(limits: list[int], value: Any) -> str:
    least, most = limits
    outside = isinstance(value, str) and not least <= len(value) <= most
    return f"expected {least} to {most} characters, got {len(value)}" if outside else ""


def _json(_: bool, value: Any) -> str:
    try:
        json.loads(value)
    except ValueError as wrong:
        return f"invalid JSON: {wrong}"
    return ""


def _duration(_: bool, value: Any) -> str:
    return "" if not value or _DURATION.match(value) else f"{value!r} is not a duration in seconds, such as 3.5s"


_OF_VALUES: dict[str, Callable[[Any, Any], str]] = {
    "enums": _enum,
    "regexes": _pattern,
    "ranges": _range,
    "lengths": _length,
    "json": _json,
    "durations": _duration,
}


def _combinations(rules: Mapping[str, Any], config: dict[str, Any]) -> Iterator[str]:
    """What is wrong with attributes that stand, or do not stand, beside each other."""

    def is_set(path: str) -> bool:
        value = _value(config, path)
        return value is not None and not is_unknown(value)

    for first, second in rules.get("conflicts", []):
        if is_set(first) and is_set(second):
            yield f"{first}: conflicts with {second}"
    for _, paths in rules.get("at_most_one", []):
        given = [path for path in paths if is_set(path)]
        if len(given) > 1:
            yield f"only one of {', '.join(paths)} can be specified, but {', '.join(given)} were"
    for where, paths in rules.get("at_least_one", []):
        if (not where or is_set(where)) and all(_value(config, path) is None for path in paths):
            yield f"one of {', '.join(paths)} must be specified"
    for path, paths in rules.get("required_with", []):
        if is_set(path) and any(_value(config, other) is None for other in paths):
            yield f"{path}: all of {', '.join(paths)} must be specified"


def _value(config: Any, path: str) -> Any:
    """The value of a dotted path, in the first of each list; None where a block on the way is missing."""
    value = config
    for name in path.split(".") if path else []:
        if isinstance(value, list):
            value = value[0] if value else None
        if is_unknown(value) or value is None:
            return value
        value = value.get(name)
    return None if value == [] else value

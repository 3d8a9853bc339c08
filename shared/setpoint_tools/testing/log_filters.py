"""The part of Cloud Logging's query language that is needed to look for audit log entries.

Source: https://cloud.google.com/logging/docs/view/logging-query-language
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

Matches = Callable[[Mapping[str, Any]], bool]

_TOKEN = re.compile(r'\s*(?:(\()|(\))|(AND|OR|NOT)\b|log_id\("([^"]*)"\)|([\w.]+)\s*(>=|<=|!=|=|:|>|<)\s*"([^"]*)")')


class FilterError(ValueError):
    """A filter that the fake does not understand."""


def compiled(text: str) -> Matches:
    """The function that a filter means.

    Raises:
        FilterError: it has another form.
    """
    parser = _Parser(text)
    matches = parser.disjunction()
    if parser.peek() is not None:
        raise FilterError(f"unexpected text at {parser.position}")
    return matches


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.position = text.strip(), 0

    def peek(self) -> re.Match[str] | None:
        if self.position >= len(self.text):
            return None
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            raise FilterError(f"unexpected text at {self.position}")
        return match

    def take(self) -> re.Match[str]:
        match = self.peek()
        if match is None:
            raise FilterError("the filter ends too early")
        self.position = match.end()
        return match

    def disjunction(self) -> Matches:
        parts = [self.conjunction()]
        while (token := self.peek()) is not None and token[3] == "OR":
            self.take()
            parts.append(self.conjunction())
        return parts[0] if len(parts) == 1 else lambda entry: any(part(entry) for part in parts)

    def conjunction(self) -> Matches:
        parts = [self.term()]
        while (token := self.peek()) is not None and token[3] == "AND":
            self.take()
            parts.append(self.term())
        return parts[0] if len(parts) == 1 else lambda entry: all(part(entry) for part in parts)

    def term(self) -> Matches:
        token = self.take()
        if token[1]:
            inner = self.disjunction()
            if not self.take()[2]:
                raise FilterError("a parenthesis is not closed")
            return inner
        if token[3] == "NOT":
            refused = self.term()
            return lambda entry: not refused(entry)
        if token[4] is not None:
            wanted = token[4]
            return lambda entry: unquote(str(entry["logName"])).partition("/logs/")[2] == wanted
        if token[5]:
            return _comparison(token[5], token[6], token[7])
        raise FilterError(f"unexpected text at {token.start()}")


def _comparison(field: str, operator: str, value: str) -> Matches:
    if field == "timestamp":
        compare, bound = _ORDER[operator], datetime.fromisoformat(value)
        return lambda entry: compare(datetime.fromisoformat(entry["timestamp"]), bound)
    if operator == ":":
        return lambda entry: value.casefold() in str(_field(entry, field)).casefold()
    if operator in ("=", "!="):
        return lambda entry: (str(_field(entry, field)) == value) == (operator == "=")
    raise FilterError(f"{field} cannot be compared by {operator}")


_ORDER: Mapping[str, Callable[[datetime, datetime], bool]] = {
    ">=": lambda time, bound: time >= bound,
    "<=": lambda time, bound: time <= bound,
    ">": lambda time, bound: time > bound,
    "<": lambda time, bound: time < bound,
}


def _field(entry: Mapping[str, Any], path: str) -> Any:
    value: Any = entry
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return "" if value is None else value

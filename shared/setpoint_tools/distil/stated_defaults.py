"""The defaults that Google's discovery documents state in words.

Documents state a `default` for few fields; most write it in the description: "Defaults to 30s if not set.",
"NONE (default)". A value counts where a sentence that speaks of a default has exactly one that fits the field's type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from setpoint_tools.distil.documents import Document

_MARKED = re.compile(
    r"([A-Z][A-Z0-9_]+)[\"'`]?(?: is)? \((?:the )?default\)|([A-Z][A-Z0-9_]+):? (?:is the )?\(?default\b"
)
_SENTENCE = re.compile(
    r"(?:defaults? (?:value )?(?:is|to|of|will be|setting is|behavior is|duration is|period is)"
    r"|default(?:ed|ing)? to|by default,? (?:\w+ ){0,5}?(?:is|to)"
    r"|(?:if|when) (?:not|un)[ -]?(?:specified|set|provided|defined)[^.]{0,40}?(?:is|to|value|of)|default:?)"
    r"\s*(?:set to |be |a |the |value )*([^\n]{1,60})",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"[`\"']?(\d[\d,]*(?:\.\d+)?)\s*(s\b|seconds?|minutes?|hours?|days?|ms|milliseconds?)?", re.IGNORECASE
)
_SECONDS = {"s": 1, "sec": 1, "min": 60, "hou": 3600, "day": 86400}
_DEEPEST = 6


class Defaults:
    """Stated defaults by service, version and schema.

    Args:
        by_service: The documents of each API.
    """

    def __init__(self, by_service: Mapping[str, Sequence[Document]]) -> None:
        self._by_service = by_service

    def of(self, service: str, version: str, schema: str) -> Mapping[str, Any]:
        """API path → the default that its description states; paths have no marks of lists."""
        documents = self._by_service.get(service, ())
        document = next((candidate for candidate in documents if candidate.version == version), None)
        if document is None or not schema:
            return {}
        return dict(_paths(document.content.get("schemas", {}), schema, "", ()))


def read(by_service: Mapping[str, Sequence[Document]]) -> Defaults:
    """Stated defaults of all documents."""
    return Defaults(by_service)


def _paths(schemas: Mapping[str, Any], name: str, path: str, seen: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    if name in seen or len(seen) > _DEEPEST:
        return
    for field, description in schemas.get(name, {}).get("properties", {}).items():
        inner = f"{path}{field}"
        stated = stated_default(field, description)
        if stated is not None:
            yield inner, stated
        item = description.get("items") or description.get("additionalProperties") or description
        if "$ref" in item:
            yield from _paths(schemas, item["$ref"], f"{inner}.", (*seen, name))


def stated_default(name: str, field: Mapping[str, Any]) -> Any:
    """The default that a field's description states, or None."""
    text = field.get("description", "")
    if "efault" not in text and "specified" not in text and "not set" not in text:
        return None
    if field.get("enum"):
        return _enum(field, text)
    kind, form = field.get("type"), field.get("format", "")
    sentences = [match[1] for match in _SENTENCE.finditer(text)]
    if kind == "boolean":
        words = {word for sentence in sentences for word in re.findall(r"^\W*(true|false)\b", sentence.lower())}
        return words.pop() == "true" if len(words) == 1 else None
    if kind in {"integer", "number"} or form in {"int64", "uint64"}:
        return _number(sentences, convert=name.lower().endswith(("sec", "seconds")))
    if "uration" in form:
        seconds = _number(sentences, convert=True)
        return f"{seconds}s" if seconds is not None else None
    return None


def _enum(field: Mapping[str, Any], text: str) -> Any:
    names = field["enum"]
    marked = {name for match in _MARKED.finditer(text) for name in match.groups() if name in names}
    for name, described in zip(names, field.get("enumDescriptions", ()), strict=False):
        if re.search(r"\bdefault\b", described, re.IGNORECASE) and "UNSPECIFIED" not in name:
            marked.add(name)
    if not marked:
        sentences = [match[1] for match in _SENTENCE.finditer(text)]
        marked = {
            word for sentence in sentences for word in re.findall(r"[A-Z][A-Z0-9_]+", sentence)[:1] if word in names
        }
    return marked.pop() if len(marked) == 1 else None


def _number(sentences: Sequence[str], *, convert: bool) -> Any:
    """The number that the sentences state, in seconds where it is a time and ``convert`` is set; or None."""
    values = set()
    for sentence in sentences:
        match = _NUMBER.match(sentence)
        if match is None:
            continue
        number = float(match[1].replace(",", ""))
        unit = (match[2] or "").lower()
        if convert:
            number *= 0.001 if unit.startswith(("ms", "milli")) else _SECONDS.get(unit[:3], 1)
        values.add(int(number) if number == int(number) else number)
    return values.pop() if len(values) == 1 else None

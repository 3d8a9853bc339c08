"""Read files of YAML or JSON as documents with line numbers.

YAML is read as Kubernetes users write it: with YAML 1.2 scalars, so that ``NO`` is Norway, and ``1:30`` and dates are
strings; a duplicate key is an error, and an unreadable document does not affect the others.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import yaml

from setpoint.declarations.readers import encodings, limits, whole_files
from setpoint.declarations.readers.yaml_values import LOADER, AliasBudget, Builder

IGNORE_FILE = ".setpointignore"
"""The name of ignore files."""

SUFFIXES = (".yaml", ".yml", ".json", ".jsonl", ".tfstate")
"""Suffixes of files to read in a directory."""

_WARNINGS = frozenset(
    (
        *("pending", "part-of-another", "not-in-inventory", "not-compared", "not-read", "helm", "never-reached"),
        *("no-routes", "value", "controller", "reference", "repeated"),
    )
)
"""Categories of problems that are not mistakes of the author."""

UNREADABLE = "unreadable"
"""The category of text that is neither YAML nor JSON: what it declares is unknown."""

STANDARD_INPUT = "-"
"""The path of standard input."""

_JSON = ("{", "[")
_LETTERS = 1 << 16
_NOT_SPACE = re.compile(r"\S")
_AFTER_DASHES = ("", " ", "\t", "\n", "\r")


class Document(NamedTuple):
    """One document of a file.

    Args:
        file: path as given or found.
        line: its first line, from 1.
        position: its index in the file, from 0.
        value: its value.
        text: the surrounding text, for looking up the line of a field.
        text_line: the line of the file where that text starts, from 1.
        above: the path of the document in that text, such as ``("items", 3)`` in a list.
    """

    file: str
    line: int
    position: int
    value: Any
    text: str
    text_line: int
    above: tuple[str | int, ...] = ()

    @property
    def subject(self) -> str:
        """``kind/name`` of a Kubernetes object, or an empty string."""
        metadata = self.value.get("metadata") if isinstance(self.value, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        kind = self.value.get("kind") if isinstance(self.value, dict) else None
        return f"{kind}/{name}" if isinstance(kind, str) and isinstance(name, str) else ""

    def line_of(self, path: Iterable[str | int]) -> int:
        """The line of a field, or of its nearest existing ancestor."""
        node, line = _composed(self.text), self.line
        for part in (*self.above, *path):
            child = _step(node, part)
            if child is None:
                break
            line, node = self.text_line + child[0], child[1]
        return line

    def problem(
        self, where: Sequence[str | int], message: str, *, subject: str = "", category: str = "invalid"
    ) -> Problem:
        """A problem with a field.

        Args:
            where: the path of the field.
            message: the problem and the next step.
            subject: ``kind/name`` of the object, or empty.
            category: the kind of problem.
        """
        return Problem(self.file, self.line_of(where), place_text(where), message, subject, category)


def place_text(where: Sequence[str | int]) -> str:
    """A place in a document as text: ``spec.data.policies[0].constraint``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where).removeprefix(".")


@lru_cache(maxsize=4)
def _composed(text: str) -> Any:
    """The YAML nodes of a document with their lines; cached, since errors tend to repeat in a document."""
    try:
        return yaml.compose(text, Loader=LOADER)
    except (yaml.YAMLError, RecursionError):
        return None


class Problem(NamedTuple):
    """An error or warning about a file, a document or a field.

    Args:
        file: path as given or found.
        line: from 1; 0 for the whole file.
        field: path of the field, or empty.
        message: the problem and the next step.
        subject: ``kind/name`` of the object, or empty.
        category: the kind of problem, for grouping: ``unnamed``, ``unknown-kind``, ``placeholder``.
        names: words that may name the resource, for a problem of one; empty where another document declares it.
    """

    file: str
    line: int
    field: str
    message: str
    subject: str = ""
    category: str = "invalid"
    names: frozenset[str] | None = None

    @property
    def is_error(self) -> bool:
        """Whether the author has to fix it; otherwise it is a warning, which does not prevent an apply."""
        return self.category not in _WARNINGS

    def __str__(self) -> str:
        """``file:line: kind/name: field: message``."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (where, self.subject, self.field, self.message) if part)


def files(path: str) -> Iterator[str]:
    """The file itself, or all declaration files in a directory, sorted by name."""
    if not os.path.isdir(path):  # noqa: PTH112 - paths stay as they were given
        yield path
        return
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(SUFFIXES) and not name.startswith("."):
                yield os.path.join(folder, name)  # noqa: PTH118 - as above


def read(path: str, file: str = "") -> Iterator[Document | Problem]:
    """The documents of a file, and the errors of unreadable ones.

    Args:
        path: the path.
        file: the name to report; the path if empty.
    """
    file = file or path
    try:
        data = whole_files.read(path)
    except OSError as error:
        yield Problem(file, 0, "", f"cannot be read: {error.strerror}", category=UNREADABLE)
        return
    yield from parse_bytes(data, file)


def parse_bytes(data: bytes, file: str) -> Iterator[Document | Problem]:
    """Parse bytes like a file of that name."""
    try:
        text = encodings.decoded(data)
    except UnicodeDecodeError as error:
        yield Problem(file, 0, "", encodings.reason(error), category=UNREADABLE)
    else:
        yield from parse(text, file)


def parse(text: str, file: str = "") -> Iterator[Document | Problem]:
    """Parse a text like a file of that name; standard input has no name, and is JSON where it parses as JSON."""
    is_json = _begins_as_json(text) if file == STANDARD_INPUT else file.endswith((".json", ".jsonl", ".tfstate"))
    yield from _bounded((_json if is_json else _yaml)(file, text), file, len(text))


def _begins_as_json(text: str) -> bool:
    """Whether a text is a JSON value, with nothing or another object or list after it."""
    start = _skip_space(text, 0)
    if text.startswith(_JSON, start) and limits.refused_density(text):
        return True
    try:
        end = json.JSONDecoder().raw_decode(text, start)[1] if text.startswith(_JSON, start) else start
    except (ValueError, RecursionError):
        return False
    following = _skip_space(text, end)
    return end > start and (following == len(text) or text.startswith(_JSON, following))


def parse_json(text: str, file: str) -> Iterator[Document | Problem]:
    """Parse a text as JSON, for any file name."""
    yield from _bounded(_json(file, text), file, len(text))


def _bounded(items: Iterable[Document | Problem | int], file: str, characters: int) -> Iterator[Document | Problem]:
    """The documents and problems of a file, up to a number of them; of an empty document there is only its line."""
    most = limits.most_documents(characters)
    for number, item in enumerate(items):
        if number == most:
            line = item if isinstance(item, int) else item.line
            message = (
                f"more than {most:,} documents in {characters:,} characters; the rest was not read; "
                f"a file may have {limits.FREE_DOCUMENTS:,} and one more for each {limits.DOCUMENT_CHARACTERS} "
                "characters; split it into several files"
            )
            yield Problem(file, line, "", message, category=UNREADABLE)
            return
        if not isinstance(item, int):
            yield item


def _yaml(file: str, text: str) -> Iterator[Document | Problem | int]:
    index = errors = 0
    budget = AliasBudget.of(text)
    for line, part in _parts(text):
        if errors == limits.MAX_ERRORS:
            yield Problem(file, line, "", _TOO_MANY_ERRORS, category=UNREADABLE)
            return
        try:
            builder = Builder(part, budget)
            value = builder.document()
        except (yaml.YAMLError, RecursionError) as error:
            errors += 1
            yield _unreadable_yaml(file, line, error)
        else:
            before = index
            for above, item in _items(value) if value is not None else ():
                yield Document(file, line + builder.line_of(above), index, item, part, line, above)
                index += 1
            if index == before:
                yield line


_TOO_MANY_ERRORS = f"more than {limits.MAX_ERRORS:,} of its documents cannot be read; the rest was not read"


def _unreadable_yaml(file: str, line: int, error: yaml.YAMLError | RecursionError) -> Problem:
    reason = "it holds a character that YAML does not allow"
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        line += mark.line if mark else 0
        reason = str(error.problem or error.context)
        if "cannot start any token" in reason:
            reason += ", such as a tab, `@` or a backtick; indent with spaces, and quote such a value"
    elif isinstance(error, RecursionError):
        reason = f"nested more than {limits.DEEPEST} levels deep"
    return Problem(file, line, "", f"not YAML: {reason}", category=UNREADABLE)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """The documents of a YAML stream, each with its first line, so that one error does not affect the others."""
    start = 0
    held: list[str] = []
    for number, line in enumerate(lines(text)):
        if line[:3] != "---" or line[3:4] not in _AFTER_DASHES:
            held.append(line)
            continue
        yield start + 1, "".join(held)
        rest = line[3:].strip()
        goes_on = bool(rest) and not rest.startswith("#")
        start, held = (number, ["   " + line[3:]]) if goes_on else (number + 1, [])
    yield start + 1, "".join(held)


def lines(text: str) -> Iterator[str]:
    """The lines of a text as ``splitlines`` splits them, one at a time to save memory."""
    start = 0
    while start < len(text):
        end = text.find("\n", start + _LETTERS) + 1 or len(text)
        yield from text[start:end].splitlines(keepends=True)
        start = end


def whole(text: str, *, as_json: bool = False) -> Iterator[Any]:
    """The value of a whole text, before it is split into documents: one value, or nothing."""
    try:
        value = json.loads(text) if as_json else Builder(text).document()
    except (ValueError, RecursionError, yaml.YAMLError):
        return
    if not as_json or not limits.refused_json(text, value):
        yield value


def _json(file: str, text: str) -> Iterator[Document | Problem | int]:
    """One JSON value, several concatenated values, or one per line."""
    if reason := limits.refused_density(text):
        yield Problem(file, 0, "", f"not read: {reason}", category=UNREADABLE)
        return
    decode = json.JSONDecoder().raw_decode
    start, index = 0, 0
    line, counted = 1, 0
    errors, in_vain = 0, 0
    while (start := _skip_space(text, start)) < len(text):
        line, counted = line + text.count("\n", counted, start), start
        try:
            value, end = decode(text, start)
        except (ValueError, RecursionError) as error:
            where, reason = _reason(error, line)
            yield Problem(file, where, "", f"not JSON: {reason}", category=UNREADABLE)
            errors += 1
            in_vain += error.pos - start if isinstance(error, json.JSONDecodeError) else len(text) - start
            following = text.find("\n{", start)
            start = following if following >= 0 else len(text)
            if start < len(text) and (errors == limits.MAX_ERRORS or in_vain > limits.RESCANS * len(text)):
                yield Problem(file, where, "", _TOO_MANY_ERRORS, category=UNREADABLE)
                return
            continue
        part = text[start:end]
        if (reason := limits.refused_json(part, value)) and limits.is_of_terraform(value):
            value, reason = limits.with_texts(value), ""
        if reason:
            yield Problem(file, line, "", f"not read: {reason}", category=UNREADABLE)
            start = end
            continue
        before = index
        for above, item in _items(value):
            yield Document(file, line, index, item, part, line, above)
            index += 1
        if index == before:
            yield line
        start = end


_JSON_REASONS = {
    "Expecting value": "a value is missing",
    "Expecting property name enclosed in double quotes": "a key in double quotes is missing",
    "Expecting ':' delimiter": "':' is missing after a key",
    "Expecting ',' delimiter": "',' or a closing bracket is missing",
    "Unterminated string starting at": "a string is not closed",
    "Invalid control character at": "a string contains a control character; escape it",
    "Invalid \\": "an escape sequence is invalid",
    "Illegal trailing comma before end of object": "a trailing comma is not allowed",
    "Illegal trailing comma before end of array": "a trailing comma is not allowed",
}
"""The messages of Python's decoder, by their beginning, in plain words."""


def _json_reason(message: str) -> str:
    return next((reason for prefix, reason in _JSON_REASONS.items() if message.startswith(prefix)), message)


def _reason(error: ValueError | RecursionError, line: int) -> tuple[int, str]:
    """The line and the reason of a JSON error."""
    if isinstance(error, json.JSONDecodeError):
        return error.lineno, _json_reason(error.msg)
    if isinstance(error, RecursionError):
        return line, f"nested more than {limits.DEEPEST} levels deep"
    return line, "an integer has thousands of digits; no API takes it"


def _skip_space(text: str, start: int) -> int:
    following = _NOT_SPACE.search(text, start)
    return following.start() if following else len(text)


def _items(value: Any) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The documents in a value, each with its path: the value, the elements of a list, the items of a ``List``."""
    if isinstance(value, list):
        yield from (((index,), item) for index, item in enumerate(value))
    elif isinstance(value, dict) and _is_list(value):
        yield from ((("items", index), item) for index, item in enumerate(value["items"]))
    else:
        yield (), value


def _is_list(value: dict[str, Any]) -> bool:
    """Whether an object is a Kubernetes list: ``List``, or a typed list as the API server returns it."""
    kind = value.get("kind")
    return isinstance(kind, str) and kind.endswith("List") and isinstance(value.get("items"), list)


def _step(node: Any, part: str | int) -> tuple[int, Any] | None:
    """The line and the value of a node's child."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line, node.value[part]
    return None

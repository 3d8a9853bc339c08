"""How values and differences read: for machines as JSON, for people as text; in every sink, command and page."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from setpoint.comparison import iam_policies
from setpoint.model.difference import Difference
from setpoint.model.display_names import shortened

ELLIPSIS = "…"
NOTHING = "nothing"
"""What stands for a value that is not there."""
MOST = 60
"""Characters of a value, unless a caller has more room."""

_AMBIGUOUS = re.compile(r"""(?:[-+]?[\d.]+(?:[eE][-+]?\d+)?\Z|true\Z|false\Z|null\Z|[\s\[{"]|\Z)""")
"""Strings that read like another JSON value, so that they need their quotes."""
_AROUND = 12


def as_json(value: Any, most: int = MOST) -> str:
    """A value as JSON of at most so many characters; a link keeps its end, which tells it from others."""
    return NOTHING if value is msgspec.UNSET else cut(_encoded(shortened(value)), most)


def as_text(value: Any, most: int | None = None) -> str:
    """A value as text: a string without quotes where nothing else reads like it, anything else as JSON."""
    value = shortened(value)
    if value is msgspec.UNSET:
        return NOTHING
    is_plain = isinstance(value, str) and not _AMBIGUOUS.match(value) and value == value.rstrip()
    text = value if is_plain else _encoded(value)
    return text if most is None else cut(text, most)


def sides(difference: Difference, most: int) -> tuple[str, str]:
    """The declared and the observed value as text; of two long ones the part in which they differ.

    Args:
        difference: the difference.
        most: characters of each side.
    """
    declared, observed = as_text(difference.declared), as_text(difference.observed)
    if max(len(declared), len(observed)) > most:
        skipped = _common_length(declared, observed)
        declared, observed = (f"{ELLIPSIS}{text[skipped:]}" if skipped else text for text in (declared, observed))
    return cut(declared, most), cut(observed, most)


class DifferenceText(NamedTuple):
    """The parts of a difference, for a caller with markup of its own.

    Args:
        path: the field; ``(all)`` for the whole.
        declared: the declared value.
        joint: what stands between the two, ``" → "``.
        observed: the observed value.
    """

    path: str
    declared: str
    joint: str
    observed: str

    def __str__(self) -> str:
        return f"{self.path}: {self.before}{self.declared}{self.joint}{self.observed}"

    @property
    def before(self) -> str:
        """What stands before the declared value."""
        return "" if self.joint == ARROW else "expected "


ARROW = " → "
FOUND = ", found "
INSTEAD = " instead of "


def parts(difference: Difference, declared: str, observed: str, path: str = "") -> DifferenceText:
    """``path: true → false``, ``path: expected true, found nothing``, ``path: expected nothing, found true``.

    Of fields of which only one may be set: ``probe.httpGet: expected {"path":"/"} instead of tcpSocket``.
    """
    joint = ARROW if difference.op == "changed" else FOUND
    if difference.op == "missing" and difference.observed is not msgspec.UNSET:
        joint = INSTEAD
    return DifferenceText(path or difference.path or "(all)", declared, joint, observed)


def as_line(difference: Difference, most: int = MOST, *, own_path: bool = False) -> str:
    """A difference in a line of plain text; a grant without its path.

    Args:
        difference: the difference.
        most: characters of each value.
        own_path: the path as the author of the declaration wrote it, where that is known.
    """
    if granted := grant(difference):
        return granted
    path = difference.declared_path if own_path and difference.declared_path else difference.path
    return str(parts(difference, *sides(difference, most), path))


def grant(difference: Difference) -> str:
    """A grant in words, ``roles/owner given to user:a@example.com``; empty where the difference is none."""
    value = difference.declared if difference.op == "missing" else difference.observed
    if not iam_policies.is_grant(value):
        return ""
    return iam_policies.describe_grants(difference).removesuffix(" (condition none)")


def cut(text: str, most: int) -> str:
    """Text of at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + ELLIPSIS


def _common_length(first: str, other: str) -> int:
    """How many characters of a common beginning can be left out: up to a word, some before the texts differ."""
    pairs = enumerate(zip(first, other, strict=False))
    same = next((index for index, (left, right) in pairs if left != right), min(len(first), len(other)))
    if same <= 2 * _AROUND:
        return 0
    border = re.search(r"[^\w-](?=[\w-]*\Z)", first[:same])
    border_end = border.end() if border else 0
    return border_end if same - border_end <= 2 * _AROUND else same - _AROUND


def _encoded(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_encodable(value)).decode()


def _encodable(value: Any) -> Any:
    """A value without lone surrogates, which JSON of others may hold and UTF-8 cannot."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_encodable(str(key)): _encodable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(part) for part in value]
    return value

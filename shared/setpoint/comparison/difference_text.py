"""Format values and differences as JSON and as text, for every sink, command and page."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from setpoint.comparison import iam_policies
from setpoint.model.difference import Difference
from setpoint.model.display_names import shortened
from setpoint.util.texts import ELLIPSIS, clip

NOTHING = "nothing"
"""The text for an absent value."""
LIMIT = 60
"""Default maximum length of a value in characters."""

_AMBIGUOUS = re.compile(r"""(?:[-+]?[\d.]+(?:[eE][-+]?\d+)?\Z|true\Z|false\Z|null\Z|[\s\[{"]|\Z)""")
"""Strings that look like another JSON value, and therefore need quotes."""
_AROUND = 12


def as_json(value: Any, most: int = LIMIT) -> str:
    """A value as JSON of limited length; a cut link keeps its end, which distinguishes it."""
    return NOTHING if value is msgspec.UNSET else clip(encoded(shortened(value)), most)


def as_text(value: Any, most: int | None = None) -> str:
    """A value as text: an unambiguous string without quotes, anything else as JSON."""
    value = shortened(value)
    if value is msgspec.UNSET:
        return NOTHING
    is_plain = isinstance(value, str) and not _AMBIGUOUS.match(value) and value == value.rstrip()
    text = value if is_plain else encoded(value)
    return text if most is None else clip(text, most)


def sides(difference: Difference, most: int) -> tuple[str, str]:
    """The declared and the observed value as text; of two long values the differing part.

    Args:
        difference: the difference.
        most: maximum length of each side in characters.
    """
    declared, observed = as_text(difference.declared), as_text(difference.observed)
    if max(len(declared), len(observed)) > most:
        skipped = _common_length(declared, observed)
        declared, observed = (f"{ELLIPSIS}{text[skipped:]}" if skipped else text for text in (declared, observed))
    return clip(declared, most), clip(observed, most)


class DifferenceText(NamedTuple):
    """The parts of a difference, for callers with their own markup.

    Args:
        path: the field; ``(all)`` for the whole resource.
        declared: the declared value.
        joint: the text between the two, ``" → "``.
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
        """The text before the declared value."""
        return "" if self.joint == ARROW else "expected "


ARROW = " → "
OBSERVED = ", found "
INSTEAD = " instead of "


def parts(difference: Difference, declared: str, observed: str, path: str = "") -> DifferenceText:
    """``path: true → false``, ``path: expected true, found nothing``, ``path: expected nothing, found true``.

    For a oneof group: ``probe.httpGet: expected {"path":"/"} instead of tcpSocket``.
    """
    joint = ARROW if difference.op == "changed" else OBSERVED
    if difference.op == "missing" and difference.observed is not msgspec.UNSET:
        joint = INSTEAD
    return DifferenceText(path or difference.path or "(all)", declared, joint, observed)


def as_line(difference: Difference, most: int = LIMIT, *, own_path: bool = False) -> str:
    """A difference in a line of plain text; a grant without its path.

    Args:
        difference: the difference.
        most: maximum length of each value in characters.
        own_path: whether to use the path in the author's format, if known.
    """
    if granted := grant(difference):
        return granted
    path = difference.declared_path if own_path and difference.declared_path else difference.path
    return f"{parts(difference, *sides(difference, most), path)}{undeclared(difference)}"


def undeclared(difference: Difference) -> str:
    """The text after a change of an undeclared value; empty for other differences."""
    return " (nobody declares it)" if difference.kind == "undeclared_change" else ""


def grant(difference: Difference) -> str:
    """A grant as text, ``roles/owner granted to user:a@example.com``; empty for other differences."""
    value = difference.declared if difference.op == "missing" else difference.observed
    if not iam_policies.is_grant(value):
        return ""
    return iam_policies.describe_grants(difference).removesuffix(" (condition none)")


def _common_length(first: str, other: str) -> int:
    """The length of a common prefix to omit: up to a word, a few characters before the difference."""
    pairs = enumerate(zip(first, other, strict=False))
    same = next((index for index, (left, right) in pairs if left != right), min(len(first), len(other)))
    if same <= 2 * _AROUND:
        return 0
    border = re.search(r"[^\w-](?=[\w-]*\Z)", first[:same])
    border_end = border.end() if border else 0
    return border_end if same - border_end <= 2 * _AROUND else same - _AROUND


def encoded(value: Any) -> str:
    """A value as JSON, whole; what UTF-8 cannot encode is replaced."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(encodable(value)).decode()


def encodable(value: Any) -> Any:
    """A value without lone surrogates, which foreign JSON may contain and UTF-8 cannot encode."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {encodable(str(key)): encodable(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [encodable(part) for part in value]
    return value

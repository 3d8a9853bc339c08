"""Text that is safe to show: without hidden characters, without changes of direction, never cut within a character."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

from setpoint.util.texts import ELLIPSIS

_HIDDEN = "\N{REPLACEMENT CHARACTER}"
_BLANK = re.compile(r"[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0e\U000e0000-\U000e0fff]"
)
"""Invisible characters other than control characters, which could make two names look the same.

Source: https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt (Default_Ignorable_Code_Point)
"""
_EXTENDERS = frozenset(("Mn", "Me", "Mc"))
_MAX_EXTENDERS = 32
_NOTHING: Mapping[str, str] = {}


def units(text: str) -> int:
    """The length in UTF-16 code units, which JavaScript and Slack count."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """The text on one line, with a placeholder for each invisible character.

    Control and format characters (Unicode's ``C…``) can change the direction of writing, or hide and fake the text
    around them; the placeholder makes them visible.
    """
    if text.isprintable() and (text.isascii() or not _INVISIBLE.search(text)):
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if _BLANK.match(character):
        return " "
    is_hidden = unicodedata.category(character)[0] == "C" or _INVISIBLE.match(character)
    return _HIDDEN if is_hidden else character


def fit(text: str, most: int, escapes: Mapping[str, str] = _NOTHING) -> str:
    """The text, cleaned, escaped and limited to ``most`` UTF-16 units; a cut is marked.

    Args:
        text: any text.
        most: maximum length in units, escapes included.
        escapes: the escape of each character.
    """
    return _fit(clean(text[: most + 1]), most, escapes)


def _fit(text: str, most: int, escapes: Mapping[str, str]) -> str:
    whole = text.translate({ord(character): escape for character, escape in escapes.items()}) if escapes else text
    return whole if units(whole) <= most else _cut(text, most, escapes)


def _cut(text: str, most: int, escapes: Mapping[str, str]) -> str:
    out: list[str] = []
    length, end = 0, 0
    room = most - units(ELLIPSIS)
    for position, character in enumerate(text):
        escaped = escapes.get(character, character)
        length += units(escaped)
        if length > most:
            return "".join(out[: _character_boundary(text, min(end, position))]) + ELLIPSIS if room >= 0 else ""
        out.append(escaped)
        if length <= room:
            end = position + 1
    return "".join(out)


def _character_boundary(text: str, end: int) -> int:
    """The last index up to ``end`` that does not split a character from its combining characters."""
    for index in range(end, max(end - _MAX_EXTENDERS, 0), -1):
        if index == len(text) or not _belongs_to_what_is_before(text[index]):
            return index
    return end


def _belongs_to_what_is_before(character: str) -> bool:
    """Whether a character combines with the one before: an accent, a variation selector, or a skin tone."""
    is_modifier = "\U0001f3fb" <= character <= "\U0001f3ff" or character == "\ufe0f"
    return is_modifier or unicodedata.category(character) in _EXTENDERS


def fill(head: str, parts: Sequence[str], most: int, more: Callable[[int], str], unsaid: int = 0) -> str:
    """As many parts as fit after a head, and the number of the others.

    Args:
        head: the first part; shorter than ``most`` by a few hundred units.
        parts: the other parts, each with its leading separator.
        most: maximum length in units.
        more: formats the number of omitted parts.
        unsaid: number of further items that are not among the parts.
    """
    text = head
    for position, part in enumerate(parts):
        left = len(parts) - position - 1 + unsaid
        if units(text) + units(part) + (units(more(left)) if left else 0) > most:
            return text + more(left + 1)
        text += part
    return text + more(unsaid) if unsaid else text

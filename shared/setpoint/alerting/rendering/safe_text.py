"""Text that is safe to show: nothing in it is hidden, turns what is around it, or is cut within a character."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

ELLIPSIS = "…"
_HIDDEN = "\N{REPLACEMENT CHARACTER}"
_BLANK = re.compile(r"[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0e\U000e0000-\U000e0fff]"
)
"""What is no control character and yet shows nothing, so that two names could look the same.

Source: https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt (Default_Ignorable_Code_Point)
"""
_EXTENDERS = frozenset(("Mn", "Me", "Mc"))
_MOST_EXTENDERS = 32
_NOTHING: Mapping[str, str] = {}


def units(text: str) -> int:
    """The length in UTF-16 code units, by which JavaScript, and so Slack, counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clean(text: str) -> str:
    """The text on one line, with a mark in place of each character that cannot be seen.

    Control and format characters (Unicode's ``C…``) may turn the direction of writing, hide or fake what is around
    them; a mark says that there is something.
    """
    if text.isprintable() and (text.isascii() or not _INVISIBLE.search(text)):
        return text
    return "".join(map(_seen, text))


def _seen(character: str) -> str:
    if _BLANK.match(character):
        return " "
    is_hidden = unicodedata.category(character)[0] == "C" or _INVISIBLE.match(character)
    return _HIDDEN if is_hidden else character


def fit(text: str, most: int, escapes: Mapping[str, str] = _NOTHING) -> str:
    """The text, cleaned, escaped and no longer than ``most`` UTF-16 units; where it is cut, that shows.

    Args:
        text: any text.
        most: units, escapes included.
        escapes: what stands for a character.
    """
    return _fit(clean(text[: most + 1]), most, escapes)


def _fit(text: str, most: int, escapes: Mapping[str, str]) -> str:
    out: list[str] = []
    length, end = 0, 0
    room = most - units(ELLIPSIS)
    for position, character in enumerate(text):
        escaped = escapes.get(character, character)
        length += units(escaped)
        if length > most:
            return "".join(out[: _border(text, min(end, position))]) + ELLIPSIS if room >= 0 else ""
        out.append(escaped)
        if length <= room:
            end = position + 1
    return "".join(out)


def _border(text: str, end: int) -> int:
    """The last place up to ``end`` at which no character is torn from what belongs to it."""
    for index in range(end, max(end - _MOST_EXTENDERS, 0), -1):
        if index == len(text) or not _belongs_to_what_is_before(text[index]):
            return index
    return end


def _belongs_to_what_is_before(character: str) -> bool:
    """Whether a character is an accent, a variation, or the colour of a skin."""
    is_modifier = "\U0001f3fb" <= character <= "\U0001f3ff" or character == "\ufe0f"
    return is_modifier or unicodedata.category(character) in _EXTENDERS


def fill(head: str, parts: Sequence[str], most: int, more: Callable[[int], str], unsaid: int = 0) -> str:
    """As many parts as fit behind a head, and how many there are besides.

    Args:
        head: what comes first; shorter than ``most`` by some hundred units.
        parts: what is joined, each with what separates it from the one before.
        most: units.
        more: says how many are left out.
        unsaid: how many there are that are not among the parts.
    """
    text = head
    for position, part in enumerate(parts):
        left = len(parts) - position - 1 + unsaid
        if units(text) + units(part) + (units(more(left)) if left else 0) > most:
            return text + more(left + 1)
        text += part
    return text + more(unsaid) if unsaid else text

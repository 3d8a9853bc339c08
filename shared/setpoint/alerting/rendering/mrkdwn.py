"""Slack's mrkdwn, from values that may be anything: nothing in a value formats, links, or calls anybody.

Slack reads ``&``, ``<`` and ``>`` as control characters, which have to be escaped, and has no escape for its marks of
format (``*``, ``_``, ``~``, `````). A value therefore stands in a code span wherever it holds any of them, and text
objects are ``verbatim``, so that Slack looks for no names and addresses by itself.
Source: https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from setpoint.alerting.rendering import safe_text as texts

ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_IN_CODE = ESCAPES | {"`": "\N{MODIFIER LETTER GRAVE ACCENT}"}
_IN_PLAIN = {
    "&": "\N{FULLWIDTH AMPERSAND}",
    "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
    ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
}
"""What stands for control characters in ``plain_text``, where clients do not agree on whether escapes are read."""
_PLAIN = re.compile(r"""(?:[^\W_]|[ ,;()/%+="!?→…—-]|[.'](?=\s|\Z)|:(?= ))*\Z""")
"""Text in which nothing means anything to Slack: letters, digits and such marks as join words to sentences."""
_IN_LABEL = ESCAPES | {
    "|": "\N{BROKEN BAR}",
    "*": "\N{ASTERISK OPERATOR}",
    "~": "\N{TILDE OPERATOR}",
    "`": _IN_CODE["`"],
}
_ITALIC = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_EMOJI = re.compile(r":(?=[\w+'-]+:)")
_CALL = re.compile(r"@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)
_MOST_LINK = 1_000


def plain(value: str, most: int) -> dict[str, Any]:
    """A ``plain_text`` object; emoji codes in it stay as they are written.

    Source: https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    """
    return {"type": "plain_text", "text": texts.fit(value, most, _IN_PLAIN).strip() or "-", "emoji": False}


def mrkdwn(markup: str) -> dict[str, Any]:
    """A ``mrkdwn`` object of markup that the functions here have made."""
    return {"type": "mrkdwn", "text": markup or "-", "verbatim": True}


def code(value: str, most: int = 200) -> str:
    """A value in a code span, on one line."""
    return f"`{texts.fit(value, most - 2, _IN_CODE) or ' '}`"


def prose(value: str, most: int = 300) -> str:
    """Words of people or of an API: as they are where nothing in them means anything to Slack, else in a code span."""
    cleaned = texts.clean(value[: most + 1]).strip()
    return texts.fit(cleaned, most) if _PLAIN.match(cleaned) else code(cleaned, most)


def escaped(value: str, most: int) -> str:
    """Text for where there is no format, as in a message's ``text``; it calls nobody."""
    return texts.fit(_CALL.sub("\N{FULLWIDTH COMMERCIAL AT}", value[: most + 1]), most, ESCAPES)


def link(url: str, label: str, most: int = 160) -> str:
    """A link; an empty string where there is no address, or one that is none.

    Clients do not agree on whether the label of a link is formatted: marks of format in it are replaced.
    """
    if not is_address(url):
        return ""
    address = quote(url, safe="%/:?#[]@!$&'()*+,;=~").replace("&", "&amp;")
    shown = _ITALIC.sub("\N{FULLWIDTH LOW LINE}", _EMOJI.sub("\N{FULLWIDTH COLON}", label[: most + 1]))
    return f"<{address}|{texts.fit(shown, most, _IN_LABEL) or '…'}>" if len(address) <= _MOST_LINK else ""


def is_address(url: str) -> bool:
    """Whether a link may lead there."""
    return url.startswith(("https://", "http://")) and url.isprintable()


def date(time: datetime, form: str = "{date_short_pretty} at {time}") -> str:
    """A time, which Slack shows in the time zone of whoever reads it.

    Source: https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    return f"<!date^{int(time.timestamp())}^{form}|{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC>"

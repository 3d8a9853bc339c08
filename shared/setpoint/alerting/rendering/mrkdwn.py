"""Slack's mrkdwn from untrusted values: no value can format text, create links or mention users.

Slack reads ``&``, ``<`` and ``>`` as control characters, which must be escaped, and has no escape for its format
characters (``*``, ``_``, ``~``, `````). A value with any of them is therefore put into a code span, and text objects
are ``verbatim``, so that Slack does not detect names and URLs.
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
"""Replacements for control characters in ``plain_text``, where only some clients decode escapes."""
_PLAIN = re.compile(r"""(?:[^\W_]|[ ,;()/%+="!?→…—-]|[.'](?=\s|\Z)|:(?= ))*\Z""")
"""Text without special meaning in Slack: letters, digits and the punctuation of sentences."""
_IN_LABEL = ESCAPES | {
    "|": "\N{BROKEN BAR}",
    "*": "\N{ASTERISK OPERATOR}",
    "~": "\N{TILDE OPERATOR}",
    "`": _IN_CODE["`"],
}
_ITALIC = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_EMOJI = re.compile(r":(?=[\w+'-]+:)")
_CALL = re.compile(r"@(?=(?:here|channel|everyone)\b)", re.IGNORECASE)
_MAX_LINK = 1_000


def plain(value: str, most: int) -> dict[str, Any]:
    """A ``plain_text`` object; emoji codes in it are not converted.

    Source: https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    """
    return {"type": "plain_text", "text": texts.fit(value, most, _IN_PLAIN).strip() or "-", "emoji": False}


def mrkdwn(markup: str) -> dict[str, Any]:
    """A ``mrkdwn`` object from the markup of this module."""
    return {"type": "mrkdwn", "text": markup or "-", "verbatim": True}


def code(value: str, most: int = 200) -> str:
    """A value in a code span, on one line."""
    return f"`{texts.fit(value, most - 2, _IN_CODE) or ' '}`"


def prose(value: str, most: int = 300) -> str:
    """Text from people or an API: unchanged if nothing in it has a meaning in Slack, else in a code span."""
    cleaned = texts.clean(value[: most + 1]).strip()
    return texts.fit(cleaned, most) if _PLAIN.match(cleaned) else code(cleaned, most)


def escaped(value: str, most: int) -> str:
    """Escaped text for places without formatting, such as a message's ``text``; it mentions no one."""
    return texts.fit(_CALL.sub("\N{FULLWIDTH COMMERCIAL AT}", value[: most + 1]), most, ESCAPES)


def link(url: str, label: str, most: int = 160) -> str:
    """A link; empty without a valid URL.

    Some clients format the label of a link: format characters in it are replaced.
    """
    if not is_address(url):
        return ""
    address = quote(url, safe="%/:?#[]@!$&'()*+,;=~").replace("&", "&amp;")
    shown = _ITALIC.sub("\N{FULLWIDTH LOW LINE}", _EMOJI.sub("\N{FULLWIDTH COLON}", label[: most + 1]))
    return f"<{address}|{texts.fit(shown, most, _IN_LABEL) or '…'}>" if len(address) <= _MAX_LINK else ""


def is_address(url: str) -> bool:
    """Whether a link may have this URL."""
    return url.startswith(("https://", "http://")) and url.isprintable()


def date(time: datetime, form: str = "{date_short_pretty} at {time}") -> str:
    """A time, which Slack shows in the reader's time zone.

    Source: https://docs.slack.dev/messaging/formatting-message-text#date-formatting
    """
    return f"<!date^{int(time.timestamp())}^{form}|{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC>"

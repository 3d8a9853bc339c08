"""Slack's mrkdwn as HTML, as Slack's own clients show it.

Source: https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape

_PIECE = re.compile(r"```(?P<fence>.*?)```|`(?P<code>[^`\n]+)`|<(?P<token>[^<>\n]+)>|(?P<line>\n)", re.DOTALL)
_DATE = re.compile(r"!date\^(?P<time>\d+)\^(?P<form>[^|^]*)(?:\^[^|]*)?\|(?P<fallback>.*)\Z")
_WEB = re.compile(r"(?P<url>https?://[^|]+)(?:\|(?P<label>.*))?\Z")
_TAGS = {
    "*": (Markup("<strong>"), Markup("</strong>")),
    "~": (Markup("<s>"), Markup("</s>")),
    "_": (Markup("<em>"), Markup("</em>")),
}
_FORMS = {
    "{date_short_pretty}": "%b {day}, %Y",
    "{date_short}": "%b {day}, %Y",
    "{date_num}": "%Y-%m-%d",
    "{time}": "%-I:%M %p",
    "{time_secs}": "%-I:%M:%S %p",
}


def html(markup: str) -> Markup:
    """Markup as HTML; times are shown in UTC."""
    return Markup("").join(_Walk(markup).parts())


def plain(text: str) -> Markup:
    """Plain text as HTML."""
    return escape(text)


def shown(node: dict[str, Any]) -> Markup:
    """A text object as HTML."""
    return html(node["text"]) if node["type"] == "mrkdwn" else plain(node["text"])


class _Walk:
    """A walk over markup, which knows what is bold, struck or slanted on this line."""

    def __init__(self, markup: str) -> None:
        self._markup = markup
        self._open: list[str] = []

    def parts(self) -> Iterator[Markup]:
        at = 0
        for found in _PIECE.finditer(self._markup):
            yield from self._text(at, found.start())
            yield from self._piece(found)
            at = found.end()
        yield from self._text(at, len(self._markup))
        yield from self._close()

    def _piece(self, found: re.Match[str]) -> Iterator[Markup]:
        if found["line"]:
            yield from self._close()
            yield Markup("<br>")
        elif found["fence"] is not None:
            yield Markup("<pre>{}</pre>").format(_unescaped(found["fence"].strip("\n")))
        elif found["code"] is not None:
            yield Markup("<code>{}</code>").format(_unescaped(found["code"]))
        else:
            yield _token(found["token"])

    def _close(self) -> Iterator[Markup]:
        while self._open:
            yield _TAGS[self._open.pop()][1]

    def _text(self, start: int, end: int) -> Iterator[Markup]:
        """Text without code and links; a mark of format counts at the border of a word."""
        begun = start
        for at in range(start, end):
            mark = self._markup[at]
            if mark in _TAGS and (tag := self._turn(mark, at)):
                yield escape(_unescaped(self._markup[begun:at]))
                yield tag
                begun = at + 1
        yield escape(_unescaped(self._markup[begun:end]))

    def _turn(self, mark: str, at: int) -> Markup | None:
        before, after = self._markup[at - 1 : at], self._markup[at + 1 : at + 2]
        if self._open and self._open[-1] == mark and not before.isspace() and not after.isalnum():
            self._open.pop()
            return _TAGS[mark][1]
        line = self._markup[at + 1 :].partition("\n")[0]
        if mark not in self._open and not before.isalnum() and after.strip() and mark in line:
            self._open.append(mark)
            return _TAGS[mark][0]
        return None


def _token(token: str) -> Markup:
    if found := _DATE.match(token):
        at = datetime.fromtimestamp(int(found["time"]), UTC)
        text = found["form"]
        for name, form in _FORMS.items():
            text = text.replace(name, at.strftime(form).replace("{day}", _day(at.day)))
        return Markup('<time datetime="{}" title="{}">{}</time>').format(at.isoformat(), found["fallback"], text)
    if found := _WEB.match(token):
        url, label = _unescaped(found["url"]), _unescaped(found["label"] or found["url"])
        return Markup('<a href="{}" rel="noreferrer">{}</a>').format(url, label)
    return Markup('<span class="mention">{}</span>').format(_unescaped(token))


def _day(day: int) -> str:
    ending = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

"""Convert Slack's mrkdwn to HTML, as Slack's own clients show it.

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
    """A traversal of markup that tracks bold, struck and italic text within a line."""

    def __init__(self, markup: str) -> None:
        self._markup = markup
        self._open: list[str] = []

    def parts(self) -> Iterator[Markup]:
        start = 0
        for piece in _PIECE.finditer(self._markup):
            yield from self._text(start, piece.start())
            yield from self._piece(piece)
            start = piece.end()
        yield from self._text(start, len(self._markup))
        yield from self._close()

    def _piece(self, piece: re.Match[str]) -> Iterator[Markup]:
        if piece["line"]:
            yield from self._close()
            yield Markup("<br>")
        elif piece["fence"] is not None:
            yield Markup("<pre>{}</pre>").format(_unescaped(piece["fence"].strip("\n")))
        elif piece["code"] is not None:
            yield Markup("<code>{}</code>").format(_unescaped(piece["code"]))
        else:
            yield _token(piece["token"])

    def _close(self) -> Iterator[Markup]:
        while self._open:
            yield _TAGS[self._open.pop()][1]

    def _text(self, start: int, end: int) -> Iterator[Markup]:
        """Text without code and links; a format character counts only at the border of a word."""
        begun = start
        for index in range(start, end):
            mark = self._markup[index]
            if mark in _TAGS and (tag := self._turn(mark, index)):
                yield escape(_unescaped(self._markup[begun:index]))
                yield tag
                begun = index + 1
        yield escape(_unescaped(self._markup[begun:end]))

    def _turn(self, mark: str, index: int) -> Markup | None:
        before, after = self._markup[index - 1 : index], self._markup[index + 1 : index + 2]
        if self._open and self._open[-1] == mark and not before.isspace() and not after.isalnum():
            self._open.pop()
            return _TAGS[mark][1]
        line = self._markup[index + 1 :].partition("\n")[0]
        if mark not in self._open and not before.isalnum() and after.strip() and mark in line:
            self._open.append(mark)
            return _TAGS[mark][0]
        return None


def _token(token: str) -> Markup:
    if matched := _DATE.match(token):
        time = datetime.fromtimestamp(int(matched["time"]), UTC)
        text = matched["form"]
        for name, form in _FORMS.items():
            text = text.replace(name, time.strftime(form).replace("{day}", _day(time.day)))
        return Markup('<time datetime="{}" title="{}">{}</time>').format(time.isoformat(), matched["fallback"], text)
    if matched := _WEB.match(token):
        url, label = _unescaped(matched["url"]), _unescaped(matched["label"] or matched["url"])
        return Markup('<a href="{}" rel="noreferrer">{}</a>').format(url, label)
    return Markup('<span class="mention">{}</span>').format(_unescaped(token))


def _day(day: int) -> str:
    ending = "th" if day in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")

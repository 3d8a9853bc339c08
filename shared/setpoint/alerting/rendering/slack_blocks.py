"""Blocks of Slack's Block Kit, and how many of them fit in one message.

Limits, as Slack publishes them: 50 blocks a message, 150 characters a header, 3,000 a section, 2,000 a field and ten of
them, ten elements a context, 75 characters a button, 4,000 in a message's ``text``.
Sources: https://docs.slack.dev/reference/block-kit/blocks/section-block,
https://docs.slack.dev/reference/block-kit/blocks/header-block,
https://docs.slack.dev/reference/block-kit/blocks/context-block,
https://docs.slack.dev/reference/block-kit/block-elements/button-element,
https://docs.slack.dev/reference/methods/chat.postMessage

The maximum size of a whole message is not published: one with about 13,200 characters was refused
(https://github.com/slackapi/bolt-js/issues/2509), and one with 11,300
(https://github.com/slackapi/bolt-js/issues/2867). The messages built here stay below 10,000.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from setpoint.alerting.rendering import button_payload
from setpoint.alerting.rendering import safe_text as texts
from setpoint.alerting.rendering.mrkdwn import escaped, mrkdwn, plain
from setpoint.model.notice_view import SNOOZES, ButtonAction, Message

Block = dict[str, Any]

MAX_TEXT = 10_000
_MAX_SECTION = 3_000
_MAX_FALLBACK = 1_000
_HEADING_ROOM = 400
_BUTTONS: dict[ButtonAction, str] = {
    "fix": "Fix now",
    "approve": "Approve",
    "snooze": "Exempt",
    "accept": "Accept",
    "why": "Why?",
}
_LASTING = {"1h": "for 1 hour", "1d": "for 1 day", "1w": "for 1 week"}


def message(text: str, blocks: Iterable[Block]) -> Message:
    """A message with its text for notifications, which is plain text here and escaped in the message."""
    return Message(escaped(text, _MAX_FALLBACK), tuple(blocks))


def header(text: str) -> Block:
    """A title."""
    return {"type": "header", "text": plain(text, 150)}


def section(markup: str) -> Block:
    """A paragraph."""
    return {"type": "section", "text": mrkdwn(markup), "expand": True}


def fields(pairs: Iterable[tuple[str, str]]) -> Block:
    """Names and markup in two columns; at most ten, without empty ones."""
    return {"type": "section", "fields": [mrkdwn(f"*{name}*\n{markup}") for name, markup in pairs if markup]}


def context(*markups: str) -> Block:
    """Secondary text in small print."""
    return {"type": "context", "elements": [mrkdwn(" · ".join(filter(None, markups)))]}


class Confirmation(NamedTuple):
    """The confirmation dialog of a button.

    Args:
        title: up to 100 characters.
        text: up to 300 characters.
        confirm: the label of the confirming button, up to 30 characters.
        is_grave: whether that button is red.
    """

    title: str
    text: str
    confirm: str
    is_grave: bool = False

    def dialog(self) -> Block:
        """A confirmation dialog.

        Source: https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
        """
        return {
            "title": plain(self.title, 100),
            "text": plain(self.text, 300),
            "confirm": plain(self.confirm, 30),
            "deny": plain("Cancel", 30),
            "style": "danger" if self.is_grave else "primary",
        }


def actions(
    block_id: str, offered: Sequence[ButtonAction], value: str, questions: dict[ButtonAction, Confirmation]
) -> Block:
    """Buttons, and a menu of durations to snooze.

    Args:
        block_id: unique to the message and its current content.
        offered: the actions to offer.
        value: the value of each button.
        questions: the confirmation dialogs.
    """
    return {
        "type": "actions",
        "block_id": block_id,
        "elements": [
            _snooze() if action == "snooze" else _button(action, value, questions.get(action)) for action in offered
        ],
    }


def _button(action: ButtonAction, value: str, question: Confirmation | None) -> Block:
    button: Block = {
        "type": "button",
        "action_id": button_payload.action_id(action),
        "text": plain(_BUTTONS[action], 75),
        "value": value,
    }
    if action in ("fix", "approve"):
        button["style"] = "primary"
    if question is not None:
        button["confirm"] = question.dialog()
    return button


def _snooze() -> Block:
    """A menu of durations. Source: https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element."""
    return {
        "type": "static_select",
        "action_id": button_payload.action_id("snooze"),
        "placeholder": plain("Exempt", 150),
        "options": [{"text": plain(_LASTING[name], 75), "value": name} for name in SNOOZES],
    }


class MessagePart(NamedTuple):
    """A heading, in markup, and the lines below it, each of up to a few hundred characters."""

    heading: str
    lines: Sequence[str]


class _Section(NamedTuple):
    markup: str
    lines: int


def pack(
    parts: Iterable[MessagePart], rest: Callable[[int], str], *, messages: int, lines: int = 1_000, unsaid: int = 0
) -> list[tuple[Block, ...]]:
    """Pack lines into as many sections and messages as needed, up to a limit.

    Args:
        parts: the headings and lines.
        rest: formats the number of omitted lines, in markup.
        messages: maximum number of messages.
        lines: maximum number of lines in a message.
        unsaid: number of further lines that are not among the parts.
    """
    sections = _sections(parts, lines)
    packed: list[list[_Section]] = [[]]
    for position, section_ in enumerate(sections):
        if not _has_room(packed[-1], section_, lines):
            if len(packed) == messages:
                left = sum(later.lines for later in sections[position:])
                return [*map(_blocks, packed[:-1]), (*_blocks(packed[-1]), context(rest(left + unsaid)))]
            packed.append([])
        packed[-1].append(section_)
    built = [_blocks(sections_) for sections_ in packed if sections_]
    if unsaid and built:
        built[-1] = (*built[-1], context(rest(unsaid)))
    return built


def _sections(parts: Iterable[MessagePart], most_lines: int) -> list[_Section]:
    sections = []
    for part in parts:
        text, count = part.heading, 0
        for line in part.lines:
            if texts.units(text) + texts.units(line) + 1 > _MAX_SECTION or count == most_lines:
                sections.append(_Section(text, count))
                text, count = "", 0
            text = f"{text}\n{line}" if text else line
            count += 1
        if count:
            sections.append(_Section(text, count))
    return sections


def _has_room(sections: Sequence[_Section], added: _Section, lines: int) -> bool:
    length = sum(texts.units(section.markup) for section in sections) + texts.units(added.markup)
    is_short = length <= MAX_TEXT - _MAX_FALLBACK - _HEADING_ROOM and len(sections) < 40  # noqa: PLR2004 - of 50
    return not sections or (is_short and sum(section.lines for section in sections) + added.lines <= lines)


def _blocks(sections: Iterable[_Section]) -> tuple[Block, ...]:
    return tuple(section(part.markup) for part in sections)


def listed(heading: str, lines: Sequence[str], unsaid: int = 0, most: int = 2_500) -> Block:
    """A paragraph with a heading and as many lines as fit, and the number of the others.

    Args:
        heading: in markup.
        lines: in markup.
        unsaid: number of further lines.
        most: maximum length in units.
    """
    return section(texts.fill(heading, [f"\n{line}" for line in lines], most, lambda left: f"\n{more(left)}", unsaid))


def more(left: int) -> str:
    """The text about omitted items."""
    return f"and {left:,} more"

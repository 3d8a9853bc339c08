"""Slack's published limits and rules for messages, written down from the reference and not from what renders them.

Sources: https://docs.slack.dev/reference/block-kit/blocks, https://docs.slack.dev/reference/block-kit/block-elements,
https://docs.slack.dev/reference/block-kit/composition-objects, https://docs.slack.dev/messaging/formatting-message-text,
https://docs.slack.dev/reference/methods/chat.postMessage
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from slack_sdk.models.blocks import Block

MAX_TOTAL = 12_000
_BLOCKS = {"header", "section", "context", "actions", "divider"}
_TOKEN = re.compile(r"<([^<>]*)>")
_DATE = re.compile(r"!date\^\d+\^[^|^<>]+\|[^|<>]+")
_WEB = re.compile(r"https?://[^\s|<>]+\|[^|<>]+")
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt);)")
_CODE = re.compile(r"`[^`\n]+`")
_CALL = re.compile(r"@(?:here|channel|everyone)\b", re.IGNORECASE)
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0e\U000e0000-\U000e0fff]"
)


def faults(message: Any) -> list[str]:
    """All that Slack would not take of a message, or would show otherwise than it was meant."""
    return list(_of_message(message.text, list(message.blocks)))


def size(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def texts(node: Any) -> Iterator[str]:
    """Every text that is shown of some blocks."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "text" and isinstance(value, str):
                yield value
            else:
                yield from texts(value)
    elif isinstance(node, list | tuple):
        for part in node:
            yield from texts(part)


def _of_message(text: str, blocks: list[Any]) -> Iterator[str]:
    yield from _length("text of the message", text, 1, 4_000)
    yield from _markup(text, has_tokens=False)
    if not 1 <= len(blocks) <= 50:
        yield f"{len(blocks)} blocks"
    total = sum(map(size, texts(blocks)))
    if total > MAX_TOTAL:
        yield f"{total} characters in all"
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    if len(set(ids)) < len(ids):
        yield "a block_id twice"
    for block in blocks:
        if block.get("type") not in _BLOCKS:
            yield f"a block of type {block.get('type')}"
            continue
        yield from _length("block_id", block.get("block_id", "x"), 1, 255)
        yield from _OF[block["type"]](block)
        yield from _by_sdk(block)


def _by_sdk(block: Any) -> Iterator[str]:
    parsed = Block.parse(block)
    if parsed is None:
        yield "the SDK does not know the block"
        return
    try:
        parsed.validate_json()
    except Exception as error:  # noqa: BLE001 - whatever it does not like is a fault
        yield f"the SDK: {error}"


def _header(block: Any) -> Iterator[str]:
    yield from _only(block, "type", "text", "block_id")
    yield from _plain("header", block["text"], 150)


def _section(block: Any) -> Iterator[str]:
    yield from _only(block, "type", "text", "fields", "block_id", "expand")
    if ("text" in block) == ("fields" in block):
        yield "a section with neither or both of text and fields"
    if "text" in block:
        yield from _text("section", block["text"], 3_000)
    fields = block.get("fields", ["one"])
    if not 1 <= len(fields) <= 10:
        yield f"{len(fields)} fields"
    for field in block.get("fields", ()):
        yield from _text("field", field, 2_000)


def _context(block: Any) -> Iterator[str]:
    yield from _only(block, "type", "elements", "block_id")
    if not 1 <= len(block["elements"]) <= 10:
        yield f"{len(block['elements'])} elements of a context"
    for element in block["elements"]:
        yield from _text("context", element, 3_000)


def _actions(block: Any) -> Iterator[str]:
    yield from _only(block, "type", "elements", "block_id")
    if not 1 <= len(block["elements"]) <= 25:
        yield f"{len(block['elements'])} elements of actions"
    ids = [element["action_id"] for element in block["elements"]]
    if len(set(ids)) < len(ids):
        yield "an action_id twice"
    for element in block["elements"]:
        yield from _length("action_id", element["action_id"], 1, 255)
        yield from _button(element) if element["type"] == "button" else _select(element)


def _button(element: Any) -> Iterator[str]:
    yield from _only(element, "type", "text", "action_id", "url", "value", "style", "confirm", "accessibility_label")
    yield from _plain("button", element["text"], 75)
    yield from _length("value", element["value"], 1, 2_000)
    if element.get("style", "primary") not in ("primary", "danger"):
        yield "a style of buttons"
    if "confirm" in element:
        dialog = element["confirm"]
        yield from _only(dialog, "title", "text", "confirm", "deny", "style")
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            yield from _plain(f"{name} of a dialog", dialog[name], most)


def _select(element: Any) -> Iterator[str]:
    yield from _only(element, "type", "placeholder", "action_id", "options", "confirm")
    if element["type"] != "static_select" or not 1 <= len(element["options"]) <= 100:
        yield "no menu"
    yield from _plain("placeholder", element["placeholder"], 150)
    for option in element["options"]:
        yield from _only(option, "text", "value")
        yield from _plain("option", option["text"], 75)
        yield from _length("value of an option", option["value"], 1, 150)


def _divider(block: Any) -> Iterator[str]:
    yield from _only(block, "type", "block_id")


_OF = {"header": _header, "section": _section, "context": _context, "actions": _actions, "divider": _divider}


def _only(node: Any, *names: str) -> Iterator[str]:
    if unknown := node.keys() - set(names):
        yield f"{node.get('type', 'an object')} with {sorted(unknown)}"


def _length(what: str, text: str, least: int, most: int) -> Iterator[str]:
    if not least <= size(text) <= most:
        yield f"{what} of {size(text)} characters"


def _text(what: str, node: Any, most: int) -> Iterator[str]:
    if node["type"] != "mrkdwn":
        yield from _plain(what, node, most)
        return
    yield from _only(node, "type", "text", "verbatim")
    if node.get("verbatim") is not True:
        yield f"{what}: Slack would look for links and names in it"
    yield from _length(what, node["text"], 1, most)
    yield from _markup(node["text"], has_tokens=True)


def _plain(what: str, node: Any, most: int) -> Iterator[str]:
    yield from _only(node, "type", "text", "emoji")
    if node["type"] != "plain_text" or node.get("emoji") is not False:
        yield f"{what} is not a plain text"
    yield from _length(what, node["text"], 1, most)
    if re.search(r"[<>&]", node["text"]):
        yield f"{what}: control characters in plain text"
    yield from _visible(node["text"].replace("\n", "!"))


def _markup(text: str, *, has_tokens: bool) -> Iterator[str]:
    """That every control character is escaped or Setpoint's own, and nothing else is hidden or calls anybody."""
    yield from _visible(text.replace("\n", ""))
    if _ENTITY.search(text):
        yield f"an ampersand that is not escaped: {text!r}"
    for token in _TOKEN.findall(text):
        if not has_tokens or not (_DATE.fullmatch(token) or _WEB.fullmatch(token)):
            yield f"a token that is none of ours: {token!r}"
    bare = _TOKEN.sub("", text)
    if re.search("[<>]", bare):
        yield f"an angle that is not escaped: {text!r}"
    outside = _CODE.sub("", bare) if has_tokens else bare
    if has_tokens and "`" in outside:
        yield f"a code span that does not end: {text!r}"
    if _CALL.search(outside):
        yield f"a call to everybody: {text!r}"
    if not has_tokens:
        return
    for line in outside.split("\n"):
        if line.count("*") % 2 or line.count("~") % 2 or "_" in line or re.search(r":[\w+-]+:", line):
            yield f"format that nobody meant: {line!r}"


def _visible(text: str) -> Iterator[str]:
    for character in text:
        if unicodedata.category(character)[0] == "C" or _INVISIBLE.match(character):
            yield f"a character that nobody sees: {character!r}"
            return

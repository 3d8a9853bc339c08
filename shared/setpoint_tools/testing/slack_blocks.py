"""The reasons for which Slack refuses a message: the limits of Block Kit and of a message.

Sources: https://docs.slack.dev/reference/block-kit/blocks, https://docs.slack.dev/reference/block-kit/block-elements,
https://docs.slack.dev/reference/methods/chat.postMessage#truncating. A sum over all blocks is documented nowhere;
``msg_blocks_too_long`` comes from somewhat more than 13,000 characters on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

MAX_BLOCKS = 50
MAX_TEXT = 40_000
MAX_TOTAL = 13_200
_MAX_BLOCK_ID = 255
_BUTTON = {"text": 75, "action_id": 255, "value": 2000, "url": 3000}
_OPTION = {"text": 75, "value": 150}


def refusal(text: str, blocks: Any) -> str:
    """Slack's word for what is wrong with a message, and where; empty where nothing is."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return "invalid_blocks_format"
    if not text and not blocks:
        return "no_text"
    if units(text) > MAX_TEXT:
        return "msg_too_long"
    fault = next(_faults(blocks), "")
    if fault:
        return f"invalid_blocks {fault}"
    total = sum(map(units, texts(blocks)))
    return f"msg_blocks_too_long {total}" if total > MAX_TOTAL else ""


def units(text: str) -> int:
    """The length in UTF-16 code units, by which Slack counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def texts(value: Any) -> Iterator[str]:
    """All that a message says, in its order."""
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def _faults(blocks: list[dict[str, Any]]) -> Iterator[str]:
    if len(blocks) > MAX_BLOCKS:
        yield f"{len(blocks)} blocks"
    named = Counter(block["block_id"] for block in blocks if "block_id" in block)
    yield from (f"block_id {name} twice" for name, times in named.items() if times > 1)
    for position, block in enumerate(blocks):
        check = _BLOCKS.get(str(block.get("type")))
        if check is None:
            yield f"{position}: no block is a {block.get('type')}"
            continue
        if units(str(block.get("block_id", ""))) > _MAX_BLOCK_ID:
            yield f"{position}: block_id"
        yield from (f"{position}: {fault}" for fault in check(block))


def _text(value: Any, most: int, *, plain: bool = False) -> Iterator[str]:
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        yield "no text object"
        return
    if value.get("type") not in (("plain_text",) if plain else ("plain_text", "mrkdwn")):
        yield f"a text of type {value.get('type')}"
    if value.get("type") == "mrkdwn" and "emoji" in value:
        yield "emoji in mrkdwn"
    if not 1 <= units(value["text"]) <= most:
        yield f"a text of {units(value['text'])} characters"


def _section(block: Mapping[str, Any]) -> Iterator[str]:
    if "text" not in block and not block.get("fields"):
        yield "neither text nor fields"
    if "text" in block:
        yield from _text(block["text"], 3000)
    fields = block.get("fields", [])
    if len(fields) > 10:  # noqa: PLR2004 - Slack's
        yield f"{len(fields)} fields"
    for field in fields:
        yield from _text(field, 2000)
    if "accessory" in block:
        yield from _element(block["accessory"])


def _header(block: Mapping[str, Any]) -> Iterator[str]:
    yield from _text(block.get("text"), 150, plain=True)


def _context(block: Mapping[str, Any]) -> Iterator[str]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 10:  # noqa: PLR2004 - Slack's
        yield f"{len(elements)} elements"
    for element in elements:
        yield from _text(element, 3000)


def _actions(block: Mapping[str, Any]) -> Iterator[str]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 25:  # noqa: PLR2004 - Slack's
        yield f"{len(elements)} elements"
    ids = Counter(element.get("action_id") for element in elements)
    yield from (f"action_id {name} twice" for name, times in ids.items() if times > 1)
    for part in elements:
        yield from _element(part)


def _element(element: Mapping[str, Any]) -> Iterator[str]:
    kind = element.get("type")
    if kind not in ("button", "static_select", "overflow"):
        yield f"no element is a {kind}"
        return
    for name, most in _BUTTON.items():
        if name != "text" and not units(str(element.get(name, ""))) <= most:
            yield f"{name} of {units(str(element[name]))} characters"
    if kind == "button":
        yield from _text(element.get("text"), _BUTTON["text"], plain=True)
        return
    if kind == "static_select":
        yield from _text(element.get("placeholder"), 150, plain=True)
    options = element.get("options") or []
    if not 1 <= len(options) <= (5 if kind == "overflow" else 100):
        yield f"{len(options)} options"
    for option in options:
        yield from _text(option.get("text"), _OPTION["text"], plain=True)
        if units(str(option.get("value", ""))) > _OPTION["value"]:
            yield "value of an option"


_BLOCKS: dict[str, Callable[[Mapping[str, Any]], Iterator[str]]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "divider": lambda _: iter(()),
}

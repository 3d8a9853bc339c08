"""What a pressed button means (a stand-in)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args

import msgspec

from setpoint.core.names import Content, ResourceKey
from setpoint.core.notices import SNOOZES, Press
from setpoint.errors import MalformedMessage

_PREFIX = "setpoint:"


class Pressed(msgspec.Struct, frozen=True, omit_defaults=True):
    """A button that somebody has pressed.

    Args:
        press: what it asks for.
        name: full resource name; empty for a group.
        content: what of the resource.
        fingerprint: the drift that was shown.
        group: id of the message that shows several findings; empty for one finding.
        seconds: for how long to snooze; 0 for another press.
    """

    press: Press
    name: str = ""
    content: Content = "resource"
    fingerprint: str = ""
    group: str = ""
    seconds: int = 0

    @property
    def key(self) -> ResourceKey:
        """The resource and content of a single finding."""
        return ResourceKey(self.name, self.content)


class _Value(msgspec.Struct, omit_defaults=True):
    n: str = ""
    c: Content = "resource"
    f: str = ""
    g: str = ""


def action_id(press: Press) -> str:
    """The id of a button."""
    return f"{_PREFIX}{press}"


def finding_value(name: str, content: Content, fingerprint: str) -> str:
    """What the buttons of a finding carry."""
    return msgspec.json.encode({"n": name, "c": content, "f": fingerprint}).decode()


def group_value(group: str) -> str:
    """What the buttons of several findings carry."""
    return msgspec.json.encode({"g": group}).decode()


def decode(action: Mapping[str, Any], blocks: Sequence[Any] = ()) -> Pressed:
    """Read what was pressed.

    Args:
        action: one of the payload's ``actions``.
        blocks: the payload's ``message.blocks``, for menus.

    Raises:
        MalformedMessage: it is no button of Setpoint's, or it does not tell what it is about.
    """
    press = str(action.get("action_id", "")).removeprefix(_PREFIX)
    if press not in get_args(Press):
        raise MalformedMessage("an action of Slack's that is no button of Setpoint's")
    option = (action.get("selected_option") or {}).get("value", "")
    if press == "snooze" and option not in SNOOZES:
        raise MalformedMessage(f"a time to snooze that is none of {', '.join(SNOOZES)}")
    beside = [
        one["value"]
        for block in blocks
        if block.get("block_id") == action.get("block_id")
        for one in block.get("elements", ())
        if "value" in one
    ]
    try:
        about = msgspec.json.decode(action.get("value", next(iter(beside), "")), type=_Value)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise MalformedMessage(f"a button whose value tells nothing: {error}") from None
    if bool(about.n) == bool(about.g):
        raise MalformedMessage("a button whose value tells neither of a finding nor of several")
    seconds = SNOOZES.get(option, 0) if press == "snooze" else 0
    return Pressed(cast("Press", press), about.n, about.c, about.f, about.g, seconds)

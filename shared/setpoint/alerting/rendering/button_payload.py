"""The payload of a button: what is put into it, and what is read out of Slack's request.

Every button of a message carries what it is about. An option of a menu has room for 150 characters only, so a menu is
read together with the buttons beside it, which Slack sends along in ``message.blocks``.
Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast, get_args

import msgspec

from setpoint.alerting.rendering.phrases import is_dry_run
from setpoint.alerting.rendering.safe_text import units
from setpoint.errors import MalformedMessage
from setpoint.model.notice_view import SNOOZES, ButtonAction, FindingView
from setpoint.model.policy import MANUAL_MODES
from setpoint.model.remediation_attempt import IN_PROGRESS
from setpoint.model.resource_key import CONTENTS, Content, ResourceKey

MOST_VALUE = 2_000
"""Characters of a button's value. Source: https://docs.slack.dev/reference/block-kit/block-elements/button-element"""

_PREFIX = "setpoint:"


class ClickedButton(msgspec.Struct, frozen=True, omit_defaults=True):
    """A button that somebody has clicked.

    Args:
        action: what it asks for.
        name: full resource name; empty for a group.
        content: what of the resource.
        fingerprint: the drift that was shown.
        group: id of the message that shows several findings; empty for one finding.
        seconds: for how long to snooze; 0 for another button.
    """

    action: ButtonAction
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


_decode = msgspec.json.Decoder(_Value).decode


def offered_actions(shown: FindingView) -> tuple[ButtonAction, ...]:
    """The buttons of a finding in its current state; none once it is resolved.

    What was deleted is never made anew by itself, nor what is unmanaged deleted, and a dry run writes nothing, whoever
    asks for it: there is no button for that.
    """
    data, remedy = shown.data, shown.data.remediation
    if data.status == "resolved":
        return ()
    if data.status != "open":
        return ("why",)
    if remedy is not None and remedy.step == "asked":
        return ("approve", "snooze", "accept", "why")
    is_under_way = remedy is not None and remedy.step in IN_PROGRESS
    if data.kind != "modified" or data.mode in MANUAL_MODES or is_under_way or is_dry_run(remedy):
        return ("snooze", "accept", "why")
    return ("fix", "snooze", "accept", "why")


def action_id(action: ButtonAction) -> str:
    """The id of a button."""
    return f"{_PREFIX}{action}"


def finding_value(name: str, content: Content, fingerprint: str) -> str:
    """What the buttons of a finding carry; empty where it is more than a button holds."""
    return _value({"n": name, "c": content, "f": fingerprint})


def group_value(group: str) -> str:
    """What the buttons of several findings carry; empty where it is more than a button holds."""
    return _value({"g": group})


def _value(fields: dict[str, str]) -> str:
    """Compact JSON in which nothing is left for anybody to escape on its way through Slack and back."""
    text = msgspec.json.encode(fields).decode("utf-8", "replace")
    for character in "&<>":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text if units(text) <= MOST_VALUE else ""


def decode(action: Mapping[str, Any], blocks: Sequence[Any] = ()) -> ClickedButton:
    """Read which button was clicked.

    Args:
        action: one of the payload's ``actions``.
        blocks: the payload's ``message.blocks``, for menus.

    Raises:
        MalformedMessage: it is no button of Setpoint's, or it does not tell what it is about.
    """
    name = action.get("action_id")
    press = name.removeprefix(_PREFIX) if isinstance(name, str) and name.startswith(_PREFIX) else ""
    if press not in get_args(ButtonAction):
        raise MalformedMessage("an action of Slack that is no button of Setpoint")
    asked = cast("ButtonAction", press)
    seconds = _seconds(action) if asked == "snooze" else 0
    value = action.get("value")
    if not isinstance(value, str):
        value = next(_beside(action, blocks), "")
    try:
        about = _decode(value)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise MalformedMessage(f"a button whose value cannot be read: {error}") from None
    if bool(about.n) == bool(about.g) or about.c not in CONTENTS:
        raise MalformedMessage("a button whose value names neither a finding nor a group")
    return ClickedButton(asked, about.n, about.c, about.f, about.g, seconds)


def _seconds(action: Mapping[str, Any]) -> int:
    option = action.get("selected_option")
    chosen = option.get("value") if isinstance(option, Mapping) else None
    if not isinstance(chosen, str) or chosen not in SNOOZES:
        raise MalformedMessage(f"a time to exempt that is none of {', '.join(SNOOZES)}")
    return SNOOZES[chosen]


def _beside(action: Mapping[str, Any], blocks: Sequence[Any]) -> Iterator[str]:
    """The values of the buttons in the same block."""
    for block in blocks:
        if isinstance(block, Mapping) and block.get("block_id") == action.get("block_id"):
            for element in block.get("elements") or ():
                if isinstance(element, Mapping) and isinstance(element.get("value"), str):
                    yield element["value"]

"""The payload of a button: encode it into a message, decode it from Slack's request.

Every button of a message carries the finding or group it acts on. An option of a menu is limited to 150 characters, so
a menu is read together with the buttons beside it, which Slack sends in ``message.blocks``.
Source: https://docs.slack.dev/reference/interaction-payloads/block_actions-payload
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast, get_args

import msgspec

from setpoint.alerting.rendering.phrases import is_dry_run
from setpoint.alerting.rendering.safe_text import units
from setpoint.errors import MalformedMessage
from setpoint.model.decode_errors import reason_of
from setpoint.model.notice_view import SNOOZES, ButtonAction, FindingView
from setpoint.model.policy import MANUAL_MODES
from setpoint.model.remediation_attempt import IN_PROGRESS
from setpoint.model.resource_key import CONTENTS, Content, ResourceKey

MAX_VALUE = 2_000
"""Maximum characters of a value: https://docs.slack.dev/reference/block-kit/block-elements/button-element"""

_PREFIX = "setpoint:"


class ClickedButton(msgspec.Struct, frozen=True, omit_defaults=True):
    """A button that a user clicked.

    Args:
        action: the requested action.
        name: full resource name; empty for a group.
        content: the content of the resource.
        fingerprint: the drift that was shown.
        group: id of the message about several findings; empty for a single finding.
        seconds: length of a snooze; 0 for other buttons.
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
    """The buttons of a finding in its current state; none for a resolved finding.

    A remediation never recreates a deleted resource nor deletes an unmanaged one, and a dry run writes nothing: such
    findings have no button for approval.
    """
    data, attempt = shown.data, shown.data.remediation
    if data.status == "resolved":
        return ()
    if data.status != "open":
        return ("why",)
    if attempt is not None and attempt.step == "asked":
        return ("approve", "snooze", "accept", "why")
    is_under_way = attempt is not None and attempt.step in IN_PROGRESS
    if data.kind != "modified" or data.mode in MANUAL_MODES or is_under_way or is_dry_run(attempt):
        return ("snooze", "accept", "why")
    return ("fix", "snooze", "accept", "why")


def action_id(action: ButtonAction) -> str:
    """The id of a button."""
    return f"{_PREFIX}{action}"


def finding_value(name: str, content: Content, fingerprint: str) -> str:
    """The value of a finding's buttons; empty if it is longer than a button allows."""
    return _value({"n": name, "c": content, "f": fingerprint})


def group_value(group: str) -> str:
    """The value of a group's buttons; empty if it is longer than a button allows."""
    return _value({"g": group})


def _value(fields: dict[str, str]) -> str:
    """Compact JSON without characters that Slack escapes."""
    text = msgspec.json.encode(fields).decode("utf-8", "replace")
    for character in "&<>":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text if units(text) <= MAX_VALUE else ""


def decode(action: Mapping[str, Any], blocks: Sequence[Any] = ()) -> ClickedButton:
    """Decode a clicked button.

    Args:
        action: one of the payload's ``actions``.
        blocks: the payload's ``message.blocks``, for menus.

    Raises:
        MalformedMessage: the button is not from Setpoint, or carries no finding.
    """
    name = action.get("action_id")
    button = name.removeprefix(_PREFIX) if isinstance(name, str) and name.startswith(_PREFIX) else ""
    if button not in get_args(ButtonAction):
        raise MalformedMessage("an action of Slack that is not a button of Setpoint")
    asked = cast("ButtonAction", button)
    seconds = _seconds(action) if asked == "snooze" else 0
    value = action.get("value")
    if not isinstance(value, str):
        value = next(_beside(action, blocks), "")
    try:
        about = _decode(value)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise MalformedMessage(f"a button whose value cannot be read: {reason_of(error)}") from None
    if bool(about.n) == bool(about.g) or about.c not in CONTENTS:
        raise MalformedMessage("a button whose value names neither a finding nor a group")
    return ClickedButton(asked, about.n, about.c, about.f, about.g, seconds)


def _seconds(action: Mapping[str, Any]) -> int:
    option = action.get("selected_option")
    chosen = option.get("value") if isinstance(option, Mapping) else None
    if not isinstance(chosen, str) or chosen not in SNOOZES:
        raise MalformedMessage(f"a time to exempt that is not one of {', '.join(SNOOZES)}")
    return SNOOZES[chosen]


def _beside(action: Mapping[str, Any], blocks: Sequence[Any]) -> Iterator[str]:
    """The values of the buttons in the same block."""
    for block in blocks:
        if isinstance(block, Mapping) and block.get("block_id") == action.get("block_id"):
            for element in block.get("elements") or ():
                if isinstance(element, Mapping) and isinstance(element.get("value"), str):
                    yield element["value"]

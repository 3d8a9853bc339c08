"""Buckets of Terraform states, from the installation's settings."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from setpoint.errors import BadRequest
from setpoint.model.decode_errors import reason_of


class StateBucket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bucket of Terraform states.

    Args:
        prefix: name prefix of the objects that are states of this installation.
        grace: the grace period in seconds for drift from these states; None for the default.
    """

    prefix: str = ""
    grace: float | None = None


def state_buckets(text: str) -> Mapping[str, StateBucket]:
    """Read the setting ``SETPOINT_STATE_BUCKETS``: JSON with the buckets by name; empty for none.

    Raises:
        BadRequest: the setting is malformed.
    """
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, StateBucket])
    except msgspec.MsgspecError as error:
        raise BadRequest(f'SETPOINT_STATE_BUCKETS is JSON like {{"BUCKET": {{}}}}: {reason_of(error)}') from None

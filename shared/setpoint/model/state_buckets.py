"""Buckets of Terraform states, as an installation names them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from setpoint.errors import BadRequest


class StateBucket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bucket of Terraform states.

    Args:
        prefix: only objects whose names begin so are states of this installation.
        grace: seconds that a drift of what the states declare has to last before it is a finding; None leaves it.
    """

    prefix: str = ""
    grace: float | None = None


def state_buckets(text: str) -> Mapping[str, StateBucket]:
    """Read the setting ``SETPOINT_STATE_BUCKETS``: JSON, the buckets by their names; empty for none.

    Raises:
        BadRequest: it is not of that form.
    """
    try:
        return msgspec.json.decode(text or "{}", type=dict[str, StateBucket])
    except msgspec.MsgspecError as error:
        raise BadRequest(f'SETPOINT_STATE_BUCKETS is JSON like {{"BUCKET": {{}}}}: {error}') from None

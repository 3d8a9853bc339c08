"""The maximum size of a Terraform state."""

from __future__ import annotations

from setpoint.errors import StateTooLarge

LARGEST_STATE = 200_000_000
"""The default maximum size of a state in bytes; it is held in memory."""


def too_large(url: str, largest: int) -> StateTooLarge:
    """The error of a state that is larger than is read, with the setting."""
    return StateTooLarge(
        f"{url}: more than {largest:,} bytes are too many for a state; split the root module, or set "
        "SETPOINT_LARGEST_STATE to more bytes where there is memory for them"
    )

"""What msgspec raises for bytes that are not what they are to be."""

from __future__ import annotations

import msgspec

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""Another form or no JSON; text that is not UTF-8; JSON that is nested too deeply."""

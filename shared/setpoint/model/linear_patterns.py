"""Patterns that people write, matched in time linear in the text, whatever the pattern is.

Python's own regular expressions may take exponential time; RE2 never does (https://github.com/google/re2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from setpoint.errors import BadDeclaration

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 2_000
"""Letters of a pattern."""


@lru_cache(maxsize=4096)
def compiled(expression: str) -> Any:
    """A regular expression as RE2 compiles it.

    Raises:
        BadDeclaration: it is too long, or no expression that RE2 takes.
    """
    import re2  # noqa: PLC0415 - most installations have no pattern, and no function should load it for nothing

    if len(expression) > LONGEST:
        raise BadDeclaration(f"a pattern has {len(expression):,} letters, at most {LONGEST:,} are taken")
    try:
        return re2.compile(expression, _options(re2.Options))
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise BadDeclaration(f"`{expression[:80]}` is no pattern: {reason}") from None


def _options(make: Callable[[], Any]) -> Any:
    """RE2's options; what it has to say of a pattern is said by the error."""
    options = make()
    options.log_errors = False
    return options

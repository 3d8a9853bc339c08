"""User-defined patterns, matched in linear time for every pattern.

Python's regular expressions may take exponential time; RE2 never does (https://github.com/google/re2).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from setpoint.errors import BadDeclaration

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 2_000
"""Maximum length of a pattern in characters."""


@lru_cache(maxsize=4096)
def compiled(expression: str) -> Any:
    """Compile a regular expression with RE2.

    Raises:
        BadDeclaration: the pattern is too long, or RE2 does not accept it.
    """
    import re2  # noqa: PLC0415 - loaded on use, since most installations have no pattern

    if len(expression) > LONGEST:
        raise BadDeclaration(f"a pattern has {len(expression):,} letters, at most {LONGEST:,} are taken")
    try:
        return re2.compile(expression, _options(re2.Options))
    except re2.error as error:
        reason = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise BadDeclaration(f"`{expression[:80]}` is not a pattern: {reason}") from None


def _options(make: Callable[[], Any]) -> Any:
    """RE2's options; the raised error reports invalid patterns, so that RE2 logs nothing."""
    options = make()
    options.log_errors = False
    return options

"""Convert field names between camelCase and snake_case."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def camel(key: str) -> str:
    """``snake_case`` to the camelCase of Google's JSON."""
    if "_" not in key.strip("_"):
        return key
    head, *rest = key.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


@lru_cache(maxsize=4096)
def snake(key: str) -> str:
    """``camelCase`` to the snake_case of protocol buffers."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda upper: "_" + upper.group(1).lower(), key)

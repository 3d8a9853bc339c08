"""How a project is named: by its id, also one with a domain before it, or by its number."""

from __future__ import annotations

import re

_NAME = re.compile(r"(?:[a-z0-9.-]+:)?[a-z0-9-]+\Z")


def is_project(text: str) -> bool:
    """Whether a text has the form of an id or a number of a project."""
    return _NAME.match(text) is not None


def hint(text: str) -> str:
    """What is meant by a text that names no project: ``did you mean fleet-prod?``."""
    meant = text.rpartition("/")[2].strip().lower().replace("_", "-").replace(" ", "-")
    return f"did you mean {meant}?" if is_project(meant) else "use the form fleet-prod-123"

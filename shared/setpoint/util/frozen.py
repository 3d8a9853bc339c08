"""Fields of frozen data classes that follow from others."""

from __future__ import annotations


def take_over(owner: object, source: object, *names: str) -> None:
    """Give a frozen object the attributes of another one, in ``__post_init__``."""
    for name in names:
        object.__setattr__(owner, name, getattr(source, name))

"""Owners as they are declared: a token or key that stands in place of a name is hidden, since owners are shown."""

from __future__ import annotations

from setpoint.model.declaration import Owner
from setpoint.util.secret_formats import scrub


def owner_of(team: str = "", slack: str = "", email: str = "") -> Owner:
    """The owner with these names, which reach events, messages, the page and the warehouse as they are.

    Args:
        team: the team's name.
        slack: its channel.
        email: its address.
    """
    return Owner(scrub(team), scrub(slack), scrub(email))

"""The APIs that serve the resources, with the credentials of the environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from setpoint.catalog.schemas import default_catalogue

if TYPE_CHECKING:
    from setpoint.detection.pipeline import Context
    from setpoint.remediation.deep_reads import DeepReads
    from setpoint.remediation.live_resources import LiveResources


def deep_reader(context: Context, google_apis: str = "") -> Callable[[], DeepReads | None]:
    """A function that reads resources through their own APIs, as the policy asks for.

    Args:
        context: the context of detection.
        google_apis: what is there in place of Google's APIs; for tests.

    Returns:
        A function that reads what is due, within the budget of a minute; it gives None where nothing is asked for.
        It raises ``BadRequest`` where something is, and there are no credentials.
    """
    from setpoint.remediation import deep_reads

    budget = deep_reads.ReadBudget()
    opened: list[LiveResources] = []

    def read_due() -> DeepReads | None:
        if not deep_reads.is_asked_for(context.store):
            return None
        if not opened:
            opened.append(live_resources(google_apis))
        return deep_reads.read_due(context, opened[0], budget)

    return read_due


def live_resources(google_apis: str) -> LiveResources:
    """Open the APIs that serve the resources.

    Raises:
        BadRequest: there are no credentials.
    """
    from setpoint.adapters.google.rest import open_apis
    from setpoint.remediation.live_resources import LiveResources

    return LiveResources(open_apis(google_apis), default_catalogue())

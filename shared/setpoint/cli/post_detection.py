"""Steps after a feed or a sweep: deep reads that the policy asks for, and ambiguous names."""

from __future__ import annotations

import os
from collections.abc import Callable

from setpoint.bootstrap.live_apis import deep_reader
from setpoint.bootstrap.settings import from_environment
from setpoint.cli.output import print_status, print_warning
from setpoint.detection.pipeline import Context
from setpoint.detection.project_ids import ProjectIdResolver
from setpoint.errors import BadRequest
from setpoint.model.display_names import short_name
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.stores import StateStore
from setpoint.util.counts import counted


def print_ambiguous(projects: ProjectIdResolver, store: StateStore) -> None:
    """Warn of declared names that several resources have; nothing is judged by such a name."""
    names = projects.names
    for name, holders in names.ambiguous.items() if names is not None else ():
        if store.read(ResourceKey(name)).desired is not None:
            others = ", ".join(map(short_name, holders))
            print_warning(f"{short_name(name)} may be one of {others}; declare the right one by its id", "ambiguous")


def deep_reads(context: Context) -> Callable[[], None]:
    """A function that reads what is due within the budget of a minute, and says what came of it.

    Without credentials it says so, and reads nothing: fields that the inventory lacks stay unchecked.

    Args:
        context: the context of detection.
    """
    read_due = deep_reader(context, from_environment(os.environ).google_apis)

    def read() -> None:
        try:
            result = read_due()
        except BadRequest as error:
            print_warning(f"the policy has resources read through their own API: {error}", "unchecked")
            return
        if result is None:
            return
        for problem in result.problems:
            print_warning(problem, "unchecked")
        if result.read:
            print_status(f"{counted(result.read, 'resource')} read through their own API")
        if result.left:
            print_status(f"{result.left:,} more are due: the budget of this minute is used up")

    return read

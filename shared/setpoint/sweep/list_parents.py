"""List the resources that controllers make others for, before the shards of a sweep judge what those others claim."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from msgspec.structs import replace

from setpoint.detection import parent_types
from setpoint.detection.parent_types import parent_of
from setpoint.errors import BadRequest, ScopeDenied
from setpoint.model.observation import Observation
from setpoint.model.sources import rules_of
from setpoint.model.sweep_records import Shard, ShardPart, Status, SweepStart
from setpoint.ports.services import Inventory
from setpoint.ports.stores import Store


def list_parents(
    request: SweepStart, run: str, store: Store, inventory: Inventory, clock: Callable[[], datetime]
) -> str:
    """List the parents in all scopes of a sweep, and store them.

    A scope that denies access shows no parents, and no claim of its resources is refuted.

    Args:
        request: the sweep.
        run: the name of its run.
        store: the rules of the fleet, and the records of the listing.
        inventory: lists assets.
        clock: gives the current time.

    Returns:
        The name of the run that holds them; empty where no claim will be judged.

    Raises:
        TransientError: the inventory or the store does not answer; begin again.
    """
    is_judged = any(not scope.strict for scope in rules_of(store.control().value).scopes)
    if "resource" not in request.contents or not is_judged:
        return ""
    name = f"{run}-parents"
    store.sweeps.drop_run(name)  # what an earlier start left
    types = tuple(asset_type for asset_type in parent_types.TYPES if inventory.lists(asset_type))
    for number, scope in enumerate(request.scopes):
        shard = Shard(name, number, scope, "resource", clock(), types)
        version = store.sweeps.write_shard(shard, None).version
        for done, part in _listed(shard, inventory, clock):
            version = store.sweeps.write_shard(done, version, part).version
    return name


def _listed(
    shard: Shard, inventory: Inventory, clock: Callable[[], datetime]
) -> Iterator[tuple[Shard, ShardPart | None]]:
    """The record of a shard after each page, with the parents of the page."""
    if not shard.types:
        return
    try:
        for page in inventory.pages(shard.scope, shard.content, shard.types):
            read_at = min(shard.read_at, page.read_at) if shard.read_at else page.read_at
            shard = replace(
                shard,
                updated_at=clock(),
                status="open" if page.next_token else "done",
                read_at=read_at,
                listed=shard.listed + len(page.observations),
                parts=shard.parts + 1,
            )
            yield shard, _part(page.observations)
    except BadRequest as error:
        status: Status = "denied" if isinstance(error, ScopeDenied) else "failed"
        yield replace(shard, status=status, reason=str(error), updated_at=clock()), None


def _part(observed: Sequence[Observation]) -> ShardPart:
    return ShardPart(parents=tuple(filter(None, map(parent_of, observed))))

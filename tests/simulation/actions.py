"""All that may happen, as a table: what it is called, how often it happens, and what it does.

An action takes the model and a source of choices, and does nothing where there is nothing to do.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from setpoint.detection import pipeline
from setpoint.model.declaration import Declaration, Desired, IgnoreRule, Scope, Source, desired
from setpoint.model.resource_key import Content, ResourceKey
from simulation.fleet import ASSETS, ORG, PROJECTS, TYPES, WANTED, Asset, Wanted
from simulation.model import CONTENTS, MAX_LAG, Listing, Model
from simulation.ports import Trouble, crash, no_answer
from simulation.sources import NAMES, POLICIES
from simulation.world import Message, states

_LONGEST_PAUSE = 600.0
_IGNORED = ("storage.googleapis.com/shop-", r"(?:.+/)?orders(?:/|$)", "compute.googleapis.com/Firewall")


def change(model: Model, rng: random.Random) -> None:
    """A resource or a policy becomes something else, now or at the very moment of the last change."""
    asset = rng.choice(ASSETS)
    if rng.random() < 0.9:
        model.world.tick(rng.choice((0.000001, 1, 30, 200)))
    content = rng.choice(asset.contents)
    if content == "resource" or not model.world.exists(asset):
        _send(model, asset, "resource", rng.choice(states(asset, "resource")))
    else:
        keeps_one = asset.lasting and content == "iam_policy"
        _send(
            model, asset, content, rng.choice(states(asset, content) if keeps_one else (None, *states(asset, content)))
        )


def change_and_revert(model: Model, rng: random.Random) -> None:
    """A change that is undone, before anybody has heard of it."""
    asset = rng.choice([candidate for candidate in ASSETS if model.world.exists(candidate)])
    content = rng.choice(asset.contents)
    before = model.world.latest(ResourceKey(asset.name, content)).data
    model.world.tick(1)
    _send(model, asset, content, rng.choice(states(asset, content)))
    model.world.tick(rng.choice((0, 2)))
    _send(model, asset, content, before)


def delete(model: Model, rng: random.Random) -> None:
    """A resource goes, and its policies with it."""
    there = [asset for asset in ASSETS if model.world.exists(asset) and not asset.lasting]
    if not there:
        return
    asset = rng.choice(there)
    model.world.tick(rng.choice((0, 1, 60)))
    for content in asset.contents:
        if model.world.latest(ResourceKey(asset.name, content)).data is not None:
            _send(model, asset, content, None, with_asset=rng.random() < 0.5)


def _send(model: Model, asset: Asset, content: Content, data: object, *, with_asset: bool = True) -> None:
    model.counts["changes"] += 1
    model.under_way.append(model.world.change(asset, content, data, with_asset=with_asset))


def deliver(model: Model, rng: random.Random) -> None:
    """Any message under way arrives, or arrives and stays under way since nobody heard that it was handled."""
    if model.under_way:
        model.deliver(rng.choice(model.under_way), rng)


def deliver_in_trouble(model: Model, rng: random.Random) -> None:
    if model.under_way:
        model.deliver(rng.choice(model.under_way), rng, _trouble(model, rng, 8))


def repeat(model: Model, rng: random.Random) -> None:
    """A message that was handled comes again."""
    if model.delivered:
        model.counts["repeated"] += 1
        model.deliver(rng.choice(model.delivered), rng)


def lose(model: Model, rng: random.Random) -> None:
    if model.under_way:
        model.counts["messages lost"] += 1
        model.under_way.remove(rng.choice(model.under_way))


def nonsense(model: Model, rng: random.Random) -> None:
    """A message that nobody can read goes to the dead letters, and nothing else happens."""
    body = rng.choice((b"{", b"{}", b'{"asset": {"name": "x"}}', b"You have successfully configured real time feed"))
    model.deliver(Message(ResourceKey("//nobody/x"), model.world.now, body), rng)


def pause(model: Model, rng: random.Random) -> None:
    """Time passes."""
    model.world.tick(rng.uniform(0, _LONGEST_PAUSE))


def look_at_the_clock(model: Model, rng: random.Random) -> None:
    """What has lasted long enough becomes a finding."""
    model.run(pipeline.promote_settled, rng)


def look_at_the_clock_in_trouble(model: Model, rng: random.Random) -> None:
    model.run(pipeline.promote_settled, rng, _trouble(model, rng, 10))


def bus_down(model: Model, rng: random.Random) -> None:
    """The bus takes only a part of what it is given, for some time."""
    model.bus.down = rng.randint(1, 3)


def apply(model: Model, rng: random.Random) -> None:
    """Somebody edits the files of a source, and applies them."""
    _edit_and_sync(model, rng, rng.choice(NAMES), None)


def apply_in_trouble(model: Model, rng: random.Random) -> None:
    name = rng.choice(NAMES)
    _edit_and_sync(model, rng, name, _trouble(model, rng, 40, syncing=name))


def _edit_and_sync(model: Model, rng: random.Random, name: str, trouble: Trouble | None) -> None:
    files = model.files[name]
    for _ in range(rng.randint(0, 4)):
        asset = rng.choice(ASSETS)
        content = rng.choice(asset.contents)
        key = asset.declared_key(content)
        if key in files.desired and rng.random() < 0.35:
            del files.desired[key]
        else:
            files.desired[key] = _declared(asset, content, rng)
    if rng.random() < 0.3:
        files.scopes = _scopes(rng)
    if name == NAMES[0] and rng.random() < 0.2:
        files.policy = rng.choice((None, *POLICIES))
    model.sync(name, rng, trouble, prune=rng.random() < 0.8, bad=rng.random() < 0.05)


def _declared(asset: Asset, content: Content, rng: random.Random) -> Desired:
    wanted = WANTED[asset.asset_type if content == "resource" else content]
    chosen = [rng.choice(wanted)]
    members = [other for other in wanted if other.authority == "member"]
    if chosen[0].authority == "member" and rng.random() < 0.5:
        chosen = members
    return desired(tuple(_declaration(asset, content, declared, line) for line, declared in enumerate(chosen, 1)))


def _declaration(asset: Asset, content: Content, wanted: Wanted, line: int) -> Declaration:
    return Declaration(
        asset.declared_key(content),
        asset.asset_type,
        wanted.data,
        project=asset.project,
        authority=wanted.authority,
        ignore=wanted.ignore,
        exact=wanted.exact,
        settle=wanted.settle,
        source=Source("fleet.yaml", line),
    )


def _scopes(rng: random.Random) -> tuple[Scope, ...]:
    scopes = []
    for name in rng.sample(("shop", "lab"), rng.randint(0, 2)):
        projects = rng.sample((*PROJECTS, *PROJECTS.values()), rng.randint(1, 3))
        types = rng.sample(TYPES, rng.randint(1, 4))
        ignores = tuple(IgnoreRule(pattern) for pattern in rng.sample(_IGNORED, rng.randint(0, 2)))
        settle = rng.choice((None, None, 60.0))
        scopes.append(Scope(name, tuple(projects), tuple(types), ignores=ignores, settle=settle))
    return tuple(scopes)


def sweep(model: Model, rng: random.Random) -> None:
    """A sweep of all, over a listing that is up to date or lags."""
    model.sweep(Listing(lag=_lag(rng)), rng)


def sweep_a_part(model: Model, rng: random.Random) -> None:
    """A sweep of some scopes, contents and types; some scopes may be denied."""
    scopes = rng.sample((*(f"projects/{project}" for project in PROJECTS), ORG), rng.randint(1, 3))
    types = rng.sample(TYPES, rng.randint(0, len(TYPES)))
    denied = tuple(rng.sample(scopes, rng.randint(0, 1)))
    model.sweep(Listing(scopes, rng.sample(CONTENTS, rng.randint(1, 3)), types, _lag(rng), denied), rng)


def sweep_in_trouble(model: Model, rng: random.Random) -> None:
    """A sweep that dies, or whose listing breaks off."""
    listing = Listing(lag=_lag(rng))
    if rng.random() < 0.3:
        model.sweep(replace(listing, breaks_after=rng.randrange(8)), rng)
    else:
        model.sweep(listing, rng, _trouble(model, rng, 120))


def _lag(rng: random.Random) -> timedelta:
    return rng.choice((timedelta(0), timedelta(0), rng.random() * MAX_LAG))


def settle(model: Model, rng: random.Random) -> None:
    """What is under way arrives or is lost, and one sweep makes all right."""
    for message in rng.sample(model.under_way, len(model.under_way)):
        if rng.random() < 0.5:
            model.deliver(message, rng)
    model.counts["messages lost"] += len(model.under_way)
    model.under_way.clear()
    model.settle()


def _trouble(model: Model, rng: random.Random, steps: int, syncing: str = "") -> Trouble:
    """A crash, a call without answer, or something else that happens meanwhile, at any of so many calls.

    Of two sources that begin to declare the same at once both are compared, which is documented and not modelled: no
    other source is applied meanwhile.
    """

    def meanwhile() -> None:
        model.counts["races"] += 1
        action = rng.choice((change, deliver, repeat, sweep, apply))
        if action is not apply:
            action(model, rng)
        elif syncing:
            _edit_and_sync(model, rng, syncing, None)

    do = rng.choice((crash, crash, no_answer, meanwhile))
    return Trouble(rng.randint(1, steps), rng.choice(("before", "after")), do)


class Action(NamedTuple):
    """Something that may happen.

    Args:
        name: what it is called in what a failure prints.
        weight: how often it happens, beside the others.
        do: what it does.
    """

    name: str
    weight: float
    do: Callable[[Model, random.Random], None]


ACTIONS: tuple[Action, ...] = tuple(
    Action(do.__name__, weight, do)
    for do, weight in (
        (change, 24),
        (change_and_revert, 3),
        (delete, 4),
        (deliver, 24),
        (deliver_in_trouble, 8),
        (repeat, 5),
        (lose, 6),
        (nonsense, 1),
        (pause, 4),
        (look_at_the_clock, 3),
        (look_at_the_clock_in_trouble, 1),
        (bus_down, 1),
        (apply, 7),
        (apply_in_trouble, 3),
        (sweep, 1),
        (sweep_a_part, 1),
        (sweep_in_trouble, 1),
        (settle, 1),
    )
)

"""Scopes of grants against a model: of random histories no undeclared grant is lost, and none is made up.

The model is three sets: what is granted, what is declared, and what Google grants by itself.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import pytest

from comparison.test_foreign_identities import documented
from detection.test_unmanaged_grants import BUCKET
from detection.test_unmanaged_grants import judged as judge_in_scope
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection.pipeline import Context, handle_observation
from setpoint.model.declaration import Declaration, Scope, Selection, Source, desired
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey

START = datetime(2026, 3, 1, tzinfo=UTC)
ROLES = ("roles/storage.objectViewer", "roles/storage.admin", "roles/owner")
MEMBERS = (
    *("user:alice@example.com", "user:bob@example.com", "group:all@example.com", "allUsers"),
    *("serviceAccount:ci@prod.iam.gserviceaccount.com", "domain:example.com"),
)
TITLES = ("", "until", "Created by: PAM")
GOOGLE = (
    ("roles/storage.legacyBucketOwner", "projectOwner:prod", ""),
    ("roles/storage.legacyBucketReader", "projectViewer:prod", ""),
    ("roles/editor", "serviceAccount:11@cloudservices.gserviceaccount.com", ""),
)
SIMILAR = ("roles/editor", "serviceAccount:12@cloudservices.gserviceaccount.com", "")
"""A grant to the agent of another project, which is not Google's own here."""
Grant = tuple[str, str, str]
Authority = Literal["member", "role", "policy"]


class Place(NamedTuple):
    """A bucket, and whether the scope has it."""

    name: str
    ancestors: tuple[str, ...]
    is_inside: bool


PLACES = (
    Place("a", ("projects/11", "folders/7", "organizations/9"), is_inside=True),
    Place("b", ("projects/11", "folders/7", "organizations/9"), is_inside=True),
    Place("excepted", ("projects/13", "folders/7", "organizations/9"), is_inside=False),
    Place("outside", ("projects/12", "folders/8", "organizations/9"), is_inside=False),
)


def binding(grant: Grant) -> dict[str, Any]:
    role, member, title = grant
    condition = {"condition": {"title": title, "expression": "request.time < x"}} if title else {}
    return {"role": role, "members": [member], **condition}


class World:
    """The installation, and the model of it."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.now = START
        self.context = Context(
            MemoryStore(), MemoryBus(), MemoryDeadLetters(), default_catalogue(), clock=lambda: self.now
        )
        self.context.store.write_project_ids({"11": "prod", "12": "other", "13": "sandbox"})
        self.live: dict[str, set[Grant]] = {place.name: set() for place in PLACES}
        self.declared: dict[str, list[tuple[Authority, frozenset[Grant]]]] = {place.name: [] for place in PLACES}
        self.messages: list[Observation] = []
        self.has_scope, self.is_strict = True, False
        self.apply()

    def key(self, name: str) -> ResourceKey:
        return ResourceKey(f"//storage.googleapis.com/{name}", "iam_policy")

    def apply(self) -> None:
        wanted = []
        for name, parts in self.declared.items():
            declarations = tuple(
                Declaration(
                    self.key(name),
                    BUCKET,
                    {"bindings": [binding(grant) for grant in sorted(grants)]},
                    authority=authority,
                    source=Source(f"{name}-{number}.yaml", 1),
                )
                for number, (authority, grants) in enumerate(parts)
            )
            if declarations:
                wanted.append(desired(declarations))
        scope = Scope(
            "grants",
            (),
            ("storage.googleapis.com/*",),
            ancestors=("folders/7",),
            exceptions=(Selection(projects=("13",)),),
            contents=("iam_policy",),
            strict=self.is_strict,
            source=Source("scope.yaml", 1),
        )
        loaded = LoadResult(wanted, scopes=(scope,) if self.has_scope else ())
        apply.sync(loaded, ApplyRequest("git", prune=True, max_removals=1.0), self.context, self.now)

    def observe(self, place: Place) -> None:
        bindings = [binding(grant) for grant in self.live[place.name]]
        self.rng.shuffle(bindings)
        seen = Observation(
            self.key(place.name), BUCKET, self.now, data={"bindings": bindings}, ancestors=place.ancestors
        )
        self.messages.append(seen)
        handle_observation(seen, self.context)

    def step(self) -> None:
        self.now += timedelta(minutes=1)
        place = self.rng.choice(PLACES)
        grants = self.live[place.name]
        what = self.rng.choice(("give", "give", "revoke", "google", "similar", "declare", "declare", "scope", "repeat"))
        if what == "give":
            grants.add(self.any_grant())
        elif what == "revoke" and grants:
            grants.discard(self.rng.choice(sorted(grants)))
        elif what == "google":
            grants.add(self.rng.choice(GOOGLE))
        elif what == "similar":
            grants.add(SIMILAR)
        elif what == "declare":
            self.declared[place.name] = self.any_declarations(place)
            self.apply()
        elif what == "scope":
            self.has_scope, self.is_strict = self.rng.random() < 0.8, self.rng.random() < 0.2
            self.apply()
            if self.has_scope:  # what is in sync is looked at with its next observation, or with a sweep
                for other in PLACES:
                    self.observe(other)
        elif self.messages:
            handle_observation(self.rng.choice(self.messages), self.context)
        self.observe(place)

    def any_grant(self) -> Grant:
        return self.rng.choice(ROLES), self.rng.choice(MEMBERS), self.rng.choice(TITLES)

    def any_declarations(self, place: Place) -> list[tuple[Authority, frozenset[Grant]]]:
        pool = sorted({*self.live[place.name], self.any_grant(), self.any_grant()} - {*GOOGLE, SIMILAR})
        some = frozenset(grant for grant in pool if self.rng.random() < 0.6)
        how = self.rng.choice(("none", "member", "role", "policy", "both"))
        if how == "none" or not some:
            return []
        if how != "both":
            return [(how, some)]
        others = frozenset(grant for grant in pool if grant not in some)
        return [("role", some), *([("member", others)] if others else [])]

    def expected(self, place: Place) -> tuple[set[Grant], set[Grant]]:
        """The unexpected and the missing grants."""
        have, parts = self.live[place.name], self.declared[place.name]
        google = {"projects/11": {*GOOGLE}, "projects/12": {SIMILAR}}.get(place.ancestors[0], set())
        union = {grant for _, grants in parts for grant in grants}
        unexpected: set[Grant] = set()
        for authority, grants in parts:
            if authority == "policy":
                unexpected |= have - grants - google
            elif authority == "role":
                owned = {(role, title) for role, _, title in grants}
                unexpected |= {grant for grant in have - grants if (grant[0], grant[2]) in owned} - google
        is_whole = any(authority == "policy" for authority, _ in parts)
        if self.has_scope and place.is_inside and not is_whole:
            unexpected |= have - union - (set() if self.is_strict else google)
        return unexpected, union - have

    def reported(self, place: Place) -> tuple[set[Grant], set[Grant]]:
        state = self.context.store.read(self.key(place.name)).state
        finding = state.finding if state is not None else None
        if finding is None or finding.status == "resolved":
            return set(), set()
        shown: tuple[set[Grant], set[Grant]] = (set(), set())
        for difference in finding.differences:
            value = difference.observed if difference.op == "unexpected" else difference.declared
            title = (value.get("condition") or {}).get("title", "")
            shown[difference.op == "missing"].add((value["role"], value["member"], title))
        return shown


@pytest.mark.parametrize("seed", range(40))
def test_of_a_random_history_no_undeclared_grant_is_lost_and_none_is_made_up(seed: int):
    world = World(random.Random(f"grants {seed}"))  # noqa: S311 - a sample, no secret
    seen: set[str] = set()
    for _ in range(60):
        world.step()
        for place in PLACES:
            if place.name in {message.key.name.rpartition("/")[2] for message in world.messages}:
                assert world.reported(place) == world.expected(place), (place.name, world.declared[place.name])
                seen.add(place.name)
    assert seen == {place.name for place in PLACES}


def test_what_google_grants_in_a_new_project_is_no_finding_and_the_same_for_another_project_is():
    grants = documented()
    assert len(grants) > 150

    def policy(number: int) -> dict[str, Any]:
        members = (
            (role, f"serviceAccount:service-{number}@{domain}.iam.gserviceaccount.com") for role, domain in grants
        )
        return {"bindings": [{"role": role, "members": [member]} for role, member in members]}

    assert judge_in_scope(policy(11)).kind is None
    assert judge_in_scope(policy(12)).difference_count == len(grants)

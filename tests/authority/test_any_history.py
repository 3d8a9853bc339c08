"""Random sources, uploaders, approvers and histories: nothing is ever done outside of what ``Sources`` gives."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from authority.installation import BUCKET, FIREWALL, IDS, ORGANIZATION, PLATFORM, Installation, bucket, firewall
from setpoint.adapters.memory.store import MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.errors import BadRequest, SetpointError, Unavailable
from setpoint.model.actors import Actor
from setpoint.model.declaration import Declaration, Owner, Scope, Source, desired
from setpoint.model.exemptions import Exemption
from setpoint.model.policy import Limits, Policy, Rule, Undeclared
from setpoint.model.resource_key import ResourceKey
from setpoint.model.source_grants import SourceGrant, Sources
from setpoint.model.write_plan import WritePlan, Written
from setpoint.remediation import commands
from setpoint.remediation.context import RemediationContext
from setpoint.remediation.engine import remediate
from setpoint.remediation.live_resources import LiveResources
from sizes import histories

EVERYTHING = Scope("all", projects=(), asset_types=("*",), ancestors=(ORGANIZATION,))
FIELD = {BUCKET: "versioning", FIREWALL: "logConfig"}
KEYS = {
    bucket("ledger"): (BUCKET, "12"),
    bucket("toys"): (BUCKET, "13"),
    firewall("prod"): (FIREWALL, "12"),
    firewall("sandbox"): (FIREWALL, "13"),
}
TEAMS = ("one", "two")
PEOPLE = ("ann@example.com", "bob@example.com", "carl@example.com")
PLACES = (
    SourceGrant("", projects=("12",)),
    SourceGrant("", projects=("sandbox",)),
    SourceGrant("", ancestors=("folders/2",)),
    SourceGrant("", ancestors=("folders/3",)),
    SourceGrant("", everywhere=True),
    SourceGrant("", ancestors=(ORGANIZATION,), asset_types=(BUCKET,)),
    SourceGrant("", carries=("scopes",)),
)
POLICY = Policy(
    "platform's",
    (Rule("all", mode="auto"),),
    dry_run=False,
    limits=Limits(rollout=0.0, per_project=99, per_fleet=99, per_source=99, source_share=1.0),
    undeclared=Undeclared("off"),  # this is about what is declared
)


class World:
    """What is true: what each resource is, who changed it, and where its project is. It is the API, too."""

    def __init__(self) -> None:
        self.enabled = dict.fromkeys(KEYS, True)
        self.folders = {"12": "folders/2", "13": "folders/3"}
        self.actor: dict[ResourceKey, str] = {}
        self.is_down = False
        self.journal: list[ResourceKey] = []

    def ancestors(self, number: str, known: tuple[str, ...] = ()) -> tuple[str, ...]:
        del known
        if self.is_down:
            raise Unavailable("503")
        return (f"projects/{number}", self.folders[number], ORGANIZATION)

    def data(self, key: ResourceKey) -> dict[str, Any]:
        asset_type, number = KEYS[key]
        value = {FIELD[asset_type]: {"enabled" if asset_type == BUCKET else "enable": self.enabled[key]}}
        return value | ({"projectNumber": number} if asset_type == BUCKET else {})

    def read(self, call: Any) -> Any:
        if self.is_down:
            raise Unavailable("503")
        tail = call.url.rpartition("/")[2]
        key = next(key for key in KEYS if key.name.endswith(f"/{tail}") and _is_of(key, call.url))
        return self.data(key) | {"name": tail, "etag": "CAE="}

    def write(self, plan: WritePlan) -> Written:
        self.journal.append(plan.key)
        self.enabled[plan.key] = not self.enabled[plan.key]
        return Written()


def _is_of(key: ResourceKey, url: str) -> bool:
    asset_type, number = KEYS[key]
    return asset_type == BUCKET or f"/projects/{IDS[number]}/" in url


class History:
    """An installation to which things happen, with an own idea of what each source may do."""

    def __init__(self, seed: int, store: Any = None) -> None:
        self.random = random.Random(seed)  # noqa: S311 - a test
        self.world = World()
        self.grants: dict[str, SourceGrant] = {}
        self.installation = Installation(store or MemoryStore(), sources=None)
        self.regrant()
        deps = self.installation.deps
        self.context = RemediationContext(deps, LiveResources(self.world, default_catalogue()), places=self.world)
        self.declared: dict[str, dict[ResourceKey, Declaration]] = {name: {} for name in ("platform", *TEAMS)}
        self.paused: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.upload("platform", {bucket("ledger"): self.declaration(bucket("ledger"), "platform")})

    def regrant(self) -> None:
        teams = tuple(replace(self.random.choice(PLACES), name=name) for name in TEAMS if self.random.random() < 0.9)
        self.grants = {grant.name: grant for grant in (PLATFORM, *teams)}
        self.installation.grant(Sources((PLATFORM, *teams), Owner(team="installation")))

    def may(self, name: str, key: ResourceKey) -> bool:
        """Whether a source may declare a resource, by where it truly is."""
        grant, (asset_type, number) = self.grants.get(name), KEYS[key]
        if grant is None or (grant.asset_types and asset_type not in grant.asset_types):
            return False
        there = {f"projects/{number}", self.world.folders[number], ORGANIZATION}
        return grant.everywhere or bool({number, IDS[number]} & {*grant.projects}) or bool(there & {*grant.ancestors})

    def counting(self, key: ResourceKey) -> list[str]:
        """The sources whose declaration of a resource counts: one, none, or several that contradict each other."""
        return [
            name
            for name, declarations in self.declared.items()
            if key in declarations and self.may(name, key) and self.may_name(name, declarations[key].owner.team)
        ]

    def may_name(self, name: str, team: str) -> bool:
        return not team or name in ("platform", team)

    def declaration(self, key: ResourceKey, source: str) -> Declaration:
        asset_type, number = KEYS[key]
        enabled = {"enabled" if asset_type == BUCKET else "enable": self.random.random() < 0.8}
        is_empty = source != "platform" and self.random.random() < 0.2
        return Declaration(
            key,
            asset_type,
            {} if is_empty else {FIELD[asset_type]: enabled},
            project=self.random.choice(("", IDS[number], "sandbox" if source != "platform" else IDS[number])),
            owner=Owner(team=self.random.choice(("", source, "platform"))),
            ignore=("*",) if source != "platform" and self.random.random() < 0.2 else (),
            source=Source(f"{source}.yaml", 1),
        )

    def upload(self, source: str, files: dict[ResourceKey, Declaration]) -> None:
        self.installation.now += timedelta(seconds=1)
        is_platform = source == "platform"
        loaded = LoadResult(
            [desired((files[key],)) for key in sorted(files)],
            (EVERYTHING,) if is_platform else (replace(EVERYTHING, name="mine", mode="off"),),
            policy=POLICY if is_platform else replace(POLICY, name="mine"),
        )
        with suppress(BadRequest):
            applied = apply.sync(
                loaded, ApplyRequest(source, prune=True, max_removals=1.0), self.installation.deps, self.now
            )
            refused = {document.name for document in applied.plan.refused if "ignore" not in document.reason}
            before = self.declared[source]
            self.declared[source] = {
                key: declaration for key, declaration in files.items() if key.name not in refused
            } | {key: before[key] for key in files if key.name in refused and key in before}
            self.counts["refused"] += len(refused)

    @property
    def now(self) -> Any:
        return self.installation.now

    def happen(self) -> None:
        """Something happens; each kind about as often as the others."""
        key = self.random.choice(list(KEYS))
        what = self.random.choice(
            ("upload", "change", "observe", "observe", "remediate", "remediate", "approve", "accept", "pause", "resume",
             "grant", "move", "fail")
        )  # fmt: skip
        self.counts[what] += 1
        writes = len(self.world.journal)
        with suppress(SetpointError):
            getattr(self, f"_{what}")(key)
        self._check_writes(self.world.journal[writes:])

    def _upload(self, key: ResourceKey) -> None:
        del key
        source = self.random.choice(("platform", *TEAMS, *TEAMS))
        keys = self.random.sample(list(KEYS), self.random.randint(1, len(KEYS)))
        self.upload(source, {key: self.declaration(key, source) for key in keys})

    def _change(self, key: ResourceKey) -> None:
        self.world.enabled[key] = self.random.random() < 0.5
        self.world.actor[key] = self.random.choice(PEOPLE)
        self._observe(key)

    def _observe(self, key: ResourceKey) -> None:
        asset_type, number = KEYS[key]
        ancestors = (f"projects/{number}", self.world.folders[number], ORGANIZATION)
        self.installation.observe(key, self.world.data(key), ancestors, asset_type)
        snapshot = self.installation.store.read(key)
        state, principal = snapshot.state, self.world.actor.get(key)
        if state is None or state.finding is None or principal is None:
            return
        actor = Actor(principal=principal, kind="person", confidence="certain", method="m", requested_at=self.now)
        self.installation.store.commit(snapshot, replace(state, finding=replace(state.finding, actor=actor)))

    def _remediate(self, key: ResourceKey) -> None:
        self.installation.now += timedelta(minutes=self.random.choice((1, 10, 100)))
        remediate(key, self.context)

    def _decide(self, key: ResourceKey) -> tuple[str, str, str]:
        state = self.installation.store.read(key).state
        finding = state.finding if state is not None else None
        actor = finding.actor.principal if finding is not None and finding.actor is not None else ""
        return self.random.choice(PEOPLE), actor, state.fingerprint if state is not None else ""

    def _approve(self, key: ResourceKey) -> None:
        by, actor, fingerprint = self._decide(key)
        commands.approve(
            key,
            fingerprint,
            by,
            self.installation.deps.store,
            self.installation.deps.projects,
            self.installation.deps.clock,
        )
        assert by != actor, "approved by whoever made the change"

    def _accept(self, key: ResourceKey) -> None:
        by, actor, fingerprint = self._decide(key)
        commands.exempt(key, Exemption("fine", by, self.now, None, fingerprint), self.installation.deps)
        assert by != actor, "accepted by whoever made the change"

    def _pause(self, key: ResourceKey) -> None:
        number = KEYS[key][1]
        of = self.random.choice((f"projects/{number}", f"projects/{IDS[number]}", self.world.folders[number]))
        commands.pause(commands.Pause(of, self.now, "ann"), self.installation.deps.store, not_seen_yet=True)
        self.paused.add(of)
        if self.random.random() < 0.5:
            self._change(key)
            self._remediate(key)

    def _resume(self, key: ResourceKey) -> None:
        del key
        for of in sorted(self.paused):
            commands.resume(of, "ann", self.installation.deps.store, self.installation.deps.clock())
        self.paused.clear()

    def _grant(self, key: ResourceKey) -> None:
        del key
        self.regrant()

    def _move(self, key: ResourceKey) -> None:
        number = KEYS[key][1]
        self.world.folders[number] = self.random.choice(("folders/2", "folders/3"))

    def _fail(self, key: ResourceKey) -> None:
        self.world.is_down = self.random.random() < 0.5
        self._remediate(key)
        self.world.is_down = False

    def _check_writes(self, written: list[ResourceKey]) -> None:
        for key in written:
            number = KEYS[key][1]
            counting = self.counting(key)
            assert len(counting) == 1, f"{key.name} was written, and {counting or 'nobody'} may declare it"
            declaration = self.declared[counting[0]][key]
            assert declaration.project in ("", IDS[number]), f"{key.name} was written on another project's declaration"
            assert declaration.data == {k: v for k, v in self.world.data(key).items() if k in declaration.data}
            assert not self.paused & {f"projects/{number}", f"projects/{IDS[number]}", self.world.folders[number]}
            self.counts["written"] += 1

    def check(self) -> None:
        """Once all is observed: nothing is hidden, and the rules are the platform's."""
        for key in KEYS:
            self._observe(key)
            snapshot = self.installation.store.read(key)
            policy = snapshot.rules.policy
            assert policy is None or policy.name == "platform's", "a rule was changed"
            state = snapshot.state
            is_open = state is not None and state.finding is not None and state.finding.status != "resolved"
            is_accepted = is_open and state.finding.status == "accepted"
            counting = self.counting(key)
            if is_accepted:
                assert state.exemption.fingerprint == state.fingerprint
            elif len(counting) != 1:
                assert is_open, f"{key.name} is hidden: {counting or 'nobody'} may declare it"
                self.counts["disputed" if counting else "unmanaged"] += 1
            else:
                is_undeclared = is_open and all(
                    difference.kind == "undeclared_change" for difference in state.finding.differences
                )
                is_of_declared = is_open and not (is_undeclared and state.finding.differences)
                self._check_compared(key, self.declared[counting[0]][key], counting[0], is_open=is_of_declared)

    def _check_compared(self, key: ResourceKey, declaration: Declaration, source: str, *, is_open: bool) -> None:
        live = self.world.data(key)
        is_drift = any(live.get(field) != value for field, value in declaration.data.items())
        is_faulty = declaration.project not in ("", IDS[KEYS[key][1]])
        assert is_open == (is_drift or is_faulty), f"{key.name} is not as {source} declares it"
        self.counts["drift" if is_open else "in sync"] += 1


@pytest.mark.thorough
def test_no_history_leads_to_a_write_an_acceptance_a_hidden_finding_or_a_rule_outside_of_what_sources_give(seed):
    counts: Counter[str] = Counter()
    for number in range(histories(300, 4_000, 20_000)):
        history = History(seed + number)
        try:
            for _ in range(12):
                history.happen()
            history.check()
        except AssertionError as error:
            raise AssertionError(f"history {seed + number}: {error}") from error
        counts += history.counts
    for what in ("written", "refused", "disputed", "unmanaged", "drift", "in sync", "approve", "accept", "move"):
        assert counts[what] > 0, f"no history shows {what}"


@pytest.mark.thorough
def test_no_history_on_any_store_leads_outside_of_what_sources_give(new_backend, seed):
    for number in range(histories(3, 50, 200)):
        history = History(seed + number, new_backend().open())
        for _ in range(12):
            history.happen()
        history.check()

"""No digest of a secret is ever written in its place."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from remediation.fleet import AUTO, KEY, URL, World
from setpoint.catalog.methods import default_methods
from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison.masking import Masking
from setpoint.model.declaration import Declaration
from setpoint.model.policy import Undeclared, UndeclaredMatch
from setpoint.model.resource_key import ResourceKey
from setpoint.model.secrecy import Secrecy
from setpoint.model.write_plan import NotWritable, WritePlan
from setpoint.remediation import planner
from setpoint.remediation.engine import remediate

SECRET = Secrecy(b"k" * 32)
INSTANCE = (
    "compute.googleapis.com/Instance",
    "//compute.googleapis.com/projects/shop-prod/zones/europe-west1-b/instances/web-1",
)
SERVICE = "run.googleapis.com/Service", "//run.googleapis.com/projects/shop-prod/locations/europe-west1/services/cart"


def planned(of: tuple[str, str], declared: Any, live: Any, by: Secrecy = SECRET, **more: Any) -> Any:
    asset_type, name = of
    declaration = Declaration(ResourceKey(name), asset_type, declared, digests=SECRET.key_id())
    schema = default_catalogue().schema_for(asset_type)
    assert schema is not None
    resource = planner.api_resource(declaration, schema, default_methods())
    return planner.plan(declaration, live, schema, resource, hiding=Masking(by), **more)


def environment(*entries: tuple[str, str]) -> dict[str, Any]:
    env = [{"name": name, "value": value} for name, value in entries]
    return {"template": {"containers": [{"image": "gcr.io/shop/cart", "env": env}]}}


SEALED = ("DB_PASSWORD", SECRET.sealed("correct horse"))


@pytest.mark.parametrize(
    "live",
    [
        environment(("DB_PASSWORD", "hunter2"), ("MODE", "prod")),
        environment(("MODE", "prod")),
        environment(),
        {"template": {}},
    ],
)
def test_a_changed_or_lost_secret_is_refused_with_what_to_do(live: dict[str, Any]):
    plan = planned(SERVICE, environment(SEALED, ("MODE", "prod")), live)
    assert isinstance(plan, NotWritable)
    assert plan.reason == "sealed"
    assert "terraform apply" in plan.fields[0].todo
    assert plan.fields[0].path.startswith("template")
    assert SECRET.digest("correct horse") not in str(plan)


@pytest.mark.parametrize("by", [SECRET, Secrecy(b"o" * 32)])
@pytest.mark.parametrize("is_whole", [False, True])
def test_what_else_differs_is_written_without_it(by: Secrecy, is_whole: bool):
    declared = {"description": "shop", **environment(SEALED)}
    live = {"description": "cart", **environment(("DB_PASSWORD", "correct horse"))}
    plan = planned(SERVICE, declared, live, by, is_whole_declaration=is_whole)
    assert isinstance(plan, WritePlan)
    assert plan.paths == ("description",)
    body = msgspec.json.encode(plan.call.body).decode()
    assert "(hidden" not in body
    assert SECRET.digest("correct horse") not in body


def test_a_list_that_is_written_whole_holds_no_digest():
    declared = {"tags": {"items": ["web", SECRET.sealed("internal")]}, "deletionProtection": True}
    plan = planned(INSTANCE, declared, {"tags": {"items": ["web"]}, "deletionProtection": True})
    assert isinstance(plan, NotWritable)
    assert [field.reason for field in plan.fields] == ["sealed"]


def test_a_text_like_a_digest_is_written_where_a_person_declares_it():
    text = SECRET.sealed("correct horse")
    declaration = Declaration(ResourceKey(SERVICE[1]), SERVICE[0], {"description": text})
    schema = default_catalogue().schema_for(SERVICE[0])
    resource = planner.api_resource(declaration, schema, default_methods())
    plan = planner.plan(declaration, {"description": "cart"}, schema, resource)
    assert isinstance(plan, WritePlan)
    assert plan.call.body["description"] == text


@pytest.fixture
def world_with_secret(world: World) -> World:
    secrecy = world.deps.secrecy
    data = {"versioning": {"enabled": True}, "labels": {"team": secrecy.sealed("shop")}}
    world.declare(data=data, digests=secrecy.key_id())
    return world


def live(*, team: str = "shop", versioning: bool = True) -> dict[str, Any]:
    return {"name": "exports", "location": "EU", "versioning": {"enabled": versioning}, "labels": {"team": team}}


def test_a_drifted_secret_is_handed_to_terraform(world_with_secret: World):
    world = world_with_secret
    world.drift(live(team="other"))
    remediate(KEY, world.context)
    world.ticks()
    assert world.writes == 0
    assert world.state.is_open
    assert "terraform apply" in world.state.remediation.reason
    stored = msgspec.json.encode([event.data for event in world.bus.events]).decode()
    assert world.deps.secrecy.digest("shop") not in stored
    assert '"other"' not in stored
    assert "remediation.requested" in world.event_types


def test_other_drift_of_the_resource_is_put_back(world_with_secret: World):
    world = world_with_secret
    world.drift(live(versioning=False))
    remediate(KEY, world.context)
    world.ticks()
    assert world.google.get(URL)["versioning"] == {"enabled": True}
    assert world.google.get(URL)["labels"] == {"team": "shop"}


def test_last_known_good_values_are_written_back_beside_a_secret(world: World):
    policy = replace(AUTO, undeclared=Undeclared(report="all", remediate=(UndeclaredMatch(asset_types=("*",)),)))
    secrecy = world.deps.secrecy
    world.declare(policy, data={"labels": {"team": secrecy.sealed("shop")}}, digests=secrecy.key_id())
    world.drift(live())
    world.drift(live(versioning=False))
    assert [difference.path for difference in world.state.finding.differences] == ["versioning.enabled"]
    remediate(KEY, world.context)
    world.ticks()
    assert world.google.get(URL)["versioning"] == {"enabled": True}
    assert world.google.get(URL)["labels"] == {"team": "shop"}
    assert world.writes == 1

"""Sweeps over the fake Cloud Asset service, by the real client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import grpc
import pytest
from msgspec.structs import replace

from setpoint import sweep as sweeping
from setpoint.adapters.google.asset_inventory import AssetInventory, QuotaRetryPolicy
from setpoint.declarations import apply
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest, ScopeDenied, Unavailable
from setpoint.model.declaration import Declaration, Scope, desired
from setpoint.model.resource_key import ResourceKey
from setpoint_tools.testing import messages

BUCKET = "storage.googleapis.com/Bucket"
TOPIC = "pubsub.googleapis.com/Topic"
LEVEL = "accesscontextmanager.googleapis.com/AccessLevel"
ORG = "organizations/566099688680"
SHOP = ("projects/111111111111", "folders/918177713511", ORG)
BILLING = ("projects/222222222222", "folders/918177713511", ORG)
LONG_AGO = datetime(2025, 6, 17, 15, 0, tzinfo=UTC)
REQUEST = ApplyRequest("git", prune=True, max_removals=1)
QUICK = QuotaRetryPolicy(first=0.001, first_of_quota=0.001, longest=0.01, in_all=0.3, call=5)


def bucket(name: str) -> str:
    return f"//storage.googleapis.com/{name}"


def declared(name: str, project: str = "111111111111", content="resource", data=None, asset_type=BUCKET):
    key = ResourceKey(bucket(name), content)
    return desired((Declaration(key, asset_type, data or {"location": "EU"}, project=project),))


@pytest.fixture
def put(asset_service):
    def put(name: str, location: str = "EU", ancestors=SHOP, time: datetime = LONG_AGO, **more) -> None:
        asset = {
            "name": bucket(name),
            "assetType": BUCKET,
            "ancestors": list(ancestors),
            "updateTime": time.isoformat().replace("+00:00", "Z"),
            "resource": {"version": "v1", "data": {"location": location}},
            **more,
        }
        asset_service.put(asset)

    return put


@pytest.fixture
def sweep(asset_service, deps):
    inventory = AssetInventory(asset_service.client(), QUICK, page_size=10)

    def sweep(*scopes: str, contents=("resource",), types=(), **how) -> sweeping.SweepResult:
        return sweeping.sweep(scopes or (ORG,), contents, types, inventory, deps, **how)

    return sweep


def declare(deps: Context, *declarations) -> None:
    apply.declare(deps.store, list(declarations), (), LONG_AGO)


def event_types(deps: Context) -> list[tuple[str, str]]:
    return [(event.type, event.subject.rpartition("/")[2]) for event in deps.bus.events]


def kinds(deps: Context) -> dict[str, str]:
    return {
        state.key.name.rpartition("/")[2]: state.finding.kind
        for state in deps.store.states(drifted=True)
        if state.finding.status == "open"
    }


def test_a_sweep_finds_what_no_feed_has_told(put, sweep, deps):
    for n in range(25):
        put(f"b{n}", "US" if n == 7 else "EU")
    declare(deps, *(declared(f"b{n}") for n in range(25)))

    swept = sweep()

    assert (swept.listed, swept.outcomes["opened"], swept.outcomes["in_sync"]) == (25, 1, 24)
    assert event_types(deps) == [("drift.opened", "b7")]


def test_a_second_sweep_of_the_same_fleet_tells_nothing_new(put, sweep, deps):
    put("a", "US")
    declare(deps, declared("a"))
    sweep()
    swept = sweep()
    assert (swept.outcomes["repeated"], len(deps.bus.events)) == (1, 1)


def test_what_was_fixed_unseen_is_closed(put, sweep, deps):
    declare(deps, declared("a"))
    pipeline.receive(messages.resource(bucket("a"), BUCKET, {"location": "US"}, LONG_AGO), {}, deps)
    put("a", "EU", time=LONG_AGO + timedelta(minutes=5))
    sweep()
    assert event_types(deps) == [("drift.opened", "a"), ("drift.resolved", "a")]


def test_what_is_declared_and_not_listed_is_gone_and_found_again_when_it_returns(put, sweep, deps):
    put("other")
    declare(deps, declared("lost"), declared("other"))
    assert sweep().gone == 1
    assert kinds(deps) == {"lost": "deleted"}

    put("lost", time=datetime.now(UTC) + timedelta(seconds=5))
    sweep()
    assert kinds(deps) == {}


def test_of_projects_types_and_contents_that_were_not_listed_nothing_is_said(put, sweep, deps):
    put("here")
    declare(deps, declared("lost", project="333333333333"), declared("typed", asset_type=TOPIC), declared("here"))

    swept = sweep(types=(BUCKET,))

    assert (swept.gone, swept.unknown) == (0, 1)
    assert kinds(deps) == {}


def test_what_was_there_a_moment_ago_is_not_gone_since_listings_lag(put, sweep, deps):
    put("other")
    declare(deps, declared("young"), declared("other"))
    pipeline.receive(messages.resource(bucket("young"), BUCKET, {"location": "EU"}, datetime.now(UTC)), {}, deps)

    swept = sweep()

    assert (swept.gone, swept.unknown) == (0, 1)


def test_an_iam_policy_that_is_not_listed_is_empty_and_not_gone(put, sweep, deps):
    put("a")
    put("b", iamPolicy={"bindings": [{"role": "roles/viewer", "members": ["user:a@x.com"]}]})
    grants = {"bindings": [{"role": "roles/viewer", "members": ["user:a@x.com"]}]}
    declare(deps, declared("a", content="iam_policy", data=grants), declared("b", content="iam_policy", data=grants))

    sweep(contents=("iam_policy",))

    assert kinds(deps) == {"a": "modified"}


def test_a_scope_that_is_denied_is_unknown_and_stops_no_other(asset_service, put, sweep, deps):
    put("a", "US")
    put("b", "US", ancestors=BILLING)
    asset_service.deny("projects/222222222222")
    declare(deps, declared("a"), declared("b", project="222222222222"), declared("c", project="222222222222"))

    swept = sweep("projects/222222222222", "projects/111111111111")

    assert list(swept.denied) == ["projects/222222222222"]
    assert kinds(deps) == {"a": "modified"}
    assert swept.unknown == 2


def test_nothing_listed_at_all_is_an_error_and_no_clean_fleet(asset_service, put, sweep, deps):
    put("a")
    asset_service.deny("projects/111111111111")
    declare(deps, declared("a"))
    with pytest.raises(BadRequest, match="nothing was listed in projects/111111111111"):
        sweep("projects/111111111111")
    assert kinds(deps) == {}


def test_a_listing_that_breaks_off_declares_nothing_gone(asset_service, put, sweep, deps):
    for n in range(25):
        put(f"b{n:02}")
    declare(deps, *(declared(f"b{n:02}") for n in range(25)))
    asset_service.fail(grpc.StatusCode.UNAVAILABLE, times=1_000, page=2)

    with pytest.raises(Unavailable):
        sweep()

    assert kinds(deps) == {}


def test_a_sweep_publishes_what_a_crash_has_left_behind(put, sweep, deps):
    put("a")
    declare(deps, declared("a"))
    silent = Context(deps.store, None, deps.dead_letters, deps.schemas)
    pipeline.receive(messages.resource(bucket("a"), BUCKET, {"location": "US"}, LONG_AGO - timedelta(1)), {}, silent)

    assert sweep().healed == 1
    assert event_types(deps) == [("drift.opened", "a"), ("drift.resolved", "a")]


def test_what_a_listing_had_dropped_is_found_again_though_it_has_not_changed(put, sweep, deps):
    put("other")
    declare(deps, declared("a"), declared("other"))
    sweep()
    assert kinds(deps) == {"a": "deleted"}

    put("a")
    sweep()

    assert kinds(deps) == {}


def test_a_listing_that_is_denied_half_way_declares_nothing_gone(asset_service, put, sweep, deps):
    for n in range(25):
        put(f"b{n:02}")
    put("elsewhere", ancestors=BILLING)
    declare(deps, *(declared(f"b{n:02}") for n in range(25)))
    asset_service.fail(grpc.StatusCode.PERMISSION_DENIED, times=1, page=1, scope="projects/111111111111")

    swept = sweep("projects/111111111111", "projects/222222222222")

    assert (kinds(deps), swept.gone) == ({}, 0)
    assert swept.unknown == 15


def test_a_type_of_which_nothing_is_listed_is_unknown_unless_it_was_asked_for(put, sweep, deps):
    put("other")
    key = ResourceKey("//pubsub.googleapis.com/projects/111111111111/topics/t")
    declare(deps, desired((Declaration(key, TOPIC, {"labels": {"team": "shop"}}),)), declared("other"))
    assert sweep().unknown == 1
    assert sweep(types=(TOPIC, BUCKET)).gone == 1


def test_a_project_is_known_by_its_id_and_its_number(put, sweep, deps, asset_service):
    asset = {
        "assetType": TOPIC,
        "ancestors": list(SHOP),
        "updateTime": "2025-06-17T15:00:00Z",
        "resource": {"data": {}},
    }
    asset_service.put({"name": "//pubsub.googleapis.com/projects/shop-prod/topics/t", **asset})
    put("other")
    declare(deps, declared("lost", project="shop-prod"))

    assert sweep().gone == 1


def test_a_bucket_whose_project_nobody_says_is_not_taken_for_gone(put, sweep, deps):
    put("a")
    put("topmost", ancestors=[ORG])  # an asset of no project shows no project either
    declare(deps, declared("a"), declared("elsewhere", project=""))
    swept = sweep()
    assert (swept.gone, swept.unknown, kinds(deps)) == (0, 1, {})


def test_what_is_gone_of_an_organisation_itself_is_found(asset_service, sweep, deps):
    role = "//iam.googleapis.com/organizations/566099688680/roles/{}"
    asset_service.put(
        {"name": role.format("kept"), "assetType": "iam.googleapis.com/Role", "ancestors": [ORG]}
        | {"updateTime": "2025-06-17T15:00:00Z", "resource": {"version": "v1", "data": {"title": "kept"}}}
    )
    declaration = Declaration(ResourceKey(role.format("lost")), "iam.googleapis.com/Role", {"title": "lost"})
    declare(deps, desired((declaration,)))
    assert (sweep().gone, kinds(deps)) == (1, {"lost": "deleted"})


def test_a_projects_number_alone_is_asked_for_its_id(put, sweep, deps, mocker):
    asked = mocker.spy(deps.store, "project_id")
    put("a")
    put("topmost", ancestors=[ORG])
    declare(deps, declared("a", project="shop"), declared("b", project="shop"))
    sweep()
    assert {call.args[0] for call in asked.call_args_list} == {"111111111111"}


def test_what_others_make_is_counted_by_what_made_it_and_a_strict_scope_reports_it(put, sweep, deps):
    for name in ("shop", "shop_cloudbuild", "gcf-sources-111111111111-europe-west1", "run-sources-shop-europe-west1"):
        put(name)
    scope = Scope("all", (), ("storage.googleapis.com/*",), ancestors=("folders/918177713511",))
    apply.declare(deps.store, [], (scope,), LONG_AGO)

    swept = sweep()

    assert kinds(deps) == {"shop": "unmanaged"}
    assert swept.made == {"made by Cloud Build": 1, "made by Cloud Functions": 1, "made by Cloud Run": 1}

    apply.declare(deps.store, [], (replace(scope, strict=True),), LONG_AGO)
    assert not sweep().made
    assert len(kinds(deps)) == 4


def test_a_declared_access_level_that_is_not_listed_is_gone(asset_service, sweep, deps):
    def level(name: str, title: str) -> dict:
        path = f"accessPolicies/1/accessLevels/{name}"
        return {
            "name": f"//accesscontextmanager.googleapis.com/{path}",
            "assetType": LEVEL,
            "ancestors": [ORG],
            "updateTime": "2025-06-17T15:00:00Z",
            "accessLevel": {"name": path, "title": title},
        }

    def wanted(name: str):
        key = ResourceKey(
            f"//accesscontextmanager.googleapis.com/accessPolicies/1/accessLevels/{name}", "access_policy"
        )
        return desired((Declaration(key, LEVEL, {"title": "Office"}),))

    asset_service.put(level("office", "Office"))
    asset_service.put(level("home", "Home"))
    asset_service.put(level("stray", "Stray"))
    scope = Scope("levels", (), (LEVEL,), ancestors=(ORG,))
    apply.declare(deps.store, [wanted("office"), wanted("home"), wanted("lost")], (scope,), LONG_AGO)

    swept = sweep(contents=("access_policy",))

    assert (swept.listed, swept.gone) == (3, 1)
    assert kinds(deps) == {"home": "modified", "lost": "deleted", "stray": "unmanaged"}


def test_of_two_changes_of_one_moment_the_one_that_is_listed_stays(put, sweep, deps):
    declare(deps, declared("a"))
    for location in ("US", "ASIA", "EU"):
        pipeline.receive(messages.resource(bucket("a"), BUCKET, {"location": location}, LONG_AGO), {}, deps)
    put("a", "EU", time=LONG_AGO)
    sweep()
    assert kinds(deps) == {}


def test_a_listing_that_lags_does_not_undo_what_a_feed_has_told_since(put, sweep, deps):
    declare(deps, declared("a"))
    pipeline.receive(messages.resource(bucket("a"), BUCKET, {"location": "US"}, ago(minutes=5)), {}, deps)
    put("a", "EU", time=LONG_AGO)
    assert sweep().outcomes["stale"] == 1
    assert kinds(deps) == {"a": "modified"}


def test_a_listing_that_lags_does_not_bring_back_what_a_feed_has_told_to_be_deleted(put, sweep, deps):
    put("a")
    declare(deps, declared("a"))
    pipeline.receive(messages.deletion(bucket("a"), BUCKET, ago(minutes=5)), {}, deps)
    sweep()
    assert kinds(deps) == {"a": "deleted"}


def test_a_message_that_comes_late_knows_better_than_a_listing_that_did_not_show_the_resource_yet(put, sweep, deps):
    put("other")
    declare(deps, declared("young"), declared("other"))
    assert sweep().gone == 1
    assert kinds(deps) == {"young": "deleted"}

    pipeline.receive(
        messages.resource(bucket("young"), BUCKET, {"location": "EU"}, ago(minutes=5), ancestors=SHOP), {}, deps
    )
    assert kinds(deps) == {}


def test_a_deletion_that_is_told_late_knows_better_than_a_listing_that_brought_the_resource_back(put, sweep, deps):
    put("other")
    declare(deps, declared("a"), declared("other"))
    sweep()
    put("a")
    sweep()
    assert kinds(deps) == {}

    pipeline.receive(messages.deletion(bucket("a"), BUCKET, ago(minutes=5)), {}, deps)
    assert kinds(deps) == {"a": "deleted"}


def test_what_has_an_open_finding_and_is_neither_declared_nor_there_is_closed(put, sweep, deps):
    put("other")
    fully = Scope("all", projects=("111111111111",), asset_types=(BUCKET,))
    apply.declare(deps.store, [declared("other")], (fully,), LONG_AGO)
    stray = messages.resource(bucket("stray"), BUCKET, {"location": "EU"}, LONG_AGO, ancestors=SHOP)
    pipeline.receive(stray, {}, deps)
    assert kinds(deps) == {"stray": "unmanaged"}
    sweep()
    assert kinds(deps) == {}


def test_the_coverage_counts_everything_that_is_declared_once(put, sweep, deps):
    put("a")
    put("b", "US")
    put("untold", resource={"version": "v1"})
    elsewhere = declared("elsewhere", project="333333333333")
    declare(deps, *(declared(name) for name in ("a", "b", "untold", "lost")), elsewhere)
    swept = sweep().summary
    names = ("declared", "seen", "in_sync", "drifted", "unknown", "unchecked", "deleted")
    assert [getattr(swept, name) for name in names] == [5, 3, 1, 2, 1, 1, 1]


def ago(**how: float) -> datetime:
    return datetime.now(UTC) - timedelta(**how)


def test_a_policy_that_an_earlier_listing_did_not_show_yet_is_found_though_it_has_not_changed(
    put, sweep, deps, monkeypatch
):
    monkeypatch.setattr(sweeping, "LAG", timedelta(0))
    grants = {"bindings": [{"role": "roles/viewer", "members": ["user:a@x.com"]}]}
    put("a")
    put("other", iamPolicy=grants)
    declare(deps, declared("a", content="iam_policy", data=grants))
    sweep(contents=("iam_policy",))
    assert kinds(deps) == {"a": "modified"}

    put("a", iamPolicy=grants)
    sweep(contents=("iam_policy",))

    assert kinds(deps) == {}


def test_what_nobody_declares_and_went_unseen_is_closed(put, sweep, deps):
    apply.declare(deps.store, [], (Scope("shop", ("111111111111",), (BUCKET,)),), LONG_AGO)
    pipeline.receive(messages.resource(bucket("stray"), BUCKET, {}, LONG_AGO, ancestors=SHOP), {}, deps)
    put("declared")
    declare(deps, declared("declared"))

    sweep()

    last = deps.bus.events[-1].data
    assert (kinds(deps), last.reason) == ({}, "gone")


def test_a_finding_that_is_declared_no_longer_is_closed_by_a_sweep_where_the_apply_died(put, sweep, deps, monkeypatch):
    put("other")
    apply.sync(LoadResult([declared("lost"), declared("other")]), REQUEST, deps, LONG_AGO)
    sweep()
    assert kinds(deps) == {"lost": "deleted"}
    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "reevaluate", dies)
        with pytest.raises(KeyboardInterrupt):
            apply.sync(LoadResult([declared("other")]), REQUEST, deps, LONG_AGO)

    sweep()

    assert kinds(deps) == {}


def dies(*_):
    raise KeyboardInterrupt


def test_the_last_organisation_policy_of_a_project_is_missed_though_its_project_lists_none(put, sweep, deps):
    boolean = {"constraint": "constraints/compute.disableSerialPortAccess", "booleanPolicy": {"enforced": True}}
    put("a")
    put("b", ancestors=BILLING, orgPolicy=[boolean])
    declare(deps, declared("a", content="org_policy", data=boolean))

    sweep(contents=("resource", "org_policy"))

    assert kinds(deps) == {"a": "modified"}


def test_a_policy_is_not_taken_for_empty_where_only_resources_may_be_listed(asset_service, put, deps):
    grants = {"bindings": [{"role": "roles/viewer", "members": ["user:a@x.com"]}]}
    put("a")
    put("b", ancestors=BILLING, iamPolicy=grants)
    declare(deps, declared("a", content="iam_policy", data=grants))
    shop, billing = "projects/111111111111", "projects/222222222222"

    class Half(AssetInventory):
        def pages(self, scope, content, *args, **kwargs):
            if (scope, content) == (shop, "iam_policy"):
                raise ScopeDenied(scope, "policies may not be listed")
            return super().pages(scope, content, *args, **kwargs)

    inventory = Half(asset_service.client(), QUICK)
    swept = sweeping.sweep([shop, billing], ["resource", "iam_policy"], [BUCKET], inventory, deps)

    assert (kinds(deps), swept.unknown) == ({}, 1)


def test_a_scope_that_names_projects_by_id_covers_what_is_listed_before_the_id_is_told(put, sweep, deps, asset_service):
    apply.declare(deps.store, [], (Scope("shop", ("shop-prod",), (BUCKET,)),), LONG_AGO)
    put("stray")
    asset_service.put(
        {
            "name": "//cloudresourcemanager.googleapis.com/projects/111111111111",
            "assetType": "cloudresourcemanager.googleapis.com/Project",
            "ancestors": list(SHOP),
            "updateTime": "2025-06-17T15:00:00Z",
            "resource": {"version": "v1", "data": {"projectId": "shop-prod"}},
        }
    )
    sweep()
    assert kinds(deps) == {"stray": "unmanaged"}

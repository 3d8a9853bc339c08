"""Projects that nothing observed names: Resource Manager is asked, or elimination tells them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from detection.test_projects import GRANTS, PROJECT, declare, open_findings, policy_of_project, seen, teach
from setpoint.adapters.memory.store import MemoryBus, MemoryDeadLetters, MemoryStore
from setpoint.catalog.schemas import default_catalogue
from setpoint.detection import assumed_projects, pipeline
from setpoint.detection.batch import handle_many
from setpoint.detection.pipeline import Context
from setpoint.errors import Unavailable
from setpoint.model.declaration import Declaration
from setpoint.model.resource_key import ResourceKey
from setpoint.util import telemetry

SHOP = ResourceKey("//cloudresourcemanager.googleapis.com/projects/shop-prod", "iam_policy")
SECRET = "secretmanager.googleapis.com/Secret"  # noqa: S105 - a type
KEY_BY_NUMBER = "//secretmanager.googleapis.com/projects/111111111111/secrets/key"
KEY_BY_ID = ResourceKey("//secretmanager.googleapis.com/projects/shop-prod/secrets/key")
WRONG_LABEL = {"labels": {"team": "other"}}


class Directory:
    """Resource Manager with some projects; counts what it is asked."""

    def __init__(self, ids: Mapping[str, str], *, is_up: bool = True) -> None:
        self.ids = ids
        self.is_up = is_up
        self.asked: list[str] = []

    def project_id(self, number: str) -> str:
        self.asked.append(number)
        if not self.is_up:
            raise Unavailable("away")
        return self.ids.get(number, "")


def context_with(directory: Directory | None) -> Context:
    return Context(MemoryStore(), MemoryBus(), MemoryDeadLetters(), default_catalogue(), directory=directory)


def declare_shop(context: Context) -> None:
    declare(
        context,
        Declaration(SHOP, PROJECT, GRANTS, project="shop-prod"),
        Declaration(KEY_BY_ID, SECRET, {"labels": {"team": "shop"}}, project="shop-prod"),
    )


def test_a_policy_by_number_is_judged_once_resource_manager_names_the_project():
    context = context_with(directory := Directory({"111111111111": "shop-prod"}))
    declare_shop(context)

    assert pipeline.handle_observation(policy_of_project(), context) == "opened"
    assert open_findings(context) == {SHOP.name: "modified"}
    assert context.store.project_id("111111111111") == "shop-prod"
    assert directory.asked == ["111111111111"]


def test_all_observations_of_one_project_take_one_question():
    context = context_with(directory := Directory({"111111111111": "shop-prod"}))
    declare_shop(context)
    observed = [policy_of_project(), seen(KEY_BY_NUMBER, SECRET, WRONG_LABEL), policy_of_project(1)]

    assert handle_many(observed, context) == ["opened", "opened", "drifted"]
    assert directory.asked == ["111111111111"]


def test_what_waited_before_is_judged_with_the_answer():
    context = context_with(directory := Directory({"111111111111": "shop-prod"}, is_up=False))
    declare_shop(context)
    assert pipeline.handle_observation(policy_of_project(), context) == "waiting"
    directory.is_up = True
    other = Context(context.store, context.bus, MemoryDeadLetters(), context.schemas, directory=directory)

    assert pipeline.handle_observation(seen(KEY_BY_NUMBER, SECRET, WRONG_LABEL), other) == "opened"
    assert open_findings(other) == {SHOP.name: "modified", KEY_BY_ID.name: "modified"}


@pytest.mark.parametrize("directory", [Directory({}), Directory({"111111111111": "shop-prod"}, is_up=False)])
def test_a_project_that_nobody_names_is_asked_for_once_in_a_while_and_its_policy_waits(directory):
    context = context_with(directory)
    declare_shop(context)
    with telemetry.running("detect", telemetry.Trace("1" * 32, "2" * 16)) as run:
        outcomes = [pipeline.handle_observation(policy_of_project(minute), context) for minute in range(3)]

    assert outcomes == ["waiting"] * 3
    assert directory.asked == ["111111111111"]
    assert (run.fields["project_lookups"], run.fields["project_lookups_failed"]) == (1, 1)


def test_a_known_project_is_not_asked_for():
    context = context_with(directory := Directory({"111111111111": "shop-prod"}))
    declare_shop(context)
    teach(context)

    assert pipeline.handle_observation(policy_of_project(), context) == "opened"
    assert directory.asked == []


def test_a_bucket_of_an_unknown_project_asks_nobody():
    context = context_with(directory := Directory({}))
    bucket = seen("//storage.googleapis.com/b", "storage.googleapis.com/Bucket", {})

    assert pipeline.handle_observation(bucket, context) == "undeclared"
    assert directory.asked == []


def test_the_only_unknown_number_is_the_only_declared_project():
    context = context_with(None)
    declare_shop(context)
    pipeline.handle_observation(policy_of_project(), context)

    assumed = assumed_projects.assume(["111111111111"], context.store, context.projects)

    assert assumed == ("111111111111", "shop-prod", (policy_of_project().key,))
    assert [pipeline.reevaluate(key, context) for key in assumed.waiting] == ["opened"]
    assert context.store.project_id("111111111111") == ""


def test_an_assumed_project_gives_way_to_the_observed_one():
    context = context_with(None)
    declare_shop(context)
    pipeline.handle_observation(policy_of_project(), context)
    assumed_projects.assume(["111111111111"], context.store, context.projects)

    itself = seen(SHOP.name.replace("shop-prod", "111111111111"), PROJECT, {"projectId": "another"}, minute=1)
    pipeline.handle_observation(itself, context)

    assert context.projects.id_of("111111111111") == "another"


@pytest.mark.parametrize("numbers", [[], ["111111111111", "222222222222"]])
def test_nothing_is_assumed_unless_one_number_is_left(numbers):
    context = context_with(None)
    declare_shop(context)
    assert assumed_projects.assume(numbers, context.store, context.projects) is None


def test_nothing_is_assumed_where_two_projects_are_declared():
    context = context_with(None)
    other = ResourceKey(SHOP.name.replace("shop-prod", "shop-test"), "iam_policy")
    declare(context, Declaration(SHOP, PROJECT, GRANTS), Declaration(other, PROJECT, GRANTS))
    assert assumed_projects.assume(["111111111111"], context.store, context.projects) is None


def test_nothing_is_assumed_where_the_declared_project_has_a_number():
    context = context_with(None)
    declare_shop(context)
    context.store.write_project_ids({"222222222222": "shop-prod"})
    assert assumed_projects.assume(["111111111111"], context.store, context.projects) is None

"""New files for what nobody declares: what messages hide is in none of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison.masking import Masking
from setpoint.declarations.repository_additions import add
from setpoint.declarations.repository_edits import Checkout
from setpoint.model.observation import Observation
from setpoint.model.resource_key import Content, ResourceKey

SECRET = "hunter2-prod"  # noqa: S105 - made up
RUN = "//run.googleapis.com/projects/shop/locations/europe-west1/services/x"
ENVIRONMENT = [{"name": "DB", "value": SECRET}, {"name": "PORT", "value": "8080"}]
HIDDEN: dict[str, tuple[str, str, Any, str]] = {
    "argument": (
        "run.googleapis.com/Service",
        RUN,
        {"template": {"containers": [{"image": "gcr.io/a/b", "args": [f"--db-pass={SECRET}"]}]}},
        "template.containers[0].args",
    ),
    "environment": (
        "run.googleapis.com/Service",
        RUN,
        {"template": {"containers": [{"image": "gcr.io/a/b", "env": ENVIRONMENT}]}},
        "template.containers[0].env[0].value",
    ),
    "startup script": (
        "compute.googleapis.com/Instance",
        "//compute.googleapis.com/projects/shop/zones/europe-west1-b/instances/x",
        {"machineType": "e2-small", "metadata": {"items": [{"key": "startup-script", "value": f"mysql -p{SECRET}"}]}},
        "metadata.items[0].value",
    ),
    "attribute": (
        "pubsub.googleapis.com/Subscription",
        "//pubsub.googleapis.com/projects/shop/subscriptions/x",
        {
            "topic": "projects/shop/topics/t",
            "pushConfig": {"pushEndpoint": "https://h.example/p", "attributes": {"x-auth": SECRET}},
        },
        "pushConfig.attributes.x-auth",
    ),
    "header": (
        "cloudscheduler.googleapis.com/Job",
        "//cloudscheduler.googleapis.com/projects/shop/locations/europe-west1/jobs/x",
        {"schedule": "* * * * *", "httpTarget": {"uri": "https://h/p", "headers": {"X-Custom": SECRET}}},
        "httpTarget.headers.X-Custom",
    ),
}


def observed(asset_type: str, name: str, data: Any, content: Content = "resource") -> Observation:
    noon = datetime(2026, 3, 1, 12, tzinfo=UTC)
    return Observation(ResourceKey(name, content), asset_type, noon, data=data, project_id="shop")


def added(observation: Observation, form: Any = "native", masking: Masking = Masking()) -> tuple[str, tuple[str, ...]]:  # noqa: B008 - immutable
    """The text of the new files, and the manual steps."""
    checkout = Checkout((), lambda _: None, code=form)
    steps = add(observation, "shop", checkout, default_catalogue(), masking)
    return "".join(checkout.changed.values()), steps


@pytest.mark.parametrize("form", ["native", "krm", "terraform"])
@pytest.mark.parametrize("case", HIDDEN)
def test_what_messages_hide_is_not_written_and_a_step_names_its_field(case, form):
    asset_type, name, data, path = HIDDEN[case]
    text, steps = added(observed(asset_type, name, data), form)

    assert SECRET not in text
    if form == "native":
        assert text
    if text:
        assert any(step.startswith(f"{name}: {path}: left out, ") for step in steps)
    assert SECRET not in "".join(steps)


def test_what_messages_show_is_written():
    asset_type, name, data, _ = HIDDEN["environment"]
    text, steps = added(observed(asset_type, name, data))

    assert "gcr.io/a/b" in text
    assert "8080" in text
    assert len(steps) == 1


def test_a_field_that_the_policy_shows_is_written():
    asset_type, name, _, _ = HIDDEN["attribute"]
    data = {"topic": "projects/shop/topics/t", "pushConfig": {"attributes": {"x-mode": "a b"}}}
    subscription = observed(asset_type, name, data)

    assert "a b" not in added(subscription)[0]
    assert "a b" in added(subscription, masking=Masking(show=("pushConfig",)))[0]


def test_no_file_is_added_where_not_all_files_are_known():
    asset_type, name, data, _ = HIDDEN["environment"]
    checkout = Checkout(None, lambda _: None)
    (step,) = add(observed(asset_type, name, data), "shop", checkout, default_catalogue(), Masking())

    assert checkout.changed == {}
    assert "too many files to be listed whole" in step


def test_a_policy_that_holds_a_token_gets_no_file():
    token = "ghp_" + "a1B2" * 9
    condition = {"title": "t", "expression": f'request.auth == "{token}"'}
    policy = {"bindings": [{"role": "roles/viewer", "members": ["user:ann@example.com"], "condition": condition}]}
    bucket = observed("storage.googleapis.com/Bucket", "//storage.googleapis.com/b", policy, "iam_policy")
    text, steps = added(bucket)

    assert text == ""
    assert steps == ("//storage.googleapis.com/b: not declared: its policy holds a value that messages hide",)


def subnetwork(region: str) -> Observation:
    name = f"//compute.googleapis.com/projects/shop/regions/{region}/subnetworks/default"
    return observed("compute.googleapis.com/Subnetwork", name, {"name": "default", "ipCidrRange": "10.0.0.0/24"})


def test_resources_of_one_name_in_two_places_get_a_file_each():
    checkout = Checkout((), lambda _: None)
    for region in ("us-east1", "europe-west1"):
        assert add(subnetwork(region), "shop", checkout, default_catalogue(), Masking()) == ()

    assert len(checkout.changed) == 2
    assert all(path.startswith("new/shop/compute.Subnetwork.default.") for path in checkout.changed)


def test_a_resource_and_its_policy_get_a_file_each():
    name = "//storage.googleapis.com/b"
    policy = {"bindings": [{"role": "roles/viewer", "members": ["user:ann@example.com"]}]}
    checkout = Checkout((), lambda _: None)
    for observation in (
        observed("storage.googleapis.com/Bucket", name, {"location": "EU"}),
        observed("storage.googleapis.com/Bucket", name, policy, "iam_policy"),
    ):
        assert add(observation, "shop", checkout, default_catalogue(), Masking()) == ()

    assert len(checkout.changed) == 2


def test_a_file_that_is_there_is_not_replaced_and_is_a_manual_step_unless_it_says_the_same():
    first = Checkout((), lambda _: None)
    add(subnetwork("us-east1"), "shop", first, default_catalogue(), Masking())
    ((path, text),) = first.changed.items()
    for there, count in ((text, 0), ("of a person\n", 1)):
        checkout = Checkout((path,), {path: there}.get)
        steps = add(subnetwork("us-east1"), "shop", checkout, default_catalogue(), Masking())
        assert (len(steps), checkout.changed) == (count, {})
        assert all(path in step for step in steps)

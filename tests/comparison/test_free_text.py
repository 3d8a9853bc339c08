"""What people write freely is compared letter by letter, whatever it looks like."""

from __future__ import annotations

from typing import Any

import pytest

from comparison.compared import drift, explained

INSTANCE = "compute.googleapis.com/Instance"
SERVICE = "run.googleapis.com/Service"


@pytest.mark.parametrize(
    ("declared", "observed"),
    [
        ("billing-prod", "123456789012"),
        ("1-30", "1-30-5"),
        ("1000m", "1"),
        ("true", "1"),
        ("007", 7),
        ("60s", "1m"),
        ("yes", True),
        ("Blue", "blue"),
        ("projects/p/topics/t", "t"),
        ('{"a": 1}', '{"a":1}'),
        ("a", "***"),
    ],
)
@pytest.mark.parametrize("key", ["owner", "version", "cpu", "app_version", "location"])
def test_a_label_is_another_where_a_letter_of_it_is(key: str, declared: Any, observed: Any) -> None:
    assert drift(INSTANCE, {"labels": {key: declared}}, {"labels": {key: observed}}) == [(f"labels.{key}", "changed")]
    assert drift("", {"labels": {key: declared}}, {"labels": {key: observed}}) == [(f"labels.{key}", "changed")]


@pytest.mark.parametrize(("declared", "observed"), [(True, "true"), (7, "7"), (1.0, "1"), ("a", "a")])
def test_what_yaml_reads_as_a_number_or_a_boolean_is_the_text_that_it_was(declared: Any, observed: Any) -> None:
    assert drift(INSTANCE, {"labels": {"a": declared}}, {"labels": {"a": observed}}) == []


def test_the_value_beside_a_key_is_free_text_and_a_typed_value_is_not() -> None:
    def metadata(value: Any) -> dict[str, Any]:
        return {"metadata": {"items": [{"key": "enable-oslogin", "value": value}]}}

    assert drift(INSTANCE, metadata("TRUE"), metadata("true")) == [
        ("metadata.items[key=enable-oslogin].value", "changed")
    ]
    assert drift(INSTANCE, metadata("projects/p/topics/t"), metadata("t")) != []
    env = [{"name": "TIMEOUT", "value": "60s"}]
    assert drift(
        SERVICE,
        {"template": {"containers": [{"env": env}]}},
        {"template": {"containers": [{"env": [{"name": "TIMEOUT", "value": "1m"}]}]}},
    )


def test_limits_are_quantities_although_they_are_entries_of_a_map() -> None:
    def limits(cpu: str) -> dict[str, Any]:
        return {"template": {"containers": [{"name": "a", "resources": {"limits": {"cpu": cpu}}}]}}

    assert drift(SERVICE, limits("1000m"), limits("1")) == []
    assert drift(SERVICE, limits("1000m"), limits("2")) != []


def test_a_secret_that_the_server_masks_in_a_free_map_is_unchecked() -> None:
    channel = "monitoring.googleapis.com/NotificationChannel"
    answer = explained(
        channel, {"labels": {"auth_token": "x", "url": "a"}}, {"labels": {"auth_token": "****", "url": "a"}}
    )
    assert (answer.differences, [note.path for note in answer.unchecked]) == ((), ["labels.auth_token"])
    assert drift(channel, {"labels": {"url": "a"}}, {"labels": {"url": "****"}}) == [("labels.url", "changed")]


@pytest.mark.parametrize("live", [{}, {"labels": {}}, {"labels": {"b": ""}}])
def test_an_entry_of_a_map_that_is_gone_is_drift_though_its_value_was_empty(live: dict[str, Any]) -> None:
    assert drift(INSTANCE, {"labels": {"a": ""}}, live | {"name": "x"}) == [("labels.a", "missing")]
    assert drift(INSTANCE, {"labels": {}}, live | {"name": "x"}) == []


def test_a_description_that_looks_like_a_reference_is_prose() -> None:
    live = {"description": "https://www.googleapis.com/compute/v1/projects/p/global/networks/n"}
    assert drift(INSTANCE, {"description": "projects/p/global/networks/n"}, live) == [("description", "changed")]


FUNCTION = "cloudfunctions.googleapis.com/Function"


def test_keys_of_a_map_are_its_authors_words_in_no_other_spelling() -> None:
    def env(**variables: str) -> dict[str, Any]:
        return {"serviceConfig": {"environmentVariables": variables}}

    path = "serviceConfig.environmentVariables.MY_HOST"
    assert drift(FUNCTION, env(MY_HOST="a", B="b"), env(MYHOST="a", B="b")) == [(path, "missing")]
    snake, camel = {"service_config": {"max_instance_count": 3}}, {"serviceConfig": {"maxInstanceCount": 3}}
    assert drift(FUNCTION, snake, camel) == []


def test_a_label_called_enabled_switches_nothing_off() -> None:
    live = {"labels": {"enabled": "false"}}
    assert drift(INSTANCE, {"labels": {"enabled": False, "team": "a"}}, live) == [("labels.team", "missing")]

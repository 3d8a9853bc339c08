"""Values that are not secrets are shown in full, and a secret in the same place is not."""

from __future__ import annotations

from typing import Any

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison.compare import compare
from setpoint.model.secrecy import holds_hidden

TOKEN = "ghp_" + "aB3" * 12
KEY = "projects/shop-prod/locations/europe-west1/keyRings/shop/cryptoKeys/{}"
TRIGGER = "eventarc.googleapis.com/Trigger"
FUNCTION = "cloudfunctions.googleapis.com/Function"
TRANSFER = "bigquerydatatransfer.googleapis.com/TransferConfig"
ALERT = "monitoring.googleapis.com/AlertPolicy"
BUCKET = "storage.googleapis.com/Bucket"


def nested(path: str, value: Any) -> dict[str, Any]:
    """A resource with a value at a path; an empty part of the path stands for a list with one element."""
    for part in reversed(path.split("/")):
        value = {part: value} if part else [value]
    assert isinstance(value, dict)
    return value


def is_hidden(asset_type: str, path: str, declared: Any, observed: Any) -> bool:
    schema = default_catalogue().schema_for(asset_type)
    assert schema is not None
    differences = compare(nested(path, declared), nested(path, observed), schema)
    assert differences
    return any(holds_hidden([difference.declared, difference.observed]) for difference in differences)


PLACES: tuple[tuple[str, str, Any, Any], ...] = (
    ("run.googleapis.com/Service", "template/encryptionKey", KEY.format("old"), KEY.format("new")),
    ("run.googleapis.com/Job", "template/template/encryptionKey", "shop-old", "shop-new"),
    (
        ALERT,
        "conditions//conditionSql/query",
        "SELECT id FROM logs._AllLogs LIMIT 10",
        "SELECT id FROM logs._AllLogs LIMIT 20",
    ),
    (ALERT, "conditions//conditionPrometheusQueryLanguage/query", 'up{job="shop"} == 0', 'up{job="cart"} == 0'),
    (BUCKET, "cors//responseHeader/", "Content-Type", "Content-Disposition"),
    (BUCKET, "website/notFoundPage", "missing.html", "gone.html"),
    ("redis.googleapis.com/Instance", "redisConfigs/maxmemory-policy", "allkeys-lru", "volatile-ttl"),
    ("redis.googleapis.com/Instance", "redisConfigs/notify-keyspace-events", "Ex", "KEgx"),
    ("alloydb.googleapis.com/Instance", "databaseFlags/log_statement", "ddl", "all statements"),
    ("memcache.googleapis.com/Instance", "parameters/params/protocol", "ascii-only", "binary-only"),
    ("container.googleapis.com/NodePool", "config/linuxNodeConfig/sysctls/net.ipv4.tcp_rmem", "4096 1 2", "4096 2 3"),
    (TRANSFER, "params/write_disposition", "WRITE_APPEND", "WRITE_TRUNCATE"),
    (TRANSFER, "params/destination_table_name_template", "sales_{run_date}", "orders_{run_date}"),
)


@pytest.mark.parametrize(("asset_type", "path", "declared", "observed"), PLACES)
def test_both_values_are_shown_of_what_is_no_secret(asset_type: str, path: str, declared: Any, observed: Any) -> None:
    assert not is_hidden(asset_type, path, declared, observed)


@pytest.mark.parametrize(("asset_type", "path", "declared", "observed"), PLACES)
@pytest.mark.parametrize("secret", [TOKEN, "postgres://shop:hunter22@10.0.0.3/shop", "Zq7xW7kPv9TbR2mN4sLd8f"])
def test_a_secret_in_the_same_place_is_hidden(
    asset_type: str, path: str, declared: Any, observed: Any, secret: str
) -> None:
    assert observed != declared
    assert is_hidden(asset_type, path, declared, secret)


def event_filter(value: str, attribute: str) -> list[dict[str, str]]:
    return [{"attribute": attribute, "value": value}]


@pytest.mark.parametrize(("asset_type", "path"), [(TRIGGER, "eventFilters"), (FUNCTION, "eventTrigger/eventFilters")])
def test_the_value_of_an_event_filter_is_shown(asset_type: str, path: str) -> None:
    declared, observed = event_filter("orders-paid", "topic"), event_filter("orders-refunded", "topic")
    assert not is_hidden(asset_type, path, declared, observed)
    assert is_hidden(asset_type, path, declared, event_filter(TOKEN, "topic"))


@pytest.mark.parametrize("key", ["query", "password", "secret_access_key", "developer_token", "x_note"])
def test_a_data_source_shows_only_settings_that_are_named_as_names_and_words(key: str) -> None:
    assert is_hidden(TRANSFER, f"params/{key}", "correct horse", "battery staple")


@pytest.mark.parametrize(
    ("asset_type", "path"),
    [
        (BUCKET, "metadata/shop"),
        ("run.googleapis.com/Service", "template/containers//env/"),
        ("bigquery.googleapis.com/Table", "view/query"),
        ("workflows.googleapis.com/Workflow", "userEnvVars/SHOP"),
    ],
)
def test_what_its_author_likes_stays_hidden(asset_type: str, path: str) -> None:
    is_variable = path.endswith("/env/")
    before, after = ({"name": "SHOP", "value": text} if is_variable else text for text in ("correct horse", "battery"))
    assert is_hidden(asset_type, path, before, after)

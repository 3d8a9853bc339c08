"""Attributes that the provider does not read back are compared where the API returns them."""

from __future__ import annotations

from declarations.test_terraform_classes import declared, judged

REPLICA = {
    "name": "db",
    "project": "fleet-shop",
    "region": "europe-west1",
    "database_version": "MYSQL_8_0",
    "replica_configuration": [
        {"connect_retry_interval": 60, "username": "replica", "client_key": "KEY", "password": "SECRET"}
    ],
}


def live(**fields: object) -> dict[str, object]:
    return {"name": "db", "region": "europe-west1", "databaseVersion": "MYSQL_8_0", **fields}


def test_its_absence_is_no_difference() -> None:
    judgement = judged(declared("google_sql_database_instance", REPLICA), live())
    assert (judgement.kind, judgement.differences) == (None, ())


def test_another_value_is_an_undeclared_change() -> None:
    configuration = {"connectRetryInterval": 5, "username": "replica"}
    changed = live(replicaConfiguration={"mysqlReplicaConfiguration": configuration})
    judgement = judged(declared("google_sql_database_instance", REPLICA), changed)
    assert judgement.kind is None
    assert [kept.difference.path for kept in judgement.suppressed if kept.difference] == [
        "replicaConfiguration.mysqlReplicaConfiguration.connectRetryInterval"
    ]


def test_its_secrets_are_in_no_declaration() -> None:
    declaration = declared("google_sql_database_instance", REPLICA)
    assert "KEY" not in str(declaration)
    assert "SECRET" not in str(declaration)


def test_what_the_api_leaves_out_as_its_default_is_compared() -> None:
    values = {"name": "t", "project": "fleet-shop", "instance_type": "PRODUCTION"}
    declaration = declared("google_bigtable_instance", values)
    assert judged(declaration, {"name": "t"}).kind is None
    [kept] = judged(declaration, {"name": "t", "type": "DEVELOPMENT"}).suppressed
    assert kept.difference is not None
    assert kept.difference.path == "type"


def test_a_disk_that_grew_by_itself_is_no_drift_and_one_that_shrank_is() -> None:
    settings = {"tier": "db-f1-micro", "disk_size": 20, "disk_autoresize": True}
    declaration = declared("google_sql_database_instance", REPLICA | {"settings": [settings]})
    grown = live(settings={"tier": "db-f1-micro", "dataDiskSizeGb": "30", "storageAutoResize": True})
    other = live(settings={"tier": "db-f1-micro", "dataDiskSizeGb": "10", "storageAutoResize": True})
    assert judged(declaration, grown).kind is None
    assert [difference.path for difference in judged(declaration, other).differences] == ["settings.dataDiskSizeGb"]

"""Fields of which only one may be set: one in place of another is one difference."""

from __future__ import annotations

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison.compare import compare
from setpoint.comparison.difference_text import as_line

SERVICE = default_catalogue().schema_for("run.googleapis.com/Service")


def service(probe):
    return {"template": {"containers": [{"name": "web", "image": "web:1", "livenessProbe": probe}]}}


@pytest.mark.parametrize("exact", [False, True])
def test_one_in_place_of_another_is_one_difference_that_names_both(exact):
    declared = service({"httpGet": {"path": "/up", "port": 8080}})
    observed = service({"tcpSocket": {"port": 80}})
    (difference,) = compare(declared, observed, SERVICE, exact=exact)

    assert (difference.op, difference.observed) == ("missing", "tcpSocket")
    assert difference.path.endswith("livenessProbe.httpGet")
    assert as_line(difference).endswith('.httpGet: expected {"path":"/up","port":8080} instead of tcpSocket')


def test_a_change_within_the_declared_one_is_told_by_its_field():
    (difference,) = compare(service({"httpGet": {"path": "/up"}}), service({"httpGet": {"path": "/down"}}), SERVICE)
    assert (difference.path.rpartition(".")[2], difference.op) == ("path", "changed")


def test_where_none_is_set_each_lost_field_is_told():
    differences = compare(service({"httpGet": {"path": "/up"}}), service({"periodSeconds": 9}), SERVICE)
    assert [difference.path.rpartition(".")[2] for difference in differences] == ["path"]


def test_another_one_beside_the_declared_one_is_reported_where_everything_is_owned():
    observed = service({"httpGet": {"path": "/up"}, "tcpSocket": {"port": 80}})
    differences = compare(service({"httpGet": {"path": "/up"}}), observed, SERVICE, exact=True)
    assert [(difference.op, difference.path.rpartition(".")[2]) for difference in differences] == [
        ("unexpected", "tcpSocket")
    ]


def test_a_secret_in_place_of_another_field_is_not_shown():
    schema = default_catalogue().schema_for("monitoring.googleapis.com/AlertPolicy")
    declared = {"conditions": [{"displayName": "a", "conditionAbsent": {"duration": "60s"}}]}
    observed = {"conditions": [{"displayName": "a", "conditionThreshold": {"filter": "token=hunter2"}}]}
    (difference,) = compare(declared, observed, schema)
    assert "hunter2" not in str(difference)

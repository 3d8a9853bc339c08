from __future__ import annotations

from typing import Any

import pytest

from setpoint.catalog.schemas import Schema, default_catalogue
from setpoint.declarations.readers.field_mapping import UNKNOWN, MappedFields, as_written, place
from setpoint.declarations.readers.name_heuristics import plural, singular, words
from setpoint.declarations.readers.shape_matching import Reference
from setpoint.declarations.readers.translation import declared_path


def schema(asset_type: str) -> Schema:
    schema = default_catalogue().schema_for(asset_type)
    assert schema is not None
    return schema


def placed(asset_type: str, tree: dict[str, Any], **options: Any) -> MappedFields:
    return place(tree, schema(asset_type), **options)


BUCKET = "storage.googleapis.com/Bucket"
FIREWALL = "compute.googleapis.com/Firewall"
SUBNET = "compute.googleapis.com/Subnetwork"
CLUSTER = "container.googleapis.com/Cluster"
SERVICE = "compute.googleapis.com/BackendService"


@pytest.mark.parametrize(
    ("asset_type", "tree", "data"),
    [
        # The very same name.
        (BUCKET, {"location": "EU"}, {"location": "EU"}),
        # Snake case, and acronyms in any case.
        (SUBNET, {"ip_cidr_range": "10.0.0.0/20"}, {"ipCidrRange": "10.0.0.0/20"}),
        (
            "compute.googleapis.com/ForwardingRule",
            {"ipProtocol": "TCP"},
            {"IPProtocol": "TCP"},
        ),
        # A repeated block in the singular.
        (
            SUBNET,
            {"secondaryIpRange": [{"rangeName": "pods", "ipCidrRange": "10.4.0.0/16"}]},
            {"secondaryIpRanges": [{"rangeName": "pods", "ipCidrRange": "10.4.0.0/16"}]},
        ),
        # A reference under the name of what it refers to, its id, its name or its address.
        (SUBNET, {"networkRef": Reference("shared")}, {"network": "shared"}),
        ("pubsub.googleapis.com/Topic", {"kmsKeyRef": Reference("k")}, {"kmsKeyName": "k"}),
        ("compute.googleapis.com/TargetTcpProxy", {"backendServiceRef": Reference("web")}, {"service": "web"}),
        ("redis.googleapis.com/Instance", {"networkRef": Reference("shared")}, {"authorizedNetwork": "shared"}),
        ("compute.googleapis.com/Disk", {"imageRef": Reference("base")}, {"sourceImage": "base"}),
        # A field that is pulled up: by its path in one word, or as the only one of its name.
        (
            BUCKET,
            {"lifecycleRule": [{"action": {"type": "Delete"}}]},
            {"lifecycle": {"rule": [{"action": {"type": "Delete"}}]}},
        ),
        (BUCKET, {"requesterPays": True}, {"billing": {"requesterPays": True}}),
        (SERVICE, {"connectionDrainingTimeoutSec": 30}, {"connectionDraining": {"drainingTimeoutSec": 30}}),
        # A flag for a group that is switched on.
        (
            BUCKET,
            {"uniformBucketLevelAccess": True},
            {"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}}},
        ),
        (CLUSTER, {"enableShieldedNodes": True}, {"shieldedNodes": {"enabled": True}}),
        # A name that repeats whose field it is.
        (CLUSTER, {"clusterAutoscaling": {"resourceLimits": []}}, {"autoscaling": {"resourceLimits": []}}),
        # The unit that the API's name has.
        ("compute.googleapis.com/Disk", {"size": 20}, {"sizeGb": 20}),
    ],
)
def test_a_field_goes_where_tools_habits_put_it(asset_type: str, tree: dict[str, Any], data: dict[str, Any]) -> None:
    mapped = placed(asset_type, tree)
    assert mapped.data == data
    assert mapped.unchecked == ()


@pytest.mark.parametrize(
    ("asset_type", "tree", "data"),
    [
        # A block of one where the API has an object, and an object where it has a list.
        (BUCKET, {"versioning": [{"enabled": True}]}, {"versioning": {"enabled": True}}),
        (BUCKET, {"cors": {"method": ["GET"]}}, {"cors": [{"method": ["GET"]}]}),
        # An object that only wraps a scalar.
        ("compute.googleapis.com/VpnTunnel", {"sharedSecret": {"value": "s"}}, {"sharedSecret": "s"}),
        # Objects of one reference each where the API has a list of names.
        (SERVICE, {"healthChecks": [{"healthCheckRef": Reference("ping")}]}, {"healthChecks": ["ping"]}),
        # A list of keys and values, or of objects that hold their key, where the API has a map.
        (BUCKET, {"labels": [{"key": "Team-A", "value": "x"}]}, {"labels": {"Team-A": "x"}}),
        (
            "artifactregistry.googleapis.com/Repository",
            {"cleanupPolicies": [{"id": "old", "action": "DELETE"}]},
            {"cleanupPolicies": {"old": {"id": "old", "action": "DELETE"}}},
        ),
        # A list for the one list of a group; the JSON of it in a string.
        ("bigquery.googleapis.com/Table", {"clustering": ["day", "shop"]}, {"clustering": {"fields": ["day", "shop"]}}),
        (
            "bigquery.googleapis.com/Table",
            {"schema": '[{"name": "day", "type": "DATE"}]'},
            {"schema": {"fields": [{"name": "day", "type": "DATE"}]}},
        ),
        # A duration that is written as a message.
        (
            "pubsub.googleapis.com/Subscription",
            {
                "messageRetentionDuration": {"seconds": 600},
                "expirationPolicy": {"ttl": {"seconds": 1, "nanos": 5000000}},
            },
            {"messageRetentionDuration": "600s", "expirationPolicy": {"ttl": "1.005000000s"}},
        ),
        # Null is not declared.
        (BUCKET, {"location": None}, {}),
    ],
)
def test_a_value_takes_the_shape_of_its_field(asset_type: str, tree: dict[str, Any], data: dict[str, Any]) -> None:
    mapped = placed(asset_type, tree)
    assert mapped.data == data
    assert mapped.unchecked == ()


@pytest.mark.parametrize(
    ("asset_type", "tree", "unchecked"),
    [
        # One place is no list of places.
        ("container.googleapis.com/NodePool", {"location": "europe-west1-b"}, "spec.location"),
        # A name that is everybody's is not looked for further down.
        (CLUSTER, {"clusterAutoscaling": {"enabled": True}}, "spec.clusterAutoscaling.enabled"),
        # A reference is no enum.
        ("alloydb.googleapis.com/Instance", {"instanceTypeRef": Reference("orders")}, "spec.instanceTypeRef"),
        # A word is no number, and a list of two no object.
        ("compute.googleapis.com/Disk", {"sizeGb": "large"}, "spec.sizeGb"),
        (BUCKET, {"versioning": [{"enabled": True}, {"enabled": False}]}, "spec.versioning"),
        # What the server alone writes is not declared, nor anything further down of that name.
        (BUCKET, {"metageneration": 3}, "spec.metageneration"),
    ],
)
def test_what_does_not_fit_is_left_out_and_named(asset_type: str, tree: dict[str, Any], unchecked: str) -> None:
    mapped = placed(asset_type, tree)
    assert mapped.unchecked == (unchecked,)
    assert not any(mapped.data.values())


def test_a_misspelt_field_comes_with_the_nearest_names() -> None:
    mapped = placed(BUCKET, {"versionin": {"enabled": True}, "somethingElse": 1})
    assert {field.name: field.nearest() for field in mapped.unplaced} == {
        "versionin": ("versioning",),
        "somethingElse": (),
    }


@pytest.mark.parametrize("value", ["x", {"a": 1}, [], Reference("projects/p/topics/t")])
@pytest.mark.parametrize("name", ["_", "-", "/", ""])
def test_a_name_without_a_word_has_no_place(name: str, value: Any) -> None:
    mapped = placed(BUCKET, {"location": "EU", name: value})
    assert (mapped.data, [field.name for field in mapped.unplaced]) == ({"location": "EU"}, [name])


def test_a_name_that_is_known_is_not_misspelt_although_its_value_does_not_fit() -> None:
    [left] = placed("compute.googleapis.com/Disk", {"sizeGb": "large"}).unplaced
    assert left.nearest() == ()


def test_the_field_of_the_same_name_comes_first_and_is_not_taken_twice() -> None:
    mapped = placed(SUBNET, {"networkRef": Reference("other"), "network": "shared"})
    assert mapped.data == {"network": "shared"}
    assert mapped.unchecked == ("spec.networkRef",)


def test_an_unknown_value_is_unchecked_and_spoils_nothing_beside_it() -> None:
    tree = {"lifecycle_rule": [{"condition": [{"age": 30, "num_newer_versions": UNKNOWN}]}], "location": UNKNOWN}
    mapped = placed(BUCKET, tree, prefix="google_storage_bucket.logs")
    assert mapped.data == {"lifecycle": {"rule": [{"condition": {"age": 30}}]}}
    assert sorted(mapped.unknown) == [
        "google_storage_bucket.logs.lifecycle_rule[0].condition[0].num_newer_versions",
        "google_storage_bucket.logs.location",
    ]


def test_a_list_of_which_an_element_is_unknown_is_not_compared() -> None:
    mapped = placed(FIREWALL, {"sourceRanges": ["10.0.0.0/8", UNKNOWN]})
    assert mapped.data == {}
    assert "spec.sourceRanges" in " ".join(mapped.unchecked)


def test_an_exception_says_where_a_field_goes_or_that_it_is_no_data() -> None:
    moves = {"allow": "allowed", "allow.protocol": "IPProtocol", "wait": None, "guess": "?"}
    mapped = placed(FIREWALL, {"allow": [{"protocol": "tcp"}], "wait": True, "guess": 1}, moves=moves)
    assert mapped.data == {"allowed": [{"IPProtocol": "tcp"}]}
    assert mapped.unchecked == ("spec.guess",)


def test_an_exception_may_start_at_the_resource_itself_and_name_several_fields() -> None:
    moves = {"part.note": "/description", "title": "displayName|description"}
    mapped = placed(FIREWALL, {"logConfig": {"enable": True}, "title": "web"}, moves=moves)
    assert mapped.data == {"logConfig": {"enable": True}, "description": "web"}


def test_keys_of_maps_are_the_authors_own() -> None:
    assert placed(BUCKET, {"labels": {"cost_centre": "a", "HTTPProxy": "b"}}).data == {
        "labels": {"cost_centre": "a", "HTTPProxy": "b"}
    }


@pytest.mark.parametrize(
    ("api_path", "author"),
    [
        ("lifecycle.rule[0].action.type", "spec.lifecycleRule[0].action.type"),
        ("lifecycle", "spec.lifecycleRule"),
        ("iamConfiguration.uniformBucketLevelAccess.enabled", "spec.uniformBucketLevelAccess"),
        ("cors[0].method", "spec.cors.method"),
        ("labels.a.b", "spec.labels"),
        ('labels["a.b"]', 'spec.labels["a.b"]'),
        ("location", "spec.location"),
        ("website.mainPageSuffix", "spec"),
        ("", "spec"),
    ],
)
def test_the_way_back_leads_to_what_the_author_wrote(api_path: str, author: str) -> None:
    tree = {
        "lifecycleRule": [{"action": {"type": "Delete"}}],
        "uniformBucketLevelAccess": True,
        "cors": {"method": ["GET"]},
        "labels": {"a.b": "c"},
        "location": "EU",
    }
    mapped = placed(BUCKET, tree)
    assert declared_path(mapped.origins, mapped.data, api_path) == author


def test_the_way_back_finds_an_element_by_the_field_that_names_it() -> None:
    mapped = placed(
        SUBNET, {"secondaryIpRange": [{"rangeName": "a"}, {"rangeName": "b", "ipCidrRange": "10.0.0.0/16"}]}
    )
    back = declared_path(mapped.origins, mapped.data, "secondaryIpRanges[rangeName=b].ipCidrRange")
    assert back == "spec.secondaryIpRange[1].ipCidrRange"
    assert (
        declared_path(mapped.origins, mapped.data, "secondaryIpRanges[rangeName=z].ipCidrRange")
        == "spec.secondaryIpRange"
    )


def test_without_a_schema_a_tree_stays_as_it_is_but_for_references_and_acronyms() -> None:
    tree = {"networkRef": Reference("n"), "hostURL": "x", "agentRefs": [Reference("a")], "secret": UNKNOWN, "skip": 1}
    mapped = as_written(tree, moves={"skip": None})
    assert mapped.data == {"network": "n", "hostUrl": "x", "agents": ["a"]}
    assert mapped.unknown == ("spec.secret",)
    assert declared_path(mapped.origins, mapped.data, "hostUrl") == "spec.hostURL"


@pytest.mark.parametrize(
    ("single", "many"),
    [("policy", "policies"), ("address", "addresses"), ("rule", "rules"), ("proxy", "proxies"), ("key", "keys")],
)
def test_numbers_of_english_words(single: str, many: str) -> None:
    assert plural(single) == many
    assert singular(many) == single


def test_words_of_names() -> None:
    assert words("IPProtocol") == ("ip", "protocol")
    assert words("kms_key_name") == words("kmsKeyName") == ("kms", "key", "name")
    assert words("targetHTTPSProxyRef") == ("target", "https", "proxy", "ref")

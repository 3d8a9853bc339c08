"""Terraform types that are an element of another resource are compared as this element."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from declarations.states import state
from setpoint.declarations import apply, apply_states
from setpoint.declarations.apply import ApplyRequest
from setpoint.declarations.readers.load import LoadResult
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey

NOW = datetime(2026, 3, 1, tzinfo=UTC)
COMPUTE = "//compute.googleapis.com/projects/shop-prod"


class Case(NamedTuple):
    """A part, and the resource that holds it.

    Args:
        type: The Terraform type.
        values: Its attributes in a state.
        name: The holder's full resource name.
        asset_type: The holder's asset type.
        live: The holder.
        change: The holder after a change of the part.
    """

    type: str
    values: dict[str, Any]
    name: str
    asset_type: str
    live: dict[str, Any]
    change: dict[str, Any]


ROUTER = (f"{COMPUTE}/regions/europe-west1/routers/edge", "compute.googleapis.com/Router")
IN_ROUTER = {"project": "shop-prod", "region": "europe-west1", "router": "edge"}
POLICY = {"project": "shop-prod", "firewall_policy": "fp", "priority": 1000, "direction": "INGRESS"}
MATCH = {"src_ip_ranges": ["10.0.0.0/8"], "layer4_configs": [{"ip_protocol": "tcp", "ports": ["22"]}]}
RULE = {
    "priority": 1000,
    "action": "allow",
    "direction": "INGRESS",
    "match": {"srcIpRanges": ["10.0.0.0/8"], "layer4Configs": [{"ipProtocol": "tcp", "ports": ["22"]}]},
}
OTHER_RULE = {"priority": 2147483647, "action": "deny", "direction": "INGRESS", "match": {"srcIpRanges": ["*"]}}
OWNER = {"role": "OWNER", "specialGroup": "projectOwners"}


def cases() -> list[Case]:
    nat = {"name": "nat", "natIpAllocateOption": "AUTO_ONLY", "sourceSubnetworkIpRangesToNat": "ALL_SUBNETWORKS"}
    peer = {"name": "peer", "interfaceName": "if-0", "peerAsn": 64513, "peerIpAddress": "169.254.0.2"}
    peering = {"name": "hub", "network": f"{COMPUTE[2:]}/global/networks/hub", "exportCustomRoutes": True}
    hub = "https://www.googleapis.com/compute/v1/projects/shop-prod/global/networks/hub"
    waf = {
        "priority": 10,
        "action": "deny(403)",
        "match": {"versionedExpr": "SRC_IPS_V1", "config": {"srcIpRanges": ["*"]}},
    }
    return [
        Case(
            "google_compute_router_nat",
            {
                **IN_ROUTER,
                "name": "nat",
                "nat_ip_allocate_option": "AUTO_ONLY",
                "source_subnetwork_ip_ranges_to_nat": "ALL_SUBNETWORKS",
            },
            *ROUTER,
            {"nats": [{"name": "other"}, nat]},
            {"nats": [nat | {"natIpAllocateOption": "MANUAL_ONLY"}]},
        ),
        Case(
            "google_compute_router_peer",
            {**IN_ROUTER, "name": "peer", "interface": "if-0", "peer_asn": 64513, "peer_ip_address": "169.254.0.2"},
            *ROUTER,
            {"bgpPeers": [peer]},
            {"bgpPeers": [peer | {"peerAsn": 64999}]},
        ),
        Case(
            "google_compute_network_peering",
            {
                "name": "hub",
                "network": "projects/shop-prod/global/networks/net",
                "peer_network": hub,
                "export_custom_routes": True,
            },
            f"{COMPUTE}/global/networks/net",
            "compute.googleapis.com/Network",
            {"peerings": [peering | {"network": hub}]},
            {"peerings": []},
        ),
        Case(
            "google_compute_network_firewall_policy_rule",
            {**POLICY, "action": "allow", "match": [MATCH]},
            f"{COMPUTE}/global/firewallPolicies/fp",
            "compute.googleapis.com/NetworkFirewallPolicy",
            {"rules": [RULE, OTHER_RULE]},
            {"rules": [RULE | {"action": "deny"}, OTHER_RULE]},
        ),
        Case(
            "google_compute_firewall_policy_rule",
            {
                **POLICY,
                "firewall_policy": "locations/global/firewallPolicies/123456",
                "action": "allow",
                "match": [MATCH],
            },
            "//compute.googleapis.com/locations/global/firewallPolicies/123456",
            "compute.googleapis.com/FirewallPolicy",
            {"rules": [OTHER_RULE, RULE]},
            {"rules": [OTHER_RULE]},
        ),
        Case(
            "google_compute_security_policy_rule",
            {
                "project": "shop-prod",
                "security_policy": "waf",
                "priority": 10,
                "action": "deny(403)",
                "match": [{"versioned_expr": "SRC_IPS_V1", "config": [{"src_ip_ranges": ["*"]}]}],
            },
            f"{COMPUTE}/global/securityPolicies/waf",
            "compute.googleapis.com/SecurityPolicy",
            {"rules": [waf]},
            {"rules": [waf | {"action": "allow"}]},
        ),
        Case(
            "google_bigquery_dataset_access",
            {
                "project": "shop-prod",
                "dataset_id": "orders",
                "role": "roles/bigquery.dataViewer",
                "user_by_email": "ann@example.com",
                "view": [],
                "domain": None,
            },
            "//bigquery.googleapis.com/projects/shop-prod/datasets/orders",
            "bigquery.googleapis.com/Dataset",
            {"access": [OWNER, {"role": "READER", "userByEmail": "ann@example.com"}]},
            {"access": [OWNER, {"role": "OWNER", "userByEmail": "ann@example.com"}]},
        ),
        Case(
            "google_storage_bucket_access_control",
            {"bucket": "shop", "entity": "allAuthenticatedUsers", "role": "READER"},
            "//storage.googleapis.com/shop",
            "storage.googleapis.com/Bucket",
            {"acl": [{"entity": "allAuthenticatedUsers", "role": "READER"}]},
            {"acl": [{"entity": "allAuthenticatedUsers", "role": "OWNER"}]},
        ),
        Case(
            "google_storage_bucket_acl",
            {"bucket": "shop", "role_entity": ["OWNER:user-ann@example.com", "READER:group-b@example.com"]},
            "//storage.googleapis.com/shop",
            "storage.googleapis.com/Bucket",
            {
                "acl": [
                    {"entity": "user-ann@example.com", "role": "OWNER"},
                    {"entity": "group-b@example.com", "role": "READER"},
                ]
            },
            {"acl": [{"entity": "user-ann@example.com", "role": "OWNER"}]},
        ),
        Case(
            "google_compute_project_metadata",
            {"project": "shop-prod", "metadata": {"enable-oslogin": "TRUE", "serial-port": "FALSE"}},
            COMPUTE,
            "compute.googleapis.com/Project",
            {
                "commonInstanceMetadata": {
                    "items": [{"key": "serial-port", "value": "FALSE"}, {"key": "enable-oslogin", "value": "TRUE"}]
                }
            },
            {
                "commonInstanceMetadata": {
                    "items": [
                        {"key": "serial-port", "value": "FALSE"},
                        {"key": "enable-oslogin", "value": "TRUE"},
                        {"key": "ssh-keys", "value": "mallory:ssh-ed25519 AAAA"},
                    ]
                }
            },
        ),
        Case(
            "google_compute_shared_vpc_host_project",
            {"project": "shop-prod"},
            COMPUTE,
            "compute.googleapis.com/Project",
            {"xpnProjectStatus": "HOST"},
            {"xpnProjectStatus": "UNSPECIFIED_XPN_PROJECT_STATUS"},
        ),
        Case(
            "google_compute_project_metadata_item",
            {"project": "shop-prod", "key": "enable-oslogin", "value": "TRUE"},
            COMPUTE,
            "compute.googleapis.com/Project",
            {
                "commonInstanceMetadata": {
                    "items": [{"key": "a", "value": "b"}, {"key": "enable-oslogin", "value": "TRUE"}]
                }
            },
            {"commonInstanceMetadata": {"items": [{"key": "a", "value": "b"}]}},
        ),
        Case(
            "google_compute_instance_group_named_port",
            {"project": "shop-prod", "zone": "europe-west1-b", "group": "web", "name": "http", "port": 80},
            f"{COMPUTE}/zones/europe-west1-b/instanceGroups/web",
            "compute.googleapis.com/InstanceGroup",
            {"namedPorts": [{"name": "http", "port": 80}]},
            {"namedPorts": [{"name": "http", "port": 8080}]},
        ),
    ]


def loaded(*resources: dict[str, Any]) -> LoadResult:
    return apply_states.load_state(state(resources), "net.tfstate")


def part(case: Case) -> dict[str, Any]:
    return {"type": case.type, "name": "p", "values": case.values}


def observe(case: Case, live: dict[str, Any], deps: Context, minute: int) -> str:
    name = case.name.rpartition("/")[2]
    return pipeline.handle_observation(
        Observation(
            ResourceKey(case.name),
            case.asset_type,
            NOW.replace(minute=minute),
            data={"name": name} | live,
        ),
        deps,
    )


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.type)
def test_a_part_is_compared_as_the_element_that_it_is(case: Case, deps: Context) -> None:
    result = loaded(part(case))
    assert not result.problems
    assert not result.skipped
    assert [str(desired.declarations[0].key.name) for desired in result.desired] == [case.name]
    assert all(declaration.mode == "alert" for desired in result.desired for declaration in desired.declarations)
    apply.sync(result, ApplyRequest("net"), deps, NOW)

    assert observe(case, case.live, deps, 1) == "in_sync", deps.store.read(ResourceKey(case.name)).state
    assert observe(case, case.change, deps, 2) in ("opened", "settling")
    assert observe(case, case.live, deps, 3) in ("resolved", "in_sync")


def test_a_part_whose_holder_is_known_only_after_apply_is_pending() -> None:
    values = {"dataset_id": "", "project": "shop-prod", "role": "READER", "domain": "example.com"}
    result = loaded({"type": "google_bigquery_dataset_access", "name": "p", "values": values})
    assert [problem.category for problem in result.problems + result.warnings] == ["pending"]


def test_a_list_that_the_holder_only_recorded_is_declared_by_its_parts(deps: Context) -> None:
    rule = [{"priority": 10, "action": "deny(403)", "match": [], "preview": False}]
    policy = {"project": "shop-prod", "name": "waf", "description": "edge", "rule": rule}
    [waf] = [case for case in cases() if case.type == "google_compute_security_policy_rule"]
    text = {"type": "google_compute_security_policy", "name": "w", "values": policy}
    result = loaded(text, part(waf))
    plan = json.dumps([str(problem) for problem in result.problems])
    if "declared already" in plan:
        pytest.fail(plan)
    apply.sync(result, ApplyRequest("net"), deps, NOW)

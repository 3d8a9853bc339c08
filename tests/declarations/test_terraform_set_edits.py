"""Editing blocks that are a set: the state has them in an order of its own, and only one of them is to be edited."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.readers import documents
from setpoint.declarations.readers.load import load_documents
from setpoint.declarations.terraform_edits import CodeEdit, edit_code
from setpoint.model.observation import Observation

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADDRESS = "google_compute_firewall.web"
UDP, TCP = {"protocol": "udp", "ports": ["80"]}, {"protocol": "tcp", "ports": ["80"]}
CODE = """\
resource "google_compute_firewall" "web" {{
  name    = "web"
  network = "main"
  allow {{
    protocol = "tcp"
    ports    = {tcp}
  }}
  allow {{
    protocol = "udp"
    ports    = {udp}
  }}
}}
"""


def edited(code: str, applied: list[dict[str, Any]], **live: Any) -> CodeEdit:
    """The code where the firewall rule was applied with these blocks, in the order of the state."""
    resource = {
        "address": ADDRESS,
        "mode": "managed",
        "type": "google_compute_firewall",
        "name": "web",
        "provider_name": "registry.terraform.io/hashicorp/google",
        "values": {"name": "web", "project": "shop-prod", "network": "main", "allow": applied},
    }
    plan = {"format_version": "1.2", "planned_values": {"root_module": {"resources": [resource]}}}
    loaded = load_documents(documents.parse(json.dumps(plan), "prod/plan.json"))
    ((declaration,),) = (several.declarations for several in loaded.desired)
    observed = {"name": "web", "network": "projects/shop-prod/global/networks/main", **live}
    observation = Observation(declaration.key, declaration.asset_type, NOON, data=observed, project_id="shop-prod")
    return edit_code({"main.tf": code}, declaration, observation, default_catalogue())


def opened(protocol: str) -> dict[str, Any]:
    """The live rule, in which one protocol has another port."""
    return {
        "allowed": [
            {"IPProtocol": name, "ports": ["80", "443"] if name == protocol else ["80"]} for name in ("tcp", "udp")
        ]
    }


@pytest.mark.parametrize("order", [[TCP, UDP], [UDP, TCP]])
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_the_block_of_a_set_is_edited_that_has_changed(order: list[dict[str, Any]], protocol: str) -> None:
    before = CODE.format(tcp='["80"]', udp='["80"]')

    result = edited(before, order, **opened(protocol))

    after = CODE.format(**{"tcp": '["80"]', "udp": '["80"]'} | {protocol: '["80", "443"]'})
    assert result.files["main.tf"] in (after, before)  # never the other block
    assert (result.files["main.tf"] == before) == bool(result.by_hand)


@pytest.mark.parametrize("order", [[TCP, UDP], [UDP, TCP]])
def test_a_block_of_a_set_is_known_by_its_value(order: list[dict[str, Any]]) -> None:
    applied = [block | {"ports": ["53"]} if block is UDP else block for block in order]
    live = [{"IPProtocol": "tcp", "ports": ["80"]}, {"IPProtocol": "udp", "ports": ["5353"]}]

    result = edited(CODE.format(tcp='["80"]', udp='["53"]'), applied, allowed=live)

    assert result.by_hand == ()
    assert result.files["main.tf"] == CODE.format(tcp='["80"]', udp='["5353"]')


SINGLE = 'resource "google_compute_firewall" "web" {\n  allow {\n    protocol = "tcp"\n    ports = PORTS\n  }\n}\n'


def test_a_single_block_of_a_set_is_edited() -> None:
    result = edited(SINGLE.replace("PORTS", '["80"]'), [TCP], allowed=[{"IPProtocol": "tcp", "ports": ["80", "443"]}])

    assert result.by_hand == ()
    assert result.files["main.tf"] == SINGLE.replace("PORTS", '["80", "443"]')


def test_a_list_on_a_line_keeps_its_comments() -> None:
    code = SINGLE.replace("PORTS", '["80" /* web */]')
    result = edited(code, [TCP], allowed=[{"IPProtocol": "tcp", "ports": ["80", "443"]}])

    assert result.files["main.tf"] == code
    assert "comments" in result.by_hand[0]

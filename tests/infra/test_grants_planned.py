"""Who may do what, as Terraform plans it with everything switched on, against the table in docs/grants.md.

``SETPOINT_WRITE_GRANTS=1 pytest tests/infra/test_grants_planned.py`` writes the table again; review it like code.
"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from infra.blocks import ROOT, TERRAFORM
from infra.options import BASE

pytestmark = pytest.mark.skipif(not TERRAFORM, reason="NO TERRAFORM: grants are not planned")

PAGE = ROOT / "docs" / "grants.md"
BEGIN, END = "<!-- grants: written by tests/infra/test_grants_planned.py -->\n", "<!-- end of grants -->\n"
PLACES = (
    "secret_id",
    "subscription",
    "topic",
    "bucket",
    "table_id",
    "dataset_id",
    "crypto_key_id",
    "web_backend_service",
    "name",
)
OWN_ROLE = "a custom role"
UNKNOWN = {
    "agent": "agent of Cloud Storage",
    "audit_log": "writer of each sink",
    "uploads": "agent of Cloud Storage",
}
"""Who it is where Google tells only at the first apply, by the name of the grant."""
_PROJECT, _NUMBER = BASE["project_id"], "123456789012"


def plain(text: str) -> str:
    """A name as the docs have it: without what is of one installation."""
    text = re.sub(r"^(serviceAccount|group|user):", "", text)
    text = text.removesuffix(f"@{_PROJECT}.iam.gserviceaccount.com").replace(_NUMBER, "NUMBER")
    agent = re.fullmatch(r"(?:service-NUMBER|bq-NUMBER)@([\w-]+)\.iam\.gserviceaccount\.com", text)
    return f"agent {agent[1]}" if agent else text.replace(_PROJECT, "PROJECT")


def place(resource: dict[str, Any]) -> str:
    """What a grant is on; by its key in Terraform where the name is known only after apply."""
    kind, values = resource["type"], resource["values"]
    scope = re.match(r"google_(organization|folder|project)_iam_member", kind)
    if scope:
        conditions = [condition["title"] for condition in values.get("condition") or []]
        return f"{scope[1]}{': only ' + conditions[0] if conditions else ''}"
    if kind == "google_service_account_iam_member":
        return f"account setpoint-{resource['name'].removesuffix('_token')}"
    where = next((values[name] for name in PLACES if values.get(name)), resource.get("index", "?"))
    what = re.sub(r"^google_(?:pubsub_|storage_|secret_manager_|bigquery_|kms_|cloud_run_v2_|iap_web_)?", "", kind)
    return f"{what.removesuffix('_iam_member').replace('_', ' ')} {plain(str(where))}"


def grants(planned: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Who has which role on what."""
    rows = set()
    for resource in planned["planned_values"]["root_module"]["resources"]:
        if resource["type"].endswith("_iam_member"):
            values = resource["values"]
            role = str(values.get("role") or OWN_ROLE).removeprefix("roles/")
            member = values.get("member") or UNKNOWN[resource["name"]]
            rows.add((plain(member), role, place(resource)))
    return sorted(rows)


@pytest.fixture(scope="module")
def planned(planned_everything) -> list[tuple[str, str, str]]:
    return grants(planned_everything)


def test_the_docs_list_every_grant_and_no_other(planned):
    lines = ["| who | role | on |\n|---|---|---|\n", *(f"| `{a}` | `{b}` | {c} |\n" for a, b, c in planned)]
    text = PAGE.read_text()
    before, _, rest = text.partition(BEGIN)
    written, _, after = rest.partition(END)
    if os.environ.get("SETPOINT_WRITE_GRANTS"):
        PAGE.write_text(before + BEGIN + "".join(lines) + END + after)
        written = "".join(lines)
    assert written == "".join(lines), "docs/grants.md lists other grants than Terraform plans"


def test_no_account_of_setpoint_but_remediate_has_a_basic_role_or_writes_outside_of_its_project(planned):
    outside = [(who, role) for who, role, where in planned if where.startswith(("organization", "folder"))]
    reading = {"browser", "cloudasset.viewer", "logging.viewer", OWN_ROLE}  # that of sweep is of permissions to get
    assert {role for who, role in outside if who != "setpoint-remediate"} <= reading
    basic = {"owner", "editor", "viewer"}
    assert [row for row in planned if row[1] in basic] == []


def test_operators_and_readers_have_the_database_and_no_more_than_commands_ask_for(planned):
    roles = {who: {(role, where) for name, role, where in planned if name == who} for who, _, _ in planned}
    assert roles["developers@example.com"] == {("datastore.viewer", "project: only setpoint database")}
    assert {role for role, _ in roles["sre@example.com"]} == {
        "datastore.user",
        "pubsub.publisher",
        "pubsub.subscriber",
    }


TABLE = (ROOT / "docs/install.md").read_text().partition("## What it may do")[2].partition("\n### ")[0]
ROWS = {
    name: may
    for names, may in re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", TABLE, re.MULTILINE)
    for name in re.findall(r"`(setpoint-[\w-]+)`", names)
}
_ROLES_IN_WORDS = {
    "pubsub.publisher": "publish to",
    "pubsub.subscriber": "pull `detect`",
    "secretmanager.secretAccessor": "read that secret|read the secrets? ",
    "storage.objectViewer": "read the (?:bucket of declarations|source archives)",
    "bigquery.dataEditor": "write the (?:dataset|tables)",
    "run.invoker": "call ",
    "logging.logWriter": "logs",
    OWN_ROLE: "on the fleet what|read the types",
    "datastore.user": "read and write the database",
    "datastore.viewer": "read the database",
}
"""How the table says a role that it does not name."""
EVERYBODY = ("otlp-headers", "setpoint-secret-key")
"""Secrets that have a row of their own: all that need them may read them."""


def row_of(account: str) -> str:
    """What the table says of an account, with what it refers to."""
    may = ROWS[account]
    if "the same as detect" in may:
        may += f"; {ROWS['setpoint-detect']}"
    return may


def own_accounts(planned: list[tuple[str, str, str]]) -> list[str]:
    return sorted({who for who, _, _ in planned if who.startswith("setpoint-")})


def test_the_table_of_the_page_on_installing_has_each_account_with_its_topics_secrets_and_roles(planned):
    assert set(own_accounts(planned)) == ROWS.keys()
    for account in own_accounts(planned):
        may = row_of(account)
        for who, role, where in planned:
            if who != account or where.endswith(EVERYBODY):
                continue
            assert re.search(_ROLES_IN_WORDS.get(role, rf"`roles/{re.escape(role)}`"), may), (account, role)
            if where.startswith(("topic ", "secret ")):
                assert f"`{where.split()[1]}`" in may, (account, where)


def test_the_table_of_the_page_on_installing_gives_no_account_what_it_has_not(planned):
    everything = {where.split()[1] for _, _, where in planned if where.startswith(("topic ", "secret "))}
    for account in own_accounts(planned):
        has = {
            where.split()[1] for who, _, where in planned if who == account and where.startswith(("topic", "secret"))
        }
        written = {name for name in re.findall(r"`([\w-]+)`", row_of(account)) if name in everything}
        assert written <= has, account
        roles = {f"roles/{role}" for who, role, _ in planned if who == account}
        assert set(re.findall(r"`(roles/[\w.]+)`", row_of(account))) <= roles, account

"""Proposing: what a file says after a proposal is what was observed, and nothing else of it is changed."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.accept_drift import accepted
from setpoint.declarations.readers.load import load
from setpoint.declarations.readers.propose import Proposal, propose
from setpoint.detection import verdict
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
BUCKET = "//storage.googleapis.com/exports"
NATIVE = """\
# the bucket of all exports
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //storage.googleapis.com/other, project: shop-prod}
spec:
  assetType: storage.googleapis.com/Bucket
  data: {location: EU}
--- # and now:
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //storage.googleapis.com/exports, project: shop-prod}
spec:
  assetType: storage.googleapis.com/Bucket
  data:
    location: "EU"   # law
    storageClass: STANDARD
    labels:
      # whose it is
      team: shop
      cost: 'a1'
    versioning: {enabled: true} # never off
    lifecycle:
      rule:
      - action: {type: Delete}   # old ones
        condition:
          age: 30
          matchesPrefix: [a, b]
      - condition: {age: 90}
        action:
          type: SetStorageClass
          storageClass: ARCHIVE
# the end
---
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //storage.googleapis.com/last}
spec: {assetType: storage.googleapis.com/Bucket, data: {location: US}}
"""


def declared(text: str, name: str = "fleet.yaml") -> dict[str, Declaration]:
    with TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_text(text)
        loaded = load([str(file)], root=folder)
    assert loaded.problems == []
    return {declaration.key.name: declaration for several in loaded.desired for declaration in several.declarations}


def seen(declaration: Declaration, live: Any) -> Observation:
    return Observation(declaration.key, declaration.asset_type, NOON, data=live, project_id="shop-prod")


def differences(declaration: Declaration, live: Any) -> tuple[Any, ...]:
    return verdict.differences(declaration, seen(declaration, live), default_catalogue())


def proposed(text: str, live: Any, resource: str = BUCKET, name: str = "fleet.yaml") -> Proposal:
    """The proposal, after looking whether it does what it is for."""
    before = declared(text, name)
    proposal = propose(text, before[resource], differences(before[resource], live))
    assert accepted(text, before[resource], seen(before[resource], live), default_catalogue()) == proposal
    after = declared(proposal.text, name)
    if not proposal.by_hand:
        assert differences(after[resource], live) == ()
    others = [
        {key: declaration.data for key, declaration in side.items() if key != resource} for side in (before, after)
    ]
    assert others[0] == others[1]
    return proposal


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    old, new = before.splitlines(), after.splitlines()
    return [line for line in old if line not in new], [line for line in new if line not in old]


def live(**changes: Any) -> dict[str, Any]:
    now = json.loads(json.dumps(declared(NATIVE)[BUCKET].data))
    for key, value in changes.items():
        if value is None:
            del now[key]
        else:
            now[key] = value
    return now


def test_a_value_is_changed_in_its_line_with_its_comment_and_its_quotes():
    proposal = proposed(NATIVE, live(location="US"))

    assert proposal.by_hand == ()
    assert changed_lines(NATIVE, proposal.text) == (['    location: "EU"   # law'], ['    location: "US"   # law'])


def test_a_value_in_braces_is_changed_there():
    proposal = proposed(NATIVE, live(versioning={"enabled": False}))

    assert changed_lines(NATIVE, proposal.text)[1] == ["    versioning: {enabled: false} # never off"]


def test_a_value_that_is_not_there_is_no_longer_declared():
    gone = proposed(NATIVE, live(labels={"team": "shop"}))
    assert changed_lines(NATIVE, gone.text) == (["      cost: 'a1'"], [])
    assert "storageClass: STANDARD" not in proposed(NATIVE, live(storageClass="NEARLINE")).text


def test_what_holds_nothing_any_more_goes_too():
    proposal = proposed(NATIVE, live(labels=None))

    assert "labels" not in proposal.text.split("--- # and now:")[1]


def test_elements_of_lists_are_changed_taken_out_and_added():
    rules = live()["lifecycle"]["rule"]
    fewer = proposed(NATIVE, live(lifecycle={"rule": rules[1:]}))
    more = {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": 7}}
    added = proposed(NATIVE, live(lifecycle={"rule": [*rules, more]}))
    prefixes = {**rules[0], "condition": {"age": 30, "matchesPrefix": ["b", "c"]}}
    other = proposed(NATIVE, live(lifecycle={"rule": [prefixes, rules[1]]}))

    assert "Delete" not in fewer.text
    assert "# the end" in fewer.text
    assert changed_lines(NATIVE, added.text)[0] == []
    assert "matchesPrefix: [b, c]" in other.text


def test_a_file_keeps_the_ends_of_its_lines():
    text = NATIVE.replace("\n", "\r\n")
    before = declared(NATIVE)[BUCKET]

    after = propose(text, before, differences(before, live(location="US"))).text

    assert after == text.replace('"EU"', '"US"')


def test_json_stays_json():
    text = json.dumps(
        {
            "apiVersion": "setpoint.dev/v1",
            "kind": "Declaration",
            "metadata": {"name": BUCKET},
            "spec": {"assetType": "storage.googleapis.com/Bucket", "data": {"location": "EU", "labels": {"a": "b"}}},
        },
        indent=4,
    )
    proposal = proposed(text, {"location": "US", "labels": {"a": "c"}}, name="fleet.json")

    assert proposal.text == text.replace('"EU"', '"US"').replace('"b"', '"c"')


def test_what_an_alias_stands_for_is_left_to_a_person():
    text = NATIVE.replace("labels:\n", "labels: &labels\n", 1)

    proposal = proposed(text, live(labels={"team": "other", "cost": "a1"}))

    assert (proposal.text, len(proposal.by_hand)) == (text, 1)
    assert "anchor" in proposal.by_hand[0]


def test_a_secret_is_never_proposed():
    name = "//cloudsql.googleapis.com/projects/p/instances/i"
    text = (
        f"apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {{name: {name}}}\n"
        "spec:\n  assetType: example.googleapis.com/Thing\n  data: {password: hunter2, size: 3}\n"
    )
    proposal = proposed(text, {"password": "other", "size": 4}, name)

    assert "size: 4" in proposal.text
    assert "hunter2" in proposal.text
    assert "secret" in proposal.by_hand[0]
    assert "other" not in f"{proposal}"


def test_a_file_in_which_it_is_no_longer_declared_is_left_as_it_is():
    before = declared(NATIVE)[BUCKET]
    text = NATIVE.replace("/exports", "/renamed")

    proposal = propose(text, before, differences(before, live(location="US")))

    assert proposal.text == text
    assert "apply what is there" in proposal.by_hand[0]


def test_a_declaration_that_has_moved_in_its_file_is_found():
    before = declared(NATIVE)[BUCKET]
    text = NATIVE.partition("--- # and now:\n")[2]

    proposal = propose(text, before, differences(before, live(location="US")))

    assert proposal.text == text.replace('"EU"', '"US"')


GRANTS = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //storage.googleapis.com/exports}
spec:
  assetType: storage.googleapis.com/Bucket
  content: iam_policy
  data:
    bindings:
    - role: roles/storage.objectViewer
      members:
      - user:ann@example.com # she asked
      - user:bob@example.com
    - role: roles/storage.admin
      members: [group:ops@example.com]
"""


@pytest.mark.parametrize(
    ("bindings", "gone", "come"),
    [
        (
            [
                ("roles/storage.objectViewer", ["user:ann@example.com"]),
                ("roles/storage.admin", ["group:ops@example.com"]),
            ],
            ["      - user:bob@example.com"],
            [],
        ),
        (
            [
                ("roles/storage.objectViewer", ["user:ann@example.com", "user:bob@example.com", "allUsers"]),
                ("roles/storage.admin", ["group:ops@example.com"]),
            ],
            [],
            ["      - allUsers"],
        ),
        (
            [("roles/storage.objectViewer", ["user:ann@example.com", "user:bob@example.com"])],
            ["    - role: roles/storage.admin", "      members: [group:ops@example.com]"],
            [],
        ),
    ],
)
def test_grants_go_into_the_bindings_of_their_role(bindings, gone, come):
    policy = {"bindings": [{"role": role, "members": members} for role, members in bindings]}

    proposal = proposed(GRANTS, policy)

    assert changed_lines(GRANTS, proposal.text) == (gone, come)


KRM = """\
apiVersion: storage.cnrm.cloud.google.com/v1beta1
kind: StorageBucket
metadata:
  name: exports
  namespace: shop-prod
  labels: {team: shop} # whose
spec:
  location: EU
  versioning:
    enabled: true # never off
  lifecycleRule:
  - action: {type: Delete}
    condition: {age: 30}
"""


def test_config_connector_is_changed_in_the_authors_own_fields():
    now = {
        "location": "US",
        "versioning": {"enabled": False},
        "labels": {"team": "other", "managed-by-cnrm": "true"},
        "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 60}}]},
    }
    proposal = proposed(KRM, now)

    assert proposal.by_hand == ()
    assert changed_lines(KRM, proposal.text)[1] == [
        "  labels: {team: other} # whose",
        "  location: US",
        "    enabled: false # never off",
        "    condition: {age: 60}",
    ]


EXACT = f"""\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: {BUCKET}}}
spec:
  assetType: storage.googleapis.com/Bucket
  exact: true
  data:
    location: EU
    labels:
      cost: a
"""


def test_a_key_comes_where_the_only_other_one_goes():
    before = declared(EXACT)[BUCKET]

    proposal = propose(EXACT, before, differences(before, {"location": "EU", "labels": {"team": "b"}}))

    assert (proposal.by_hand, proposal.text) == ((), EXACT.replace("cost: a", "team: b"))


def test_a_service_account_is_found_although_it_goes_by_its_address():
    text = (
        "apiVersion: iam.cnrm.cloud.google.com/v1beta1\nkind: IAMServiceAccount\n"
        "metadata: {name: robot, namespace: shop-prod}\nspec:\n  displayName: Robot\n"
    )
    ((name, before),) = declared(text).items()

    proposal = propose(text, before, differences(before, {"displayName": "Arm"}))

    assert (name.rpartition("/")[2][:6], proposal.text) == ("robot@", text.replace("Robot", "Arm"))


def test_an_object_that_is_another_one_by_now_is_not_changed():
    before = declared(KRM)[BUCKET]
    text = KRM.replace("name: exports", "name: other")

    proposal = propose(text, before, differences(before, {"location": "US"}))

    assert (proposal.text, len(proposal.by_hand)) == (text, 1)


_keys = st.sampled_from(["team", "cost", "env", "a-b", "x_1"])
_values = st.one_of(
    st.sampled_from(["", "1", "true", "no", "null", "- a", "a: b", "#x", "'", '"', "~", "<<", "é", " x", "0o7"]),
    st.text(min_size=1, max_size=6),
)
_data = st.fixed_dictionaries(
    {},
    optional={
        "location": _values.filter(bool),
        "storageClass": st.sampled_from(["STANDARD", "NEARLINE"]),
        "labels": st.dictionaries(_keys, _values, max_size=4),
        "versioning": st.fixed_dictionaries({"enabled": st.booleans()}),
        "cors": st.lists(
            st.fixed_dictionaries(
                {"maxAgeSeconds": st.integers(1, 9)}, optional={"origin": st.lists(_values, max_size=3)}
            ),
            max_size=3,
        ),
    },
).filter(lambda data: "location" in data)


@example({"location": "1", "labels": {"cost": "1"}}, {"location": "0", "labels": {"team": "1"}}, True, True)
@example({"location": "1", "labels": {"cost": "1"}}, {"location": "0", "labels": {"team": "1"}}, True, False)
@example(
    {"location": "0", "cors": [{"maxAgeSeconds": 1}, {"maxAgeSeconds": 1, "origin": []}]},
    {"location": "1", "cors": [{"maxAgeSeconds": 2, "origin": [""]}, {"maxAgeSeconds": 2}]},
    False,
    False,
)
@given(_data, _data, st.booleans(), st.booleans())
def test_whatever_is_proposed_declares_what_was_observed_and_changes_nothing_else(want, have, exact, flow):
    spec = {"assetType": "storage.googleapis.com/Bucket", "exact": exact, "data": want}
    first = {
        "apiVersion": "setpoint.dev/v1",
        "kind": "Declaration",
        "metadata": {"name": BUCKET},
        "spec": spec,
    }
    second = {**first, "metadata": {"name": f"{BUCKET}-2"}}
    text = yaml.safe_dump_all([first, second], default_flow_style=flow or None, sort_keys=False, allow_unicode=True)

    assert proposed(text, have).by_hand == ()


def test_a_plan_is_never_changed_and_what_to_write_is_told():
    plan = {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {
            "root_module": {
                "resources": [
                    {
                        "address": "google_storage_bucket.exports",
                        "mode": "managed",
                        "type": "google_storage_bucket",
                        "name": "exports",
                        "provider_name": "registry.terraform.io/hashicorp/google",
                        "values": {"name": "exports", "location": "EU", "storage_class": "STANDARD"},
                    }
                ]
            }
        },
        "configuration": {
            "root_module": {
                "resources": [
                    {
                        "address": "google_storage_bucket.exports",
                        "expressions": {"location": {"references": ["var.place"]}},
                    }
                ]
            }
        },
    }
    text = json.dumps(plan)
    before = declared(text, "plan.json")[BUCKET]
    proposal = propose(text, before, differences(before, {"location": "US", "storageClass": "NEARLINE"}))

    assert proposal.text == text
    assert proposal.by_hand == (
        'place = "US"  # was "EU"; the variable that gives google_storage_bucket.exports.location',
        'google_storage_bucket.exports.storage_class = "NEARLINE"  # was "STANDARD"',
    )


@pytest.mark.parametrize("value", ["on", "off", "y", "1_000", "12:30:45", "0b11", "2026-01-01", ".inf"])
def test_text_that_readers_of_yaml_1_1_take_for_something_else_is_written_in_quotes(value: str):
    text = "apiVersion: setpoint.dev/v1\nkind: Declaration\nmetadata: {name: //storage.googleapis.com/b}\nspec:\n"
    text += "  assetType: storage.googleapis.com/Bucket\n  data:\n    labels:\n      flag: plain\n"
    proposal = proposed(text, {"labels": {"flag": value}}, "//storage.googleapis.com/b")
    assert yaml.safe_load(proposal.text)["spec"]["data"]["labels"] == {"flag": value}

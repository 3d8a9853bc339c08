from __future__ import annotations

from typing import Any

import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from setpoint.core.compare import MASK, Difference, compare
from setpoint.core.references import Project
from setpoint.declare.proposing import Proposal, propose

NATIVE = """\
# The orders of the shop.
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //storage.googleapis.com/shop-orders}
spec:
  assetType: storage.googleapis.com/Bucket
  data:
    location: EU  # where the law wants it
    versioning: {enabled: true}
    labels:
      team: "shop"
      env: prod
    lifecycle:
      rule:
        - action: {type: Delete}
          condition: {age: 30}
---
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {name: //storage.googleapis.com/other}
spec: {assetType: storage.googleapis.com/Bucket, data: {location: EU}}
"""


def changed(proposal: Proposal) -> tuple[list[str], list[str]]:
    lines = proposal.diff.splitlines()[2:]
    return [one[1:] for one in lines if one[0] == "-"], [one[1:] for one in lines if one[0] == "+"]


def proposed(*differences: Difference, document: int = 0, text: str = NATIVE) -> Proposal:
    return propose("fleet/orders.yaml", text, document, differences, "spec.data")


def test_only_the_value_changes_and_what_stands_beside_it_stays():
    proposal = proposed(Difference("location", "changed", declared="EU", observed="US"))

    assert changed(proposal) == (
        ["    location: EU  # where the law wants it"],
        ["    location: US  # where the law wants it"],
    )
    assert proposal.diff.startswith("--- a/fleet/orders.yaml\n+++ b/fleet/orders.yaml\n")


def test_a_value_deep_in_lists_and_in_flow_style_is_found():
    age = Difference("lifecycle.rule[0].condition.age", "changed", declared=30, observed=31)
    versioning = Difference("versioning.enabled", "changed", declared=True, observed=False)

    assert changed(proposed(age, versioning))[1] == [
        "    versioning: {enabled: false}",
        "          condition: {age: 31}",
    ]


def test_a_list_element_is_found_by_what_identifies_it():
    text = "spec:\n  data:\n    rules:\n      - {priority: 1, action: allow}\n      - {priority: 2, action: allow}\n"
    one = Difference("rules[priority=2].action", "changed", declared="allow", observed="deny")

    assert changed(proposed(one, text=text))[1] == ["      - {priority: 2, action: deny}"]


def test_the_authors_own_path_is_used_where_there_is_one():
    text = "kind: StorageBucket\nspec:\n  uniformBucketLevelAccess: true\n"
    one = Difference(
        "iamConfiguration.uniformBucketLevelAccess.enabled",
        "changed",
        declared=True,
        observed=False,
        declared_path="spec.uniformBucketLevelAccess",
    )

    assert changed(proposed(one, text=text))[1] == ["  uniformBucketLevelAccess: false"]


def test_quotation_marks_stay_and_come_where_they_are_needed():
    team = Difference("labels.team", "changed", declared="shop", observed="new: team")
    env = Difference("labels.env", "changed", declared="prod", observed="yes")

    assert changed(proposed(team, env))[1] == ['      team: "new: team"', '      env: "yes"']


def test_what_is_missing_goes_with_its_line():
    proposal = proposed(Difference("labels.env", "missing", declared="prod"))

    assert changed(proposal) == (["      env: prod"], [])


def test_another_document_of_the_file_is_left_alone():
    proposal = proposed(Difference("location", "changed", declared="EU", observed="US"), document=1)

    assert len(changed(proposal)[0]) == 1
    assert "shop-orders" not in proposal.diff.split("@@")[-1]


def test_secrets_additions_and_what_is_not_written_there_are_left_with_the_reason():
    secret = Difference("password", "changed", declared=MASK, observed=MASK)
    more = Difference("labels.more", "unexpected", observed="x")
    elsewhere = Difference("website.mainPageSuffix", "changed", declared="a", observed="b")
    proposal = proposed(secret, more, elsewhere)

    assert proposal.diff == ""
    assert proposal.left == (
        "spec.data.password: its value is a secret, which nobody proposes",
        "spec.data.labels.more: add it by hand",
        "spec.data.website.mainPageSuffix: it is not written there in so many words",
    )


_SCALARS = st.booleans() | st.integers(-9, 9) | st.text(max_size=8)
_DATA = st.dictionaries(st.sampled_from(("a", "b", "c", "d")), _SCALARS, min_size=1)


@given(_DATA, _DATA, st.booleans())
def test_a_file_as_proposed_declares_what_is_there(wanted, live, flow):
    text = yaml.safe_dump({"spec": {"data": wanted}}, default_flow_style=flow, allow_unicode=True)
    assume(yaml.safe_load(text)["spec"]["data"] == wanted)  # PyYAML does not write every character so that it reads it
    differences = compare(wanted, live, None, own=Project())
    proposal = propose("f.yaml", text, 0, differences, "spec.data")
    if proposal.left:
        return

    declared: Any = yaml.safe_load(proposal.text)["spec"]["data"] or {}

    assert compare(declared, live, None, own=Project()) == ()
    same = wanted.keys() - {one.path for one in differences}
    assert {key: declared.get(key) for key in same} == {key: wanted[key] for key in same}

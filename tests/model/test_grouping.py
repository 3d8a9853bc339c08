from __future__ import annotations

from datetime import UTC, datetime

from msgspec.structs import replace

from setpoint.model.declaration import Owner, Source
from setpoint.model.difference import Difference
from setpoint.model.events import DriftData
from setpoint.model.grouping import cause_id, cause_of
from setpoint.model.notice_view import GroupKey

OBSERVED_AT = datetime(2026, 3, 1, tzinfo=UTC)


def drift(*differences: Difference, **changes) -> DriftData:
    data = DriftData(
        finding_id="1",
        resource_name="//compute.googleapis.com/projects/p/global/firewalls/f",
        asset_type="compute.googleapis.com/Firewall",
        content="resource",
        project="p",
        kind="modified",
        status="open",
        severity="high",
        mode="alert",
        owner=Owner(),
        differences=differences,
        difference_count=len(differences),
        fingerprint="f",
        observed_at=OBSERVED_AT,
        first_seen=OBSERVED_AT,
        last_seen=OBSERVED_AT,
        count=1,
        episodes=1,
        declared_in=Source(),
    )
    return replace(data, **changes)


def changed(path: str, op="changed") -> Difference:
    return Difference(path, op, "a", "b")


def test_which_element_of_a_list_differs_is_no_part_of_the_cause():
    first = drift(changed("allowed[0].ports[2]"), changed("rules[priority=1000].action"))
    other = drift(changed("rules[priority=7].action"), changed("allowed[3].ports[0]"), project="q", finding_id="2")
    assert cause_of(first) == cause_of(other)
    assert cause_of(first).changes == (("allowed.ports", "changed"), ("rules.action", "changed"))


def test_a_cause_is_told_by_what_differs_how_on_what():
    first = cause_of(drift(changed("a")))
    others = [
        cause_of(drift(changed("b"))),
        cause_of(drift(changed("a", "missing"))),
        cause_of(drift(changed("a"), kind="deleted")),
        cause_of(drift(changed("a"), content="iam_policy")),
        cause_of(drift(changed("a"), asset_type="storage.googleapis.com/Bucket")),
    ]
    assert len({cause_id(cause) for cause in (first, *others)}) == 6


def test_the_role_of_a_grant_is_part_of_the_cause_and_whom_it_is_given_is_not():
    grants = [changed(f"bindings[role=roles/{role}].members[user:{who}]") for role, who in ("oa", "ob", "vb")]
    first, other, viewer = (cause_of(drift(grant, content="iam_policy")) for grant in grants)
    assert first == other != viewer


def test_a_path_with_odd_keys_can_still_be_read():
    assert cause_of(drift(changed('labels["a.b"].x[0]'))).changes == (('labels["a.b"].x', "changed"),)


def test_of_very_many_changes_the_first_are_kept():
    many = [changed(f"labels.l{number:05d}") for number in range(10_000)]
    assert len(cause_of(drift(*many)).changes) == 30
    assert cause_of(drift(*many)) == cause_of(drift(*reversed(many)))


def test_the_id_of_a_cause_never_changes():
    assert (
        cause_id(GroupKey("storage.googleapis.com/Bucket", "resource", "modified", (("a", "changed"),)))
        == "9d433208dd2ca9ec"
    )

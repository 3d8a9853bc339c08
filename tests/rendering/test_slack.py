"""What people read in Slack, in typical cases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from rendering.block_kit import faults
from rendering.samples import ALICE, BUCKET, LINKS, OBSERVED_AT, resolved, shown
from setpoint.alerting.rendering import button_payload, preview, slack
from setpoint.model.declaration import Owner
from setpoint.model.difference import Difference
from setpoint.model.events import RemediationData
from setpoint.model.notice_view import Links, TimelineEntry

FOOTER = (
    "Declared in <https://github.com/acme/fleet/blob/1f3a9c0d/fleet/billing.yaml#L19|fleet/billing.yaml:19>"
    " · `storage/billing-exports`"
    " · <https://setpoint.example.com/#finding=1556833f047a85d28afd00c7e27b1775|Open in Setpoint>"
)


def lines(message) -> list[str]:
    """All that is read of a message, top to bottom; of buttons, what stands on them."""
    assert faults(message) == []
    read = []
    for block in message.blocks:
        if block["type"] == "actions":
            labels = ((element.get("text") or element["placeholder"])["text"] for element in block["elements"])
            read.append(" ".join(f"[{label}]" for label in labels))
        elif "fields" in block:
            read += [field["text"].replace("\n", " ") for field in block["fields"]]
        elif block["type"] == "context":
            read += [element["text"] for element in block["elements"]]
        else:
            read += block["text"]["text"].split("\n")
    return read


def buttons(message) -> str:
    return lines(message)[-1] if message.blocks[-1]["type"] == "actions" else ""


def test_one_look_tells_what_where_whose_how_bad_who_and_what_next():
    assert lines(slack.finding(shown(), LINKS)) == [
        "🟠 High: Bucket billing-exports has drifted",
        "*What differs*: declared → now",
        "`versioning.enabled`: `true` → `false`",
        "*Project* `billing-prod`",
        "*Owner* team `billing`, `#billing-alerts`",
        "*Changed by* `alice@example.com` in the Cloud console (certain)",
        "*Since* <!date^1772372520^{date_short_pretty} at {time}|2026-03-01 13:42 UTC>",
        "*Next:* Will be remediated after an approval.",
        FOOTER,
        "[Fix now] [Exempt] [Accept] [Why?]",
    ]


def test_notifications_show_one_plain_line():
    assert slack.finding(shown(), LINKS).text == (
        "High: Bucket billing-exports (billing-prod, team billing) has drifted: versioning.enabled: true → false,"
        " by alice@example.com in the Cloud console (certain). Will be remediated after an approval"
    )


def test_a_resolved_finding_is_short_and_calm_and_has_no_buttons():
    assert lines(slack.finding(resolved(), LINKS)) == [
        "✅ ~`Bucket billing-exports` has drifted~",
        "Resolved after 12 min: it is as declared again.",
        (
            "`billing-prod` · It was `versioning.enabled`: `true` → `false`"
            " · changed by `alice@example.com` in the Cloud console (certain)"
            " · until <!date^1772373240^{date_short_pretty} at {time}|2026-03-01 13:54 UTC>"
        ),
        FOOTER,
    ]


def test_what_setpoint_has_put_back_says_so_and_who_approved():
    done = resolved(remediation=RemediationData(step="done", approved_by="bob@example.com"))
    assert "Resolved after 12 min: remediated by Setpoint, approved by `bob@example.com`." in lines(
        slack.finding(done, LINKS)
    )


def test_an_approval_from_an_earlier_episode_is_not_taken_for_this_one():
    earlier = (
        TimelineEntry(OBSERVED_AT, "remediation.succeeded"),
        TimelineEntry(OBSERVED_AT, "drift.opened"),
        TimelineEntry(OBSERVED_AT, "drift.resolved"),
    )
    assert "it is as declared again" in slack.finding(resolved(steps=earlier), LINKS).text


@pytest.mark.parametrize(
    ("remediation", "mode", "next_step", "offered"),
    [
        (None, "alert", "Alert only: nothing is remediated", "[Exempt] [Accept] [Why?]"),
        (None, "off", "Remediation is off", "[Exempt] [Accept] [Why?]"),
        (None, "auto", "Will be remediated automatically", "[Fix now] [Exempt] [Accept] [Why?]"),
        (
            RemediationData(step="asked", reason="mode approve"),
            "approve",
            "Waiting for approval: mode approve",
            "[Approve] [Exempt] [Accept] [Why?]",
        ),
        (RemediationData(step="acting"), "auto", "Is being remediated now", "[Exempt] [Accept] [Why?]"),
        (
            RemediationData(step="handed_off", executor="handoff"),
            "auto",
            "Delegated to the applier of the declarations",
            "[Exempt] [Accept] [Why?]",
        ),
        (
            RemediationData(step="stopped", reason="the policy is a dry run", summary=("a",)),
            "auto",
            "Dry run: it would be remediated, and nothing is written",
            "[Exempt] [Accept] [Why?]",
        ),
        (
            RemediationData(step="stopped", reason="the breaker is open"),
            "auto",
            "Stopped until a person decides: the breaker is open",
            "[Fix now] [Exempt] [Accept] [Why?]",
        ),
    ],
)
def test_what_happens_next_and_which_buttons_there_are(remediation, mode, next_step, offered):
    message = slack.finding(shown(remediation=remediation, mode=mode), LINKS)
    assert f"*Next:* {next_step}." in lines(message)
    assert buttons(message) == offered


def test_a_window_says_when():
    waiting = shown(
        remediation=RemediationData(step="waiting", reason="no window of rule prod is open"), next_window=OBSERVED_AT
    )
    assert any("Will be remediated, from <!date^1772372520^" in line for line in lines(slack.finding(waiting, LINKS)))


def test_what_is_left_alone_says_until_when_and_why():
    quiet = shown("drift.exempted", status="exempted", reason="migration", quiet_until=OBSERVED_AT + timedelta(days=1))
    read = lines(slack.finding(quiet, LINKS))
    assert read[0] == "🔕 Exempted: Bucket billing-exports has drifted"
    assert any("Exempted until <!date^1772458920^" in line and line.endswith(": migration.") for line in read)
    assert read[-1] == "[Why?]"


@pytest.mark.parametrize(
    ("actor", "text"),
    [
        (None, "not known yet"),
        (
            replace(ALICE, confidence="likely"),
            "`alice@example.com` in the Cloud console (likely: no other change is known)",
        ),
        (
            replace(ALICE, confidence="possible", others=("bob@example.com", "c@example.com")),
            (
                "one of `alice@example.com`, `bob@example.com` or `c@example.com`: several accounts changed it at "
                "about "
                "that time"
            ),
        ),
        (
            replace(ALICE, kind="applier", caller="terraform"),
            (
                "`alice@example.com` with Terraform (certain):"
                " the account that applies your declarations; a sync may be running"
            ),
        ),
        (replace(ALICE, kind="service", caller="gcloud"), "service account `alice@example.com` with gcloud (certain)"),
        (
            replace(ALICE, through=("deploy@example.com",)),
            "`alice@example.com`, acting as `deploy@example.com` in the Cloud console (certain)",
        ),
    ],
)
def test_who_did_it_is_said_with_how_and_how_sure(actor, text):
    assert f"*Changed by* {text}" in lines(slack.finding(shown(actor=actor), LINKS))


def test_a_grant_is_told_in_words():
    granted = Difference(
        "bindings[role=roles/owner].members[user:x@example.com]",
        "unexpected",
        observed={"role": "roles/owner", "member": "user:x@example.com", "condition": {"title": "till May"}},
    )
    read = lines(slack.finding(shown(content="iam_policy", differences=(granted,)), LINKS))
    assert read[0] == "🟠 High: IAM of Bucket billing-exports has drifted"
    assert "\N{HEAVY PLUS SIGN} `roles/owner` is granted to `user:x@example.com`, on condition `till May`" in read


def test_secrets_stay_masked():
    secret = Difference(
        "password",
        "changed",
        declared="(hidden, 7 characters, digest 22cb)",
        observed="(hidden, 7 characters, digest 5065)",
    )
    assert "`password`: (hidden, 7 characters, digest 22cb) → (hidden, 7 characters, digest 5065)" in lines(
        slack.finding(shown(differences=(secret,)), LINKS)
    )


def test_of_two_long_values_what_tells_them_apart_is_shown():
    long = "projects/p/" + "very-long/" * 30
    changed = Difference("selfLink", "changed", declared=f"{long}one", observed=f"{long}two")
    read = "\n".join(lines(slack.finding(shown(differences=(changed,)), LINKS)))
    assert "one` → `" in read
    assert "two`" in read


def test_many_fields_are_counted():
    many = tuple(Difference(f"labels.l{number}", "missing", declared="x") for number in range(100))
    read = lines(slack.finding(shown(differences=many, difference_count=250), LINKS))
    assert "`labels.l5`: expected `x`, found nothing" in read
    assert "and 244 more" in read


def test_values_call_nobody_and_link_nowhere():
    hostile = shown(
        owner=Owner("<!channel> @here", "<@U012AB3CD>"),
        resource_name="//storage.googleapis.com/`*_<https://evil.example|x>&",
        project="@everyone",
    )
    assert faults(slack.finding(hostile, LINKS)) == []


def test_a_name_too_long_for_a_button_leaves_the_command():
    long = shown(resource_name="//storage.googleapis.com/" + "b" * 2_500)
    message = slack.finding(long, Links())
    assert "actions" not in [block["type"] for block in message.blocks]
    assert "`setpoint findings show 1556833f047a`" in lines(message)[-1]


def bucket(number: int, **changes):
    expected = {
        "finding_id": f"{number:032x}",
        "resource_name": f"//storage.googleapis.com/bucket-{number:02d}",
        "project": f"shop-{number % 40:02d}",
        "actor": replace(ALICE, principal="deploy@ci.example.com", kind="service", caller="terraform"),
    }
    return shown(**(expected | changes))


def test_one_cause_is_one_message_with_counts():
    buckets = [bucket(number) for number in range(38)]
    buckets += [bucket(number, status="resolved") for number in range(38, 41)]
    read = lines(slack.group(preview.group_of("g1", buckets), LINKS))
    assert read[:3] == [
        "🟠 High: 41 Buckets in 40 projects drifted",
        "*What differs*: declared → now",
        "`versioning.enabled`: `true` → `false`",
    ]
    assert "*Status* 38 open · 3 resolved" in read
    assert "*Changed by* service account `deploy@ci.example.com` with Terraform (certain)" in read
    assert "*Projects* `shop-00` 2, `shop-01` 1, `shop-02` 1, `shop-03` 1, `shop-04` 1, 35 more" in read
    assert "and 31 more" in read
    assert any("|Show all 41 in Setpoint>" in line for line in read)
    assert read[-1] == "[Fix now] [Exempt] [Accept] [Why?]"


def test_a_group_that_is_over_is_calm():
    over = preview.group_of("g1", [bucket(number, status="resolved") for number in range(3)])
    read = lines(slack.group(over, LINKS))
    assert read[0] == "✅ ~`3 Buckets in 3 projects` drifted~"
    assert len(read) == 3


def test_details_tell_everything_of_one_finding():
    steps = (
        TimelineEntry(OBSERVED_AT, "drift.opened"),
        TimelineEntry(OBSERVED_AT, "approved", by="bob@example.com", text="go on"),
    )
    (message,) = slack.details([shown(steps=steps, previous_data={"location": "EU"})], LINKS)
    read = "\n".join(lines(message))
    for text in (
        "Resource: `//storage.googleapis.com/billing-exports`",
        "Call: `storage.buckets.update`",
        "Approved by `bob@example.com`: go on",
        "*1 difference*: declared → now",
        "`location`: `EU`",
        "Revision: `1f3a9c0d`",
    ):
        assert text in read


def test_details_of_many_are_lists_of_forty_and_the_rest_is_counted():
    messages = slack.details([bucket(number) for number in range(5_000)], LINKS)
    assert len(messages) == 10
    assert all(faults(message) == [] for message in messages)
    assert sum(line.startswith("🟠") for message in messages for line in lines(message)) == 400
    assert lines(messages[-1])[-1] == "and 4,600 more: `setpoint findings list --status all`"


def test_a_digest_lists_the_worst_first():
    read = lines(slack.digest([bucket(1, severity="low"), bucket(2)], Links()))
    assert read[0] == "🗞️ 2 findings: 1 high, 1 low"
    assert read[1].startswith("🟠 `Bucket bucket-02` in `shop-02`: `versioning.enabled`")
    assert read[2].startswith("🔵 `Bucket bucket-01`")


@pytest.mark.parametrize(
    ("step_", "text"),
    [
        (resolved(), "✅ Resolved after 12 min: it is as declared again."),
        (
            shown("remediation.failed", remediation=RemediationData(step="stopped", reason="4 attempts have failed")),
            "❌ Remediation failed: 4 attempts have failed.",
        ),
        (shown("drift.attributed"), "👤 Changed by: `alice@example.com` in the Cloud console (certain)."),
        (shown("drift.opened", episodes=3), "🔎 It has drifted again, for the 3rd time."),
        (
            shown(steps=(TimelineEntry(OBSERVED_AT, "accepted", by="bob@example.com", text="fine"),)),
            "☑️ Accepted as it is by `bob@example.com`: fine.",
        ),
    ],
)
def test_a_reply_tells_what_has_last_happened(step_, text):
    assert lines(slack.step(step_, LINKS))[0] == text


def test_an_escalation_is_loud_and_says_for_how_long():
    late = replace(shown(severity="critical"), event_time=OBSERVED_AT + timedelta(minutes=12))
    read = lines(slack.escalation(late))
    assert read[0] == "🚨 Critical, and no action was taken: Bucket billing-exports"
    assert "*Open for 12 min.* Will be remediated after an approval." in read


def test_the_same_finding_is_the_same_message_and_another_state_another_block():
    assert slack.finding(shown(), LINKS) == slack.finding(shown(), LINKS)
    first, other = (slack.finding(shown(fingerprint=mark), LINKS).blocks[-1]["block_id"] for mark in "ab")
    assert first != other


def test_every_button_says_what_it_is_about():
    block = slack.finding(shown(), LINKS).blocks[-1]
    for element in block["elements"]:
        action = element | {"block_id": block["block_id"], "selected_option": {"value": "1d"}}
        clicked = button_payload.decode(action, [block])
        assert (clicked.name, clicked.fingerprint) == (BUCKET.resource_name, BUCKET.fingerprint)
        assert clicked.seconds == (86_400 if clicked.action == "snooze" else 0)

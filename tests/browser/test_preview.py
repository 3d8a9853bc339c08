"""The picture of Slack in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from browser.axe import COLOURS, violations
from rendering.samples import ALICE, LINKS, resolved, shown
from rendering.strategies import NASTY
from setpoint.alerting.rendering import preview, slack
from setpoint.model.declaration import Owner
from setpoint.model.difference import Difference
from setpoint.model.events import RemediationData


def typical():
    many = tuple(Difference(f"labels.l{number}", "changed", "x", "y") for number in range(60))
    grouped = [
        shown(
            finding_id=f"{number:032x}",
            resource_name=f"//storage.googleapis.com/bucket-{number}",
            project=f"shop-{number}",
            differences=(Difference("location", "changed", "EU", "US"),),
        )
        for number in range(12)
    ]
    return [
        shown(severity="critical", remediation=RemediationData(step="asked", reason="mode approve", summary=("a",))),
        shown(finding_id="2", differences=many, difference_count=70, severity="low"),
        shown("drift.exempted", finding_id="3", status="exempted", reason="later", kind="deleted"),
        resolved(finding_id="4", actor=replace(ALICE, confidence="possible", others=("bob@example.com",))),
        *grouped,
    ]


def hostile():
    """Values of whoever wants to be shown otherwise than he is."""
    return [
        shown(
            finding_id=str(number),
            resource_name=f"//storage.googleapis.com/{nasty or 'x'}{number}",
            project=nasty,
            owner=Owner(nasty, nasty, nasty),
            differences=(Difference(f"{nasty}{number}", "changed", nasty, [nasty, number]),),
            actor=replace(ALICE, principal=nasty, caller=nasty),
            previous_data={nasty: nasty},
        )
        for number, nasty in enumerate(NASTY)
    ]


@pytest.fixture(scope="module")
def drawings(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("drawings")
    return {name: draw(folder / f"{name}.html", make()) for name, make in (("typical", typical), ("hostile", hostile))}


def draw(file: Path, findings) -> Path:
    conversations = preview.conversations(findings, LINKS)
    conversations.append(preview.Conversation(findings[0].event_time, slack.escalation(findings[0]), note="escalation"))
    file.write_text(preview.page(conversations), encoding="utf-8")
    return file


@pytest.fixture(params=["typical", "hostile"])
def drawn(request, drawings) -> Path:
    return drawings[request.param]


def test_nothing_is_wider_than_the_page(opened, drawn):
    with opened(drawn) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        for width in (400, 1200):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(
                "[...document.querySelectorAll('main *')].filter(one => !one.closest('[popover]')"
                f" && one.getBoundingClientRect().right > {width}).map(one => one.outerHTML.slice(0, 200))"
            ) == []  # fmt: skip


def test_everybody_can_use_it(opened, drawn):
    with opened(drawn) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert violations(page, but=COLOURS) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_texts_stand_out_from_their_ground(opened, drawings, scheme):
    with opened(drawings["typical"], scheme=scheme) as page:
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        assert violations(page, only=COLOURS) == []


LOOKS = """[...document.querySelectorAll("body *")].map((each) =>
  [each.parentElement, each].map(({ tagName, className }) => `${tagName}.${className}`).join(" > "))"""


def test_hostile_values_have_no_colours_of_their_own(opened, drawings):
    looks = {}
    for name, file in drawings.items():
        with opened(file) as page:
            looks[name] = set(page.evaluate(LOOKS))
    assert looks["hostile"] <= looks["typical"]


def test_what_a_message_says_is_read_as_slack_shows_it(opened, tmp_path):
    file = tmp_path / "slack.html"
    file.write_text(preview.page(preview.conversations([shown()], LINKS)), encoding="utf-8")
    with opened(file) as page:
        assert page.get_by_role("heading", name="🟠 High: Bucket billing-exports has drifted").is_visible()
        assert page.locator("code", has_text="versioning.enabled").first.is_visible()
        assert page.get_by_text("Mar 1st, 2026 at 1:42 PM").first.is_visible()
        link = page.get_by_role("link", name="fleet/billing.yaml:19").first
        assert link.get_attribute("href").startswith("https://github.com/acme/fleet/blob/")
        assert page.get_by_role("combobox", name="Exempt").locator("option").all_inner_texts() == [
            "Exempt", "for 1 hour", "for 1 day", "for 1 week",
        ]  # fmt: skip
        page.get_by_role("button", name="Accept").click()
        assert page.get_by_role("dialog", name="Accept this drift?").is_visible()
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        page.get_by_text("1 reply").click()
        assert page.get_by_text("//storage.googleapis.com/billing-exports").is_visible()


def test_what_is_resolved_is_struck_through(opened, tmp_path):
    file = tmp_path / "slack.html"
    file.write_text(preview.page(preview.conversations([resolved()], LINKS)), encoding="utf-8")
    with opened(file) as page:
        assert page.locator("s", has_text="Bucket billing-exports has drifted").is_visible()
        assert page.get_by_role("button").count() == 0


def test_hostile_values_are_text_and_nothing_else(opened, drawn):
    with opened(drawn) as page:
        assert page.locator("script").count() == 0
        assert page.locator("span.mention").count() == 0
        addresses = page.locator("a").evaluate_all("all => all.map(one => one.href)")
        assert [
            address
            for address in addresses
            if not address.startswith(("https://setpoint.example.com/", "https://github.com/"))
        ] == []

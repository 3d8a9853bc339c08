"""The report's page in a real browser, as people use it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise, product
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from browser.axe import COLOURS, violations
from pages.samples import NOW, many, report, state, sweep
from setpoint import __version__
from setpoint.cli import output
from setpoint.model.actors import Actor
from setpoint.model.declaration import Owner, Source
from setpoint.model.difference import Difference
from setpoint.model.exemptions import Exemption
from setpoint.model.remediation_attempt import RemediationState
from setpoint.reporting.html.model import UNRESOLVED, Report
from setpoint.reporting.html.page import render
from sizes import size

MAX = Actor(principal="max@example.com", kind="person", confidence="certain", method="buckets.patch", requested_at=NOW)
DAY = timedelta(days=1)
STATES = (
    state("//storage.googleapis.com/exports", severity="critical", actor=MAX),
    state(
        "//storage.googleapis.com/logs",
        severity="high",
        owner=Owner("search"),
        project="search-prod",
        source=Source("search/logs.yaml", 3, repo="https://github.com/a/fleet", commit="4f1c"),
        first_seen=NOW - 2 * DAY,
    ),
    state(
        "//pubsub.googleapis.com/projects/shop-prod/topics/orders",
        asset_type="pubsub.googleapis.com/Topic",
        kind="deleted",
        differences=(),
        difference_count=0,
        first_seen=NOW - DAY,
        remediation=RemediationState("f", "asked", NOW),
    ),
    state("//storage.googleapis.com/past", status="resolved", resolved_at=NOW - DAY, first_seen=NOW - 3 * DAY),
)
EXPORTS, LOGS, ORDERS, PAST = (state.key.id for state in STATES)


MORE_THAN_ARE_THERE = 2_500
"""Of more than 2,000 findings the document has those in sight."""


@cache
def thousands(count: int) -> Report:
    return report(*many(count), *STATES)


@pytest.fixture
def show(page: Page, tmp_path: Path):
    """Opens the page of a report, at a fragment of its address; what it asks for is none but itself."""

    def show(shown_report: Report, fragment: str = "") -> Page:
        file = tmp_path / "report.html"
        file.write_bytes(render(shown_report))
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{file}{fragment}")
        page.wait_for_function(
            "performance.getEntriesByName('setpoint-ready').length || !document.getElementById('rows')"
        )
        assert [url for url in asked if not url.startswith(("file://", "data:"))] == []
        return page

    return show


@pytest.fixture
def shown(show) -> Page:
    return show(report(*STATES))


def names(page: Page) -> list[str]:
    """The findings in sight, by the last words of their names."""
    return [text.split()[-1] for text in page.locator("#rows button.open").all_inner_texts()]


def control(page: Page, name: str):
    return page.get_by_role("combobox", name=name, exact=True)


def row(page: Page, name: str):
    return page.locator("#rows button.open", has_text=name)


def test_open_findings_are_shown_the_worst_first_and_how_many_there_are(shown):
    assert names(shown) == ["exports", "logs", "orders"]
    expect(shown.locator("#count")).to_have_text("3 of 4 findings")
    expect(shown.locator("#figures .card").nth(0)).to_contain_text("3")


def test_a_search_looks_into_names_fields_values_and_people(shown):
    search = shown.get_by_role("searchbox", name="Search")
    for text, expected in (("EXPORTS", ["exports"]), ("max@ versioning", ["exports"]), ("search-prod", ["logs"])):
        search.fill(text)
        assert names(shown) == expected
    search.fill("nothing like it")
    expect(shown.get_by_text("No finding matches")).to_be_visible()
    shown.locator("#empty").get_by_role("button", name="Clear filters").click()
    assert len(names(shown)) == 3


def test_filters_narrow_and_stand_in_the_address(shown):
    control(shown, "Team").select_option("search")
    assert names(shown) == ["logs"]
    assert shown.evaluate("location.hash") == "#team=search"
    shown.get_by_role("button", name="Clear filters").click()
    control(shown, "Kind").select_option("deleted")
    assert names(shown) == ["orders"]
    control(shown, "Kind").select_option("")
    control(shown, "Status").select_option("resolved")
    assert names(shown) == ["past"]
    control(shown, "Status").select_option("awaiting")
    assert names(shown) == ["orders"]
    control(shown, "Status").select_option("all")
    shown.get_by_role("button", name=re.compile("^critical")).click()
    shown.get_by_role("button", name=re.compile("^high")).click()
    assert names(shown) == ["exports", "logs"]
    shown.get_by_role("button", name=re.compile("^high")).click()
    control(shown, "Project").fill("SHOP")
    control(shown, "Changed by").fill("max")
    assert names(shown) == ["exports"]
    assert shown.evaluate("location.hash") == "#status=all&severity=critical&project=SHOP&actor=max"


def test_a_bar_narrows_to_its_team_and_once_more_takes_it_back(shown):
    bar = shown.locator("#team-bars button", has_text="search")
    bar.click()
    assert names(shown) == ["logs"]
    expect(control(shown, "Team")).to_have_value("search")
    expect(bar).to_have_attribute("aria-pressed", "true")
    bar.click()
    assert len(names(shown)) == 3


def test_a_heading_sorts_and_says_so(shown):
    shown.get_by_role("columnheader", name="What").get_by_role("button").click()
    assert names(shown) == ["exports", "logs", "orders"]
    shown.get_by_role("columnheader", name="Since").get_by_role("button").click()
    assert names(shown) == ["exports", "orders", "logs"]
    expect(shown.get_by_role("columnheader", name="Since")).to_have_attribute("aria-sort", "descending")
    shown.get_by_role("columnheader", name="Since").get_by_role("button").click()
    assert names(shown) == ["logs", "orders", "exports"]
    expect(shown.get_by_role("columnheader", name="Since").get_by_role("button")).to_be_focused()


def test_a_finding_opens_with_its_fields_its_timeline_its_actor_and_what_to_do(shown):
    row(shown, "exports").click()
    detail = shown.locator(".detail")
    for text in ("versioning.enabled", "true", "false", "drift began", "max@example.com", f"show {EXPORTS[:12]}"):
        expect(detail).to_contain_text(text)
    row(shown, "exports").click()
    expect(detail).to_have_count(0)
    row(shown, "logs").click()
    link = detail.get_by_role("link", name="search/logs.yaml:3")
    expect(link).to_have_attribute("href", "https://github.com/a/fleet/blob/4f1c/search/logs.yaml#L3")
    row(shown, "orders").click()
    expect(detail.nth(1)).to_contain_text("Declared, found nothing")
    expect(detail.nth(1)).to_contain_text("setpoint approve")


def test_grants_are_told_in_words(show):
    given_to = Difference("bindings", "unexpected", observed={"role": "roles/owner", "member": "user:max@example.com"})
    shown = show(report(state(content="iam_policy", differences=(given_to,))))
    expect(row(shown, "IAM of Bucket")).to_be_visible()
    expect(shown.locator(".summary")).to_have_text("+ roles/owner granted to user:max@example.com")


def test_a_link_to_a_finding_shows_it_whatever_became_of_it(show):
    shown = show(thousands(MORE_THAN_ARE_THERE), f"#finding={PAST}")
    expect(shown.locator(f"#detail-{PAST}")).to_be_in_viewport()
    expect(row(shown, "past")).to_be_focused()


def test_links_to_a_group_and_to_a_search_narrow(show):
    made = report(*STATES)
    cause = next(row.group for row in made.rows if row.name == "exports")
    shown = show(made, f"#group={cause}")
    assert names(shown) == sorted(row.name for row in made.rows if row.group == cause)
    shown = show(report(*STATES), "#q=versioning&team=payments&sort=since")
    assert names(shown) == ["exports"]
    shown = show(report(*STATES), "#group=gone")
    expect(shown.get_by_text("No finding of that message is here")).to_be_visible()


def test_the_back_button_takes_back_one_step(shown):
    control(shown, "Team").select_option("payments")
    row(shown, "exports").click()
    expect(shown.locator(".detail")).to_have_count(1)
    shown.go_back()
    expect(shown.locator(".detail")).to_have_count(0)
    assert names(shown) == ["exports", "orders"]
    shown.go_back()
    assert len(names(shown)) == 3
    expect(control(shown, "Team")).to_have_value("")
    shown.go_forward()
    shown.go_forward()
    expect(shown.locator(".detail")).to_have_count(1)


def test_everything_can_be_done_by_keys_alone(show):
    shown = show(report(*many(250)))
    shown.keyboard.press("/")
    expect(shown.locator("#q")).to_be_focused()
    shown.keyboard.type("topic")
    count = int(re.sub(r"\D.*", "", shown.locator("#count").inner_text()))
    assert 20 < count < 200
    shown.keyboard.press("ArrowDown")
    first = shown.locator(":focus").inner_text()
    shown.keyboard.press("Enter")
    expect(shown.locator(".detail")).to_have_count(1)
    shown.keyboard.press("Tab")
    expect(shown.locator(".detail :focus")).to_have_count(1)
    shown.keyboard.press("Escape")
    expect(shown.locator(".detail")).to_have_count(0)
    assert shown.locator(":focus").inner_text() == first
    shown.keyboard.press("End")
    expect(shown.locator(":focus")).to_be_in_viewport()
    assert shown.locator("[data-index]:focus-within").get_attribute("aria-rowindex") == str(count + 1)
    shown.keyboard.press("Home")
    shown.keyboard.press("j")
    assert shown.locator("[data-index]:focus-within").get_attribute("aria-rowindex") == "3"


def test_the_first_key_leads_past_the_figures(shown):
    shown.keyboard.press("Tab")
    expect(shown.get_by_role("link", name="Skip to the findings")).to_be_focused()
    shown.keyboard.press("Enter")
    expect(shown.locator("#findings")).to_be_focused()


@pytest.mark.thorough
def test_of_thousands_of_rows_only_those_in_sight_are_there_and_the_last_can_be_reached(show):
    shown = show(thousands(size(MORE_THAN_ARE_THERE, 10_000)), "#status=all")
    assert shown.locator("#rows .row").count() < 60
    shown.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    total = shown.locator("#table").get_attribute("aria-rowcount")
    expect(shown.locator(f'#rows [aria-rowindex="{total}"]')).to_be_visible()
    assert int(total) > size(2_000, 9_000)
    expect(shown.locator("#hint")).to_contain_text("Filter to 2,000 findings or fewer")


def test_up_to_two_thousand_rows_are_all_there_for_the_browsers_own_search(show):
    matching = sum(row.status in UNRESOLVED for row in thousands(MORE_THAN_ARE_THERE).rows)
    shown = show(thousands(MORE_THAN_ARE_THERE))
    assert shown.locator("#rows .row").count() == matching > 1_300
    expect(shown.locator("#hint")).to_be_hidden()
    last = shown.locator("#rows .row").last.locator("bdi").first.text_content()
    assert shown.evaluate("text => window.find(text, true)", last)
    shown.locator("#q").fill("topic")
    assert 0 < shown.locator("#rows .row").count() < matching


def test_rows_do_not_overlap_whatever_is_open(show):
    shown = show(report(*many(20)))
    for index in (0, 2, 3):
        shown.locator(f'#rows .row[data-index="{index}"] button.open').click()
    shown.wait_for_timeout(100)
    boxes = shown.locator("#rows > *").evaluate_all("all => all.map(each => each.getBoundingClientRect().toJSON())")
    assert len(boxes) > 10
    assert all(abs(box["bottom"] - after["top"]) < 1 for box, after in pairwise(boxes)), boxes


HOSTILE = "</script><img src=x onerror=alert(1)>\"'&<b>\u202egnirts\u2028 مرحبا ${alert(2)} {{7*7}}"


def test_values_are_text_whatever_they_are(show):
    evil = Actor(
        principal=HOSTILE, kind="person", confidence="likely", method=HOSTILE, requested_at=NOW, through=(HOSTILE,)
    )
    differences = (Difference(HOSTILE, "changed", HOSTILE, {HOSTILE: HOSTILE}),)
    hostile = state(
        "//storage.googleapis.com/x",
        owner=Owner(HOSTILE, HOSTILE),
        project=HOSTILE,
        source=Source("a.yaml", 1, repo="javascript:alert(3)//github.com/a", commit="x"),
        differences=differences,
        reason=HOSTILE,
        actor=evil,
    )
    shown = show(report(hostile, store=f"sqlite:///{HOSTILE}"))
    row(shown, "x").click()
    detail = shown.locator(".detail")
    expect(detail).to_contain_text("<img src=x onerror=alert(1)>")
    expect(detail).to_contain_text("\\u202e")
    assert shown.locator("img, main script, b b").count() == 0
    assert shown.locator('a[href^="javascript"]').count() == 0
    shown.get_by_role("searchbox", name="Search").fill("onerror=alert")
    assert names(shown) == ["x"]
    assert "\u202e" not in shown.locator("main").inner_text()


def test_the_theme_follows_the_system_until_somebody_chooses(shown):
    def ground() -> str:
        return shown.evaluate("getComputedStyle(document.body).backgroundColor")

    light = ground()
    shown.emulate_media(color_scheme="dark")
    dark = ground()
    assert light != dark
    theme = shown.locator("#theme")
    theme.click()
    expect(theme).to_have_text("Theme: light")
    assert ground() == light
    theme.click()
    assert ground() == dark
    shown.reload()
    expect(theme).to_have_text("Theme: dark")


@pytest.fixture
def unfolded(show) -> Page:
    """A page on which everything is open; eight findings look in all ways in which many do."""
    differences = (Difference("a.b", "changed", 1, 2), Difference("c", "missing", "x"))
    shown = show(report(*STATES, state("//storage.googleapis.com/more", differences=differences), *many(8)))
    for index in (1, 0):
        shown.locator("#rows button.open").nth(index).click()
    shown.locator("#numbers summary").click()
    return shown


LIKE_THE_FIRST = "#numbers tbody tr:nth-child(n+3)"
"""The table of the charts has thirty rows that differ in their numbers only; axe would spend half of its time there."""


def test_at_any_width_nothing_is_wider_and_axe_finds_nothing_to_complain_of(unfolded):
    for width in (1440, 1000, 768, 390, 320):
        unfolded.set_viewport_size({"width": width, "height": 1000})
        assert violations(unfolded, but=COLOURS, without=[LIKE_THE_FIRST]) == [], width
        assert unfolded.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.thorough
def test_all_texts_stand_out_from_their_ground(unfolded):
    widths = (1440, 390, 1000)[: size(2, 3)]  # each has a layout of its own
    for width, scheme in product(widths, ("light", "dark")):
        unfolded.set_viewport_size({"width": width, "height": 1000})
        unfolded.emulate_media(color_scheme=scheme)
        assert violations(unfolded, only=COLOURS, without=[LIKE_THE_FIRST]) == [], (width, scheme)


def test_axe_finds_nothing_to_complain_of_where_there_is_nothing(show):
    for facts in (report(), report(sweeps=[], is_watched=False), report(STATES[3], sweeps=[sweep(failed={"a": "b"})])):
        shown = show(facts)
        assert violations(shown) == []
        shown.emulate_media(color_scheme="dark")
        assert violations(shown, only=COLOURS) == []
        shown.emulate_media(color_scheme="light")


def test_no_findings_and_nothing_scanned_are_said_each_for_itself(show):
    shown = show(report())
    expect(shown.locator("#empty")).to_contain_text("No open findings")
    expect(shown.locator("#empty")).to_contain_text("290 resources could not be compared")
    shown = show(report(STATES[3]))
    shown.get_by_role("button", name="Show them").click()
    assert names(shown) == ["past"]
    shown = show(report(sweeps=[], is_watched=False))
    expect(shown.get_by_role("heading", name="Nothing has been scanned yet")).to_be_visible()
    assert shown.locator("#figures, #table").count() == 0


def test_the_next_command_of_a_finding_is_copied_by_a_click(shown):
    shown.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for name, command in (
        ("exports", "setpoint remediate"),
        ("orders", "setpoint approve"),
        ("logs", "setpoint remediate"),
    ):
        line = shown.locator("#rows .row").filter(has=shown.locator("button.open", has_text=name))
        line.locator("button.copy").click()
        expect(line.locator("button.copy")).to_have_text("Copied")
        copied = shown.evaluate("navigator.clipboard.readText()")
        assert copied.startswith(command)
        assert "--store" in copied
        expect(shown.locator(".detail")).to_have_count(0)


def test_what_is_exempted_accepted_and_in_the_baseline_is_counted_and_shown(show):
    exempted = state("//storage.googleapis.com/away", status="exempted", exemption=Exemption("later", "a@b.c", NOW))
    accepted = state("//storage.googleapis.com/fine", status="accepted", exemption=Exemption("fine", "a@b.c", NOW))
    old = Exemption("old", "a@b.c", NOW, baseline=True)
    shown = show(
        report(*STATES, exempted, accepted, state("//storage.googleapis.com/old", status="accepted", exemption=old))
    )
    figure = shown.locator("#figures .card", has_text="Exempted or accepted")
    expect(figure).to_contain_text("3")
    expect(figure).to_contain_text("1 exempted · 1 accepted · 1 in the baseline")
    for status, name in (("exempted", "away"), ("accepted", "fine"), ("baseline", "old")):
        control(shown, "Status").select_option(status)
        assert names(shown) == [name]


def test_the_product_and_its_version_are_named(shown):
    expect(shown.get_by_role("heading", level=1)).to_contain_text(f"Setpoint {__version__}")


def test_without_javascript_the_findings_are_a_table(browser, tmp_path):
    file = tmp_path / "report.html"
    file.write_bytes(render(report(*STATES)))
    context = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(file.as_uri())
    expect(page.locator(".plain tbody tr")).to_have_count(4)
    expect(page.locator(".plain")).to_contain_text("versioning.enabled: true → false")
    expect(page.locator("#filters")).to_be_hidden()
    expect(page.locator("#theme")).to_be_hidden()
    page.set_viewport_size({"width": 1200, "height": 800})
    assert len(page.pdf()) > 10_000
    context.close()


AGES = [0, 1, 59, 60, 119, 3_599, 3_600, 7_199, 86_399, 86_400, 40 * 86_400]


def test_the_page_tells_the_same_minutes_and_counts_as_the_command_line(show, monkeypatch):
    states = [state(f"//storage.googleapis.com/b{age}", first_seen=NOW - timedelta(seconds=age)) for age in AGES]
    made = report(*states, *STATES)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return NOW.astimezone(tz)

    monkeypatch.setattr(output, "datetime", Clock)
    shown = show(made)
    for age, each in zip(AGES, states, strict=True):
        line = shown.locator("#rows .row").filter(has=shown.locator("button.open", has_text=re.compile(rf"\bb{age}$")))
        assert line.locator("time").inner_text() == output.ago(each.finding.first_seen)
    open_rows = [row for row in made.rows if row.status in UNRESOLVED]
    assert len(names(shown)) == len(open_rows) == made.figures.open
    expect(shown.locator("#figures .card").nth(0)).to_contain_text(str(made.figures.open))


def test_the_headings_of_the_table_are_whole_on_a_phone(shown):
    shown.set_viewport_size({"width": 320, "height": 700})
    for heading in shown.get_by_role("columnheader").all():
        box = heading.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320


WHILE_PRINTING = """addEventListener("beforeprint", () => {
  window.printing = {
    rows: document.querySelectorAll("#rows .row").length,
    left: document.getElementById("printed").textContent,
    theme: document.documentElement.dataset.theme,
  };
})"""


def test_on_paper_all_rows_are_there_in_light_colours_and_what_is_left_out_is_said(show):
    shown = show(thousands(MORE_THAN_ARE_THERE), "#status=all")
    shown.emulate_media(color_scheme="dark")
    shown.evaluate(WHILE_PRINTING)
    shown.evaluate("dispatchEvent(new Event('beforeprint')); dispatchEvent(new Event('afterprint'))")
    printing = shown.evaluate("window.printing")
    assert printing["rows"] == 2_000
    assert "The first 2,000 of" in printing["left"]
    assert printing["theme"] == "light"
    assert shown.locator("#rows .row").count() < 60


def test_rows_are_printed_on_as_many_sheets_as_they_need(show):
    shown = show(thousands(100), "#status=all")
    shown.evaluate(WHILE_PRINTING)
    printed = shown.pdf(format="A4", print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) > 2
    assert shown.evaluate("window.printing")["rows"] == len(names(shown))


def test_a_finding_of_no_owner_and_no_project_is_found_by_that(show):
    shown = show(report(*STATES, state("//a.com/lost", owner=Owner(), project="")))
    control(shown, "Team").select_option("(unknown)")
    assert names(shown) == ["lost"]

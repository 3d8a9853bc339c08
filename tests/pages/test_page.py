"""The page as a document: what is in it, and what never is."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.samples import NOW, PERIOD, facts, many, report, state
from setpoint.model.declaration import Owner
from setpoint.model.difference import Difference
from setpoint.reporting.html import compact
from setpoint.reporting.html.build import MAX_ROWS, build
from setpoint.reporting.html.page import policy, render
from sizes import size


def data_of(page: bytes) -> dict:
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page.decode(), re.DOTALL)
    return json.loads(block)


def test_the_policy_names_the_script_and_the_styles_and_lets_nothing_else_in():
    page = render(report(state())).decode()
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    for text in (script, style):
        assert f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" in policy()
    assert policy().startswith("default-src 'none'; ")
    assert "unsafe" not in policy()
    assert len(re.findall(r"<script", page)) == 2


def test_nothing_in_the_page_asks_for_anything():
    page = render(report(state())).decode()
    assert not re.findall(r"""<[^>]+\b(?:src|srcset|action)=|url\(|@import|<link(?! rel="icon" href="data:,")""", page)
    assert "sourceMappingURL" not in page


@given(st.text())
def test_the_data_comes_back_as_it_was_and_ends_no_script_whatever_it_holds(text):
    hostile = f"{text}</script><script>alert(1)</script><!--\u2028"
    page = render(report(state(owner=Owner(hostile), differences=(Difference("a", "changed", hostile, 1),))))
    assert page.count(b"<script") == 2
    assert b"alert(1)" in page
    data = data_of(page)
    assert hostile.encode("utf-8", "replace").decode() in data["texts"]


def test_a_hostile_store_and_notice_are_escaped_in_the_shell():
    page = render(report(store="sqlite:///<img src=x onerror=alert(1)>")).decode()
    assert "<img" not in page


@pytest.mark.thorough
def test_ten_thousand_findings_fit_into_five_megabytes_with_all_their_fields_and_steps():
    """In a usual run a thousand: beside the same 430 KB of what every page has, a tenth of the room for findings."""
    assert MAX_ROWS == 10_000
    most = size(1_000, MAX_ROWS)
    shown = build(facts(*many(most + most // 2)), NOW - PERIOD, NOW, most)
    page = render(shown)
    assert len(shown.rows) == most
    assert len(page) <= size(890_000, 5_000_000)
    data = data_of(page)
    assert data["cut"] is None
    assert [len(row[25]) for row in data["rows"]] == [len(row.fields) for row in shown.rows]
    assert [len(row[26]) for row in data["rows"]] == [len(row.steps) for row in shown.rows]


def test_values_are_cut_until_the_data_fits_and_no_finding_is_left_out():
    shown = report(
        *(state(f"//a.com/{n}", differences=(Difference("p", "changed", f"{n}" * 400, 1),)) for n in range(99))
    )
    whole, cut = compact.pack(shown), compact.pack(shown, room=40_000)
    assert len(whole) > 60_000
    assert len(cut) <= 40_000
    assert len(json.loads(cut)["rows"]) == 99
    assert (json.loads(whole)["cut"], json.loads(cut)["cut"]) == (None, [200, 20, 20])


def test_each_text_is_there_once():
    texts = data_of(render(report(*many(50))))["texts"]
    assert len(texts) == len(set(texts))


def test_where_nothing_was_scanned_the_page_says_so_and_what_to_do():
    empty = report(sweeps=[], is_watched=False)
    page = render(empty).decode()
    assert "Nothing has been scanned yet" in page
    assert "This does not mean that there is no drift" in page
    assert "setpoint sweep --scope" in page

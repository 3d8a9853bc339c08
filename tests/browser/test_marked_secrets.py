"""The marked corpus in a real browser: no secret is on the report page, or on the console that serves it."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import Page

from marked.corpus import corpus, marks_in
from marked.test_marked_corpus import NOON, drifted
from setpoint.adapters.memory.store import MemoryStore
from setpoint.reporting.console import Console
from setpoint.reporting.html import build
from setpoint.reporting.html.page import render
from setpoint_tools.testing.http_server import serving


def everything(opened: Page) -> str:
    """All that a page holds: its text, attributes and data, as the browser has them."""
    return opened.evaluate("document.documentElement.outerHTML + document.body.innerText")


def open_all(opened: Page, address: str, states) -> str:
    """The page with the details of all findings open, and all that it holds."""
    opened.goto(f"{address}#status=all&finding={','.join(state.key.id for state in states)}")
    opened.wait_for_function("performance.getEntriesByName('setpoint-ready').length")
    assert opened.locator(".detail").count() == len(states)
    return everything(opened)


def test_no_marked_secret_is_on_the_page_with_all_its_details_open(page: Page, tmp_path):
    page.context.set_default_timeout(60_000)
    states = [drifted(marked) for marked in corpus()]
    report = build.build(build.Facts(states), NOON - timedelta(days=1), NOON + timedelta(days=1), most=10_000)
    file = tmp_path / "report.html"
    file.write_bytes(render(report))
    shown = open_all(page, file.as_uri(), states)
    assert "hidden" in shown
    assert marks_in(shown) == []


class _Anybody:
    def identity(self, assertion: str) -> str:
        return assertion or "you"


def test_no_marked_secret_is_on_the_console(page: Page):
    page.context.set_default_timeout(60_000)
    states = [drifted(marked) for marked in corpus()][::8]
    store = MemoryStore()
    for state in states:
        snapshot = store.read(state.key)
        store.commit(snapshot, state)
    console = Console(store, "memory:", _Anybody(), clock=lambda: NOON + timedelta(days=1))

    def application(environ, start_response):
        answer = console.answer(environ["REQUEST_METHOD"], environ["PATH_INFO"], lambda _: None)
        start_response(f"{answer.status} OK", list(answer.headers.items()))
        return [answer.body]

    with serving(application) as address:
        shown = open_all(page, f"{address}/", states)
    assert marks_in(shown) == []

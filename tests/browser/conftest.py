"""A real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from setpoint_tools.testing import chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if chromium.executable() is None:
        pytest.skip(f"NO BROWSER: {chromium.MISSING}. Nothing of the pages was tried")
    with sync_playwright() as playwright:
        launched = chromium.launch(playwright)
        yield launched
        launched.close()


@pytest.fixture
def page(browser) -> Iterator[Page]:
    """A page of its own context; what it complains of, and what it asks of anybody, fails the test."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(5_000)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on(
        "console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    yield opened
    context.close()
    assert complaints == []


class Opened:
    """Opens pages, and keeps what went wrong in them."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.faults: list[str] = []

    @contextmanager
    def __call__(self, file: Path, width: int = 1200, scheme: str = "light") -> Iterator[Page]:
        context = self._browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        page.on("console", lambda error: self.faults.append(error.text))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", lambda asked: self._asked(asked.url))
        page.goto(file.as_uri())
        yield page
        context.close()

    def _asked(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.faults.append(f"asked the network for {url}")


@pytest.fixture
def opened(browser) -> Iterator[Opened]:
    yield (opening := Opened(browser))
    assert opening.faults == []

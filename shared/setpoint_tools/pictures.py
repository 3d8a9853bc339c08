"""The pictures of README and docs, from the demo and `setpoint dev`: ``python -m setpoint_tools.pictures``.

It needs Chromium (``.ci/browser``) and Playwright, which the development environment has.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright
from rich.console import Console

from setpoint_tools import review_pictures
from setpoint_tools.demo.__main__ import main as run_demo
from setpoint_tools.demo.pipeline import DemoPaths
from setpoint_tools.testing import chromium

IMAGES = Path(__file__).resolve().parents[2] / "docs/images"
_WIDTH, _HEIGHT, _HIGHEST = 1440, 1180, 1760
_MESSAGE = "IAM of Project payments-prod"
"""What the message is about that stands for all."""


def main() -> int:
    """Run the demo and take the pictures; 1 where the demo fails or there is no browser."""
    console = Console(stderr=True, highlight=False)
    if chromium.executable() is None:
        console.print(chromium.MISSING)
        return 1
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        places = DemoPaths(Path("demo-out"))
        if run_demo(places.root, Console(quiet=True)):
            console.print("the demo fails; run `make demo`")
            return 1
        with sync_playwright() as playwright:
            browser = chromium.launch(playwright)
            _report(browser, places.report)
            _slack(browser, places.slack)
            review_pictures.take(browser, IMAGES)
            browser.close()
    return 0


def _report(browser: Browser, file: Path) -> None:
    """The page with the details of a finding, in a window that is as high as they are."""
    page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
    page.goto(file.absolute().as_uri())
    page.wait_for_function("performance.getEntriesByName('setpoint-ready').length")
    page.locator("#rows button.open", has_text="example-billing-prod-exports").first.click()
    page.wait_for_timeout(300)
    bottom = page.evaluate("document.querySelector('.detail').getBoundingClientRect().bottom + window.scrollY")
    page.set_viewport_size({"width": _WIDTH, "height": min(int(bottom) + 8, _HIGHEST)})
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    page.wait_for_timeout(300)
    page.screenshot(path=IMAGES / "report-page.png")
    page.close()


def _slack(browser: Browser, file: Path) -> None:
    """One message."""
    page = browser.new_page(viewport={"width": 760, "height": 900}, device_scale_factor=2)
    page.goto(file.absolute().as_uri())
    article = page.locator("main > article", has_text=_MESSAGE).first
    chromium.draw_symbols(page)
    article.screenshot(path=IMAGES / "slack-message.png")
    page.close()


if __name__ == "__main__":
    sys.exit(main())

"""The size of the page with ten thousand findings, and its speed in a real browser.

    python benchmarks/page.py
    python benchmarks/page.py --findings 10000 --rounds 5

The clock's time counts: from the beginning of the navigation until a filter can be used, and from an event until what
follows from it is laid out and painted, which is two frames with up to 17 ms of waiting each. Other work of the machine
lengthens it; what the page's own thread worked stands beside it, to tell the one from the other.
It needs Chromium (``.ci/browser``).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from pages.samples import NOW, PERIOD, facts, many  # type: ignore[import-not-found]
from setpoint.reporting.html.build import build
from setpoint.reporting.html.page import render
from setpoint_tools.testing import chromium

_TIMED = """
({{ {names} }}) => new Promise((done) => {{
  const began = performance.now();
  {what};
  requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
}})
"""
_EVENT = """
  const target = document.querySelector(selector);
  if (value !== null) target.value = value;
  if (event === "click") target.click();
  else target.dispatchEvent(new Event(event, { bubbles: true }))
"""
_READY = "performance.getEntriesByName('setpoint-ready')[0].startTime"
_TYPED = ("b", "bu", "buc", "bucket", "bucket ana", "nothing", "")
_CHOSEN = (
    ("#team", "search"),
    ("#team", ""),
    ("#status", "resolved"),
    ("#status", "all"),
    ("#project", "shop"),
    ("#project", ""),
)
_COLUMNS = ("severity", "what", "project", "team", "since", "status", "actor")
_BUDGETS = {
    "page, MB": 5,
    "interactive, ms": 2_000,
    "keystroke, worst ms": 100,
    "filter, worst ms": 100,
    "sort, worst ms": 100,
}


def main() -> int:
    """Measure; print a line a figure, and all of them as JSON last.

    Returns:
        The exit code: 1 where a budget is not held, or axe complains.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--findings", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    states = list(many(asked.findings * 3 // 2))  # of which some were resolved before the period
    began = time.process_time()
    report = build(facts(*states), NOW - PERIOD, NOW, most=asked.findings)
    built = time.process_time()
    page = render(report)
    rendered = time.process_time()
    figures: dict[str, float] = {
        "findings": len(report.rows),
        "page, MB": len(page) / 1e6,
        "build, CPU ms": (built - began) * 1e3,
        "render, CPU ms": (rendered - built) * 1e3,
    }
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "report.html"
        file.write_bytes(page)
        browser = chromium.launch(playwright, "--enable-precise-memory-info")
        figures |= measured(browser, file.as_uri(), asked.rounds)
        browser.close()
    for name, figure in figures.items():
        print(f"{name:24}{figure:12,.1f}" + (f"   budget {_BUDGETS[name]:,}" if name in _BUDGETS else ""))
    print(json.dumps(figures))
    return int(figures["axe violations"] > 0 or any(figures[name] > budget for name, budget in _BUDGETS.items()))


def measured(browser: Browser, url: str, rounds: int) -> dict[str, float]:
    """What the browser says."""
    loads = []
    for _ in range(rounds):
        page = browser.new_page()
        page.goto(url)
        loads.append(page.evaluate(_READY))
        page.close()
    figures = {"interactive, ms": max(loads), "interactive, median": statistics.median(loads)}
    page = browser.new_page()
    page.goto(f"{url}#status=all")
    page.wait_for_timeout(1_000)  # what is searched in is made ready when the page has come to rest
    clock = _Clock(page)
    for _ in range(rounds):
        for text in _TYPED:
            clock.time("keystroke", _EVENT, selector="#q", value=text, event="input")
        for control, value in _CHOSEN:
            event = "input" if control == "#project" else "change"
            clock.time("filter", _EVENT, selector=control, value=value, event=event)
        for column in _COLUMNS:
            clock.time("sort", _EVENT, selector=f"[data-column={column}]", value=None, event="click")
        for _ in range(2):
            clock.time("open", _EVENT, selector="#rows button.open", value=None, event="click")
    for y in range(0, 400_000, 20_000):
        clock.time("scroll", "scrollTo(0, y)", y=y)
    figures |= clock.figures()
    figures["heap, MB"] = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    figures["axe violations"] = len(Axe().run(page).response["violations"])
    return figures


class _Clock:
    """Times what a page does.

    Args:
        page: the page.
    """

    def __init__(self, page: Page) -> None:
        self._page = page
        self._session = page.context.new_cdp_session(page)
        # https://chromedevtools.github.io/devtools-protocol/tot/Performance/
        self._session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._took: dict[str, list[tuple[float, float]]] = {}

    def time(self, name: str, what: str, **given: Any) -> None:
        """Do something, and wait until it is painted."""
        self._page.wait_for_timeout(120)  # what the last one has left for later
        before = self._worked()
        names = ", ".join(given)
        took = self._page.evaluate(_TIMED.format(names=names, what=what), given)
        self._took.setdefault(name, []).append((self._worked() - before, took))

    def _worked(self) -> float:
        """Milliseconds that the page's thread has worked."""
        metrics = self._session.send("Performance.getMetrics")["metrics"]
        return next(float(metric["value"]) * 1e3 for metric in metrics if metric["name"] == "TaskDuration")

    def figures(self) -> dict[str, float]:
        """The worst, nineteen of twenty and the median of the time; the worst of the work."""
        figures: dict[str, float] = {}
        for name, pairs in self._took.items():
            worked, took = zip(*pairs, strict=True)
            figures[f"{name}, worst ms"] = max(took)
            figures[f"{name}, p95 ms"] = sorted(took)[len(took) * 95 // 100]
            figures[f"{name}, median ms"] = statistics.median(took)
            figures[f"{name}, worst CPU ms"] = max(worked)
        return figures


if __name__ == "__main__":
    sys.exit(main())

"""The pictures of docs/into-code.md, from `setpoint dev`: a message with Accept, the request, the guard's comment.

Code hosts render Markdown of requests and comments; the fake has no pages, so that it is rendered here.
"""

from __future__ import annotations

import difflib
import html
import subprocess
import sys
import tempfile
from pathlib import Path

from markdown_it import MarkdownIt
from playwright.sync_api import Browser

from setpoint_tools.dev import fleet, system
from setpoint_tools.testing import chromium
from setpoint_tools.testing.polling import wait_until

_ROOT = Path(__file__).resolve().parents[2]
_CHANGE = "unversion-bucket"
_DECLARED = "    labels:\n      team: shop\n"
_STYLE = """
body { font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; color: #1f2328; margin: 0 }
main { width: 880px; padding: 20px; box-sizing: border-box }
h1 { font-size: 22px; font-weight: 500; margin: 0 0 4px }
article { border: 1px solid #d1d9e0; border-radius: 6px; padding: 4px 16px; overflow-wrap: break-word }
table { border-collapse: collapse } td, th { border: 1px solid #d1d9e0; padding: 4px 12px; text-align: left }
code { background: #818b981f; border-radius: 6px; padding: 2px 5px } code, pre { font: 12px/1.5 monospace }
pre { border: 1px solid #d1d9e0; border-radius: 6px; padding: 8px 0; margin: 12px 0 0 }
pre div { padding: 0 12px; white-space: pre } .plus { background: #dafbe1 } .minus { background: #ffebe9 }
.state { color: #59636e; margin: 0 0 12px } a { color: #0969da }
h3 { font-size: 16px }
"""


def take(browser: Browser, images: Path) -> None:
    """Play a drift that is accepted, and take the pictures on the way."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with system.up(_ROOT, folder, lambda _: None, emulators=False) as running, running.going():
            running.change(_CHANGE)
            wait_until(
                lambda: any("Changed by" in str(each.blocks) for each in running.slack.shown(fleet.CHANNEL)),
                "no message in Slack says who has changed it",
            )
            comment = _guard(folder, running.places.store)
            _slack(browser, running.addresses["slack"], images / "accept-message.png")
            running.click_latest("accept")
            repository = running.repository
            wait_until(lambda: repository.requests, "no request in the fake of GitHub")
            request = max(repository.requests.values(), key=lambda each: each.number)
            before = repository.files(repository.base)[fleet.FILE]
            after = repository.files(request.branch)[fleet.FILE]
            state = f"Open · #{request.number} · {request.branch}"
            _page(browser, request.title, state, request.body + _diff(before, after), images / "request.png")
            _page(browser, "", "", comment, images / "guard-comment.png")


def _guard(folder: Path, store: str) -> str:
    """The guard's comment on a change of the resource that has drifted."""
    file = folder / "change.yaml"
    text = (folder / "fleet" / fleet.FILE).read_text()
    file.write_text(text.replace(_DECLARED, f"{_DECLARED}      purpose: exports\n", 1))
    command = [sys.executable, "-m", "setpoint", "guard", str(file), "--source", "dev", "--store", store]
    done = subprocess.run([*command, "--output", "markdown"], capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout.replace(f"{folder}/", "")


def _diff(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=2, lineterm=""))[2:]
    classes = {"+": "plus", "-": "minus"}
    shown = "".join(f'<div class="{classes.get(line[0], "")}">{html.escape(line)}</div>' for line in lines)
    return f"\n\n<pre>{shown}</pre>\n"


def _page(browser: Browser, title: str, state: str, markdown: str, image: Path) -> None:
    body = MarkdownIt("commonmark").enable("table").render(markdown)
    head = f'<h1>{html.escape(title)}</h1><p class="state">{html.escape(state)}</p>' if title else ""
    page = browser.new_page(viewport={"width": 920, "height": 900}, device_scale_factor=2)
    page.set_content(f"<style>{_STYLE}</style><main>{head}<article>{body}</article></main>")
    page.locator("main").screenshot(path=image)
    page.close()


def _slack(browser: Browser, address: str, image: Path) -> None:
    page = browser.new_page(viewport={"width": 760, "height": 900}, device_scale_factor=2)
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = false)")
    chromium.draw_symbols(page)
    page.locator("main > article").first.screenshot(path=image)
    page.close()

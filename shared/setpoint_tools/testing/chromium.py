"""The browser of tests, benchmarks and pictures: Debian's Chromium, which ``.ci/browser`` installs."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

MISSING = "Chromium is not installed; .ci/browser installs it"

_COMMANDS = ("chromium-headless-shell", "chromium")
"""The headless shell first: a browser with windows also runs the pages of its own toolbars, at a third of its time."""


def executable() -> str | None:
    """The path of the Chromium that is installed; nothing where there is none."""
    return next(filter(None, map(shutil.which, _COMMANDS)), None)


def launch(playwright: Playwright, *options: str) -> Browser:
    """A Chromium without a window, which the caller closes.

    Args:
        playwright: what drives it.
        options: options of its command line.

    Raises:
        FileNotFoundError: none is installed.
    """
    path = executable()
    if path is None:
        raise FileNotFoundError(MISSING)
    return playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *options])

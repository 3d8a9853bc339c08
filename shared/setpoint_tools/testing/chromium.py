"""The browser of tests, benchmarks and pictures: Debian's Chromium, which ``.ci/browser`` installs."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Page, Playwright

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


def draw_symbols(page: Page) -> None:
    """Draw the symbols of messages, for which the fonts of a server have no glyphs."""
    page.evaluate(_DRAW_SYMBOLS)


_DRAW_SYMBOLS = r"""() => {
  const disc = (color) =>
    `<span style="display:inline-block;width:.8em;height:.8em;border-radius:50%;background:${color}"></span>`;
  const sign = (text) => `<b style="color:#616061">${text}</b>`;
  const symbols = {
    "\u{1F534}": disc("#dd2e44"), "\u{1F7E0}": disc("#f4900c"), "\u{1F7E1}": disc("#fdcb58"),
    "\u{1F535}": disc("#55acee"), "\u2795": sign("+"), "\u2796": sign("\u2212"),
  };
  const nodes = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (nodes.nextNode()) texts.push(nodes.currentNode);
  for (const text of texts) {
    const parts = text.data.split(/([\u{1F534}\u{1F7E0}\u{1F7E1}\u{1F535}\u2795\u2796])/u);
    if (parts.length === 1) continue;
    text.replaceWith(...parts.map((part) => {
      if (!symbols[part]) return part;
      return document.createRange().createContextualFragment(symbols[part]);
    }));
  }
}"""

"""What axe finds to complain of in a page."""

from __future__ import annotations

from collections.abc import Sequence

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that read colours, which are all that a dark page has of its own.

https://github.com/dequelabs/axe-core/blob/develop/doc/rule-descriptions.md, tag ``cat.color``
"""


def violations(page: Page, *rules: str, without: Sequence[str] = ()) -> list[str]:
    """Each violation with the element and what is wrong about it.

    Args:
        page: the page, which may let in no script but its own: the checker comes in by the browser's own way.
        rules: names of rules; all that axe applies by default where there are none.
        without: selectors of elements that are left out.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"], **({"runOnly": {"type": "rule", "values": rules}} if rules else {})}
    response = page.evaluate(
        "([without, options]) => axe.run({ exclude: without }, options)", [[[each] for each in without], options]
    )
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in response["violations"]
        for node in violation["nodes"]
    ]

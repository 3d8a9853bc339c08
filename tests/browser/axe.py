"""What axe finds to complain of in a page."""

from __future__ import annotations

from collections.abc import Sequence

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

COLOURS = ("color-contrast", "link-in-text-block")
"""The rules that read colours, which are all that a dark page has of its own.

https://github.com/dequelabs/axe-core/blob/develop/doc/rule-descriptions.md, tag ``cat.color``
"""


def violations(
    page: Page, *, only: Sequence[str] = (), but: Sequence[str] = (), without: Sequence[str] = ()
) -> list[str]:
    """Each violation with the element and what is wrong about it.

    Args:
        page: the page, which may let in no script but its own: the checker comes in by the browser's own way.
        only: names of the rules that are applied; where there are none, all that axe applies by default.
        but: names of rules that are not applied.
        without: selectors of elements that are left out.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"], "rules": {rule: {"enabled": False} for rule in but}}
    if only:
        options["runOnly"] = {"type": "rule", "values": only}
    response = page.evaluate(
        "([exclude, options]) => axe.run({ exclude }, options)", [[[each] for each in without], options]
    )
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in response["violations"]
        for node in violation["nodes"]
    ]

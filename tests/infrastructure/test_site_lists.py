"""The site shows lists as the repository's page does, although MkDocs reads another Markdown."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

markdown_it = pytest.importorskip("markdown_it")
ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("infra/runbooks/*.md"), *ROOT.glob("*.md")])
for_mkdocs = runpy.run_path(str(ROOT / ".ci/site_lists.py"))["for_mkdocs"]


def structure(markdown: str) -> list[tuple[str, str]]:
    """The blocks of a text as CommonMark reads them, and their text without white space."""
    tokens = markdown_it.MarkdownIt("commonmark").enable("table").parse(markdown)
    return [
        (token.type, re.sub(r"\s", "", token.content)) for token in tokens if not token.type.startswith("paragraph")
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_keeps_its_meaning(page: Path) -> None:
    text = page.read_text()
    assert structure(for_mkdocs(text)) == structure(text)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("**Do**\n1. a\n2. b", "**Do**\n\n1. a\n2. b"),
        ("text\n- a\n- b", "text\n\n- a\n- b"),
        ("1. a\n   goes on\n\n       run\n\n2. b", "1. a\n    goes on\n\n        run\n\n2. b"),
        ("- a\n\n      run", "- a\n\n        run"),
        ("- a\n  ```sh\n  run\n  - x\n  ```\n- b", "- a\n    ```sh\n    run\n    - x\n    ```\n- b"),
        ("- a\n  - b\n    c", "- a\n    - b\n        c"),
        ("1. a\n\n   | x |\n   |---|\n   | y |\n2. b", "1. a\n\n    | x |\n    |---|\n    | y |\n\n2. b"),
        ("- a\n\ntext\n- b", "- a\n\ntext\n\n- b"),
        ("- a\nlazy\n- b", "- a\nlazy\n- b"),
        ("in version\n2. nothing", "in version\n2. nothing"),
        ("```\n1. a\ntext\n- b\n```", "```\n1. a\ntext\n- b\n```"),
        ("    - code", "    - code"),
    ],
)
def test_a_list_is_written_with_four_spaces_and_a_line_before_it(source: str, expected: str) -> None:
    assert for_mkdocs(source) == expected

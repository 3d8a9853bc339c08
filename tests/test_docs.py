"""What the docs say is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from setpoint.cli import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md"])


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_page_and_a_heading_that_are_there(page):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            assert anchor in anchors(found), target


def test_every_test_that_the_threat_model_and_the_guarantees_name_is_there():
    for page in ("threat-model.md", "reliability.md"):
        for path in re.findall(r"`((?:tests|infra|docs)/[\w./-]+)`", (ROOT / "docs" / page).read_text()):
            assert (ROOT / path).exists(), f"{page}: {path}"


def commands() -> set[str]:
    found = set()
    for name, command in get_command(app).commands.items():
        inner = getattr(command, "commands", {})
        found |= {f"{name} {one}" for one in inner} or {name}
        found.add(name)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_is_shown_is_there(page):
    shown = re.findall(r"(?:`|bin/|^ {4})setpoint ((?:[a-z-]+)(?: [a-z-]+)?)", page.read_text(), re.MULTILINE)
    for words in shown:
        first = words.split()[0]
        assert first in commands(), f"setpoint {words}"
        if first in ("dev", "dead-letters"):
            assert words in commands(), f"setpoint {words}"

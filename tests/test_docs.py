"""What the docs say is there."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from setpoint.cli.commands import COMMANDS, load_command

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "shared/setpoint"
PAGES = sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("infra/runbooks/*.md"), *ROOT.glob("*.md")])
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FORMER_FOLDERS = r"`(?:core|declare|messages|sweeping|doctor|report)/[\w./]*`"
FORMER_MODULES = r"`(?:flow|serving|wiring|working|pressing|orders|syncing|spooling)(?:\.py)?`"
FORMER_PACKAGES = r"setpoint\.(?:core|testing|demo|distil)\b"


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_page_and_a_heading_that_are_there(page):
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_row_stands_in_a_table_with_a_head(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for table in re.findall(r"(?:^\|.*\n?)+", text, re.MULTILINE):
        head, _, rest = table.partition("\n")
        assert re.match(r"\|[-:| ]+\|(?:\n|$)", rest), head


def test_every_test_that_the_threat_model_and_the_guarantees_name_is_there():
    for page in ("threat-model.md", "reliability.md"):
        for path in re.findall(r"`((?:tests|infra|docs)/[\w./-]+)`", (ROOT / "docs" / page).read_text()):
            assert (ROOT / path).exists(), f"{page}: {path}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_module_that_is_named_is_there(page):
    text = page.read_text()
    packages = {path.name for path in LIBRARY.iterdir()}
    for path in re.findall(r"`((?:\w+/)+\w+\.py)(?:`|: )", text):
        if path.split("/")[0] in packages:
            assert (LIBRARY / path).exists(), path
        elif path.split("/")[0] in ("shared", "functions", "infra", "tests", "benchmarks"):
            assert (ROOT / path).exists(), path
    assert not re.findall(f"{FORMER_FOLDERS}|{FORMER_MODULES}|{FORMER_PACKAGES}", text)


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(("path", "function"), re.findall(r"`([\w/]+\.py): (\w+)`", ARCHITECTURE))
def test_every_step_of_the_architecture_is_a_function_of_that_file(path, function):
    file = ROOT / path if path.startswith("functions/") else LIBRARY / path
    assert function in functions_of(file)


def test_the_architecture_and_the_contract_have_the_same_packages_in_the_same_order():
    contracts = {contract["id"]: contract for contract in PYPROJECT["tool"]["importlinter"]["contracts"]}
    layers = [{name.strip() for name in layer.split("|")} for layer in reversed(contracts["layers"]["layers"])]
    table = ARCHITECTURE.partition("## The packages, in their order")[2].partition("\n## ")[0]
    rows = [set(re.findall(r"`(\w+)`", row.split("|")[1])) for row in table.splitlines() if row.startswith("| `")]
    assert rows == layers


def test_the_verdict_takes_eight_files_to_read_at_most():
    sentence = ARCHITECTURE.partition("**The verdict on one message")[2].partition(". For an IAM")[0]
    files = re.findall(r"`([\w/]+\.py)`", sentence)
    assert 0 < len(files) <= 8
    assert all((LIBRARY / file).exists() for file in files)


def test_contributing_has_a_row_for_every_package_of_the_library():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    rows = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    packages = {path.stem for path in LIBRARY.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert rows == packages - {"__init__", "__main__"}


def test_every_decision_is_listed_with_its_title():
    index = (ROOT / "docs/decisions/README.md").read_text()
    for page in sorted((ROOT / "docs/decisions").glob("0*.md")):
        title = page.read_text().partition("\n")[0].removeprefix("# ")
        assert f"[{title}]({page.name})" in index


def test_every_runbook_is_listed():
    index = (ROOT / "docs/runbooks.md").read_text()
    for page in (ROOT / "docs/runbooks").glob("*.md"):
        assert f"(runbooks/{page.name})" in index


def test_every_page_is_in_the_navigation_of_the_site():
    navigation = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2].partition("\nnot_in_nav:")[0]
    written = [*ROOT.glob("docs/**/*.md"), *ROOT.glob("docs/runbooks/*.md")]  # which is a link to infra/runbooks
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in written}
    decisions = {page for page in pages if page.startswith("decisions/0")}
    of_the_root = {"index.md", "contributing.md", "vulnerabilities.md", "changelog.md"}
    assert set(re.findall(r"\S+\.md", navigation)) == pages - decisions | of_the_root


def terms() -> list[str]:
    return re.findall(r"^\| \*\*(.+?)\*\* \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)


def test_the_glossary_has_thirty_terms_in_their_order():
    assert len(terms()) == 30
    assert terms() == sorted(terms())


@pytest.fixture(scope="module")
def written() -> tuple[str, str]:
    """The text of the pages but for the glossary, and of the library."""
    pages = (page for page in ROOT.glob("docs/*.md") if page.stem != "glossary")
    return "".join(page.read_text() for page in pages), "".join(path.read_text() for path in LIBRARY.rglob("*.py"))


@pytest.mark.parametrize("term", terms())
def test_every_term_of_the_glossary_is_used_by_the_docs_and_by_the_code(written, term):
    spelled = re.compile(re.escape(term).replace(r"\ ", r"[ _-]?"), re.IGNORECASE)
    docs, code = written
    assert spelled.search(docs)
    assert spelled.search(code)


def test_the_readme_says_in_its_first_sentence_what_the_product_is_and_then_shows_it_and_two_commands():
    _, sentence, picture, *_ = (ROOT / "README.md").read_text().split("\n\n")
    for words in ("drift detection", "remediation", "Google Cloud", "Terraform", "Config Connector"):
        assert words.lower() in sentence.replace("\n", " ").lower()
    assert picture.startswith("![")
    commands = re.findall(r"^ {4}(.+?)(?: +#.*)?$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert commands[:2] == ["make demo", "make test"]


@cache
def commands() -> set[str]:
    names = set()
    for name in COMMANDS:
        inner = getattr(load_command(name), "commands", {})
        names |= {f"{name} {subcommand}" for subcommand in inner} or {name}
        names.add(name)
    return names


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_is_shown_is_there(page):
    shown = re.findall(r"(?:`|bin/|^ {4})setpoint ([a-z][a-z-]*(?: [a-z-]+)?)", page.read_text(), re.MULTILINE)
    for words in shown:
        first = words.split()[0]
        assert first in commands(), f"setpoint {words}"
        if first in ("dev", "dead-letters"):
            assert words in commands(), f"setpoint {words}"


def test_every_make_target_that_is_shown_is_listed_by_make_help():
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        shown = re.findall(r"(?:`|^ {4})make ([a-z-]+)", page.read_text(), re.MULTILINE)
        assert set(shown) <= targets, name_of(page)


SHOWS_COMMANDS = re.compile(r"^(?: {4}|```sh\n)(?:\.venv/bin/)?setpoint ", re.MULTILINE)


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.md")), ids=name_of)
def test_a_page_with_commands_says_first_where_the_command_line_comes_from(page):
    text = page.read_text()
    assert ".venv/bin/setpoint" not in text
    if shown := SHOWS_COMMANDS.search(text):
        before = text[: shown.start()]
        assert "(install.md#the-command-line)" in before or ". .venv/bin/activate" in before

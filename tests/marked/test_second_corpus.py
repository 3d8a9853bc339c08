"""Secrets in further places and forms come out nowhere, by no output of no command."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from marked.corpus import Marked
from marked.second_corpus import FREE, NAMED, NOTATIONS, TOKENS, corpus
from marked.test_marked_corpus import NOON, drifted, outlets
from marked.test_marked_errors import READERS
from marked.test_marked_proposals import document
from setpoint.cli import app
from setpoint.model.resource_state import ResourceState
from setpoint.reporting.html import build, page
from setpoint.util.secret_formats import holds_secret, scrub
from setpoint_tools.testing import messages

_BEGINNING = 10


def forms(marked: Marked) -> set[str]:
    """The mark as it is, and as JSON spells it."""
    return {marked.mark, json.dumps(marked.mark)[1:-1]}


def is_seen(marked: Marked, text: str) -> bool:
    return any(form in text for form in forms(marked))


def seen_in(text: str, secrets: Iterable[Marked]) -> list[Marked]:
    """Which of the secrets a text shows; a long text is read once for all marks that begin alike."""
    by_beginning: dict[str, list[Marked]] = {}
    for marked in secrets:
        for beginning in {form[:_BEGINNING] for form in forms(marked)}:
            by_beginning.setdefault(beginning, []).append(marked)
    suspects = [marked for beginning, alike in by_beginning.items() if beginning in text for marked in alike]
    return [marked for marked in suspects if is_seen(marked, text)]


@cache
def drifted_corpus() -> tuple[ResourceState, ...]:
    """The drift of each secret of the corpus, in its order."""
    return tuple(map(drifted, corpus()))


def test_the_corpus_is_large_enough_to_say_something() -> None:
    assert len(corpus()) >= 2000
    assert len(FREE) + len(NAMED) >= 80


@pytest.mark.parametrize("gone", [False, True], ids=["modified", "deleted"])
def test_no_marked_secret_leaves_the_detector(gone: bool) -> None:
    leaked: Counter[str] = Counter()
    states = (drifted(marked, gone=True) for marked in corpus()) if gone else drifted_corpus()
    for marked, state in zip(corpus(), states, strict=True):
        for outlet, text in outlets(state).items():
            if is_seen(marked, text):
                leaked[f"{marked.place}: {outlet}"] += 1
    assert leaked == Counter()


def test_no_marked_secret_is_on_the_page() -> None:
    states = list(drifted_corpus())
    report = build.build(build.Facts(states), NOON - timedelta(days=1), NOON + timedelta(days=1), most=10_000)
    read = page.render(report).decode()
    assert seen_in(read, corpus()) == []


@pytest.mark.parametrize("password", ["hunter22x", "Correct-Horse7", "s3same"])
def test_what_a_text_says_is_a_secret_is_hidden_in_reasons_errors_and_logs(password: str) -> None:
    for shape in NOTATIONS:
        text = shape(password)
        assert holds_secret(text), text
        assert password not in scrub(text), text
        assert all(password not in str(read(text)) for read in READERS.values()), text


@pytest.mark.parametrize(
    "text",
    [
        "The password is stored in Secret Manager",
        "token is required",
        "the token was issued at 2026-03-01T12:00:00Z",
        "login with password or key",
        "the key is 256 bits, the secret is rotated every 30d",
        "mysql 8.0 replica of orders",
        "The API key is restricted to 10.0.0.0/8",
        "key to projects/shop/secrets/orders",
        "a < b and c > d, 100%",
        "password to be rotated in 2026",
    ],
)
def test_a_text_about_secrets_is_left_as_it_is(text: str) -> None:
    assert scrub(text) == text


def chosen() -> list[Marked]:
    """A secret of each place, so that each form comes up."""
    by_place: dict[str, list[Marked]] = {}
    for marked in corpus():
        by_place.setdefault(marked.place, []).append(marked)
    return [secrets[number % len(secrets)] for number, secrets in enumerate(by_place.values())]


def write_fleet(folder: Path, secrets: list[Marked]) -> Path:
    folder.mkdir()
    (folder / "fleet.yaml").write_text(yaml.safe_dump_all(map(document, secrets)))
    return folder


def test_no_command_prints_a_marked_secret(tmp_path: Path) -> None:
    secrets = chosen()
    assert len({number % (len(TOKENS) + len(NOTATIONS)) for number, _ in enumerate(secrets)}) == len(TOKENS) + len(
        NOTATIONS
    )
    fleet, store = write_fleet(tmp_path / "fleet", secrets), f"sqlite:///{tmp_path / 'setpoint.db'}"
    feed, dead_letters, picture = tmp_path / "feed.jsonl", tmp_path / "letters.jsonl", tmp_path / "page.html"
    lines = [messages.resource(marked.name, marked.asset_type, marked.live, NOON) for marked in secrets]
    feed.write_bytes(b"\n".join([*lines, *(line[:-20] for line in lines)]))
    shown: dict[str, str] = {}

    def run(*words: str) -> None:
        ran = CliRunner().invoke(app, [*words])
        shown[" ".join(words)] = f"{ran.output}{ran.stderr}{ran.exception or ''}"

    here = ("--store", store)
    run(
        "detect", "-d", str(fleet), "--feed", str(feed), "--output", "jsonl", "--dead-letters", str(dead_letters), *here
    )
    for output in ("table", "json", "jsonl"):
        run("findings", "list", "--limit", "0", "--output", output, *here)
        run("coverage", "--output", output, *here)
    for output in ("text", "json"):
        run("plan", str(fleet), "--output", output, *here)
        run("report", "--output", output, *here)
        run("notify", "--preview", "--output", output, *here)
    for output in ("text", "json", "sarif", "junit", "github", "markdown"):
        run("validate", str(fleet), "--output", output)
    for output in ("text", "json", "github", "markdown"):
        run("guard", str(fleet), "--output", output, *here)
    run("report", "--html", str(picture), *here)
    for number, marked in enumerate(secrets):
        output = ("table", "json", "markdown")[number % 3]
        run("findings", "show", marked.name, "--output", output, *here)
        run("propose", marked.name, "--root", str(tmp_path), *here)
        run("remediate", marked.name, "--dry-run", *here)
    shown["page"] = picture.read_text()
    shown["dead letters"] = dead_letters.read_text()
    assert "hidden" in shown[f"findings list --limit 0 --output json --store {store}"]
    assert shown["page"].count("hidden") > len(secrets)
    leaked = [(marked.place, name) for name, text in shown.items() for marked in seen_in(text, secrets)]
    assert leaked == []

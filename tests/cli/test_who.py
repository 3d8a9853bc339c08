"""Who is behind a finding, as people are told."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from attribution.world import ALICE, BOB, IN_SYNC, World
from contract.records import NOON
from setpoint.bootstrap import open_store
from setpoint.cli import app
from setpoint.cli.output import actor_text, out
from setpoint.model.actors import Actor

ACTOR = Actor(
    principal=ALICE, kind="person", confidence="likely", method="m.update", requested_at=NOON, caller="console"
)


@pytest.mark.parametrize(
    ("actor", "line"),
    [
        (None, "unknown"),
        (ACTOR, "alice@example.com, by console, 2026-03-01 12:00 (likely)"),
        (replace(ACTOR, caller="", kind="service"), "alice@example.com, 2026-03-01 12:00 (service, likely)"),
        (
            replace(ACTOR, confidence="possible", others=(BOB,), through=("deploy@x", "jump@x")),
            "alice@example.com or bob@example.com, by console, 2026-03-01 12:00 through deploy@x, jump@x (possible)",
        ),
    ],
)
def test_who_it_was_is_told_in_a_line(actor, line):
    assert actor_text(actor) == line


@pytest.fixture
def output(capsys, monkeypatch):
    monkeypatch.setattr(out, "width", 200)

    def run(*command: str) -> str:
        app(["findings", *command], standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_findings_tell_who_changed_the_resource(tmp_path, output):
    url = f"sqlite:///{tmp_path}/setpoint.db"
    world = World(store=open_store(url))
    world.observe(IN_SYNC, -100)
    world.observe()
    assert "changed by unknown" in output("list", "--store", url)
    world.log()
    world.store.close()

    for command in (["list"], ["show", world.key.name]):
        assert "alice@example.com, by console, 2026-03-01 11:59 (certain)" in output(*command, "--store", url)

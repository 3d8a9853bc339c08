from __future__ import annotations

import base64
import json
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import forked

NAME = "//pubsub.googleapis.com/projects/shop-prod/topics/orders"
DECLARED = f"""\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: "{NAME}", project: shop-prod, owner: {{team: shop}}}}
spec:
  assetType: pubsub.googleapis.com/Topic
  data: {{messageRetentionDuration: 1d, labels: {{team: shop}}}}
"""


def change(minute: int, retention: str = "86400s", **more: Any) -> dict[str, Any]:
    data = {
        "name": "projects/shop-prod/topics/orders",
        "messageRetentionDuration": retention,
        "labels": {"team": "shop"},
    }
    asset = {
        "ancestors": ["projects/12"],
        "assetType": "pubsub.googleapis.com/Topic",
        "name": NAME,
        "resource": {"version": "v1", "data": data},
        "updateTime": f"2025-06-17T15:{minute:02}:00Z",
    }
    return {"asset": asset, "priorAssetState": "PRESENT", **more}


def setpoint(*arguments: str, stdin: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return forked.command_line(*arguments, stdin=stdin, cwd=cwd)


@pytest.fixture
def declarations(tmp_path: Path) -> str:
    file = tmp_path / "declarations" / "orders.yaml"
    file.parent.mkdir()
    file.write_text(DECLARED)
    return str(file.parent)


def lines(*messages: Any) -> str:
    return "".join((message if isinstance(message, str) else json.dumps(message)) + "\n" for message in messages)


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_a_feed_gives_one_cloud_event_a_line_and_nothing_else_on_standard_output(declarations: str) -> None:
    feed = lines(
        "You have successfully configured real time feed [x]",
        change(0),
        change(1, "600s"),
        change(1, "600s"),
        '{"asset": ',
        change(0),
        change(2),
    )
    done = setpoint(
        "detect",
        "--declarations",
        declarations,
        "--feed",
        "-",
        "--store",
        "memory:",
        "--output",
        "jsonl",
        stdin=feed,
        cwd=Path(declarations),
    )
    assert done.returncode == 0, done.stderr
    opened, resolved = events(done)
    assert (opened["specversion"], opened["type"], opened["subject"]) == ("1.0", "drift.opened", NAME)
    assert opened["data"]["differences"] == [
        {"path": "messageRetentionDuration", "op": "changed", "declared": "1d", "observed": "600s"}
    ]
    assert opened["data"]["owner"] == {"team": "shop"}
    assert opened["data"]["declared_in"]["file"].endswith("orders.yaml")
    assert resolved["type"] == "drift.resolved"
    assert "rejected: -:5" in done.stderr
    assert "1 opened" in done.stderr


def test_what_is_rejected_is_kept_encrypted_where_the_store_stays(declarations: str, tmp_path: Path) -> None:
    kept, store = tmp_path / "letters.jsonl", f"sqlite:///{tmp_path / 'setpoint.db'}"
    broken = "broken password=hunter22\n"
    words = ("--feed", "-", "--store", store, "--dead-letters", str(kept))
    assert setpoint("detect", "-d", declarations, *words, stdin=broken).returncode == 1
    assert "hunter22" not in base64.b64decode(json.loads(kept.read_text())["message"]).decode(errors="replace")
    assert kept.stat().st_mode & 0o77 == 0
    assert setpoint("dead-letters", "decrypt", str(kept), "--store", store).stdout == broken
    lacking = setpoint("dead-letters", "decrypt", str(kept))
    assert lacking.returncode == 1
    assert "give --store, which has the key" in lacking.stderr


def test_another_wrapping_key_stops_and_rejects_no_message(
    declarations: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, store = tmp_path / "letters.jsonl", f"sqlite:///{tmp_path / 'setpoint.db'}"
    words = ("detect", "-d", declarations, "--feed", "-", "--store", store, "--dead-letters", str(kept))
    monkeypatch.setenv("SETPOINT_SECRET_KEY", "first" * 8)
    assert setpoint(*words, stdin=lines("broken")).returncode == 1  # makes the key
    kept.unlink()
    monkeypatch.setenv("SETPOINT_SECRET_KEY", "second" * 8)
    hidden = change(1)
    hidden["asset"]["resource"]["data"]["labels"]["team"] = "ghp_" + "a1B2c3D4e5" * 4
    for message in ("broken", hidden):
        refused = setpoint(*words, stdin=lines(message))
        assert refused.returncode == 1
        assert "error: SETPOINT_SECRET_KEY is not the one" in refused.stderr
        assert "rejected" not in refused.stderr
        assert not kept.exists()


def test_a_message_about_a_damaged_record_is_kept_encrypted(declarations: str, tmp_path: Path) -> None:
    kept, database = tmp_path / "letters.jsonl", tmp_path / "setpoint.db"
    words = (
        "detect",
        "-d",
        declarations,
        "--feed",
        "-",
        "--store",
        f"sqlite:///{database}",
        "--dead-letters",
        str(kept),
    )
    setpoint(*words, stdin=lines(change(1, "600s")))
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE findings SET body = '{'")
    setpoint(*words, stdin=lines(change(2, "700s")))
    (letter,) = map(json.loads, kept.read_text().splitlines())
    assert letter["attributes"] == {"encrypted": "1"}
    assert b"700s" not in base64.b64decode(letter["message"])


def test_what_is_rejected_from_standard_input_is_kept(declarations: str) -> None:
    done = setpoint("detect", "-d", declarations, "--feed", "-", stdin="broken\n", cwd=Path(declarations))
    assert done.returncode == 1
    (letter,) = [
        json.loads(line) for line in (Path(declarations) / "setpoint-dead-letters.jsonl").read_text().splitlines()
    ]
    assert base64.b64decode(letter["message"]) == b"broken"
    assert "not a feed message" in letter["reason"]


def test_a_feed_file_may_be_lines_envelopes_an_array_or_indented(declarations: str, tmp_path: Path) -> None:
    drift = change(1, "600s")
    encoded = base64.b64encode(json.dumps(drift).encode()).decode()
    forms = {
        "lines": lines(drift),
        "push": lines({"message": {"data": encoded, "messageId": "1"}, "subscription": "s"}),
        "pulled": json.dumps([{"ackId": "a", "message": {"data": encoded, "attributes": {"k": "v"}}}], indent=2),
        "array": json.dumps([drift]),
        "indented": json.dumps(drift, indent=2),
        "bom": "\ufeff" + lines(drift),
    }
    for form, text in forms.items():
        file = tmp_path / form
        file.write_text(text)
        done = setpoint("detect", "-d", declarations, "--feed", str(file), "--output", "jsonl")
        assert [event["type"] for event in events(done)] == ["drift.opened"], (form, done.stderr)


def test_a_bad_declaration_is_told_by_the_exit_code_and_the_good_ones_count(declarations: str) -> None:
    (Path(declarations) / "bad.yaml").write_text(DECLARED.replace("orders", "other").replace("assetType", "assetTyp"))
    done = setpoint("detect", "-d", declarations, "--feed", "-", "--output", "jsonl", stdin=lines(change(1, "600s")))
    assert done.returncode == 1
    assert len(events(done)) == 1
    assert "bad.yaml:5: spec.assetTyp: no such field; did you mean assetType?" in done.stderr


def test_a_store_remembers_from_one_run_to_the_next(declarations: str, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.db"
    arguments = ("detect", "--feed", "-", "--store", store, "--output", "jsonl")
    assert setpoint("apply", declarations, "--store", store).returncode == 0
    assert len(events(setpoint(*arguments, stdin=lines(change(1, "600s"))))) == 1
    assert events(setpoint(*arguments, stdin=lines(change(1, "600s"), change(0)))) == []
    listed = setpoint("findings", "list", "--store", store, "--output", "jsonl")
    (finding,) = events(listed)
    assert finding["finding"]["status"] == "open"
    shown = setpoint("findings", "show", finding["id"][:6], "--store", store)
    assert "messageRetentionDuration" in shown.stdout
    assert len(events(setpoint(*arguments, stdin=lines(change(2))))) == 1
    assert "no open findings" in setpoint("findings", "list", "--store", store).stdout


def test_what_settles_is_counted_beside_what_is_open(declarations: str) -> None:
    file = Path(declarations) / "orders.yaml"
    file.write_text(DECLARED + "  settle: 24h\n")
    seen = change(1, "600s")
    seen["asset"]["updateTime"] = datetime.now(UTC).isoformat()

    done = setpoint("detect", "--declarations", declarations, "--feed", "-", stdin=lines(seen))

    assert "no drift" in done.stdout
    assert "1 more differ within their grace period" in done.stderr


def test_what_a_rule_keeps_quiet_about_is_there_for_whoever_asks(declarations: str, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.db"
    (Path(declarations) / ".setpointignore").write_text("pubsub.googleapis.com/Topic messageRetentionDuration\n")
    detect = ("detect", "-d", declarations, "--feed", "-", "--store", store, "--output", "jsonl")
    assert events(setpoint(*detect, stdin=lines(change(1, "600s")))) == []
    listed = setpoint("findings", "list", "--status", "suppressed", "--store", store).stdout
    rule = ".setpointignore:1: pubsub.googleapis.com/Topic messageRetentionDuration"
    assert "messageRetentionDuration" in listed
    assert rule in listed
    (quiet,) = events(setpoint("findings", "list", "--status", "suppressed", "--store", store, "--output", "jsonl"))
    assert quiet["suppressed"][0]["rule"].endswith(rule)
    assert "no open findings" in setpoint("findings", "list", "--store", store).stdout
    shown = setpoint("findings", "show", quiet["id"], "--store", store).stdout
    assert "suppressed" in shown
    assert setpoint("findings", "list", "--status", "suppressed", "--team", "x", "--store", store).returncode == 1


def test_a_table_tells_people_what_drifted(declarations: str) -> None:
    done = setpoint("detect", "-d", declarations, "--feed", "-", stdin=lines(change(1, "600s")))
    for text in ("1 open finding", "messageRetentionDuration", "600s", "shop"):
        assert text in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("detect",), "either --feed FILE or --subscription NAME"),
        (("detect", "--feed", "/nowhere"), "/nowhere: cannot be read"),
        (("detect", "--feed", "-", "--store", "mysql://x"), "names no store"),
        (("detect", "--feed", "-", "-d", "/nowhere"), "/nowhere: cannot be read"),
        (("apply", "/nowhere", "--store", "memory:"), "cannot be read"),
        (("findings", "list", "--store", "sqlite:////nowhere/x.db"), "no such store"),
        (("findings", "show", "zz", "--store", "memory:"), "no finding `zz`"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(arguments: tuple[str, ...], message: str) -> None:
    done = setpoint(*arguments)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_directory_of_declarations_is_no_clean_fleet(tmp_path: Path) -> None:
    done = setpoint("apply", str(tmp_path), "--store", "memory:")
    assert done.returncode == 1
    assert "no declarations in" in done.stderr


@pytest.mark.parametrize("name", ["[/x].jsonl", "[red]x[/].jsonl", ":bug:.jsonl"])
def test_a_path_that_looks_like_markup_is_said_as_it_is(name: str, tmp_path: Path) -> None:
    missing = setpoint("detect", "--feed", str(tmp_path / name))
    assert (missing.returncode, missing.stderr) == (
        1,
        f"store: memory:\nerror: {tmp_path / name}: cannot be read: No such file or directory\n",
    )
    (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
    (tmp_path / name).write_text("broken\n")
    rejected = setpoint("detect", "--feed", str(tmp_path / name))
    assert rejected.returncode == 1
    assert f"rejected: {tmp_path / name}:1: " in rejected.stderr


def test_a_name_that_looks_like_markup_is_shown_as_it_is(declarations: str, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.db"
    (Path(declarations) / "orders.yaml").write_text(DECLARED.replace("team: shop}}", "team: '[/shop]'}}"))
    feed = lines(change(1, "[/600s]"))
    assert setpoint("detect", "-d", declarations, "--feed", "-", "--store", store, stdin=feed).returncode == 0
    (finding,) = events(setpoint("findings", "list", "--store", store, "--output", "jsonl"))
    shown = setpoint("findings", "show", finding["id"], "--store", store)
    assert "[/shop]" in shown.stdout, shown.stderr
    assert "[/600s]" in shown.stdout


def test_a_reader_that_stops_reading_ends_the_run_quietly(declarations: str, tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text(lines(*(change(number, "600s" if number % 2 else "86400s") for number in range(1, 60))) * 50)
    command = [sys.executable, "-m", "setpoint", "detect", "-d", declarations, "--feed", str(feed), "--output", "jsonl"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # before the first event: every write meets a closed pipe
        errors = process.stderr.read().decode()
        assert process.wait(timeout=240) == 141
    assert [line.partition(",")[0] for line in errors.splitlines()] == ["store: memory:", "1 declared"]


def test_a_table_whose_reader_is_gone_ends_quietly(declarations: str) -> None:
    command = [sys.executable, "-m", "setpoint", "detect", "-d", declarations, "--feed", "-"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        process.stdout.close()
        process.stdin.write(lines(change(1, "600s")))
        process.stdin.close()
        errors = process.stderr.read()
        assert process.wait(timeout=240) == 141
    assert "rror" not in errors


def test_an_interrupt_ends_the_run_as_a_shell_expects(declarations: str) -> None:
    command = [sys.executable, "-m", "setpoint", "detect", "-d", declarations, "--feed", "-", "--output", "jsonl"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]
        process.stdin.write(lines(change(1, "600s")))
        process.stdin.flush()
        assert "drift.opened" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=240) == 130
        assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize(
    ("arguments", "emulator"),
    [
        (("detect", "--feed", "-", "--store", "firestore://p"), "FIRESTORE_EMULATOR_HOST"),
        (("findings", "list", "--store", "firestore://p/d"), "FIRESTORE_EMULATOR_HOST"),
        (("detect", "--subscription", "projects/p/subscriptions/s"), "PUBSUB_EMULATOR_HOST"),
        (("detect", "--feed", "-", "--events-topic", "projects/p/topics/t"), "PUBSUB_EMULATOR_HOST"),
    ],
)
def test_who_is_not_logged_in_is_told_how_to(
    arguments: tuple[str, ...], emulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("GOOGLE_APPLICATION_CREDENTIALS", "FIRESTORE_EMULATOR_HOST", "PUBSUB_EMULATOR_HOST"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    done = setpoint(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    _, line = done.stderr.splitlines()
    assert line.startswith("error: no credentials for")
    assert "gcloud auth application-default login" in line
    assert emulator in line


def test_a_changed_declaration_judges_what_was_seen_before(declarations: str, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.db"
    arguments = ("detect", "-d", declarations, "--feed", "-", "--store", store, "--output", "jsonl")
    assert [event["type"] for event in events(setpoint(*arguments, stdin=lines(change(1, "600s"))))] == ["drift.opened"]
    (Path(declarations) / "orders.yaml").write_text(DECLARED.replace("1d", "600s"))

    assert [event["type"] for event in events(setpoint(*arguments, stdin="\n"))] == ["drift.resolved"]


def test_several_may_start_on_one_fresh_store(declarations: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "setpoint", "detect", "-d", declarations, "--feed", "-", "--output", "jsonl"]
    command += ["--store", f"sqlite:///{tmp_path}/s.db"]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    done = [process.communicate(lines(change(1, "600s")), timeout=240) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], done
    ids = {json.loads(line)["id"] for out, _ in done for line in out.splitlines()}
    assert len(ids) == 1


def test_a_lone_bracket_among_the_lines_is_one_broken_message(declarations: str) -> None:
    feed = lines("{", change(1, "600s")) + "[\n" + lines(change(2))
    done = setpoint(
        "detect",
        "-d",
        declarations,
        "--feed",
        "-",
        "--output",
        "jsonl",
        stdin=lines(change(0)) + feed,
        cwd=Path(declarations),
    )
    assert [event["type"] for event in events(done)] == ["drift.opened", "drift.resolved"]
    assert "2 rejected" in done.stderr


def test_events_that_nobody_took_wait_for_somebody_who_does(declarations: str, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/s.db"
    setpoint("detect", "-d", declarations, "--feed", "-", "--store", store, stdin=lines(change(1, "600s")))
    later = setpoint("detect", "--feed", "-", "--store", store, "--output", "jsonl", stdin="\n")
    assert [event["type"] for event in events(later)] == ["drift.opened"]


def test_a_feed_of_which_nothing_can_be_read_is_no_clean_run(declarations: str) -> None:
    done = setpoint("detect", "-d", declarations, "--feed", "-", stdin='{"level": "info"}\n', cwd=Path(declarations))
    assert done.returncode == 1
    assert "no drift" not in done.stdout


def test_a_store_in_which_nothing_is_declared_is_not_said_to_be_without_drift(tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text(lines(change(1, "600s")))
    done = setpoint("detect", "--feed", str(feed))
    assert "no drift" not in done.stdout
    assert "nothing is declared in memory:" in done.stderr


def test_drift_has_an_exit_code_of_its_own_where_that_is_asked_for(declarations: str, tmp_path: Path) -> None:
    feed = tmp_path / "feed.jsonl"
    feed.write_text(lines(change(1, "600s")))
    done = setpoint("detect", "-d", declarations, "--feed", str(feed), "--exit-code")
    assert done.returncode == (2 if "1 open finding" in done.stdout else 0)

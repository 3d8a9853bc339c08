"""The guard as a GitHub Action and a GitLab job: their own scripts, run here against stand-ins of the two services."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml

from setpoint_tools.testing.http_server import POLL

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github/actions/guard"
REVIEW = "<!-- setpoint-guard -->\n### Setpoint: 1 resource changed\n"

SETPOINT = f"""#!/bin/sh
echo "$@" > "$RECORDED"
printf '{REVIEW}'
exit 2
"""
GH = f"""#!{sys.executable}
import json, pathlib, sys
kept = pathlib.Path(__file__).parent / "comments.json"
comments = json.loads(kept.read_text()) if kept.exists() else {{"7": "somebody's"}}
words = sys.argv[2:]
if "--method" not in words:
    print("\\n".join(number for number, body in comments.items() if body.startswith("<!-- setpoint-guard -->")))
    sys.exit()
body = pathlib.Path(words[words.index("--field") + 1].removeprefix("body=@")).read_text()
path = words[words.index("--method") + 2]
assert path.startswith("repos/shop/fleet/issues/"), path
comments[path.rpartition("/")[2] if "PATCH" in words else "8"] = body
kept.write_text(json.dumps(comments))
"""


@pytest.fixture
def place(tmp_path):
    for name, script in (("setpoint", SETPOINT), ("gh", GH)):
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    return tmp_path


def run(script: str, place: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{place}:{os.environ['PATH']}",
        "RECORDED": str(place / "recorded"),
        "RUNNER_TEMP": str(place),
        "GITHUB_STEP_SUMMARY": str(place / "summary"),
        "GITHUB_ENV": str(place / "env"),
        "GITHUB_ACTION_PATH": str(ACTION),
        **variables,
    }
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script],
        cwd=place, env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def steps() -> dict[str, str]:
    return {step["name"]: step["run"] for step in yaml.safe_load((ACTION / "action.yml").read_text())["runs"]["steps"]}


def test_the_action_reviews_comments_once_updates_that_comment_and_fails_last(place):
    review = run(
        steps()["Review"],
        place,
        REVIEWED="fleet\nmore\n",
        BASE="abc",
        SOURCE="",
        FAIL_ON="overwrites",
        SETPOINT_STORE="x",
    )
    assert review.returncode == 0, review.stderr
    arguments = (place / "recorded").read_text().strip()
    assert arguments == "guard fleet more --base abc --fail-on overwrites --output markdown"
    assert (place / "summary").read_text() == REVIEW

    for _ in range(2):
        comment = run(steps()["Comment"], place, REPOSITORY="shop/fleet", NUMBER="3")
        assert comment.returncode == 0, comment.stderr
    assert json.loads((place / "comments.json").read_text()) == {"7": "somebody's", "8": REVIEW}

    code = (place / "env").read_text().strip().removeprefix("SETPOINT_CODE=")
    assert run(steps()["Fail where asked for"], place, SETPOINT_CODE=code).returncode == 2


def test_a_plan_is_reviewed_without_a_base(place):
    run(steps()["Review"], place, REVIEWED="plan.json", BASE="", SOURCE="network", FAIL_ON="", SETPOINT_STORE="x")

    assert (place / "recorded").read_text().strip() == "guard plan.json --source network --fail-on  --output markdown"


class _Notes(BaseHTTPRequestHandler):
    """The notes of one merge request."""

    notes: dict[int, str]

    def do_GET(self) -> None:
        self._answer([{"id": number, "body": body} for number, body in self.notes.items()])

    def do_POST(self) -> None:
        self._write(len(self.notes) + 1)

    def do_PUT(self) -> None:
        self._write(int(self.path.rpartition("/")[2]))

    def _write(self, number: int) -> None:
        assert self.headers["PRIVATE-TOKEN"] == "t"
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.notes[number] = form["body"][0]
        self._answer({"id": number})

    def _answer(self, value: object) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gitlab():
    handler = type("Handler", (_Notes,), {"notes": {1: "somebody's"}})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=[POLL])
    thread.start()
    yield server, handler.notes
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_gitlab_job_writes_one_note_updates_it_and_keeps_the_exit_code(place, gitlab):
    server, notes = gitlab
    job = yaml.safe_load((ROOT / ".gitlab/guard.yml").read_text())["setpoint-guard"]
    variables = {
        "CI_API_V4_URL": f"http://127.0.0.1:{server.server_address[1]}/api/v4",
        "CI_PROJECT_ID": "5",
        "CI_MERGE_REQUEST_IID": "3",
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": "abc",
        "REVIEWED": "fleet",
        "FAIL_ON": "destroys",
        "GUARD_TOKEN": "t",
        "no_proxy": "127.0.0.1",
    }
    for _ in range(2):
        done = run("\n".join(job["script"]), place, **variables)
        assert done.returncode == 2, done.stderr
    assert {number: note.strip() for number, note in notes.items()} == {1: "somebody's", 2: REVIEW.strip()}
    assert (place / "recorded").read_text().strip() == "guard fleet --base abc --fail-on destroys --output markdown"

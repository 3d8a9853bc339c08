"""`setpoint baseline`, `findings accept` and `findings exempt`: one decision about many findings."""

from __future__ import annotations

import json
import os
import subprocess
from datetime import UTC, datetime

import pytest

import forked
from setpoint.cli import baseline as baseline_commands
from setpoint.errors import BadRequest

DECLARATION = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: //storage.googleapis.com/{name}, project: {project}, owner: {{team: {team}}}}}
spec:
  assetType: storage.googleapis.com/Bucket
  data: {{versioning: {{enabled: true}}, iamConfiguration: {{publicAccessPrevention: enforced}}}}
"""
BUCKETS = {"exports": "shop", "invoices": "shop", "logs": "ops", "public": "ops"}


def asset(name: str, *, hour: int = 12, storage: str = "STANDARD", versioning: bool = False) -> str:
    prevention = "inherited" if name == "public" else "enforced"
    data = {
        "name": name,
        "versioning": {"enabled": versioning},
        "iamConfiguration": {"publicAccessPrevention": prevention},
        "storageClass": storage,
    }
    return json.dumps({
        "asset": {
            "name": f"//storage.googleapis.com/{name}",
            "assetType": "storage.googleapis.com/Bucket",
            "updateTime": f"2026-03-01T{hour}:00:00Z",
            "ancestors": ["projects/12", "folders/3", "organizations/4"],
            "resource": {"data": data},
        }
    })  # fmt: skip


@pytest.fixture
def setpoint(tmp_path):
    environment = {**os.environ, "SETPOINT_STORE": f"sqlite:///{tmp_path}/s.db", "COLUMNS": "200"}

    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return forked.command_line(*arguments, stdin=stdin, cwd=tmp_path, environment=environment)

    return run


@pytest.fixture
def fleet(setpoint, tmp_path):
    documents = [DECLARATION.format(name=name, team=team, project=f"{team}-prod") for name, team in BUCKETS.items()]
    (tmp_path / "fleet.yaml").write_text("---\n".join(documents))
    assert setpoint("apply", "fleet.yaml").returncode == 0
    observe(setpoint, tmp_path, *(asset(name) for name in BUCKETS))
    assert names(setpoint, "open") == set(BUCKETS)
    return tmp_path


def observe(setpoint, folder, *messages: str) -> None:
    (folder / "feed.jsonl").write_text("\n".join(messages) + "\n")
    setpoint("detect", "--feed", "feed.jsonl")


def names(setpoint, status: str, *options: str) -> set[str]:
    done = setpoint("findings", "list", "--status", status, "--output", "jsonl", *options)
    assert done.returncode == 0, done.stderr
    return {json.loads(line)["key"]["name"].rpartition("/")[2] for line in done.stdout.splitlines()}


def critical(setpoint) -> set[str]:
    return names(setpoint, "all", "--severity", "critical")


@pytest.mark.usefixtures("fleet")
def test_the_baseline_takes_what_has_drifted_but_nothing_critical_unless_that_is_named(setpoint):
    grave = names(setpoint, "open", "--severity", "critical")
    assert grave == critical(setpoint)

    done = setpoint("baseline", "--because", "before we began", "--yes", "--as", "ann")

    assert done.returncode == 0, done.stderr
    assert names(setpoint, "accepted") == set(BUCKETS) - grave
    assert names(setpoint, "open") == grave
    setpoint("baseline", "--because", "these too", "--severity", "critical", "--yes")
    assert names(setpoint, "open") == set()


@pytest.mark.usefixtures("fleet")
def test_each_finding_gets_an_entry_in_its_trail_and_the_report_counts_the_baseline(setpoint):
    setpoint("baseline", "--because", "before we began", "--team", "shop", "--yes", "--as", "ann")

    for name in ("exports", "invoices"):
        shown = setpoint("findings", "show", f"//storage.googleapis.com/{name}").stdout
        assert shown.count("before we began") >= 1
        assert "ann" in shown
    report = json.loads(setpoint("report", "--output", "json").stdout)
    assert report["figures"]["baseline"] == 2
    assert names(setpoint, "open") == {"logs", "public"}


def test_a_drift_that_changes_and_one_that_is_over_leave_the_baseline(setpoint, fleet):
    setpoint("baseline", "--because", "b", "--severity", "low,medium,high,critical", "--yes")
    observe(setpoint, fleet, asset("logs", hour=13, versioning=True))
    worse = asset("exports", hour=13).replace('"enforced"', '"inherited"')
    observe(setpoint, fleet, worse)

    assert names(setpoint, "open") == {"exports"}
    assert names(setpoint, "resolved") == {"logs"}
    assert json.loads(setpoint("report", "--output", "json").stdout)["figures"]["baseline"] == 2


@pytest.mark.usefixtures("fleet")
def test_where_people_decided_about_all_findings_the_list_counts_their_decisions(setpoint):
    exempted = setpoint("findings", "exempt", "--team", "shop", "--because", "b", "--for", "7d", "--yes")
    assert "exempted: 2 findings" in exempted.stderr
    assert "no open findings" not in setpoint("findings", "list").stdout
    baseline = setpoint("baseline", "--because", "b", "--severity", "low,medium,high,critical", "--yes")
    assert "accepted as baseline: 2 findings" in baseline.stderr

    title = "no open findings; 2 exempted, 2 in the baseline (--status all)\n"
    assert setpoint("findings", "list").stdout == title
    fitting = "no open findings match the filter"
    assert setpoint("findings", "list", "--team", "shop").stdout == f"{fitting}; 2 exempted (--status all)\n"
    assert setpoint("findings", "list", "--team", "nobody").stdout == f"{fitting}\n"
    assert setpoint("findings", "list", "--status", "all").stdout.startswith("4 findings\n")


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("where", [("--team", "nobody"), ("--address", "module.net.*"), ("--offset", "9")])
def test_a_list_that_a_filter_leaves_empty_does_not_say_that_nothing_is_open(setpoint, where):
    assert "no open findings\n" not in setpoint("findings", "list", *where).stdout


@pytest.mark.usefixtures("fleet")
def test_of_a_time_before_the_first_finding_the_list_says_that_nothing_was_recorded(setpoint):
    before = setpoint("findings", "list", "--at", "2026-02-01T00:00Z").stderr
    assert "the store's first finding is of 2026-03-01 12:00:00Z; nothing was recorded before it" in before
    assert "first finding" not in setpoint("findings", "list", "--at", "2026-03-02T00:00Z").stderr


@pytest.mark.usefixtures("fleet")
def test_a_preview_counts_and_changes_nothing_and_so_does_a_no(setpoint):
    preview = setpoint("baseline", "--because", "b", "--preview")
    assert "would accept as baseline" in preview.stderr
    assert "shop" in preview.stdout

    assert setpoint("baseline", "--because", "b", stdin="n\n").returncode == 1
    assert names(setpoint, "open") == set(BUCKETS)


@pytest.mark.usefixtures("fleet")
def test_the_end_of_the_baseline_opens_what_still_drifts_and_leaves_other_acceptances(setpoint):
    setpoint("accept", "//storage.googleapis.com/logs", "--because", "by hand")
    setpoint("baseline", "--because", "b", "--severity", "low,medium,high,critical", "--yes")

    assert setpoint("baseline", "--end", "--yes").returncode == 0

    assert names(setpoint, "accepted") == {"logs"}
    assert names(setpoint, "open") == set(BUCKETS) - {"logs"}


@pytest.mark.usefixtures("fleet")
def test_many_findings_are_accepted_or_exempted_by_the_same_filters(setpoint):
    setpoint("findings", "accept", "--team", "shop", "--because", "migration", "--yes")
    setpoint("findings", "exempt", "--text", "LOG", "--for", "7d", "--because", "migration", "--yes")

    assert names(setpoint, "accepted") == {"exports", "invoices"}
    assert names(setpoint, "exempted") == {"logs"}


@pytest.mark.parametrize(
    ("options", "selected"),
    [
        (("--team", "sh*"), {"exports", "invoices"}),
        (("--scope", "projects/ops-prod"), {"logs", "public"}),
        (("--scope", "folders/3"), set(BUCKETS)),
        (("--scope", "folders/9"), set()),
        (("--type", "storage.googleapis.com/*", "--text", "invo"), {"invoices"}),
        (("--type", "compute.googleapis.com/*"), set()),
        (("--actor", ""), set(BUCKETS)),
        (("--actor", "*@example.com"), set()),
        (("--kind", "deleted,unmanaged"), set()),
        (("--older-than", "1h"), set(BUCKETS)),
        (("--older-than", "3650d"), set()),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
@pytest.mark.usefixtures("fleet")
def test_a_filter_selects(setpoint, options, selected):
    assert names(setpoint, "open", *options) == selected


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        (("--severity", "grave"), "give some of low, medium, high, critical"),
        (("--scope", "shop-prod"), "use the form projects/ID"),
        (("--older-than", "soon"), "use the form 30m, 2h or 7d"),
        (("--until", "tomorrow"), "use the form 2026-12-31"),
        (("--until", "2020-01-01"), "it is in the past"),
        (("--for", "7d", "--until", "2099-01-01"), "not both"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
@pytest.mark.usefixtures("fleet")
def test_a_wrong_value_is_refused_with_what_is_right(setpoint, options, advice):
    done = setpoint("baseline", "--because", "b", "--yes", *options)

    assert done.returncode == 1
    assert advice in done.stderr
    assert names(setpoint, "open") == set(BUCKETS)


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ("3", "--for 3: has no unit; 3d are days, 3h hours, 3m minutes"),
        ("3 days", "--for 3 days: is not a time; did you mean 3d?"),
        ("2 weeks", "--for 2 weeks: is not a time; did you mean 14d?"),
        ("1 month", "--for 1 month: is not a time; did you mean 30d?"),
        ("5min", "--for 5min: is not a time; did you mean 5m?"),
        ("1 Hour", "--for 1 Hour: is not a time; did you mean 1h?"),
        ("0d", "--for 0d: is not a time; use the form 30m, 2h or 7d"),
        ("0", "--for 0: is not a time; use the form 30m, 2h or 7d"),
        ("soon", "--for soon: is not a time; use the form 30m, 2h or 7d"),
        ("99999d", "--for 99999d: is more than ten years"),
        ("500d", "--for 500d: is more than a year, the maximum"),
    ],
)
def test_a_period_that_is_none_is_answered_with_what_was_meant(given: str, answer: str):
    run = baseline_commands._Run("", given, preview=True, yes=True, by="", store="", events_topic=None)

    with pytest.raises(BadRequest) as raised:
        run.end(datetime(2026, 3, 1, tzinfo=UTC))

    assert str(raised.value) == answer


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize("command", [["baseline"], ["findings", "accept"], ["findings", "exempt"]])
def test_commands_about_many_findings_share_their_options(setpoint, command):
    answer = setpoint(*command, "--because", "known", "--for", "7d", "--preview", "--as", "ann", "--team", "shop")

    assert answer.returncode == 0, answer.stderr
    assert "2 findings; nothing is changed" in answer.stderr

"""What is off unless somebody switches it on, and what it hears of and may do then."""

from __future__ import annotations

import re

from infra.blocks import CODE, ROOT, environment, local, only_if, pushes, read_file, typed
from infra.hcl import entries, strings
from setpoint.alerting import repository
from setpoint.operations import record_problem_log
from setpoint.remediation import engine


def test_remediation_is_off_unless_somebody_switches_it_on():
    """Each of its blocks is made for something that is only there then, and grants nothing else."""
    (variable,) = [candidate for candidate in CODE.named("variable") if candidate.labels == ("remediation",)]
    assert "optional(bool, false)" in variable.attributes["type"]
    own = read_file("remediation.tf")
    made = [block for block in own.blocks if block.kind == "resource"]
    assert len(made) >= 8
    for resource in made:
        condition = resource.attributes.get("for_each") or resource.attributes["count"]
        assert re.search(r"remediat|in_org|local\.place", condition), resource.labels
    assert local("remediation") == 'var.remediation.enabled ? toset(["remediate"]) : toset([])'
    assert only_if("remediate_pushes") == "var.remediation.enabled"
    assert local("in_org").startswith("var.remediation.enabled")
    assert local("place").startswith("var.remediation.enabled ?")


def test_attribution_is_off_unless_somebody_switches_it_on():
    (variable,) = [candidate for candidate in CODE.named("variable") if candidate.labels == ("attribution",)]
    assert "enabled = optional(bool, false)" in " ".join(variable.attributes["type"].split())
    own = read_file("attribution.tf")
    made = [block for block in own.blocks if block.kind == "resource"]
    assert len(made) >= 6
    for resource in made:
        condition = resource.attributes["for_each"]
        assert re.search(r"local\.(?:attribution|audited|audit_writers)", condition), resource.labels
    assert local("attribution") == 'var.attribution.enabled ? toset(["attribute"]) : toset([])'
    assert local("audited") == "var.attribution.enabled ? var.watch : toset([])"
    assert only_if("attribute_pushes") == "var.attribution.enabled"
    assert only_if("state_pushes") == "length(var.state_buckets) > 0"


def test_sinks_send_the_logs_that_attribute_reads_and_what_expires_is_deleted():
    filtered = local("audit_filter")
    assert {"activity", "system_event"} == set(re.findall(r"cloudaudit\.googleapis\.com/(\w+)", filtered))
    (expires,) = [block for block in CODE.blocks if block.labels == ("google_firestore_field", "expires")]
    adapter = (ROOT / "shared/setpoint/adapters/firestore/actors.py").read_text()
    assert expires.named("ttl_config")
    assert set(strings(expires.attributes["for_each"])) == {
        "actors",
        "audit",
        "findings",
        record_problem_log.KIND,
        *repository.KINDS,
    }
    assert f'"{strings(expires.attributes["field"])[0]}": ' in adapter


def test_the_console_is_off_unless_somebody_switches_it_on_and_may_read_alone():
    """Each of its blocks is made for something that is only there then; its account has one role, which reads."""
    (variable,) = [candidate for candidate in CODE.named("variable") if candidate.labels == ("console",)]
    assert "optional(bool, false)" in variable.attributes["type"]
    made = [block for block in read_file("console.tf").blocks if block.kind == "resource"]
    assert len(made) >= 10
    assert all("console" in block.attributes["for_each"] for block in made)
    assert local("console") == 'var.console.enabled ? toset(["console"]) : toset([])'
    granted = {
        block.attributes["role"]
        for _, block in typed()
        if 'function["console"]' in block.attributes.get("member", "") or block.labels[1] == "console_reads"
    }
    assert granted == {'"roles/datastore.viewer"'}
    for everybody in ("datastore_user", "drift_events"):
        (block,) = [
            candidate
            for _, candidate in typed()
            if candidate.labels[1] == everybody and "member" in candidate.attributes
        ]
        assert block.attributes["for_each"] == "local.writers"
    assert "console" not in strings(local("writers"))


def test_remediate_hears_of_the_events_that_it_acts_on_and_of_ticks():
    heard = pushes()["remediate"]
    assert heard["topic"] == "google_pubsub_topic.drift_events.id"
    assert set(re.findall(r'attributes\.type = \\"([\w.]+)\\"', heard["filter"])) == set(engine.BEGINNINGS)
    assert pushes()["remediate-ticks"]["topic"] == 'google_pubsub_topic.remediate_ticks["remediate"].id'
    (job,) = [
        block for block in read_file("remediation.tf").blocks if block.labels[:1] == ("google_cloud_scheduler_job",)
    ]
    (target,) = job.named("pubsub_target")
    assert strings(target.attributes["attributes"]) == [engine.TICK]


def test_alerts_are_off_unless_somebody_switches_them_on():
    """Until then there are empty secrets, which cost nothing, and nobody may read them."""
    (variable,) = [candidate for candidate in CODE.named("variable") if candidate.labels == ("alerts",)]
    assert re.search(r"enabled\s*=\s*optional\(bool, false\)", variable.attributes["type"])
    made = [block for block in read_file("slack.tf").blocks if block.kind == "resource"]
    assert len(made) >= 8
    for resource in made:
        condition = resource.attributes.get("for_each") or resource.attributes["count"]
        assert re.search(r"local\.(notify|press|readers)", condition), resource.labels
    assert local("notify") == 'var.alerts.enabled ? toset(["notify"]) : toset([])'
    assert local("press").startswith("var.alerts.enabled && var.alerts.buttons ?")
    assert only_if("notify_pushes") == "var.alerts.enabled"
    assert only_if("press_pushes") == "var.alerts.enabled && var.alerts.buttons"
    assert all(condition in ("local.notify", "local.press") for condition in entries(local("readers")).values())


def test_the_one_function_that_anybody_may_call_is_the_one_that_slack_calls():
    open_to_all = [block for _, block in typed() if "allUsers" in block.attributes.get("member", "")]
    assert [block.labels[1] for block in open_to_all] == ["slack_calls"]
    assert open_to_all[0].attributes["for_each"] == "local.press"
    (function,) = [block for used, block in typed() if used == "google_cloudfunctions2_function"]
    (service,) = function.named("service_config")
    ingress = service.attributes["ingress_settings"]
    assert ingress == 'lookup(local.ingress, each.key, "ALLOW_INTERNAL_ONLY")'
    assert [name for name, who in entries(local("ingress")).items() if "ALLOW_ALL" in who] == ["slack_actions"]


def test_the_function_that_anybody_may_call_may_hand_on_and_read_one_secret_and_nothing_else():
    for used, block in typed():
        if used.endswith("_iam_member"):
            assert "google_service_account.function" not in block.attributes.get("for_each", ""), block.labels
    assert "slack_actions" not in strings(local("writers"))
    own = [block.labels[1] for _, block in typed() if block.attributes.get("for_each") == "local.press"]
    assert sorted(own) == ["slack_actions", "slack_calls"]
    assert [name for name, who in entries(local("readers")).items() if who == "local.press"] == ["slack-signing-secret"]
    assert set(environment("slack_actions")) == {"SETPOINT_ACTIONS_TOPIC", "SETPOINT_SLACK_SIGNING_SECRET"}


def test_notify_hears_of_drift_in_order_of_buttons_and_of_ticks():
    (job,) = [block for block in read_file("slack.tf").blocks if block.labels[:1] == ("google_cloud_scheduler_job",)]
    (target,) = job.named("pubsub_target")
    assert strings(target.attributes["attributes"]) == [engine.TICK]
    pushed = {name: push for name, push in pushes().items() if push["function"] == '"notify"'}
    assert pushed.keys() == {"notify", "notify-ticks", "slack-actions"}
    assert pushed["notify"]["topic"] == "google_pubsub_topic.drift_events.id"
    assert pushed["notify"]["ordered"] == "true"


def test_every_secret_that_a_function_is_given_is_one_that_it_may_read():
    readers = entries(local("readers"))
    may = {"local.notify": "notify", "local.press": "slack_actions"}
    for function in entries(local("functions")):
        secrets = entries(entries(entries(local("functions"))[function]).get("secrets", "{}"))
        for secret in secrets.values():
            assert may[readers[secret.strip('"')]] == function

"""infra/ and cloudbuild.yaml against the code and against the schema of Google's provider, without an account."""

from __future__ import annotations

import ast
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.hcl import Block, entries, parse, read, strings
from setpoint import notice_records, remediating
from setpoint.cli import worker
from setpoint.core.catalogue import default_catalogue
from setpoint.core.sweeps import LISTED, Heal, decode_message
from setpoint.settings import VARIABLES

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
EXAMPLES = sorted((INFRA / "examples").iterdir())
SCHEMA = json.loads(Path(__file__).with_name("provider_schema.json").read_text())["types"]
META = {"count", "for_each", "provider", "depends_on"}
META_BLOCKS = {"lifecycle", "provisioner", "connection"}
TERRAFORM = shutil.which("terraform")
CODE = read(INFRA)


def local(name: str) -> str:
    (found,) = [one.attributes[name] for one in CODE.named("locals") if name in one.attributes]
    return found


def read_file(name: str) -> Block:
    found = Block("")
    parse((INFRA / name).read_text(), found)
    return found


def typed() -> list[tuple[str, Block]]:
    """Every resource and data source, under the name that the schema has for its type."""
    prefixes = {"resource": "", "data": "data."}
    return [(prefixes[one.kind] + one.labels[0], one) for one in CODE.blocks if one.kind in prefixes]


def faults(path: str, block: Block, schema: dict[str, Any]) -> list[str]:
    """What the provider would not take of a block."""
    own = [one for one in block.blocks if one.kind not in META_BLOCKS]
    inner = [Block(one.labels[0], (), *content(one)) if one.kind == "dynamic" else one for one in own]
    written, opened = set(block.attributes) - META, {one.kind for one in inner}
    needed = {name for name, need in schema["attributes"].items() if need == "required"}
    needed_blocks = {name for name, one in schema["blocks"].items() if one["need"] == "required"}
    found = [f"{path} has no attribute {name}" for name in sorted(written - set(schema["attributes"]))]
    found += [f"{path} has no block {name}" for name in sorted(opened - set(schema["blocks"]))]
    found += [f"{path} needs {name}" for name in sorted((needed - written) | (needed_blocks - opened))]
    for one in inner:
        if one.kind in schema["blocks"]:
            found += faults(f"{path}.{one.kind}", one, schema["blocks"][one.kind])
    return found


def content(dynamic: Block) -> tuple[dict[str, str], list[Block]]:
    (inner,) = dynamic.named("content")
    return inner.attributes, inner.blocks


def expressions() -> list[str]:
    return [text for top in CODE.blocks for block in top.walk() for text in block.attributes.values()]


def environment(function: str) -> dict[str, str]:
    """What a function is given, secrets too."""
    given = entries(entries(local("functions"))[function])
    return entries(given["environment"]) | entries(given.get("secrets", "{}"))


def settings_needed(function: str) -> set[str]:
    """The settings that the wiring of a function asks for, by the call that its main.py makes."""
    main = (ROOT / f"functions/{function}/main.py").read_text()
    (entry,) = set(re.findall(r"wiring\.(\w+)\(\)", main))
    wiring = ast.parse((ROOT / "shared/setpoint/wiring.py").read_text())
    (made,) = [one for one in wiring.body if isinstance(one, ast.FunctionDef) and one.name == entry]
    (call,) = [
        one for one in ast.walk(made) if isinstance(one, ast.Call) and ast.unparse(one.func) == "from_environment"
    ]
    return {ast.literal_eval(name) for name in call.args[1:]}


@pytest.mark.skipif(not TERRAFORM, reason="terraform is not installed: the format of infra/ is not checked")
def test_the_files_are_formatted():
    checked = subprocess.run(
        [TERRAFORM, "fmt", "-check", "-diff", "-recursive", str(INFRA)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("used", "block"), typed(), ids=lambda one: "" if isinstance(one, str) else ".".join(one.labels)
)
def test_the_provider_takes_every_attribute_and_block(used, block):
    assert faults(used, block, SCHEMA[used]) == []


def test_a_misspelt_attribute_a_missing_one_and_an_unknown_block_are_found():
    wrong = Block("resource", ("google_pubsub_topic", "x"), {"nam": '"x"'}, [Block("push_config")])
    assert faults("topic", wrong, SCHEMA["google_pubsub_topic"]) == [
        "topic has no attribute nam",
        "topic has no block push_config",
        "topic needs name",
    ]


def test_every_reference_names_a_block_that_is_there_and_an_attribute_that_the_provider_gives():
    there = {f"{used}.{block.labels[1]}": SCHEMA[used] for used, block in typed()}
    reference = re.compile(r"((?:data\.)?google_\w+\.\w+)(?:\[[^\]]*\])?(?:\.(\w+))?(?:\[0\]\.(\w+))?")
    found = [match for text in expressions() for match in reference.finditer(text)]
    assert len(found) > 40
    for match in found:
        name, attribute, nested = match.groups()
        assert name in there, match[0]
        schema = there[name]
        assert attribute is None or attribute in {*schema["attributes"], *schema["blocks"], *schema["computed"]}, match[
            0
        ]
        if nested:
            inner = schema["blocks"][attribute]
            assert nested in {*inner["attributes"], *inner["computed"]}, match[0]


def test_every_local_and_variable_that_is_used_is_defined_and_every_one_that_is_defined_is_used():
    text = "\n".join(expressions())
    locals_defined = {name for one in CODE.named("locals") for name in one.attributes}
    assert set(re.findall(r"\blocal\.(\w+)", text)) == locals_defined
    assert set(re.findall(r"\bvar\.(\w+)", text)) == {one.labels[0] for one in CODE.named("variable")}


def test_every_variable_says_what_it_is_and_every_check_of_one_has_a_message():
    for one in CODE.named("variable"):
        assert {"description", "type"} <= set(one.attributes), one.labels
        assert all({"condition", "error_message"} == set(check.attributes) for check in one.named("validation"))


def test_every_function_of_the_code_is_deployed_and_no_other():
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/main.py")}
    assert set(entries(local("functions"))) == folders
    (accounts,) = [
        block for used, block in typed() if used == "google_service_account" and block.labels[1] == "function"
    ]
    assert set(strings(accounts.attributes["for_each"])) == folders


def test_the_entry_point_and_the_source_are_those_of_the_function():
    (function,) = [block for used, block in typed() if used == "google_cloudfunctions2_function"]
    (build,) = function.named("build_config")
    assert build.attributes["entry_point"] == "each.key"
    source = strings(entries(build.attributes["environment_variables"])["GOOGLE_FUNCTION_SOURCE"])
    assert source == ["functions/${each.key}/main.py"]
    for name in entries(local("functions")):
        main = ast.parse((ROOT / f"functions/{name}/main.py").read_text())
        decorated = [one for one in main.body if isinstance(one, ast.FunctionDef) and one.decorator_list]
        assert [one.name for one in decorated] == [name]


def checks_of_the_caller(function: str) -> set[str]:
    """The settings by which a function checks who calls it: one that an event calls always does."""
    if "serving.handling(" not in (ROOT / f"functions/{function}/main.py").read_text():
        return set()
    pushed = entries(entries(local("functions"))[function])["bucket"].startswith("null")
    return {"push_account", "push_audience"} if pushed else {"push_account"}  # Eventarc chooses its own audience


@pytest.mark.parametrize("function", sorted(entries(local("functions"))))
def test_the_environment_is_exactly_what_the_function_reads(function):
    read_by = settings_needed(function) | checks_of_the_caller(function)
    assert set(environment(function)) == {VARIABLES[name] for name in read_by}


def test_every_push_carries_the_token_that_its_function_checks_to_its_address():
    pushes = [
        push for used, block in typed() if used == "google_pubsub_subscription" for push in block.named("push_config")
    ]
    assert len(pushes) >= 3
    for push in pushes:
        (function,) = set(re.findall(r'function\["(\w+)"\]', push.attributes["push_endpoint"]))
        (token,) = push.named("oidc_token")
        assert token.attributes["audience"] == f'local.functions["{function}"].environment.SETPOINT_PUSH_AUDIENCE'
        assert token.attributes["service_account_email"] == environment(function)["SETPOINT_PUSH_ACCOUNT"]
        audience = strings(environment(function)["SETPOINT_PUSH_AUDIENCE"])[0]
        assert audience == f"https://setpoint-{function}-${{local.host}}"


def test_the_worker_reads_what_detect_reads_and_a_subscription():
    (pool,) = [block for used, block in typed() if used == "google_cloud_run_v2_worker_pool"]
    (variable,) = [block for block in pool.walk() if block.kind == "dynamic" and block.labels == ("env",)]
    given = variable.attributes["for_each"]
    assert given.startswith("merge(local.functions.detect.environment,")
    assert VARIABLES["subscription"] in given
    options = inspect.signature(worker.worker).parameters
    (args,) = [block.attributes["args"] for block in pool.walk() if "args" in block.attributes]
    assert {one.partition("=")[0].removeprefix("--") for one in strings(args)[1:]} <= options.keys()


def test_topics_are_given_by_their_full_name_and_the_store_by_its_url():
    for function in entries(local("functions")):
        for variable, value in environment(function).items():
            if variable.endswith("_TOPIC"):
                # projects/P/topics/T; of a topic that may not be there, null
                assert re.fullmatch(r"google_pubsub_topic\.\w+\.id|one\(google_pubsub_topic\.\w+\[\*\]\.id\)", value)
    assert local("store") == '"firestore://${var.project_id}/${google_firestore_database.setpoint.name}"'


def who(block: Block) -> set[str]:
    """The functions that a grant is for: those of its `for_each`, or the one that it names."""
    named = set(re.findall(r'function\["(\w+)"\]', block.attributes["member"]))
    each = block.attributes.get("for_each", "")
    if each == "google_service_account.function":
        return set(entries(local("functions")))
    for name in re.findall(r"local\.(\w+)", each):
        each += local(name)
    return named or set(strings(each))


def whose(block: Block) -> str:
    """The accounts that a grant is for, as they are written, in its `for_each` or what that names."""
    each = block.attributes.get("for_each", "")
    return block.attributes["member"] + each + "".join(local(name) for name in re.findall(r"^local\.(\w+)$", each))


def granted(kind: str, role: str) -> list[Block]:
    return [block for used, block in typed() if used == kind and strings(block.attributes["role"]) == [role]]


@pytest.mark.parametrize("function", sorted(entries(local("functions"))))
def test_a_function_may_publish_to_every_topic_that_it_is_told_of_and_to_no_other(function):
    told = {
        re.search(r"google_pubsub_topic\.\w+", value)[0]
        for variable, value in environment(function).items()
        if variable.endswith("_TOPIC")
    }
    may = {
        re.search(r"google_pubsub_topic\.\w+", block.attributes["topic"])[0]
        for block in granted("google_pubsub_topic_iam_member", "roles/pubsub.publisher")
        if function in who(block) and "google_service_account.function" in whose(block)
    }
    assert may == told


def test_whatever_pushes_to_a_function_may_call_it_and_its_dead_letters_may_be_taken_off():
    pushed, dying = set(), set()
    for used, block in typed():
        if used == "google_pubsub_subscription":
            for push in pushes_of(block):
                pushed |= set(re.findall(r'function\["(\w+)"\]', push))
            if block.named("dead_letter_policy"):
                dying.add(block.labels[1])
    invokers = granted("google_cloud_run_v2_service_iam_member", "roles/run.invoker")
    calls = {
        name
        for block in invokers
        if "service_account.push" in block.attributes["member"]
        for name in who_is_called(block)
    }
    takers = granted("google_pubsub_subscription_iam_member", "roles/pubsub.subscriber")
    taken = {
        name
        for block in takers
        for name in re.findall(
            r"google_pubsub_subscription\.(\w+)",
            block.attributes["subscription"] + block.attributes.get("for_each", ""),
        )
    }
    assert pushed == calls
    assert dying <= taken


def pushes_of(subscription: Block) -> list[str]:
    """Where a subscription pushes to, as it is written; a dynamic block with what it is for each of."""
    written = [one.attributes["push_endpoint"] for one in subscription.named("push_config")]
    dynamic = [one for one in subscription.named("dynamic") if one.labels == ("push_config",)]
    return written + [one.attributes["for_each"] for one in dynamic]


def who_is_called(block: Block) -> set[str]:
    named = set(re.findall(r'function\["(\w+)"\]', block.attributes["name"]))
    each = block.attributes.get("for_each", "")
    for name in re.findall(r"local\.(\w+)", each):
        each += local(name)
    return named or set(strings(each))


def test_the_fields_that_are_not_indexed_are_those_that_the_adapter_stores_and_never_asks_for():
    sweeps = (ROOT / "shared/setpoint/adapters/firestore_sweeps.py").read_text()
    adapter = (ROOT / "shared/setpoint/adapters/firestore.py").read_text()
    collections = set(re.findall(r'collection\("(\w+)"\)', adapter + sweeps)) | set(notice_records.KINDS)
    asked = set(re.findall(r'FieldFilter\("(\w+)"', adapter))
    stored = {
        key.value
        for one in ast.walk(ast.parse(adapter))
        if isinstance(one, ast.Dict)
        for key in one.keys
        if isinstance(key, ast.Constant)
    } | set(re.findall(r'more\["(\w+)"\]', adapter))

    unindexed = {collection: set(strings(fields)) for collection, fields in entries(local("unindexed")).items()}

    assert asked == {"status", "pending", "due", "suppressed", "finding"}
    assert set(unindexed) == collections - {"manifests", "runs"}  # whose documents have no fields, only parts
    assert unindexed["findings"] == stored - asked - unindexed["projects"]
    others = {
        collection: fields for collection, fields in unindexed.items() if collection not in ("findings", "projects")
    }
    assert all(fields == {"body"} for fields in others.values())


def test_the_permissions_are_those_that_the_code_asks_for():
    written = subprocess.run(
        [sys.executable, "-c", "import json, permissions; print(json.dumps(permissions.permissions()))"],
        cwd=INFRA,
        check=True,
        capture_output=True,
    )
    assert json.loads((INFRA / "permissions.json").read_text()) == json.loads(written.stdout)


def test_remediation_is_off_unless_somebody_switches_it_on():
    """Each of its blocks is made for something that is only there then, and grants nothing else."""
    (variable,) = [one for one in CODE.named("variable") if one.labels == ("remediation",)]
    assert "optional(bool, false)" in variable.attributes["type"]
    own = read_file("remediation.tf")
    made = [one for one in own.blocks if one.kind == "resource"]
    assert len(made) >= 10
    for one in made:
        condition = one.attributes.get("for_each") or one.attributes["count"]
        assert re.search(r"remediat|in_org|local\.place", condition), one.labels
    assert local("remediation") == 'var.remediation.enabled ? toset(["remediate"]) : toset([])'
    assert local("in_org").startswith("var.remediation.enabled")
    assert local("place").startswith("var.remediation.enabled ?")


def test_attribution_is_off_unless_somebody_switches_it_on():
    (variable,) = [one for one in CODE.named("variable") if one.labels == ("attribution",)]
    assert "enabled = optional(bool, false)" in " ".join(variable.attributes["type"].split())
    own = read_file("attribution.tf")
    made = [one for one in own.blocks if one.kind == "resource"]
    assert len(made) >= 9
    for one in made:
        condition = one.attributes["for_each"]
        assert re.search(r"local\.(?:attribution|audited|audit_writers)|subscription\.attribute", condition), one.labels
    assert local("attribution") == 'var.attribution.enabled ? toset(["attribute"]) : toset([])'
    assert local("audited") == "var.attribution.enabled ? var.watch : toset([])"


def test_sinks_send_the_logs_that_attribute_reads_and_what_expires_is_deleted():
    filtered = local("audit_filter")
    assert {"activity", "system_event"} == set(re.findall(r"cloudaudit\.googleapis\.com/(\w+)", filtered))
    (expires,) = [one for one in CODE.blocks if one.labels == ("google_firestore_field", "expires")]
    adapter = (ROOT / "shared/setpoint/adapters/firestore_actors.py").read_text()
    assert expires.named("ttl_config")
    assert set(strings(expires.attributes["for_each"])) == {"actors", *notice_records.KINDS}
    assert f'"{strings(expires.attributes["field"])[0]}": ' in adapter


def test_the_console_is_off_unless_somebody_switches_it_on_and_may_read_alone():
    """Each of its blocks is made for something that is only there then; its account has one role, which reads."""
    (variable,) = [one for one in CODE.named("variable") if one.labels == ("console",)]
    assert "optional(bool, false)" in variable.attributes["type"]
    made = [one for one in read_file("console.tf").blocks if one.kind == "resource"]
    assert len(made) >= 10
    assert all("console" in one.attributes["for_each"] for one in made)
    assert local("console") == 'var.console.enabled ? toset(["console"]) : toset([])'
    granted = {
        one.attributes["role"]
        for _, one in typed()
        if 'function["console"]' in one.attributes.get("member", "") or one.labels[1] == "console_reads"
    }
    assert granted == {'"roles/datastore.viewer"'}
    for everybody in ("datastore_user", "drift_events"):
        (block,) = [one for _, one in typed() if one.labels[1] == everybody and "member" in one.attributes]
        assert block.attributes["for_each"] == "local.writers"
    assert "console" not in strings(local("writers"))


def test_remediate_hears_of_the_events_that_it_acts_on_and_of_ticks():
    text = (INFRA / "remediation.tf").read_text()
    assert set(re.findall(r'attributes\.type = \\"([\w.]+)\\"', text)) == set(remediating.BEGINNINGS)
    (job,) = [one for one in read_file("remediation.tf").blocks if one.labels[:1] == ("google_cloud_scheduler_job",)]
    (target,) = job.named("pubsub_target")
    assert strings(target.attributes["attributes"]) == [remediating.TICK]


def test_alerts_are_off_unless_somebody_switches_them_on():
    """Until then there are empty secrets, which cost nothing, and nobody may read them."""
    (variable,) = [one for one in CODE.named("variable") if one.labels == ("alerts",)]
    assert re.search(r"enabled\s*=\s*optional\(bool, false\)", variable.attributes["type"])
    made = [one for one in read_file("slack.tf").blocks if one.kind == "resource"]
    assert len(made) >= 10
    for one in made:
        condition = one.attributes.get("for_each") or one.attributes["count"]
        assert re.search(r"local\.(notify|press|notified|readers)|google_pubsub_subscription\.notify", condition), (
            one.labels
        )
    assert local("notify") == 'var.alerts.enabled ? toset(["notify"]) : toset([])'
    assert local("press").startswith("var.alerts.enabled && var.alerts.buttons ?")
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
    (job,) = [one for one in read_file("slack.tf").blocks if one.labels[:1] == ("google_cloud_scheduler_job",)]
    (target,) = job.named("pubsub_target")
    assert strings(target.attributes["attributes"]) == [remediating.TICK]
    told = local("notified")
    assert re.search(r'"notify"\s*=\s*\{ topic = google_pubsub_topic.drift_events.id, ordered = true', told)
    assert {'"notify-ticks"', '"slack-actions"'} <= set(re.findall(r'"[a-z-]+"', told))


def test_every_secret_that_a_function_is_given_is_one_that_it_may_read():
    readers = entries(local("readers"))
    may = {"local.notify": "notify", "local.press": "slack_actions"}
    for function in entries(local("functions")):
        secrets = entries(entries(entries(local("functions"))[function]).get("secrets", "{}"))
        for secret in secrets.values():
            assert may[readers[secret.strip('"')]] == function


def test_the_app_of_slack_asks_for_what_is_used_of_it():
    manifest = yaml.safe_load((INFRA / "slack-app.yaml").read_text())
    scopes = set(manifest["oauth_config"]["scopes"]["bot"])
    used = {
        "chat.postMessage": {"chat:write", "chat:write.public"},
        "chat.update": {"chat:write"},
        "chat.postEphemeral": {"chat:write"},
        "conversations.history": {"channels:history", "groups:history"},
        "conversations.replies": {"channels:history", "groups:history"},
        "conversations.list": {"channels:read", "groups:read"},
        "conversations.join": {"channels:join"},
        "users.info": {"users:read", "users:read.email"},
        "usergroups.users.list": {"usergroups:read"},
    }
    sources = [path.read_text() for path in (ROOT / "shared/setpoint/adapters").glob("slack*.py")]
    called = {
        method
        for text in sources
        for method in re.findall(r'"((?:chat|conversations|users|usergroups)\.[\w.]+)"', text)
    }
    assert called == set(used)
    assert scopes == set().union(*used.values())
    assert manifest["settings"]["interactivity"]["is_enabled"]


def test_every_asset_type_of_a_feed_is_one_that_setpoint_can_compare():
    (variable,) = [one for one in CODE.named("variable") if one.labels == ("asset_types",)]
    types = set(strings(variable.attributes["type"]))
    assert len(types) > 30
    assert [one for one in sorted(types) if not default_catalogue().schemas_for(one)] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_an_example_sets_variables_that_the_module_has_and_all_that_it_needs(example):
    (module,) = read(example).named("module")
    variables = {one.labels[0]: one for one in CODE.named("variable")}
    needed = {name for name, one in variables.items() if "default" not in one.attributes}
    assert needed <= set(module.attributes) - {"source"} <= set(variables)
    assert (example / strings(module.attributes["source"])[0]).resolve() == INFRA


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> zipfile.ZipFile:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of Git: what the archive would hold is not known")
    target = tmp_path_factory.mktemp("archive") / "setpoint.zip"
    subprocess.run([sys.executable, str(INFRA / "archive.py"), str(target)], check=True, capture_output=True)
    return zipfile.ZipFile(target)


def test_the_archive_holds_the_functions_the_library_and_its_data(archive):
    names = set(archive.namelist())
    package = ROOT / "shared/setpoint"
    assert {f"functions/{name}/main.py" for name in entries(local("functions"))} <= names
    assert {"shared/setpoint/settings.py", "shared/setpoint/catalogue/storage.json.gz"} <= names
    assert {path for path in names if path.startswith("shared/")} >= {
        str(path.relative_to(ROOT)) for path in package.glob("catalogue/*.json.gz")
    }


def test_the_buildpack_finds_what_it_installs_from_and_nothing_that_comes_before_it(archive):
    names = set(archive.namelist())
    project = tomllib.loads(archive.read("pyproject.toml").decode())["project"]
    assert {project["readme"], *project["license-files"]} <= names
    assert any(one.startswith("functions-framework") for one in project["dependencies"])
    assert not {"requirements.txt", "uv.lock", "poetry.lock"} & names


def test_the_same_source_makes_the_same_archive(archive, tmp_path):
    again = tmp_path / "again.zip"
    subprocess.run([sys.executable, str(INFRA / "archive.py"), str(again)], check=True, capture_output=True)
    assert again.read_bytes() == Path(os.fspath(archive.filename)).read_bytes()


def cloud_build() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "cloudbuild.yaml").read_text())


def script(step: dict[str, Any]) -> str:
    return step.get("script") or " ".join(step.get("args", []))


def test_cloud_build_goes_from_install_to_smoke_test():
    steps = [step["id"] for step in cloud_build()["steps"]]
    assert steps == [
        *("install", "lint", "types", "layers", "policy", "audit", "test", "sbom", "archive"),
        *("fetch", "plan", "keep", "apply", "smoke", "rollback", "record"),
    ]


def test_cloud_build_names_only_make_targets_that_exist():
    targets = set(re.findall(r"^([\w$()/.-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    expanded = {target.replace("$(VENV)", ".venv") for target in targets}
    named = [
        word
        for step in cloud_build()["steps"]
        for call in re.findall(r"^\s*make ([^\n;&]+)", script(step), re.MULTILINE)
        for word in call.split()
        if "=" not in word
    ]
    assert len(named) >= 5
    assert set(named) <= expanded


def test_cloud_build_uses_every_substitution_that_it_has_and_names_only_folders_that_exist():
    built = cloud_build()
    text = "\n".join(script(step) + " ".join(step.get("env", [])) for step in built["steps"])
    assert set(re.findall(r"\$\{?(_[A-Z_]+)", text)) == set(built["substitutions"])
    assert (ROOT / built["substitutions"]["_ROOT"]).is_dir()


def test_the_smoke_test_speaks_of_topics_and_subscriptions_that_infra_makes():
    text = "\n".join(script(step) for step in cloud_build()["steps"] if step["id"] == "smoke")
    topics = {strings(block.attributes["name"])[0] for used, block in typed() if used == "google_pubsub_topic"}
    assert (
        set(re.findall(r"(?:topics publish|--topic[= ])\s*([a-z-]+)", text))
        == {"asset-changes", "dead-letters"}
        <= topics
    )


def test_images_and_providers_are_named_without_a_registry():
    for step in cloud_build()["steps"]:
        assert "." not in step["name"].split(":")[0]
    for folder in [INFRA, *EXAMPLES]:
        (settings,) = read(folder).named("terraform")
        (required,) = settings.named("required_providers")
        assert strings(entries(required.attributes["google"])["source"]) == ["hashicorp/google"]


GOOD = {
    "project_id": '"fleet-ops"',
    "region": '"europe-west1"',
    "watch": '["organizations/566099688680", "folders/918177713511", "projects/shop-prod"]',
    "source_archive": f'"{Path(__file__).as_posix()}"',  # any file that is there
}
BAD = {
    "project_id": '"20318464073"',
    "region": '"EU"',
    "watch": '["organisations/1"]',
    "asset_types": '{ RESOURCE = ["bucket"] }',
    "source_archive": '"/nowhere.zip"',
    "runtime": '"python312"',
    "firestore": '{ database = "x" }',
    "detect": "{ timeout_seconds = 601, concurrency = 0, min_instances = 21 }",
    "worker": "{ enabled = true, batch = 301 }",
    "sweep": "{ timeout_seconds = 60, max_instances = 0 }",
    "sweep_schedule": '"every 6 hours"',
    "sync": "{ timeout_seconds = 541, max_instances = 0 }",
    "remediation": '{ enabled = true, within = "fleet" }',
    "remediation_role_in": '"organizations/1"',
    "remediate": "{ timeout_seconds = 60, max_instances = 0 }",
    "notify": "{ timeout_seconds = 10, max_instances = 0 }",
    "slack_actions": "{ timeout_seconds = 1, max_instances = 0 }",
    "attribute": "{ timeout_seconds = 601, max_instances = 0 }",
    "console": '{ enabled = true, domain = "https://drift", viewers = ["me"], max_instances = 0 }',
    "reports": '{ dataset = "set-point", days = 400, readers = ["ann@example.com"] }',
    "report": "{ timeout_seconds = 60, max_instances = 0 }",
    "delivery_attempts": "101",
    "archive_days": "1",
    "uploaders": '["ci@fleet-ops.iam.gserviceaccount.com"]',
    "kms_key": '"my-key"',
    "vpc_connector": '"my-connector"',
    "monitoring": '{ channels = ["ops@example.com"], detection_goal = 1, feed_silence_minutes = 1 }',
}


@pytest.fixture(scope="module")
def variables(tmp_path_factory) -> Path:
    """The variables and the feeds that follow from them, as a module that needs no provider."""
    folder = tmp_path_factory.mktemp("variables")
    shutil.copy(INFRA / "variables.tf", folder)
    feeds = (INFRA / "feeds.tf").read_text()
    computed = feeds[: feeds.index("\nresource ")] + '\noutput "feeds" {\n  value = local.feeds\n}\n'
    (folder / "main.tf").write_text(computed)
    subprocess.run([TERRAFORM, "init", "-input=false"], cwd=folder, check=True, capture_output=True)
    return folder


def plan(folder: Path, values: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (folder / "terraform.tfvars").write_text("".join(f"{name} = {value}\n" for name, value in values.items()))
    command = [TERRAFORM, "plan", "-input=false", "-no-color", "-out=made.tfplan"]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


@pytest.mark.skipif(not TERRAFORM, reason="terraform is not installed: the variables are not tried")
def test_each_watched_parent_gets_a_feed_for_each_content_type(variables):
    planned = plan(variables, GOOD)
    assert planned.returncode == 0, planned.stderr
    shown = subprocess.run(
        [TERRAFORM, "show", "-json", "made.tfplan"], cwd=variables, check=True, capture_output=True, text=True
    )
    feeds = json.loads(shown.stdout)["planned_values"]["outputs"]["feeds"]["value"]
    assert len(feeds) == 10
    assert [name for name in feeds if name.endswith("ACCESS_POLICY")] == ["organizations/566099688680 ACCESS_POLICY"]
    assert {key: value for key, value in feeds["projects/shop-prod ORG_POLICY"].items() if key != "types"} == {
        "kind": "projects",
        "parent": "shop-prod",
        "content": "ORG_POLICY",
        "id": "setpoint-org-policy",
    }


@pytest.mark.skipif(not TERRAFORM, reason="terraform is not installed: the variables are not tried")
@pytest.mark.parametrize(
    ("value", "place", "expected"),
    [
        ("{}", ["", ""], []),
        (
            '{ enabled = true, within = "folders/12", resources = ["storage.googleapis.com/Bucket"] }',
            ["folders", "12"],
            ["storage.buckets.get", "storage.buckets.update"],
        ),
        (
            '{ enabled = true, within = "projects/shop-prod", policies = ["storage.googleapis.com/Bucket"] }',
            ["projects", "shop-prod"],
            ["storage.buckets.getIamPolicy", "storage.buckets.setIamPolicy"],
        ),
    ],
    ids=["off", "resources", "policies"],
)
def test_the_role_lists_what_the_named_types_ask_for_and_nothing_while_it_is_off(tmp_path, value, place, expected):
    text = (INFRA / "remediation.tf").read_text()
    computed = text[: text.index("\nresource ")]
    outputs = "".join(f'output "{name}" {{\n  value = local.{name}\n}}\n' for name in ("granted", "place", "in_org"))
    (tmp_path / "main.tf").write_text(computed + "\n" + outputs)
    for name in ("variables.tf", "permissions.json"):
        shutil.copy(INFRA / name, tmp_path)
    subprocess.run([TERRAFORM, "init", "-input=false"], cwd=tmp_path, check=True, capture_output=True)
    planned = plan(tmp_path, {**GOOD, "remediation": value, "remediation_role_in": '"566099688680"'})
    assert planned.returncode == 0, planned.stderr
    shown = subprocess.run(
        [TERRAFORM, "show", "-json", "made.tfplan"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    values = {key: one["value"] for key, one in json.loads(shown.stdout)["planned_values"]["outputs"].items()}
    assert values == {"granted": expected, "place": place, "in_org": value != "{}"}


@pytest.mark.skipif(not TERRAFORM, reason="terraform is not installed: the variables are not tried")
def test_a_bad_value_of_any_variable_is_refused_with_its_message(variables):
    refused = plan(variables, BAD)
    said = " ".join(re.sub(r"[│╷╵]", " ", refused.stderr).split())
    messages = [
        strings(check.attributes["error_message"])[0]
        for one in CODE.named("variable")
        for check in one.named("validation")
    ]
    assert len(messages) > 10
    assert [message for message in messages if message not in said] == []


@pytest.mark.parametrize("step", cloud_build()["steps"], ids=lambda step: step["id"])
def test_the_script_of_a_step_is_read_by_a_shell(step):
    read_by = subprocess.run(["sh", "-n"], input=script(step), text=True, check=False, capture_output=True)
    assert read_by.returncode == 0, read_by.stderr


@pytest.mark.parametrize("name", ["apply", "smoke", "rollback", "record"])
def test_nothing_is_changed_unless_the_build_is_the_approved_one(name, tmp_path):
    (step,) = [one for one in cloud_build()["steps"] if one["id"] == name]

    def run(apply):
        return subprocess.run(
            ["/bin/sh", "-c", script(step)],
            cwd=tmp_path,
            env={"_APPLY": apply, "PATH": ""},
            check=False,
            capture_output=True,
        )

    for apply in ("false", "", "True"):
        ran = run(apply)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")
    assert run("true").returncode != 0  # it goes on, and finds no terraform and no curl


@pytest.fixture
def workspace(tmp_path) -> Path:
    """A workspace of Cloud Build with tools that note how they are called."""
    for tool in ("gcloud", "terraform"):
        made = tmp_path / "bin" / tool
        made.parent.mkdir(exist_ok=True)
        made.write_text(f'#!/bin/sh\necho "{tool} $*" >> {tmp_path}/calls\n')
        made.chmod(0o755)
    for folder in ("build", "root"):
        (tmp_path / folder).mkdir()
    (tmp_path / "build/setpoint.zip").write_text("new")
    return tmp_path


def run_step(name: str, workspace: Path) -> subprocess.CompletedProcess[str]:
    (step,) = [one for one in cloud_build()["steps"] if one["id"] == name]
    environment = {"PATH": f"{workspace}/bin:{os.environ['PATH']}", "_APPLY": "true", "_ROOT": "root"}
    environment |= {"_STATE_BUCKET": "state", "COMMIT_SHA": "abc", "BUILD_ID": "b"}
    text = script(step).replace("/workspace", str(workspace))
    return subprocess.run(
        ["/bin/sh", "-c", text], cwd=workspace, env=environment, check=False, capture_output=True, text=True
    )


def calls(workspace: Path) -> list[str]:
    made = workspace / "calls"
    return made.read_text().splitlines() if made.exists() else []


def test_a_deployment_that_passes_its_smoke_test_is_kept_and_recorded(workspace):
    (workspace / "passed").touch()
    assert run_step("rollback", workspace).returncode == 0
    assert calls(workspace) == []
    assert run_step("record", workspace).returncode == 0
    assert calls(workspace)[0] == "gcloud storage cp build/setpoint.zip gs://state/passed/setpoint.zip"


def test_one_that_does_not_goes_back_to_the_archive_that_passed_last_and_fails(workspace):
    (workspace / "previous.zip").write_text("old")
    ran = run_step("rollback", workspace)
    assert (ran.returncode, calls(workspace)) == (1, ["terraform apply -input=false -auto-approve"])
    assert (workspace / "build/setpoint.zip").read_text() == "old"
    assert "the functions are those of before" in ran.stdout


def test_the_first_one_that_does_not_says_that_there_is_nothing_to_go_back_to(workspace):
    ran = run_step("rollback", workspace)
    assert (ran.returncode, calls(workspace)) == (1, [])
    assert "nothing to go back to" in ran.stdout


def test_the_smoke_test_passes_when_its_message_comes_out_with_a_reason(workspace):
    (workspace / "project_id").write_text("fleet-ops")
    (workspace / "bin/gcloud").write_text(
        f'#!/bin/sh\necho "gcloud $*" >> {workspace}/calls\ncase "$*" in *" pull "*) echo "not a feed message";; esac\n'
    )
    ran = run_step("smoke", workspace)
    assert (ran.returncode, ran.stdout.strip()) == (0, "not a feed message")
    assert (workspace / "passed").exists()
    assert calls(workspace)[-1].startswith("gcloud pubsub subscriptions delete smoke-b")  # whatever comes of it


def test_the_archive_of_a_step_is_the_one_that_terraform_takes():
    """As `archive` writes it and every example reads it."""
    (step,) = [one for one in cloud_build()["steps"] if one["id"] == "archive"]
    assert "infra/archive.py" in script(step)
    for example in EXAMPLES:
        (module,) = read(example).named("module")
        assert strings(module.attributes["source_archive"])[0].endswith("/build/setpoint.zip")


def test_the_messages_that_scheduler_sends_are_those_that_a_sweep_reads(tmp_path):
    """As Terraform computes them, where it is installed."""
    if not TERRAFORM:
        pytest.skip("terraform is not installed: the messages are not computed")
    shutil.copy(INFRA / "variables.tf", tmp_path)
    schedule = (INFRA / "schedule.tf").read_text()
    computed = schedule[: schedule.index("\nresource ")]
    shown_as = '\noutput "messages" {\n  value = { for name, job in local.jobs : name => jsonencode(job.message) }\n}\n'
    (tmp_path / "main.tf").write_text(computed + shown_as)
    subprocess.run([TERRAFORM, "init", "-input=false"], cwd=tmp_path, check=True, capture_output=True)
    planned = plan(tmp_path, GOOD)
    assert planned.returncode == 0, planned.stderr
    shown = subprocess.run(
        [TERRAFORM, "show", "-json", "made.tfplan"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    messages = json.loads(shown.stdout)["planned_values"]["outputs"]["messages"]["value"]
    begun = decode_message(messages["sweep"].encode())
    assert set(begun.scopes) == {"organizations/566099688680", "folders/918177713511", "projects/shop-prod"}
    assert set(begun.contents) == set(LISTED)
    assert len(begun.types) > 30
    assert decode_message(messages["heal"].encode()) == Heal()

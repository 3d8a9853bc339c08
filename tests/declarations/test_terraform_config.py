"""A configuration beside a state: what its files write, and what they leave alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from declarations.states import state
from setpoint.declarations.readers import load, terraform_config
from setpoint.declarations.readers.load import LoadResult
from setpoint.declarations.readers.terraform_classes import NOT_KNOWN
from setpoint.errors import BadRequest
from setpoint.model.declaration import Declaration

NETWORK = {
    "name": "net",
    "project": "shop-prod",
    "description": "for all",
    "routing_mode": "REGIONAL",
    "bgp_best_path_selection_mode": "LEGACY",
    "auto_create_subnetworks": False,
    "mtu": 1460,
}
BUCKET = {"name": "shop", "project": "shop-prod", "location": "EU", "labels": {"team": "a", "run": "1"}}

Files = Callable[..., LoadResult]


@pytest.fixture
def loaded(tmp_path: Path) -> Files:
    """Loads a state of resources beside a configuration."""

    def run(text: str, *resources: dict[str, Any], module: str = "", **files: str) -> LoadResult:
        folder = tmp_path / "infra"
        folder.mkdir(exist_ok=True)
        (folder / "main.tf").write_text(text)
        for name, content in files.items():
            path = folder / name.replace("__", "/").replace("_tfvars", ".tfvars")
            path = path if path.suffix else path.with_suffix(".tf")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        document = json.loads(state(resources))
        for resource in document["resources"] if module else ():
            resource["module"] = module
        (tmp_path / "net.tfstate").write_text(json.dumps(document))
        return load.load([str(tmp_path / "net.tfstate")], config=str(folder))

    return run


def network(**more: Any) -> dict[str, Any]:
    return {"type": "google_compute_network", "name": "net", "values": NETWORK | more}


def bucket(**more: Any) -> dict[str, Any]:
    return {"type": "google_storage_bucket", "name": "shop", "values": BUCKET | more}


def only(result: LoadResult) -> Declaration:
    assert not result.problems, result.problems
    [desired] = result.desired
    [declaration] = desired.declarations
    return declaration


def test_what_the_files_write_is_declared_and_what_they_leave_open_is_recorded(loaded: Files) -> None:
    text = 'resource "google_compute_network" "net" {\n  name = "net"\n  routing_mode = "REGIONAL"\n}\n'
    declaration = only(loaded(text, network()))
    assert "mtu" in declaration.recorded
    assert "routingConfig.routingMode" not in declaration.recorded

    declaration = only(loaded(text.replace("}\n", "  mtu = var.mtu\n}\n"), network(), variables='variable "mtu" {}'))
    assert "mtu" not in declaration.recorded


@pytest.mark.parametrize(
    ("files", "is_recorded"),
    [
        ({"net__main": 'variable "mtu" { default = null }'}, True),
        ({"net__main": 'variable "mtu" { default = 1460 }'}, False),
        ({"net__main": 'variable "mtu" {\n  type = number\n}'}, False),
    ],
)
def test_the_default_of_a_variable_of_a_module_says_whether_it_writes(
    loaded: Files, files: dict[str, str], *, is_recorded: bool
) -> None:
    body = 'resource "google_compute_network" "net" {\n  name = "net"\n  mtu = var.mtu\n}\n'
    calls = 'module "a" {\n  source = "./net"\n  for_each = toset(["x"])\n}\n'
    files = {"net__main": f"{files['net__main']}\n{body}"}
    declaration = only(loaded(calls, network(), module='module.a["x"]', **files))
    assert ("mtu" in declaration.recorded) == is_recorded


def test_null_that_is_handed_through_modules_writes_nothing(loaded: Files) -> None:
    inner = 'variable "mtu" {\n default = 1\n}\nresource "google_compute_network" "net" {\n  mtu = var.mtu\n}\n'
    outer = 'variable "size" {}\nmodule "b" {\n  source = "../inner"\n  mtu = var.size\n}\n'
    calls = 'module "a" {\n  source = "./outer"\n  size = null\n}\n'
    declaration = only(loaded(calls, network(), module="module.a.module.b", outer__main=outer, inner__main=inner))
    assert "mtu" in declaration.recorded


def test_what_may_be_null_is_judged_as_by_a_state_alone(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text("""
variable "open" { default = null }
variable "known" { default = null }
resource "google_x" "y" {
  a = var.open
  b = var.known
  c = each.value.mtu
  d = local.x
  e = var.z ? 1 : null
  f = try(var.z.y, "")
  g = google_compute_network.net.id
  h = "${var.open}-a"
  i = format("%s", var.open)
  j = "k"
  l = null
  dynamic "allow" {
    for_each = var.rules
    content {
      protocol = allow.value.protocol
    }
  }
  allow {
    protocol = "tcp"
  }
}
""")
    (tmp_path / "a.auto.tfvars").write_text('known = "x"\n')
    configuration = terraform_config.read(str(tmp_path))
    assert configuration.problems == []
    expressions = configuration.resources[((), "google_x", "y")].expressions
    assert {name for name, expression in expressions.items() if expression is NOT_KNOWN} == {"a", "c", "d", "e", "f"}
    assert expressions["j"] == {"constant_value": "k"}
    assert "l" not in expressions
    assert expressions["allow"] == [{"protocol": {"constant_value": "tcp"}}, {"protocol": NOT_KNOWN}]


def test_what_the_configuration_ignores_is_no_drift_and_names_its_file(loaded: Files) -> None:
    text = (
        'resource "google_storage_bucket" "shop" {\n  name = "shop"\n  location = "EU"\n'
        '  lifecycle {\n    ignore_changes = [labels["run"], lifecycle_rule[0].action]\n  }\n}\n'
    )
    rules = [{"action": [{"type": "Delete"}], "condition": [{"age": 3}]}]
    declaration = only(loaded(text, bucket(lifecycle_rule=rules)))
    assert set(declaration.ignore) == {"labels.run", "lifecycle.rule[*].action"}
    assert declaration.ignored_by["labels.run"].endswith('main.tf: lifecycle.ignore_changes has labels["run"]')


def test_a_label_that_only_somebody_else_sets_is_ignored_too(loaded: Files) -> None:
    text = 'resource "google_storage_bucket" "shop" {\n  lifecycle {\n    ignore_changes = [labels["job"]]\n  }\n}\n'
    assert only(loaded(text, bucket())).ignore == ("labels.job",)


def test_all_leaves_the_resource_alone(loaded: Files) -> None:
    text = 'resource "google_storage_bucket" "shop" {\n  lifecycle {\n    ignore_changes = all\n  }\n}\n'
    assert only(loaded(text, bucket())).ignore == ("",)


def test_modules_that_init_has_fetched_are_read(loaded: Files) -> None:
    manifest = {"Modules": [{"Key": "", "Dir": "."}, {"Key": "a", "Dir": ".terraform/modules/a/sub"}]}
    body = 'resource "google_compute_network" "net" {\n  name = "net"\n}\n'
    calls = 'module "a" {\n  source = "acme/net/google"\n}\n'
    fetched = {".terraform__modules__modules.json": json.dumps(manifest), ".terraform__modules__a__sub__main": body}
    assert "mtu" in only(loaded(calls, network(), module="module.a", **fetched)).recorded


def test_a_module_that_is_not_there_is_a_warning_and_a_file_that_is_no_hcl_an_error(loaded: Files) -> None:
    calls = 'module "a" {\n  source = "acme/net/google"\n}\n'
    result = loaded(calls, network(), module="module.a", broken='resource "x" {{')
    assert ["terraform init" in warning.message for warning in result.warnings] == [True]
    [problem] = result.problems
    assert "cannot be read as HCL" in problem.message
    assert len(result.desired) == 1


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('resource "x" {{', 1, "unexpected `{`"),
        ('locals {\n  a = "b"\n', 3, "it breaks off"),
        ("locals {\n  a = " + "!" * 100_000 + "\n}", 2, f"unexpected `{'!' * 40}`"),
        ("locals { a = " + "9" * 5_000 + " }", 0, "a number has thousands of digits"),
        ("a = " + "[" * 5_000 + "]" * 5_000, 0, "an expression is nested too deeply, or has hundreds of parts"),
        ("locals { a = " + "1+" * 5_000 + "1 }", 0, "an expression is nested too deeply, or has hundreds of parts"),
        ("a {\n" * 2_000 + "}\n" * 2_000, 0, "an expression is nested too deeply, or has hundreds of parts"),
        ('locals { a = "' + "x" * 200_000 + '" }', 0, "200,017 characters are more than 200,000; split the file"),
        ("a = 1\0", 1, "unexpected `\0`"),
    ],
    ids=range(9),
)
def test_what_is_no_hcl_is_named_by_line_and_reason_in_few_words(
    loaded: Files, text: str, line: int, reason: str
) -> None:
    result = loaded('resource "google_compute_network" "net" {\n  name = "net"\n}\n', network(), broken=text)
    [problem] = result.problems
    assert (problem.line, problem.message) == (line, f"cannot be read as HCL: {reason}")
    assert problem.file.endswith("broken.tf")
    assert len(result.desired) == 1


def test_a_configuration_goes_with_one_state_and_needs_files(loaded: Files, tmp_path: Path) -> None:
    text = 'resource "google_compute_network" "net" {\n  name = "net"\n}\n'
    loaded(text, network())
    (tmp_path / "two.tfstate").write_bytes(state([bucket()]))
    result = load.load([str(tmp_path / "net.tfstate"), str(tmp_path / "two.tfstate")], config=str(tmp_path / "infra"))
    assert ["one state or plan" in problem.message for problem in result.problems] == [True]
    with pytest.raises(BadRequest, match=r"holds no \.tf file"):
        load.load([], config=str(tmp_path))


def test_what_a_plan_knows_only_after_apply_is_pending_and_no_gap(tmp_path: Path) -> None:
    values = {"name": "net", "project": "shop-prod", "auto_create_subnetworks": False}
    unknown = {"network": True, "id": True, "log_config": [{"metadata": True}]}
    subnetwork = {"name": "sub", "project": "shop-prod", "region": "europe-west1", "ip_cidr_range": "10.0.0.0/24"}
    resources = [
        {"address": "google_compute_network.n", "type": "google_compute_network", "name": "n", "values": values},
        {
            "address": "google_compute_subnetwork.s",
            "type": "google_compute_subnetwork",
            "name": "s",
            "values": {**subnetwork, "log_config": [{"aggregation_interval": "INTERVAL_5_SEC"}]},
        },
    ]
    provider = {"mode": "managed", "provider_name": "registry.terraform.io/hashicorp/google"}
    change = {"address": "google_compute_subnetwork.s", "change": {"before": None, "after_unknown": unknown}}
    plan = {
        "format_version": "1.2",
        "planned_values": {"root_module": {"resources": [resource | provider for resource in resources]}},
        "resource_changes": [change],
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))

    result = load.load([str(tmp_path / "plan.json")])

    assert not result.problems
    assert (result.pending, result.unchecked, result.coverage) == (2, 0, 1.0)
    [unchecked] = [desired.declarations[0].unchecked for desired in result.desired if desired.declarations[0].unchecked]
    assert set(unchecked) == {
        "google_compute_subnetwork.s.network",
        "google_compute_subnetwork.s.log_config[0].metadata",
    }


def test_the_json_syntax_of_terraform_is_read(loaded: Files) -> None:
    network_block = {"name": "net", "routing_mode": "REGIONAL", "mtu": "${var.mtu}"}
    bucket_block = {
        "name": "shop",
        "location": "EU",
        "labels": {"team": "a"},
        "lifecycle": {"ignore_changes": ["labels"]},
    }
    code = {
        "//": "generated",
        "variable": {"mtu": {"type": "number", "default": None}},
        "resource": {"google_compute_network": {"net": network_block}, "google_storage_bucket": {"shop": bucket_block}},
    }
    result = loaded("", network(), bucket(), **{"more.tf.json": json.dumps(code)})

    assert result.problems == []
    by_type = {entry.declarations[0].asset_type: entry.declarations[0] for entry in result.desired}
    assert "routingConfig.routingMode" not in by_type["compute.googleapis.com/Network"].recorded
    assert "routingConfig.bgpBestPathSelectionMode" in by_type["compute.googleapis.com/Network"].recorded
    assert by_type["storage.googleapis.com/Bucket"].ignore == ("labels",)


def test_a_file_that_is_no_json_costs_that_file(loaded: Files) -> None:
    result = loaded("", network(), **{"more.tf.json": "{"})
    assert [problem.message.partition(":")[0] for problem in result.problems] == ["cannot be read as JSON"]


def _calls(folder: Path, count: int) -> Path:
    leaf = folder / "leaf"
    leaf.mkdir(parents=True)
    (leaf / "main.tf").write_text('resource "google_compute_network" "net" {\n  name = "net"\n}\n')
    text = "".join(f'module "m{number}" {{\n  source = "./leaf"\n}}\n' for number in range(count))
    for start in range(0, len(text), 5_000):
        cut = text.rfind("module", 0, start) if start else 0
        end = text.rfind("module", 0, start + 5_000) if start + 5_000 < len(text) else len(text)
        (folder / f"{start}.tf").write_text(text[cut:end])
    return folder


def test_so_many_calls_of_modules_are_read_and_not_one_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terraform_config, "_MAX_CALLS", 200)
    most = terraform_config.read(str(_calls(tmp_path / "a", 200)))
    assert (len(most.resources), most.problems) == (200, [])
    more = terraform_config.read(str(_calls(tmp_path / "b", 201)))
    assert len(more.resources) == 200
    assert [problem.message.partition(";")[0] for problem in more.problems] == [
        "more than 200 calls of modules or 100,000 resource blocks in them"
    ]


@pytest.mark.timeout(30)
def test_modules_that_call_each_other_twice_cost_no_more_than_their_number(tmp_path: Path) -> None:
    """Two calls at each of twenty levels are a million calls, of which 5,000 are read."""
    text = 'module "a" {\n  source = "./"\n}\nmodule "b" {\n  source = "../again"\n}\n'
    for name in ("again", "infra"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.tf").write_text(text)
    problems = terraform_config.read(str(tmp_path / "infra")).problems
    assert sum("more than 5,000 calls of modules or 100,000 resource" in problem.message for problem in problems) == 1

"""Editing Terraform code: a literal is replaced where it is certain to give the value, and nothing else is changed."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.declarations.readers import documents
from setpoint.declarations.readers.load import load_documents
from setpoint.declarations.terraform_edits import CodeEdit, edit_code
from setpoint.detection import verdict
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation
from sizes import size

hcl2 = pytest.importorskip("hcl2")

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ADDRESS = "google_storage_bucket.exports"
VALUES = {
    "name": "exports",
    "location": "EU",
    "storage_class": "STANDARD",
    "labels": {"team": "shop", "cost": "a1"},
    "versioning": [{"enabled": True}],
    "lifecycle_rule": [{"action": [{"type": "Delete"}], "condition": [{"age": 30}]}],
    "cors": [{"origin": ["https://a.example.com", "https://b.example.com"], "max_age_seconds": 60}],
}
LIVE = {
    "name": "exports",
    "location": "US",
    "storageClass": "NEARLINE",
    "labels": {"team": "other", "cost": "a1"},
    "versioning": {"enabled": False},
    "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 90}}]},
    "cors": [{"origin": ["https://a.example.com", "https://c.example.com"], "maxAgeSeconds": 90}],
}
MAIN = """\
# the exports
resource "google_storage_bucket" "exports" {
  name          = "exports" # law
  location      = "EU"
  storage_class = var.class
  labels = {
    team = "shop" # whose
    "cost" : local.cost
  }
  versioning { enabled = true }
  lifecycle_rule {
    action { type = "Delete" }
    condition {
      age = 30
    }
  }
  cors {
    origin = [
      "https://a.example.com", # kept
      "https://b.example.com",
    ]
    max_age_seconds = 60
  }
}

locals { cost = "a1" }
"""
VARIABLES = 'variable "class" {\n  default = "STANDARD"\n}\n'


def declared(values: dict[str, Any], address: str = ADDRESS) -> Declaration:
    resource = {
        "address": address,
        "mode": "managed",
        "type": "google_storage_bucket",
        "name": "exports",
        "provider_name": "registry.terraform.io/hashicorp/google",
        "values": values,
    }
    plan = {"format_version": "1.2", "planned_values": {"root_module": {"resources": [resource]}}}
    loaded = load_documents(documents.parse(json.dumps(plan), "prod/plan.json"))
    ((declaration,),) = (several.declarations for several in loaded.desired)
    return declaration


def edited(files: dict[str, str], live: dict[str, Any] = LIVE, address: str = ADDRESS) -> CodeEdit:
    declaration = declared(VALUES, address)
    observation = Observation(declaration.key, declaration.asset_type, NOON, data=live, project_id="shop-prod")
    return edit_code(files, declaration, observation, default_catalogue())


def drift(**changes: Any) -> dict[str, Any]:
    base = {
        "name": "exports",
        "location": "EU",
        "storageClass": "STANDARD",
        "labels": VALUES["labels"],
        "versioning": {"enabled": True},
        "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]},
        "cors": [{"origin": VALUES["cors"][0]["origin"], "maxAgeSeconds": 60}],
    }
    return {**base, **changes}


def test_each_literal_is_replaced_in_its_line():
    result = edited({"main.tf": MAIN, "variables.tf": VARIABLES})

    assert result.by_hand == ()
    assert result.files["variables.tf"] == VARIABLES.replace("STANDARD", "NEARLINE")
    after = MAIN.replace('"EU"', '"US"').replace('team = "shop"', 'team = "other"').replace("= true", "= false")
    after = after.replace("age = 30", "age = 90").replace("seconds = 60", "seconds = 90")
    after = after.replace('      "https://b.example.com",\n', '      "https://c.example.com",\n')
    assert result.files["main.tf"] == after


def test_a_value_file_counts_before_a_default():
    files = {"main.tf": MAIN, "variables.tf": 'variable "class" {\n  default = "COLDLINE"\n}\n'}
    values = '# class\nclass = "STANDARD"\n'
    result = edited({**files, "terraform.tfvars": values}, drift(storageClass="NEARLINE"))

    assert result.by_hand == ()
    assert result.files == {**files, "terraform.tfvars": values.replace("STANDARD", "NEARLINE")}


REFUSED = {
    "a variable that is used twice": {"main.tf": MAIN + "\noutput x { value = var.class }\n"},
    "a value file that is named on the command line": {"main.tf": MAIN, "prod.tfvars": 'class = "STANDARD"\n'},
    "a value file in JSON": {"main.tf": MAIN, "terraform.tfvars.json": '{"class": "STANDARD"}'},
    "a variable without a value": {"main.tf": MAIN, "variables.tf": 'variable "class" {}\n'},
    "an expression": {"main.tf": MAIN.replace("var.class", 'upper("standard")')},
    "a template": {"main.tf": MAIN.replace("var.class", '"${var.class}"')},
    "another value than what was applied": {"main.tf": MAIN.replace("var.class", '"COLDLINE"')},
    "several resources": {"main.tf": MAIN.replace("  name   ", "  count = 1\n  name   ")},
    "for each": {"main.tf": MAIN.replace("  name   ", '  for_each = toset(["a"])\n  name   ')},
    "two blocks of one name": {"main.tf": MAIN, "main_override.tf": MAIN},
    "an attribute that others use": {"main.tf": MAIN + f"output x {{ value = {ADDRESS}.storage_class }}\n"},
    "text that is not HCL": {"main.tf": MAIN, "broken.tf": 'resource "x" {\n'},
    "a heredoc": {"main.tf": MAIN.replace("var.class", "<<EOT\nSTANDARD\nEOT")},
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_uncertain_is_left_to_a_person(why):
    files = {"variables.tf": VARIABLES, **REFUSED[why]}
    result = edited(files, drift(storageClass="NEARLINE"))

    assert result.files == files
    assert len(result.by_hand) == 1
    assert "storage_class" in result.by_hand[0]


def test_a_dynamic_block_and_a_module_are_left_to_a_person():
    dynamic = 'dynamic "versioning" {\n    for_each = [1]\n    content { enabled = true }\n  }'
    files = {"main.tf": MAIN.replace("versioning { enabled = true }", dynamic), "variables.tf": VARIABLES}
    result = edited(files, drift(versioning={"enabled": False}))
    assert (result.files, len(result.by_hand)) == (files, 1)

    files = {"main.tf": MAIN, "variables.tf": VARIABLES}
    in_module = edited(files, drift(location="US"), f"module.x.{ADDRESS}")
    assert (in_module.files, len(in_module.by_hand)) == (files, 1)


def test_a_text_keeps_what_terraform_would_interpolate():
    result = edited({"main.tf": MAIN, "v.tf": VARIABLES}, drift(labels={"team": '${x}"%{y}', "cost": "a1"}))

    assert 'team = "$${x}\\"%%{y}"' in result.files["main.tf"]


EU, STANDARD, SHOP = '"EU"', '"STANDARD"', '"shop"'


class Made(NamedTuple):
    files: dict[str, str]
    editable: frozenset[str]


def made(chance: random.Random) -> Made:
    """A root module that gives ``VALUES``, each value in one of several ways; and which of them can be edited."""
    main, editable = [], set()
    other: list[str] = []
    values: list[str] = []

    def given(name: str, literal: str) -> str:
        """An expression for a literal."""
        how = chance.choice(("literal", "literal", "local", "default", "tfvars", "call", "twice", "conditional"))
        if how in ("literal", "local", "default", "tfvars"):
            editable.add(name)
        if how == "local":
            other.append(f"locals {{\n  l_{name} = {literal}\n}}\n")
            return f"local.l_{name}"
        if how in ("default", "twice"):
            other.append(f'variable "v_{name}" {{\n  type    = any // any\n  default = {literal}\n}}\n')
            if how == "twice":
                other.append(f'output "o_{name}" {{ value = "${{var.v_{name}}}-x" }}\n')
            return f"var.v_{name}"
        if how == "tfvars":
            other.append(f'variable "v_{name}" {{}}\n')
            values.append(f"v_{name} = {literal} # here\n")
            return f"var.v_{name}"
        return {"literal": literal, "call": f"try({literal}, null)", "conditional": f"true ? {literal} : null"}[how]

    pad = chance.choice(("  ", "    ", "\t"))
    comment = chance.choice(("", " # why", " // why", " /* why } */"))
    origins = chance.choice(
        (
            '["https://a.example.com", "https://b.example.com"]',
            '[\n      "https://a.example.com",\n      "https://b.example.com", # old\n    ]',
            '[\n      "https://a.example.com",\n      "https://b.example.com"\n    ]',
        )
    )
    parts = [
        f'{pad}name = "exports"{comment}',
        f"{pad}location = {given('location', EU)}{comment}",
        f"{pad}storage_class = {given('storage_class', STANDARD)}",
        f'{pad}labels = {{\n{pad}{pad}team = {given("team", SHOP)}{comment}\n{pad}{pad}cost = "a1"\n{pad}}}',
        f"{pad}versioning {{\n{pad}{pad}enabled = {given('enabled', 'true')}\n{pad}}}",
        (
            f'{pad}lifecycle_rule {{\n{pad}{pad}action {{ type = "Delete" }}\n'
            f"{pad}{pad}condition {{ age = {given('age', '30')} }}{comment}\n{pad}}}"
        ),
        f"{pad}cors {{\n{pad}{pad}origin = {given('origin', origins)}\n{pad}{pad}max_age_seconds = 60\n{pad}}}",
    ]
    chance.shuffle(parts)
    main.append('resource "google_storage_bucket" "exports" {\n' + "\n".join(parts) + "\n}\n")
    main.insert(
        chance.randrange(2),
        'resource "google_storage_bucket" "other" {\n  name = "other"\n  location = "EU"\n'
        '  labels = { note = <<-EOT\n\t\tresource "google_storage_bucket" "exports" {\n'
        '\tlocation = "EU"\n\tEOT\n  }\n}\n',
    )
    if chance.random() < 0.2:
        main.append('module "x" {\n  source = "./x"\n  for_each = { a = "}" }\n}\n')
    files = {"main.tf": "\n".join(main), "rest.tf": "\n".join(other), "terraform.tfvars": "".join(values)}
    if chance.random() < 0.3:
        files = {name: text.replace("\n", "\r\n") for name, text in files.items()}
    return Made(files, frozenset(editable))


PATHS = {
    "location": "EU",
    "storage_class": "STANDARD",
    "team": "shop",
    "enabled": True,
    "age": 30,
    "origin": VALUES["cors"][0]["origin"],
}
NEW = {
    "location": "US",
    "storage_class": "NEARLINE",
    "team": "other",
    "enabled": False,
    "age": 90,
    "origin": ["https://a.example.com", "https://c.example.com"],
}


def evaluated(files: dict[str, str]) -> dict[str, Any]:
    """The attributes of the bucket by another parser, with locals, defaults and value files in place."""
    trees = {name: hcl2.loads(text.replace("\r\n", "\n")) for name, text in files.items()}
    known: dict[str, Any] = {}
    for tree in trees.values():
        for block in tree.get("locals", ()):
            known |= {f"${{local.{name}}}": value for name, value in block.items()}
        for block in tree.get("variable", ()):
            known |= {f"${{var.{n.strip(chr(34))}}}": b["default"] for n, b in block.items() if "default" in b}
    known |= {f"${{var.{name}}}": value for name, value in trees["terraform.tfvars"].items()}

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {k.strip('"'): plain(v) for k, v in value.items() if not k.startswith("__")}
        if isinstance(value, list):
            return [plain(each) for each in value]
        value = known.get(value, value) if isinstance(value, str) else value
        if isinstance(value, list):
            return plain(value)
        if isinstance(value, str) and value.startswith(("${try(", "${true ?")):
            inner = value[6:-1].split(", null")[0] if "try(" in value else value[8:-1].split(" : null")[0].strip()
            return plain(next(iter(hcl2.loads(f"x = {inner.strip()}\n").values())))
        return value.strip('"') if isinstance(value, str) else value

    (bucket,) = [
        body
        for tree in trees.values()
        for block in tree.get("resource", ())
        for labels in block.values()
        for name, body in labels.items()
        if name.strip('"') == "exports"
    ]
    return plain(bucket)


@pytest.mark.thorough
def test_every_edit_of_generated_code_declares_what_was_observed_and_changes_nothing_else():
    for seed in range(size(80, 1000)):
        chance = random.Random(seed)  # noqa: S311 - no secret
        module = made(chance)
        assert declared(evaluated(module.files)).data == declared(VALUES).data, seed
        drifted = {name for name in PATHS if chance.random() < 0.5}
        value = {name: NEW[name] if name in drifted else PATHS[name] for name in PATHS}
        live = drift(
            location=value["location"],
            storageClass=value["storage_class"],
            labels={"team": value["team"], "cost": "a1"},
            versioning={"enabled": value["enabled"]},
            lifecycle={"rule": [{"action": {"type": "Delete"}, "condition": {"age": value["age"]}}]},
            cors=[{"origin": value["origin"], "maxAgeSeconds": 60}],
        )
        result = edited(module.files, live)

        assert len(result.by_hand) == len(drifted - module.editable), (seed, result.by_hand)
        after = declared(evaluated(dict(result.files)))
        seen = Observation(after.key, after.asset_type, NOON, data=live, project_id="shop-prod")
        left = verdict.differences(after, seen, default_catalogue())
        assert len(left) == len(result.by_hand), (seed, left)
        lines = [
            (old, new)
            for name in module.files
            for old, new in zip(module.files[name].split("\n"), result.files[name].split("\n"), strict=False)
            if old != new
        ]
        assert len(lines) <= 2 * len(drifted), (seed, lines)

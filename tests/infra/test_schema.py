"""What the provider takes, by its own schema; and that infra/ names what is there."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infra.blocks import CODE, INFRA, TERRAFORM, expressions, typed
from infra.hcl import Block

SCHEMA = json.loads(Path(__file__).with_name("provider_schema.json").read_text())["types"]


META = {"count", "for_each", "provider", "depends_on"}


META_BLOCKS = {"lifecycle", "provisioner", "connection"}


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

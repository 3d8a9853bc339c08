"""How infra/ is written: its format, its locals and variables. What Terraform says of it: test_terraform_plans.py."""

from __future__ import annotations

import re
import subprocess

import pytest

from infra.blocks import CODE, INFRA, TERRAFORM, expressions


@pytest.mark.skipif(not TERRAFORM, reason="terraform is not installed: the format of infra/ is not checked")
def test_the_files_are_formatted():
    checked = subprocess.run(
        [TERRAFORM, "fmt", "-check", "-diff", "-recursive", str(INFRA)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout


def test_every_local_and_variable_that_is_used_is_defined_and_every_one_that_is_defined_is_used():
    text = "\n".join(expressions())
    locals_defined = {name for block in CODE.named("locals") for name in block.attributes}
    assert set(re.findall(r"\blocal\.(\w+)", text)) == locals_defined
    assert set(re.findall(r"\bvar\.(\w+)", text)) == {block.labels[0] for block in CODE.named("variable")}


def test_every_variable_says_what_it_is_and_every_check_of_one_has_a_message():
    for block in CODE.named("variable"):
        assert {"description", "type"} <= set(block.attributes), block.labels
        assert all({"condition", "error_message"} == set(check.attributes) for check in block.named("validation"))

"""The build: its steps in their order, and what it may change."""

from __future__ import annotations

import re
import subprocess

import pytest

from infra.blocks import EXAMPLES, INFRA, ROOT, typed
from infra.build import cloud_build, script
from infra.hcl import entries, read, strings


def test_cloud_build_goes_from_install_to_smoke_test():
    steps = [step["id"] for step in cloud_build()["steps"]]
    assert steps == [
        *("install", "lint", "types", "layers", "policy", "audit", "test", "sbom"),
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


@pytest.mark.parametrize("step", cloud_build()["steps"], ids=lambda step: step["id"])
def test_the_script_of_a_step_is_read_by_a_shell(step):
    read_by = subprocess.run(["sh", "-n"], input=script(step), text=True, check=False, capture_output=True)
    assert read_by.returncode == 0, read_by.stderr


@pytest.mark.parametrize("name", ["apply", "smoke", "rollback", "record"])
def test_nothing_is_changed_unless_the_build_is_the_approved_one(name, tmp_path):
    (step,) = [candidate for candidate in cloud_build()["steps"] if candidate["id"] == name]

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

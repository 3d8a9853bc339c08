"""The build: its steps in their order, and what it may change."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from infra.blocks import EXAMPLES, INFRA, ROOT, typed
from infra.build import cloud_build, script
from infra.hcl import entries, read, strings


def test_cloud_build_goes_from_install_to_smoke_test():
    steps = [step["id"] for step in cloud_build()["steps"]]
    assert steps == [
        *("install", "lint", "types", "layers", "checkov", "policy", "audit", "test", "sbom"),
        *("fetch", "plan", "keep", "apply", "smoke", "rollback", "record"),
    ]


def test_cloud_build_names_only_make_targets_that_exist():
    targets = set(re.findall(r"^([\w$()/.-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    expanded = {target.replace("$(CHECKOV)", ".venv/checkov").replace("$(VENV)", ".venv") for target in targets}
    written = set(named_by_make(cloud_build()))
    assert len(written) >= 5
    assert written <= expanded
    assert ".venv/checkov/.run" in written


def named_by_make(built) -> list[str]:
    return [
        word
        for step in built["steps"]
        for call in re.findall(r"^\s*make ([^\n;&]+)", script(step), re.MULTILINE)
        for word in call.split()
        if "=" not in word
    ]


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


IMAGE = re.compile(r"\b((?:python|docker|google/cloud-sdk|hashicorp/terraform):[a-z0-9.-]+)(@sha256:[0-9a-f]{64})?")


def images() -> dict[str, str]:
    """The digest behind each image that a step runs in or starts; empty where there is only a tag."""
    text = (ROOT / "cloudbuild.yaml").read_text()
    named = dict.fromkeys(step["name"].partition("@")[0] for step in cloud_build()["steps"])
    written = dict(IMAGE.findall(text))
    assert named.keys() <= written.keys()
    return written


def test_every_image_is_named_by_its_digest():
    by_tag = sorted(tag for tag, digest in images().items() if not digest)
    if by_tag:
        pytest.skip(f"NOT PINNED: {', '.join(by_tag)}: run `make lock` where docker can ask their registry, and commit")


def test_the_digests_that_a_registry_tells_are_written_behind_their_tags(tmp_path):
    digest = "sha256:" + "ab" * 32
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(f"#!/bin/sh\necho {digest}\n")
    docker.chmod(0o755)
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci/images", tmp_path / ".ci/images")
    for name in ("cloudbuild.yaml", "Dockerfile"):
        shutil.copy(ROOT / name, tmp_path / name)
    for _ in range(2):  # the second time in place of the first
        environment = {"PATH": f"{docker.parent}:{os.environ['PATH']}"}
        subprocess.run([tmp_path / ".ci/images"], env=environment, check=True, capture_output=True)
        for name in ("cloudbuild.yaml", "Dockerfile"):
            written = IMAGE.findall((tmp_path / name).read_text())
            assert written
            assert {behind for _, behind in written} == {f"@{digest}"}


def test_nothing_is_installed_without_a_hash():
    """But for Debian's packages, which apt checks, and this repository itself."""
    makefile = (ROOT / "Makefile").read_text()
    scripts = "\n".join(script(step) for step in cloud_build()["steps"])
    installs = re.findall(r"^.*\b(?:pip|uv pip|npm|pipx) install .*$", makefile + scripts, re.MULTILINE)
    assert len(installs) >= 4
    for line in installs:
        assert "--require-hashes" in line or "--no-build-isolation --editable ." in line, line


def test_checkov_runs_where_it_reaches_no_token_and_writes_nothing():
    (step,) = [step for step in cloud_build()["steps"] if step["id"] == "policy"]
    assert re.search(r"docker run .*--network=none .*:/workspace:ro", script(step))
    ran_by_others = [step["id"] for step in cloud_build()["steps"] if "bin/checkov" in script(step)]
    assert ran_by_others == ["policy"]


def test_an_audit_that_could_not_ask_ends_a_release():
    (step,) = [step for step in cloud_build()["steps"] if step["id"] == "audit"]
    assert script(step) == "make audit RELEASE=1"
    assert "$(if $(RELEASE),--release)" in (ROOT / "Makefile").read_text()

"""Check a release, and write its notes: `python .ci/release.py check VERSION`, `python .ci/release.py notes VERSION`.

`check` refuses a version that is not that of the library, that the changelog has no section for, or whose image stands
on a base, or whose build runs in an image, without a digest. `notes` prints the section of the changelog.
"""  # noqa: INP001 - a script

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
_VERSION = re.compile(r'__version__ = "([^"]+)"')
_SEMANTIC = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?\Z")
_BASE = re.compile(r"^FROM (\S+)", re.MULTILINE)
_IMAGE = re.compile(r"\b(?:python|docker|google/cloud-sdk|hashicorp/terraform):[a-z0-9.-]+(?:@sha256:[0-9a-f]{64})?")
"""The images of Cloud Build that .ci/images writes digests for."""


def notes(changelog: str, version: str) -> str:
    """The section of a version, without its title; empty where there is none."""
    section = re.search(rf"^## \[?{re.escape(version)}\]?.*?\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return section[1].strip() if section else ""


def faults(version: str, library: str, changelog: str, dockerfile: str, build: str = "") -> Iterator[str]:
    """What stands in the way of a release.

    Args:
        version: the version, without the `v` of its tag.
        library: the text of `setpoint/__init__.py`.
        changelog: the text of the changelog.
        dockerfile: the text of the Dockerfile.
        build: the text of cloudbuild.yaml.
    """
    own = _VERSION.search(library)
    if not _SEMANTIC.match(version):
        yield f"{version} is no semantic version; it looks like 0.2.0 (https://semver.org)"
    if own is None or own[1] != version:
        says = own[1] if own else "no version"
        yield f"the library says {says}; set __version__ in shared/setpoint/__init__.py to {version}"
    if not notes(changelog, version):
        yield f"CHANGELOG.md has no section {version}; rename `## Unreleased` to `## {version}` and begin a new one"
    for base in dict.fromkeys(_BASE.findall(dockerfile)):
        if "@sha256:" not in base:
            yield f"the base {base} of the Dockerfile has no digest; run .ci/images where docker reaches its registry"
    for image in dict.fromkeys(_IMAGE.findall(build)):
        if "@sha256:" not in image:
            yield f"the image {image} of cloudbuild.yaml has no digest; run .ci/images where docker reaches it"


def main(action: str, version: str) -> int:
    """Check, or print the notes; 1 where something stands in the way."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    if action == "notes":
        sys.stdout.write(f"{notes(changelog, version)}\n")
        return 0
    names = ("shared/setpoint/__init__.py", "Dockerfile", "cloudbuild.yaml")
    library, dockerfile, build = ((ROOT / name).read_text() for name in names)
    wrong = list(faults(version, library, changelog, dockerfile, build))
    sys.stdout.write("".join(f"error: {fault}\n" for fault in wrong))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

"""Look up known vulnerabilities of the functions' packages, .ci/requirements-functions.txt: `make audit`.

Fails where there are some. Where the database of advisories cannot be reached it says so, loudly, and does not fail: an
audit of nothing is no good news, and no reason to stop a machine that is offline. With ``--release`` it fails
then, too: what is released was asked about.
"""  # noqa: INP001 - a script

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

LOCK = Path(__file__).with_name("requirements-functions.txt")
_SECONDS = 180


def locked() -> set[str]:
    """The packages that are installed everywhere, by their names in the lock."""
    return set(re.findall(r"^([\w.-]+)==\S+ *\\?$", LOCK.read_text(), re.MULTILINE))


def verdict(report: dict[str, Any], *, release: bool = False, wanted: Iterable[str] = ()) -> tuple[int, list[str]]:
    """The exit code, and what to say.

    Args:
        report: what `pip-audit -f json` wrote.
        release: fail for each package that could not be asked about.
        wanted: what is to be asked about.
    """
    packages = report["dependencies"]
    bad = [package for package in packages if package.get("vulns")]
    if bad:
        return 1, [
            f"{package['name']} {package['version']}: {vuln['id']}, fixed in "
            f"{', '.join(vuln['fix_versions']) or 'no version'}"
            for package in bad
            for vuln in package["vulns"]
        ]
    checked = [package for package in packages if "skip_reason" not in package]
    if not checked:
        return int(release), [
            "NOT ASKED: no advisories could be had for any package; run `make audit` where they can be reached"
        ]
    lines = [f"{len(checked)} packages without a known vulnerability"]
    missed = sorted(
        {package["name"] for package in packages if "skip_reason" in package} | _unreported(packages, wanted)
    )
    if missed:
        lines.append(f"NOT ASKED: {', '.join(missed)}")
    return int(release and bool(missed)), lines


def _unreported(packages: list[dict[str, Any]], wanted: Iterable[str]) -> set[str]:
    """What a report should speak of, and does not."""
    reported = {_normal(package["name"]) for package in packages}
    return {name for name in wanted if _normal(name) not in reported}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Ask, say what was found, and give the exit code."""
    release = "--release" in sys.argv[1:]
    tool = Path(sys.executable).with_name("pip-audit")
    asked = [str(tool), "--requirement", str(LOCK), "--require-hashes", "--disable-pip", "--format=json"]
    try:
        ran = subprocess.run(  # noqa: S603 - the words are ours
            [*asked, "--progress-spinner=off"], capture_output=True, text=True, check=False, timeout=_SECONDS
        )
        code, lines = verdict(json.loads(ran.stdout), release=release, wanted=locked())
    except (OSError, ValueError, LookupError, TypeError, subprocess.TimeoutExpired) as error:
        message = f"NOT ASKED: the audit did not run ({type(error).__name__}); run `make audit` where it can"
        code, lines = int(release), [message]
    sys.stdout.write("".join(f"audit: {line}\n" for line in lines))
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Known vulnerabilities of what the functions run with, .ci/requirements-functions.txt: `make audit`.

Fails where there are some. Where the database of advisories cannot be reached it says so, loudly, and does not fail: an
audit of nothing is no good news, and no reason to stop a machine that is offline.
"""  # noqa: INP001 - a script

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LOCK = Path(__file__).with_name("requirements-functions.txt")
_SECONDS = 180


def verdict(report: dict[str, Any]) -> tuple[int, list[str]]:
    """The exit code, and what to say.

    Args:
        report: what `pip-audit -f json` wrote.
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
        return 0, ["SKIPPED: no advisories could be had for any package; run `make audit` where they can be reached"]
    lines = [f"{len(checked)} packages without a known vulnerability"]
    if missed := [package["name"] for package in packages if "skip_reason" in package]:
        lines.append(f"NOT CHECKED: {', '.join(missed)}")
    return 0, lines


def main() -> int:
    """Ask, say what was found, and give the exit code."""
    tool = Path(sys.executable).with_name("pip-audit")
    asked = [str(tool), "--requirement", str(LOCK), "--require-hashes", "--disable-pip", "--format=json"]
    try:
        ran = subprocess.run(  # noqa: S603 - the words are ours
            [*asked, "--progress-spinner=off"], capture_output=True, text=True, check=False, timeout=_SECONDS
        )
        code, lines = verdict(json.loads(ran.stdout))
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        code, lines = 0, [f"SKIPPED: the audit did not run ({type(error).__name__}); run `make audit` where it can"]
    sys.stdout.write("".join(f"audit: {line}\n" for line in lines))
    return code


if __name__ == "__main__":
    sys.exit(main())

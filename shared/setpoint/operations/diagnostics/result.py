"""The result of a check."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal

import msgspec

from setpoint.errors import AccessDenied, SetpointError
from setpoint.operations.diagnostics.installation import Installation

Verdict = Literal[
    "pass",
    "warn",  # it works, and a person should review it
    "fail",  # it does not work
    "unknown",  # it could not be looked at
]

APPLY = "run `terraform apply`"
"""What to do about most of what is not as the code of the installation says."""


class CheckResult(msgspec.Struct, frozen=True):
    """One result of a check.

    Args:
        check: which check.
        verdict: how it is.
        what: what was found, in words.
        do: what to do about it; empty where it passes.
    """

    check: str
    verdict: Verdict
    what: str
    do: str = ""


Diagnosis = tuple[Verdict, str] | tuple[Verdict, str, str]
"""Verdict, what was found, and what to do about it."""

Check = Callable[[Installation], Iterable[Diagnosis]]


def examine(installation: Installation, checks: Mapping[str, Check]) -> list[CheckResult]:
    """Run every check; a failing check does not stop the others."""
    results: list[CheckResult] = []
    for name, check in checks.items():
        try:
            results += [CheckResult(name, *finding) for finding in check(installation)]
        except AccessDenied as error:
            results.append(
                CheckResult(name, "unknown", f"the calling account may not read it: {error}", _permission_hint(error))
            )
        except SetpointError as error:
            results.append(CheckResult(name, "unknown", str(error), "fix that, and run the command again"))
        except Exception as error:  # noqa: BLE001 - a bug in one check hides no other
            kind = type(error).__name__
            results.append(
                CheckResult(name, "unknown", f"the check itself failed ({kind}: {error})", "report it as a bug")
            )
    return results


def all_pass(results: Iterable[CheckResult]) -> bool:
    """Whether no check fails or is unknown."""
    return all(result.verdict in ("pass", "warn") for result in results)


def _permission_hint(error: AccessDenied) -> str:
    return f"grant {error.permission} to the calling account; roles/viewer on the project includes all except feeds"

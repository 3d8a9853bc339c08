"""How ``validate`` writes what it checked: for people, as JSON, or as SARIF 2.1.0 for code hosts.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from setpoint.declarations.readers.documents import Problem
from setpoint.declarations.readers.load import LoadResult

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def as_json(loaded: LoadResult) -> dict[str, Any]:
    """What was loaded and what is wrong, as one object."""
    return {
        "declared": len(loaded.desired),
        "scopes": len(loaded.scopes),
        "values": loaded.leaves,
        "unchecked": loaded.unchecked,
        "untellable": loaded.untellable,
        "coverage": round(loaded.coverage, 4),
        "skipped": dict(loaded.skipped),
        "errors": [_problem(problem) for problem in loaded.problems],
        "warnings": [_problem(problem) for problem in loaded.warnings],
        "counts": counts([*loaded.problems, *loaded.warnings]),
    }


def counts(problems: Iterable[Problem]) -> dict[str, int]:
    """How many problems there are of each category, the most frequent first."""
    return dict(Counter(problem.category for problem in problems).most_common())


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "object": problem.subject,
        "field": problem.field,
        "category": problem.category,
        "message": problem.message,
    }


def as_sarif(loaded: LoadResult) -> dict[str, Any]:
    """Errors and warnings as a SARIF log with one run."""
    problems = [*loaded.problems, *loaded.warnings]
    rules = [{"id": category, "name": category} for category in counts(problems)]
    driver = {"name": "setpoint", "rules": rules}
    results = [_result(problem) for problem in problems]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _result(problem: Problem) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": problem.file.replace("\\", "/")}}
    if problem.line:
        place["region"] = {"startLine": problem.line}
    text = ": ".join(part for part in (problem.subject, problem.field, problem.message) if part)
    return {
        "ruleId": problem.category,
        "level": "error" if problem.is_error else "warning",
        "message": {"text": text},
        "locations": [{"physicalLocation": place}],
    }

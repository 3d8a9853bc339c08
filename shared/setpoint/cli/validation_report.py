"""The result of ``validate`` as one object, and as check results for CI."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from setpoint.cli.check_reports import CiResult
from setpoint.cli.output_models import Validation, problem_outputs
from setpoint.declarations.readers.documents import Problem
from setpoint.declarations.readers.load import LoadResult
from setpoint.util.secret_formats import scrub


def as_output(loaded: LoadResult) -> Validation:
    """What was loaded and what is wrong, as one object."""
    return Validation(
        declared=len(loaded.desired),
        scopes=len(loaded.scopes),
        values=loaded.leaves,
        unchecked=loaded.unchecked,
        pending=loaded.pending,
        untellable=loaded.unobservable,
        coverage=round(loaded.coverage, 4),
        skipped=dict(loaded.skipped),
        errors=problem_outputs(loaded.problems),
        warnings=problem_outputs(loaded.warnings),
        counts=counts([*loaded.problems, *loaded.warnings]),
        references_elsewhere=loaded.elsewhere.count,
    )


def counts(problems: Iterable[Problem]) -> dict[str, int]:
    """How many problems there are of each category, the most frequent first."""
    return dict(Counter(problem.category for problem in problems).most_common())


def as_results(loaded: LoadResult) -> list[CiResult]:
    """Errors, then warnings, as results for the formats of CI."""
    return [
        CiResult(
            problem.file,
            problem.line,
            problem.category,
            "error" if problem.is_error else "warning",
            problem.subject,
            scrub(": ".join(filter(None, (problem.field, problem.message)))),
        )
        for problem in (*loaded.problems, *loaded.warnings)
    ]

"""The exit codes of all commands."""

from __future__ import annotations

from setpoint.errors import NotPermitted

IN_SYNC = 0
"""Done, and nothing drifts that the options ask about."""
ERROR = 1
"""It could not be done: a wrong option, a bad document, no answer."""
DRIFT = 2
"""Something has drifted, and an option asked for this code: ``--exit-code``, ``--fail-on``, ``--detailed-exitcode``."""
REFUSED = 3
"""A rule of the installation forbids it: a guardrail, another owner, the limit of removals."""


def exit_code(error: Exception) -> int:
    """``REFUSED`` for an error of a guardrail or a permission of the installation, ``ERROR`` for any other."""
    return REFUSED if isinstance(error, NotPermitted) else ERROR

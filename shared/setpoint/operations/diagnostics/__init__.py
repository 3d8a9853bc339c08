"""What is wrong with a live installation, and what to do about each.

Every check is a small function in a table (``checks.CHECKS``) and looks at one thing; one that fails is itself a
result, and keeps no other from being made.
"""

from __future__ import annotations

from setpoint.operations.diagnostics.checks import CHECKS
from setpoint.operations.diagnostics.installation import Installation
from setpoint.operations.diagnostics.preflight import OPTIONS, PREFLIGHT
from setpoint.operations.diagnostics.result import CheckResult, Verdict, all_pass, examine

__all__ = ["CHECKS", "OPTIONS", "PREFLIGHT", "CheckResult", "Installation", "Verdict", "all_pass", "examine"]

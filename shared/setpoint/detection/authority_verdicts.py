"""Verdicts on who may declare a resource: findings about the installation, which are alerted and never remediated."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from setpoint import __version__
from setpoint.detection import record_limits
from setpoint.detection.verdict import Verdict, fingerprint
from setpoint.model import field_path
from setpoint.model.claim_conflicts import ClaimConflicts
from setpoint.model.declaration import Owner, Source
from setpoint.model.difference import Difference
from setpoint.model.fleet_rules import Rules
from setpoint.model.observation import Observation


def disputed(contest: ClaimConflicts, rules: Rules, observation: Observation) -> Verdict:
    """The verdict on a resource that two sources declare, each with permission: neither declaration counts."""
    return _verdict(contest.difference(), rules, observation, f"{contest.digest}{rules.digest}@{__version__}")


def refused(reasons: Mapping[str, str], count: int, rules: Rules, observation: Observation) -> Verdict:
    """The verdict on a source with refused declarations: a finding about the installation.

    Args:
        reasons: the reasons by resource name, up to a size.
        count: the number of refused declarations.
        rules: the rules of the fleet.
        observation: the observation of the source.
    """
    differences = tuple(
        Difference(field_path.text((None, name)), "unexpected", observed=reason, kind="authority")
        for name, reason in sorted(reasons.items())
    )
    verdict = _verdict(differences[0] if differences else None, rules, observation, rules.digest)
    digest = fingerprint("modified", map(record_limits.encode, differences)) if differences else ""
    return replace(verdict, differences=differences, difference_count=count, fingerprint=digest)


def _verdict(difference: Difference | None, rules: Rules, observation: Observation, judged_by: str) -> Verdict:
    """A verdict on who may declare a resource; it is alerted and never remediated."""
    owner = rules.sources.owner if rules.sources is not None else Owner()
    return Verdict(
        kind="modified" if difference is not None else None,
        differences=(difference,) if difference is not None else (),
        difference_count=1 if difference is not None else 0,
        fingerprint=fingerprint("modified", [record_limits.encode(difference)]) if difference is not None else "",
        severity="high" if difference is not None else "low",
        owner=owner,
        mode="alert",
        project=observation.project,
        source=rules.sources.source if rules.sources is not None else Source(),
        judged_by=judged_by,
    )

"""Why a finding resolves: the drift ended, a rule leaves it alone, or the declaration took it over."""

from __future__ import annotations

from msgspec.structs import replace

from setpoint.detection.verdict import Verdict
from setpoint.model.observation import Observation
from setpoint.model.resource_state import Finding, ResourceState


def absorbed(finding: Finding, state: ResourceState, observation: Observation, verdict: Verdict) -> Finding:
    """The resolved finding, with what ended it where the declaration now includes the drift and no change was observed.

    A Terraform state that was refreshed declares what was observed, and the configuration may still differ.
    """
    is_same_observation = observation.observed_at == state.observed_at
    if finding.reason != "in sync" or not is_same_observation or not _declares_otherwise(state, verdict):
        return finding
    revision = verdict.source.commit
    return replace(finding, reason=f"absorbed by {revision}" if revision.startswith("serial ") else "absorbed")


def _declares_otherwise(state: ResourceState, verdict: Verdict) -> bool:
    """Whether the declarations changed between two verdicts, and not this version's understanding of them."""
    (before, _, version), (after, _, version_now) = (
        judge.partition("@") for judge in (state.judged_by, verdict.judged_by)
    )
    return bool(before) and version == version_now and before[:_DIGEST] != after[:_DIGEST]


_DIGEST = 16
"""Hexadecimal digits of the digest of one declaration, with which ``judged_by`` begins."""


def reason_without_verdict(finding: Finding, observation: Observation) -> str:
    """Why a finding resolves where nothing judges the resource any more: for an unmanaged one no scope asks for it."""
    if finding.kind != "unmanaged":
        return "no longer declared"
    return "gone" if observation.deleted else "needs no declaration"


def reason_of(finding: Finding, observation: Observation, verdict: Verdict) -> str:
    """Why a finding resolves: a rule suppresses its drift, or the drift ended."""
    if finding.kind == "modified":
        quiet = {suppressed.difference.path for suppressed in verdict.suppressed if suppressed.difference is not None}
        is_ignored = bool(quiet) and all(difference.path in quiet for difference in finding.differences)
    else:
        is_ignored = any(suppressed.kind == finding.kind for suppressed in verdict.suppressed)
    if is_ignored:
        return "ignored"
    return "gone" if observation.deleted else "in sync"

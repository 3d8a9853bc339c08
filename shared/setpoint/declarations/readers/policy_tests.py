"""The native format's kind ``PolicyTest``: what a policy is to make of drifts that somebody has thought of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from setpoint.declarations.readers.pydantic_base import NonEmpty, StrictModel
from setpoint.model import policy as policies
from setpoint.model.declaration import Mode, Source
from setpoint.model.policy import Policy, PolicyInput
from setpoint.model.resource_key import Content
from setpoint.model.severity import Kind, Severity


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """A drift, and what the policy is to make of it.

    Args:
        name: what it is about.
        case: the drift.
        rule: the rule that is to apply, an empty string for none; None where that does not matter.
        mode: what is to be allowed by the rule, None where that does not matter.
        severity: the severity to expect, None where that does not matter.
        source: where it is written.
    """

    name: str
    case: PolicyInput
    rule: str | None
    mode: Mode | None
    severity: Severity | None
    source: Source

    def unmet(self, policy: Policy) -> str:
        """What does not hold, in words; empty where all does."""
        rule = policies.first_match(policy, self.case)
        got = rule.name if rule is not None else ""
        mode = policies.more_careful(rule.mode if rule is not None else None, None)
        severity = rule.severity if rule is not None and rule.severity is not None else self.case.severity
        checks = (("rule", self.rule, got), ("mode", self.mode, mode), ("severity", self.severity, severity))
        wrong = [(what, has or "none", want or "none") for what, want, has in checks if want not in (None, has)]
        return "; ".join(f"{what} is {has}, not {want}" for what, has, want in wrong)


class GivenModel(StrictModel):
    """A drift."""

    asset_type: NonEmpty
    content: Content = "resource"
    kind: Kind = "modified"
    severity: Severity = Field("medium", description="by Setpoint's own table")
    team: str = ""
    projects: tuple[NonEmpty, ...] = ()
    ancestors: tuple[NonEmpty, ...] = ()
    labels: dict[NonEmpty, str] = Field({})
    paths: tuple[NonEmpty, ...] = ()
    actor: str = ""


class ExpectModel(StrictModel):
    """What is to become of it."""

    rule: str | None = None
    mode: Mode | None = None
    severity: Severity | None = None


class CaseModel(StrictModel):
    """A drift, and what is to become of it."""

    name: NonEmpty
    given: GivenModel
    expect: ExpectModel


class PolicyTestMetadata(StrictModel):
    """The name of the tests."""

    name: NonEmpty


class PolicyTestSpec(StrictModel):
    """The tests."""

    cases: tuple[CaseModel, ...] = Field(min_length=1)


class PolicyTestModel(StrictModel):
    """Tests of a policy."""

    api_version: Literal["setpoint.dev/v1"]
    kind: Literal["PolicyTest"]
    metadata: PolicyTestMetadata
    spec: PolicyTestSpec


def tests(checked: PolicyTestModel, source: Source) -> tuple[PolicyTest, ...]:
    """The tests that a document says."""
    return tuple(
        PolicyTest(case.name, _case(case.given), case.expect.rule, case.expect.mode, case.expect.severity, source)
        for case in checked.spec.cases
    )


def _case(given: GivenModel) -> PolicyInput:
    fields = given.model_dump()
    return PolicyInput(**{**fields, "projects": frozenset(fields["projects"])})

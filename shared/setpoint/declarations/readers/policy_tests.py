"""The native format's kind ``PolicyTest``: what a policy is to make of drifts that somebody has thought of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from setpoint.declarations.readers.pydantic_base import Form, NonEmpty
from setpoint.model import policy as policies
from setpoint.model.declaration import Mode, Source
from setpoint.model.policy import Case, Policy
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
        severity: how bad it is to be, None where that does not matter.
        source: where it is written.
    """

    name: str
    case: Case
    rule: str | None
    mode: Mode | None
    severity: Severity | None
    source: Source

    def unmet(self, policy: Policy) -> str:
        """What does not hold, in words; empty where all does."""
        found = policies.find(policy, self.case)
        got = found.name if found is not None else ""
        mode = policies.more_careful(found.mode if found is not None else None, None)
        severity = found.severity if found is not None and found.severity is not None else self.case.severity
        checks = (("rule", self.rule, got), ("mode", self.mode, mode), ("severity", self.severity, severity))
        wrong = [(what, has or "none", want or "none") for what, want, has in checks if want not in (None, has)]
        return "; ".join(f"{what} is {has}, not {want}" for what, has, want in wrong)


class GivenModel(Form):
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


class ExpectModel(Form):
    """What is to become of it."""

    rule: str | None = None
    mode: Mode | None = None
    severity: Severity | None = None


class CaseModel(Form):
    """A drift, and what is to become of it."""

    name: NonEmpty
    given: GivenModel
    expect: ExpectModel


class PolicyTestMetadata(Form):
    """The name of the tests."""

    name: NonEmpty


class PolicyTestSpec(Form):
    """The tests."""

    cases: tuple[CaseModel, ...] = Field(min_length=1)


class PolicyTestModel(Form):
    """Tests of a policy."""

    api_version: Literal["setpoint.dev/v1"]
    kind: Literal["PolicyTest"]
    metadata: PolicyTestMetadata
    spec: PolicyTestSpec


def tests(checked: PolicyTestModel, source: Source) -> tuple[PolicyTest, ...]:
    """The tests that a document says."""
    return tuple(
        PolicyTest(one.name, _case(one.given), one.expect.rule, one.expect.mode, one.expect.severity, source)
        for one in checked.spec.cases
    )


def _case(given: GivenModel) -> Case:
    said = given.model_dump()
    return Case(**{**said, "projects": frozenset(said["projects"])})

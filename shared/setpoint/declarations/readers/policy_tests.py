"""The native format's kind ``PolicyTest``: the expected treatment of example drifts by a policy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, model_validator

from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison import compare as comparing
from setpoint.declarations.readers.pydantic_base import NonEmpty, StrictModel
from setpoint.model import policy as policies
from setpoint.model.compare_rules import rules_for
from setpoint.model.declaration import Mode, Source
from setpoint.model.policy import Policy, PolicyInput
from setpoint.model.references import Project
from setpoint.model.resource_key import Content
from setpoint.model.severity import Kind, Severity


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """An example drift, and the expected treatment.

    Args:
        name: its name.
        case: the drift.
        rule: the expected rule, an empty string for none; None if not tested.
        mode: the expected mode; None if not tested.
        severity: the expected severity; None if not tested.
        source: the location of the document.
        compared: a declared and an observed resource; None if the case has none.
        differences: the expected paths of differences; None if not tested.
    """

    name: str
    case: PolicyInput
    rule: str | None
    mode: Mode | None
    severity: Severity | None
    source: Source
    compared: tuple[dict[str, Any], dict[str, Any]] | None = None
    differences: frozenset[str] | None = None

    def unmet(self, policy: Policy) -> str:
        """The unmet expectation, for people; empty if all are met."""
        rule = policies.first_match(policy, self.case)
        got = rule.name if rule is not None else ""
        mode = policies.more_restrictive(rule.mode if rule is not None else None, None)
        severity = rule.severity if rule is not None and rule.severity is not None else self.case.severity
        checks = (("rule", self.rule, got), ("mode", self.mode, mode), ("severity", self.severity, severity))
        wrong = [(what, has or "none", want or "none") for what, want, has in checks if want not in (None, has)]
        faults = [f"{what} is {has}, not {want}" for what, has, want in wrong]
        if self.differences is not None and (differing := self._paths(policy)) != self.differences:
            faults.append(f"what differs is {_listed(differing)}, not {_listed(self.differences)}")
        return "; ".join(faults)

    def _paths(self, policy: Policy) -> frozenset[str]:
        """The paths that differ between the declared and the observed resource, by the policy's rules."""
        declared, observed = self.compared or ({}, {})
        schema = default_catalogue().fitting(self.case.asset_type, observed)
        overrides = rules_for(policy.compare, self.case.asset_type)
        walk = comparing.comparison_of(declared, observed, schema, own=Project(), overrides=overrides)
        return frozenset(difference.path for difference in walk.differences)


def _listed(paths: frozenset[str]) -> str:
    return ", ".join(sorted(paths)) or "nothing"


class GivenModel(StrictModel):
    """A drift."""

    asset_type: NonEmpty
    content: Content = "resource"
    kind: Kind = "modified"
    severity: Severity = Field("medium", description="severity by Setpoint's built-in table")
    team: str = ""
    projects: tuple[NonEmpty, ...] = ()
    ancestors: tuple[NonEmpty, ...] = ()
    labels: dict[NonEmpty, str] = Field({})
    paths: tuple[NonEmpty, ...] = ()
    actor: str = ""
    declared: dict[str, Any] | None = Field(None, description="declared fields, to be compared with `observed`")
    observed: dict[str, Any] | None = Field(None, description="the resource as it was observed")

    @model_validator(mode="after")
    def _has_both_sides(self) -> GivenModel:
        if (self.declared is None) != (self.observed is None):
            raise ValueError("declared and observed belong together; give both or neither")
        return self


class ExpectModel(StrictModel):
    """The expected treatment."""

    rule: str | None = None
    mode: Mode | None = None
    severity: Severity | None = None
    differences: tuple[str, ...] | None = Field(None, description="expected differing paths; empty for none")


class CaseModel(StrictModel):
    """A drift, and its expected treatment."""

    name: NonEmpty
    given: GivenModel
    expect: ExpectModel

    @model_validator(mode="after")
    def _compares_something(self) -> CaseModel:
        if self.expect.differences is not None and self.given.declared is None:
            raise ValueError("expect.differences needs given.declared and given.observed")
        return self


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
    """Convert a document."""
    return tuple(
        PolicyTest(
            case.name,
            _case(case.given),
            case.expect.rule,
            case.expect.mode,
            case.expect.severity,
            source,
            (case.given.declared, case.given.observed or {}) if case.given.declared is not None else None,
            frozenset(case.expect.differences) if case.expect.differences is not None else None,
        )
        for case in checked.spec.cases
    )


def _case(given: GivenModel) -> PolicyInput:
    fields = given.model_dump(exclude={"declared", "observed"})
    return PolicyInput(**{**fields, "projects": frozenset(fields["projects"])})

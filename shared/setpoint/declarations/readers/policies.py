"""The native format's kind ``Policy``: rules for the severity and remediation of drifts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from setpoint.declarations.readers import pydantic_base
from setpoint.declarations.readers.owner_rules import Ancestor, Path, PlacedOwnerRuleModel, owner_rule
from setpoint.declarations.readers.pydantic_base import AsSeconds, Cron, NonEmpty, Settle, StrictModel, TimeZone
from setpoint.model.compare_rules import CompareRule, How
from setpoint.model.declaration import Mode, Source
from setpoint.model.maintenance_windows import Window
from setpoint.model.observation import ObservedThrough
from setpoint.model.policy import (
    Executor,
    Limits,
    Match,
    ObserveRule,
    Policy,
    Rule,
    ShownFields,
    Undeclared,
    UndeclaredGrants,
    UndeclaredMatch,
    UndeclaredReport,
)
from setpoint.model.resource_key import Content
from setpoint.model.severity import Kind, Severity

_Duration = Annotated[float, AsSeconds, Field(ge=1, le=366 * 86_400)]
_Count = Annotated[int, Field(ge=0, le=1_000_000)]
_Share = Annotated[float, Field(ge=0, le=1)]
_AtLeastOne = Annotated[int, Field(ge=1, le=1_000_000)]


class MatchModel(StrictModel):
    """Conditions on drifts. All must hold."""

    asset_types: tuple[NonEmpty, ...] = Field((), description="types, or globs as compute.googleapis.com/*")
    contents: tuple[Content, ...] = ()
    projects: tuple[NonEmpty, ...] = Field((), description="ids, numbers, or globs as sandbox-*")
    ancestors: tuple[Ancestor, ...] = Field(
        (), description="folders/NUMBER, organizations/NUMBER; direct or indirect ancestors"
    )
    labels: dict[NonEmpty, str] = Field({}, description="all of these labels; * for any value")
    teams: tuple[NonEmpty, ...] = ()
    kinds: tuple[Kind, ...] = ()
    severities: tuple[Severity, ...] = Field((), description="severity by Setpoint's built-in table")
    paths: tuple[Path, ...] = Field((), description="field paths; every difference must be below one of them")
    actors: tuple[NonEmpty, ...] = Field((), description="actors of the drift, or globs: *@example.com")


class WindowModel(StrictModel):
    """A period in which remediation needs no approval."""

    cron: Cron = Field(description="start as a cron expression of five fields: 0 9 * * MON-FRI")
    duration: _Duration = Field(description="length of the window: 8h")
    time_zone: TimeZone = "UTC"


class RuleModel(StrictModel):
    """The treatment of matching drifts; the first rule that matches applies."""

    name: NonEmpty
    match: MatchModel = Field(default_factory=MatchModel.model_construct)
    severity: Severity | None = None
    mode: Mode | None = None
    executor: Executor = "api"
    settle: Settle = None
    windows: tuple[WindowModel, ...] = ()
    approvals: Annotated[int, Field(ge=1, le=2, description="number of required approvals by different people")] = 1


class ObserveModel(StrictModel):
    """The source of observations for declared resources; the first rule that matches applies."""

    source: ObservedThrough = Field("api", description="api: read through their own API, too; inventory: do not")
    asset_types: tuple[NonEmpty, ...] = Field((), description="types, or globs as compute.googleapis.com/*")
    resources: tuple[NonEmpty, ...] = Field((), description="full resource names, or globs")

    @model_validator(mode="after")
    def _has_target(self) -> Self:
        if not self.asset_types and not self.resources:
            raise ValueError("names neither assetTypes nor resources; `assetTypes: ['*']` means all")
        return self


class UndeclaredMatchModel(StrictModel):
    """Paths of undeclared values."""

    paths: tuple[Path, ...] = Field((), description="field paths; all if empty")
    asset_types: tuple[NonEmpty, ...] = Field((), description="types, or globs as compute.googleapis.com/*")

    @model_validator(mode="after")
    def _has_target(self) -> Self:
        if not self.asset_types and not self.paths:
            raise ValueError("names neither paths nor assetTypes; `assetTypes: ['*']` names all of them")
        return self


class UndeclaredModel(StrictModel):
    """The reaction to changes of undeclared values."""

    report: UndeclaredReport = Field("severe", description="severe: security-relevant fields; all; off")
    ignore: tuple[UndeclaredMatchModel, ...] = ()
    grants: UndeclaredGrants = Field(
        "report", description="remove: undeclared grants in a scope of grants may be removed, by mode"
    )
    remediate: tuple[UndeclaredMatchModel, ...] = Field(
        (), description="last known good values that may be restored, by mode; none if empty"
    )


class LimitsModel(StrictModel):
    """The guardrails."""

    per_project: _Count = Limits().per_project
    per_fleet: _Count = Limits().per_fleet
    within: _Duration = Limits().within
    surge: _AtLeastOne = Limits().surge
    failures: _AtLeastOne = Limits().failures
    flaps: _AtLeastOne = Limits().flaps
    flap_within: _Duration = Limits().flap_within
    attempts: _AtLeastOne = Limits().attempts
    rollout: Annotated[float, AsSeconds, Field(ge=0, le=30 * 86_400)] = Limits().rollout
    stale_after: _Duration = Limits().stale_after
    per_source: _Count = Limits().per_source
    source_share: _Share = Limits().source_share
    approval_lasts: _Duration = Limits().approval_lasts
    grants_lost: _Share = Limits().grants_lost
    readings_per_minute: _AtLeastOne = Limits().readings_per_minute


class ShownModel(StrictModel):
    """Fields whose values are shown although the schema does not describe them."""

    fields: tuple[Path, ...] = Field(min_length=1, description="field paths, as template.containers[*].env[*].value")
    asset_types: tuple[NonEmpty, ...] = Field((), description="types, or globs; any if empty")


class CompareModel(StrictModel):
    """How a field is compared, in place of the built-in rules; the first rule that matches applies."""

    how: How = Field(description="literal, ignore-case, number, duration, reference, list or set")
    path: Path = Field(description="the field, with * for any key and [*] for any element")
    asset_types: tuple[NonEmpty, ...] = Field((), description="types, or globs as compute.googleapis.com/*")


class PolicySpec(StrictModel):
    """The rules and the guardrails."""

    dry_run: bool = Field(default=True, description="show what would be written, and write nothing")
    limits: LimitsModel = LimitsModel()
    appliers: tuple[NonEmpty, ...] = Field((), description="accounts that apply the declarations, or globs as ci-*@*")
    applier_grace: Annotated[float, AsSeconds, Field(ge=0, le=86_400)] = Policy().applier_grace
    rules: tuple[RuleModel, ...] = ()
    observe: tuple[ObserveModel, ...] = Field((), description="resources that are also read through their own API")
    show: tuple[ShownModel, ...] = Field((), description="fields whose values may be shown; see docs/security.md")
    compare: tuple[CompareModel, ...] = Field((), description="how single fields are compared")
    undeclared: UndeclaredModel = Field(default_factory=UndeclaredModel.model_construct)
    defaults: tuple[PlacedOwnerRuleModel, ...] = Field(
        (), description="defaults for owner, mode, grace period and ignored paths; the first matching entry counts"
    )

    @field_validator("rules")
    @classmethod
    def _have_names_of_their_own(cls, value: tuple[RuleModel, ...]) -> tuple[RuleModel, ...]:
        return pydantic_base.distinct(value, "rules")


class PolicyMetadata(StrictModel):
    """The name of the policy."""

    name: NonEmpty


class PolicyModel(StrictModel):
    """The policy of a fleet; there is one."""

    api_version: Literal["setpoint.dev/v1"]
    kind: Literal["Policy"]
    metadata: PolicyMetadata
    spec: PolicySpec


def policy(checked: PolicyModel, source: Source) -> Policy:
    """Convert a document."""
    spec = checked.spec
    return Policy(
        name=checked.metadata.name,
        rules=tuple(_rule(rule) for rule in spec.rules),
        dry_run=spec.dry_run,
        limits=Limits(**spec.limits.model_dump()),
        source=source,
        appliers=spec.appliers,
        applier_grace=spec.applier_grace,
        observe=tuple(ObserveRule(**rule.model_dump()) for rule in spec.observe),
        show=tuple(ShownFields(entry.fields, entry.asset_types) for entry in spec.show),
        compare=tuple(CompareRule(**rule.model_dump()) for rule in spec.compare),
        undeclared=Undeclared(
            report=spec.undeclared.report,
            ignore=tuple(UndeclaredMatch(**rule.model_dump()) for rule in spec.undeclared.ignore),
            grants=spec.undeclared.grants,
            remediate=tuple(UndeclaredMatch(**rule.model_dump()) for rule in spec.undeclared.remediate),
        ),
        defaults=tuple(map(owner_rule, spec.defaults)),
    )


def _rule(model: RuleModel) -> Rule:
    fields: dict[str, Any] = model.model_dump()
    fields["match"] = Match(**fields["match"])
    fields["windows"] = tuple(Window(**window) for window in fields["windows"])
    return Rule(**fields)

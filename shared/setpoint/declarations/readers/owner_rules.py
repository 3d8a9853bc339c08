"""Rules of documents for declarations that name no owner, mode or grace period."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from setpoint.declarations.readers.owners import owner_of
from setpoint.declarations.readers.pydantic_base import NonEmpty, OwnerModel, Settle, StrictModel
from setpoint.errors import BadDeclaration
from setpoint.model import field_path
from setpoint.model.declaration import Mode
from setpoint.model.owner_rules import OwnerRule


def _is_path(value: str) -> str:
    try:
        field_path.parse(value)
    except BadDeclaration as error:
        raise ValueError(str(error)) from None
    return value


Path = Annotated[NonEmpty, AfterValidator(_is_path)]
"""A field path, with ``*`` for any key and ``[*]`` for any element."""
Ancestor = Annotated[str, Field(pattern=r"^(folders|organizations)/[0-9]+$")]
"""The places of a resource."""


class ConditionsModel(StrictModel):
    """Which declarations a rule is about."""

    addresses: tuple[NonEmpty, ...] = Field((), description="Terraform's addresses, or globs: module.net.*")
    modules: tuple[NonEmpty, ...] = Field((), description="modules around the resource, or globs: module.net")
    files: tuple[NonEmpty, ...] = Field((), description="files or URLs of states, or globs")
    projects: tuple[NonEmpty, ...] = Field((), description="project ids, or globs")
    asset_types: tuple[NonEmpty, ...] = Field((), description="asset types, or globs")

    def conditions(self) -> dict[str, tuple[str, ...]]:
        """The conditions by name."""
        return {name: getattr(self, name) for name in ConditionsModel.model_fields}


class OwnerRuleModel(ConditionsModel):
    """A rule for the owner of declarations that fulfil all conditions."""

    owner: OwnerModel = OwnerModel()
    mode: Mode | None = None
    settle: Settle = None
    ignore: tuple[Path, ...] = Field((), description="field paths that are not compared")

    @model_validator(mode="after")
    def _is_not_empty(self) -> OwnerRuleModel:
        if self.owner == OwnerModel() and self.mode is None and self.settle is None and not self.ignore:
            raise ValueError("says nothing: give owner, mode, settle or ignore")
        return self


class PlacedOwnerRuleModel(OwnerRuleModel):
    """A rule that applies to observed resources, whose folders are known."""

    folders: tuple[Ancestor, ...] = Field(
        (), description="folders/NUMBER, organizations/NUMBER; direct or indirect ancestors"
    )


def owner_rule(model: OwnerRuleModel) -> OwnerRule:
    """Convert a rule."""
    return OwnerRule(**{**model.model_dump(), "owner": owner_of(**model.owner.model_dump())})

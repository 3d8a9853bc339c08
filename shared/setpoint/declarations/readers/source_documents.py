"""The native format's kind ``Sources``: the permissions of each source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from setpoint.declarations.readers import pydantic_base
from setpoint.declarations.readers.owners import owner_of
from setpoint.declarations.readers.pydantic_base import NonEmpty, OwnerModel, StrictModel
from setpoint.model.declaration import Source
from setpoint.model.source_grants import INSTALLATION, Carried, SourceGrant, Sources

_SourceName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*|(gs|https|tfc)://[!-~]+)$")]
_Project = Annotated[str, StringConstraints(pattern=r"^[a-z0-9.:-]+$")]


class GrantModel(StrictModel):
    """The permissions of a source."""

    name: _SourceName = Field(
        description="folder of the source in the declarations bucket, or its name on the command line"
    )
    uploaders: tuple[NonEmpty, ...] = Field(
        (), description="accounts that upload the source; the bucket's IAM conditions enforce it"
    )
    everywhere: bool = Field(default=False, description="the source may declare resources anywhere")
    projects: tuple[_Project, ...] = Field(
        (), description="ids or numbers; no globs, since the creator of a project chooses its id"
    )
    folders: tuple[pydantic_base.Folder, ...] = Field((), description="numbers; includes everything below")
    organizations: tuple[pydantic_base.Organization, ...] = Field((), description="numbers; includes everything below")
    asset_types: tuple[pydantic_base.AssetTypes, ...] = Field((), description="types, or globs; all types unless given")
    carries: tuple[Carried, ...] = Field((), description="documents that the source may carry besides declarations")
    teams: tuple[NonEmpty, ...] = Field((), description="owners that it may name, or globs; its own name unless given")

    @model_validator(mode="after")
    def _has_place(self) -> GrantModel:
        if self.name == INSTALLATION:
            raise ValueError(f"{INSTALLATION} is the installation's own source; it may do everything and is not listed")
        if not (self.everywhere or self.projects or self.folders or self.organizations or self.carries):
            raise ValueError("may do nothing: give projects, folders, organizations or everywhere, or what it carries")
        return self

    def ancestors(self) -> tuple[str, ...]:
        """Folders and organizations in the inventory's format."""
        return pydantic_base.ancestors(self.folders, self.organizations)


class SourcesMetadata(StrictModel):
    """The owner of the installation."""

    name: NonEmpty = "sources"
    owner: OwnerModel = OwnerModel()


class SourcesSpec(StrictModel):
    """All sources; a source without an entry has no permissions."""

    sources: tuple[GrantModel, ...] = ()

    @field_validator("sources")
    @classmethod
    def _have_names_of_their_own(cls, value: tuple[GrantModel, ...]) -> tuple[GrantModel, ...]:
        return pydantic_base.distinct(value, "sources")


class SourcesModel(StrictModel):
    """The permissions of each source; only the installation's own source may hold this document."""

    api_version: Literal["setpoint.dev/v1"]
    kind: Literal["Sources"]
    metadata: SourcesMetadata = SourcesMetadata()
    spec: SourcesSpec


def sources(checked: SourcesModel, source: Source) -> Sources:
    """Convert a document."""
    owner = checked.metadata.owner
    return Sources(
        grants=tuple(
            SourceGrant(
                name=grant.name,
                uploaders=grant.uploaders,
                everywhere=grant.everywhere,
                projects=grant.projects,
                ancestors=grant.ancestors(),
                asset_types=grant.asset_types,
                carries=grant.carries,
                teams=grant.teams,
            )
            for grant in checked.spec.sources
        ),
        owner=owner_of(owner.team, owner.slack, owner.email),
        source=source,
    )

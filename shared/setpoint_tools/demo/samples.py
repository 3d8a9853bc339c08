"""The data types of the sample fleet: teams, projects, and resources with a declared and a live side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from setpoint.model.declaration import Authority, Mode, Owner
from setpoint.model.resource_key import Content, ResourceKey
from setpoint_tools.demo.asset_types import SampleType
from setpoint_tools.demo.server_defaults import Server
from setpoint_tools.demo.spelling_variants import SpellingVariator

Data = dict[str, Any]
DeclarationFormat = Literal["native", "terraform", "config connector"]
"""How a team declares its buckets, topics and the like; everything else is in the native format."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project of the sample fleet.

    Args:
        id: the project id.
        number: the project number, which the feed uses where people write the id.
        owner: the team that owns it.
        environment: ``prod``, ``staging`` or ``dev``.
        region: where its resources are.
        network: path of the shared network that it uses.
        form: how its owner declares most of it.
    """

    id: str
    number: str
    owner: Owner
    environment: str
    region: str
    network: str
    form: DeclarationFormat = "native"

    @property
    def subnetwork(self) -> str:
        """Path of the subnetwork in its region."""
        host = self.network.removesuffix("/global/networks/main")
        return f"{host}/regions/{self.region}/subnetworks/main-{self.region}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One resource and content of the sample fleet.

    Args:
        key: the resource and content.
        kind: its asset type.
        project: where it is; None for a folder.
        declared: what people wrote, in their spellings; None where nobody declared it.
        live: what the API says while all is well.
        owner: its owner.
        location: as the feed gives it.
        authority: of a declared IAM policy.
        ignore: paths that are not compared.
        exact: paths of objects and maps that are declared in full.
        mode: what may be done about drift.
    """

    key: ResourceKey
    kind: SampleType
    project: Project | None
    declared: Data | None
    live: Any
    owner: Owner
    location: str = ""
    authority: Authority = "policy"
    ignore: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    mode: Mode = "alert"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a resource is made: a project, the spelling of its authors and the server that answers."""

    project: Project
    spelling: SpellingVariator
    server: Server

    def sample(  # noqa: PLR0913 - what a sample is made of
        self,
        kind: SampleType,
        path: str,
        declared: Data | None,
        live: Any,
        *,
        location: str = "",
        content: Content = "resource",
        authority: Authority = "policy",
        ignore: tuple[str, ...] = (),
        exact: tuple[str, ...] = (),
        mode: Mode | None = None,
    ) -> Sample:
        """A resource of this project.

        Args:
            kind: its asset type.
            path: ``service/path``, less what every full name has.
            declared: what people wrote.
            live: what the API says.
            location: as the feed gives it.
            content: what of the resource is meant.
            authority: of an IAM policy.
            ignore: paths that are not compared.
            exact: paths of objects and maps that are declared in full.
            mode: what may be done about drift; by default more is asked in production.
        """
        service, _, rest = path.partition("/")
        by_environment: Mode = "approve" if self.project.environment == "prod" else "alert"
        return Sample(
            key=ResourceKey(f"//{service}.googleapis.com/{rest}", content),
            kind=kind,
            project=self.project,
            declared=declared,
            live=live,
            location=location,
            authority=authority,
            ignore=ignore,
            exact=exact,
            mode=mode or by_environment,
            owner=self.project.owner,
        )

    def labels(self, **more: str | int) -> Data:
        """The labels that everything has; the cost centre is a number to those who write it."""
        center = 1000 + int(self.project.number) % 90
        if self.project.form == "terraform":  # a state names the owner by a label
            more = {"setpoint-owner": self.project.owner.team, **more}
        return {
            "team": self.project.owner.team,
            "env": self.project.environment,
            "cost-center": self.spelling.number(center),
            **more,
        }

    def live_labels(self, declared: Data) -> Data:
        """The labels as the API returns them, with those that a controller and Google add."""
        own = {key: str(value) for key, value in declared.items()}
        return {**own, **self.server.labels()}

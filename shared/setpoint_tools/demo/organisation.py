"""The teams and projects of the sample fleet."""

from __future__ import annotations

import random

from setpoint.model.declaration import Owner
from setpoint_tools.demo.samples import DeclarationFormat, Project

ORGANISATION = "566099688680"
FOLDER = "918177713511"
CUSTOMER = "C03kd9x1q"
"""The customer id of the only domain whose members may be given roles."""

TEAMS = {
    name: Owner(team=name, slack=f"#{name}-{channel}", email=f"{name}@example.com")
    for name, channel in (
        ("network", "oncall"),
        ("security", "alerts"),
        ("payments", "alerts"),
        ("billing", "alerts"),
        ("storefront", "oncall"),
        ("data", "platform"),
        ("ml", "ops"),
    )
}

_REGIONS = {
    "network": "europe-west1",
    "security": "europe-west1",
    "payments": "europe-west1",
    "billing": "europe-west4",
    "storefront": "europe-west3",
    "data": "europe-west4",
    "ml": "europe-west4",
}

_FORMS: dict[str, DeclarationFormat] = {"data": "terraform", "billing": "config connector"}
"""How a team declares its buckets, topics, subscriptions and service accounts; the others write the native format."""

_PROJECTS = {
    "network": ("net-prod", "net-staging", "net-dev"),
    "security": ("keys-prod", "audit-prod"),
    "payments": ("payments-prod", "payments-staging", "payments-dev"),
    "billing": ("billing-prod", "billing-staging", "billing-dev"),
    "storefront": ("storefront-prod", "storefront-staging", "storefront-dev"),
    "data": ("lake-prod", "lake-staging", "warehouse-prod", "warehouse-staging"),
    "ml": ("training-prod", "training-dev", "serving-prod", "serving-staging"),
}


def projects() -> list[Project]:
    """All projects, each with a number of its own and the shared network of its environment."""
    numbers = random.Random("projects")  # noqa: S311 - a sample, no secret
    return [
        Project(
            id=project,
            number=str(numbers.randrange(10**11, 10**12)),
            owner=TEAMS[team],
            environment=project.rpartition("-")[2],
            region=_REGIONS[team],
            network=f"projects/net-{project.rpartition('-')[2]}/global/networks/main",
            form=_FORMS.get(team, "native"),
        )
        for team, names in _PROJECTS.items()
        for project in names
    ]

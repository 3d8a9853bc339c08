"""Determine the owner of a Terraform resource from its labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from setpoint.declarations.readers.owners import owner_of
from setpoint.model.declaration import Owner

OWNER_LABEL = "setpoint-owner"
"""The label whose value names the team. Label values are in lower case, without spaces."""

LABELS = ("effective_labels", "labels", "user_labels", "resource_labels")
"""The attributes with labels, by precedence; the first includes those of the provider block."""


def is_labelled(values: Mapping[str, Any]) -> bool:
    """Whether a resource has labels; most have none."""
    get = values.get
    return bool(get("labels") or get("effective_labels") or get("user_labels") or get("resource_labels"))


def by_label(values: Mapping[str, Any]) -> Owner:
    """The owner in the labels of a resource; empty if there is none.

    Args:
        values: The attributes of the resource.
    """
    for attribute in LABELS:
        labels = values.get(attribute)
        team = labels.get(OWNER_LABEL) if isinstance(labels, dict) else None
        if isinstance(team, str) and team:
            return owner_of(team)
    return Owner()

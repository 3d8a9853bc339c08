"""Find the labels of a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MAPS = ("labels", "resourceLabels", "userLabels")
"""The label fields of most APIs, of Kubernetes Engine clusters, and of Monitoring."""

_HOLDERS = ("settings", "metadata", "properties")
"""The fields that contain the labels in Cloud SQL instances, Cloud Run v1 and instance templates."""


def fit(wanted: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """Whether a resource has all of the wanted labels; ``*`` is any value."""
    return all(key in labels and value in ("*", labels[key]) for key, value in wanted.items())


def labels_of(data: Any) -> Mapping[str, str]:
    """The labels of a resource, from the field that its API uses; empty if it has none."""
    if not isinstance(data, dict):
        return {}
    for holder in (data, *(data.get(name) for name in _HOLDERS)):
        if isinstance(holder, dict):
            for name in _MAPS:
                labels = holder.get(name)
                if labels and isinstance(labels, dict):
                    return labels
    return {}

"""Where a resource has its labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MAPS = ("labels", "resourceLabels", "userLabels")
"""Of most APIs, of Kubernetes Engine's clusters, and of monitoring."""

_HOLDERS = ("settings", "metadata", "properties")
"""What holds them in Cloud SQL's instances, in Cloud Run's first API and in instance templates."""


def labels_of(data: Any) -> Mapping[str, str]:
    """The labels of a resource, wherever its API has put them; empty where it has none."""
    if not isinstance(data, dict):
        return {}
    for holder in (data, *(data.get(name) for name in _HOLDERS)):
        if isinstance(holder, dict):
            for name in _MAPS:
                labels = holder.get(name)
                if labels and isinstance(labels, dict):
                    return labels
    return {}

"""System fields, which no declaration owns: they are ignored on both sides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

SYSTEM_FIELDS = frozenset(
    (
        "etag",  # optimistic locking; changes with every write
        "fingerprint",  # the same, in compute
        "labelFingerprint",  # the same, for the labels alone
        "selfLink",  # the resource's own address
        "selfLinkWithId",  # the same
        "creationTimestamp",  # compute's server time
        "createTime",  # server time
        "updateTime",  # server time
        "timeCreated",  # storage's server time
        "updated",  # the same
        "metageneration",  # storage's counter of metadata writes
    )
)
"""Output-only top-level fields, even if a schema does not mark them."""

IDENTITY_FIELDS = frozenset(("name", "zone", "region", "location", "network"))
"""Fields that identify the resource: some schemas call them output-only, yet a declaration may contradict them."""

_SYSTEM_LABEL = re.compile(r"goog-|managed-by-|cloud\.googleapis\.com/")
LABEL_MAPS = frozenset(("labels", "userLabels", "resourceLabels", "annotations"))
"""Maps of labels, whose keys have owners."""

CONTROLLER_LABEL = "managed-by-cnrm"
"""Config Connector sets it wherever it sets labels, and only there: some kinds do not copy their object's labels."""


def is_system_label(container: str, key: str) -> bool:
    """Whether ``key`` is a label that Google (``goog-…``) or a controller (``managed-by-…``) reserves."""
    return container in LABEL_MAPS and _SYSTEM_LABEL.match(key) is not None


def is_unlabelled(declared: Mapping[str, Any], observed: Mapping[str, Any]) -> bool:
    """Whether labels of Config Connector are declared, and the resource has no labels except Google's own.

    It sets labels on some kinds only, and there is no list of them; an existing label is compared.
    Source: https://cloud.google.com/config-connector/docs/how-to/managing-deleting-resources
    """
    return CONTROLLER_LABEL in declared and all(key.startswith("goog-") for key in observed)


def is_zero(value: Any) -> bool:
    """Whether protobuf JSON leaves this value out: zero, empty, or made of nothing else."""
    if isinstance(value, dict):
        return all(is_zero(part) for part in value.values())
    if isinstance(value, str):
        return not value or value.endswith("_UNSPECIFIED")
    return not value

"""Recognize values that a service chooses for optional attributes; needed if only a state is known.

The value of an optional and computed attribute counts as the service's choice if it is zero, a documented default of
provider or API, a word for the usual case, or has the format of generated values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from setpoint.catalog.terraform_types import Attribute
from setpoint.declarations.readers.shape_matching import UNKNOWN

_USUAL = re.compile(
    r"(?:\w+_)?(?:unspecified|default|legacy|standard|basic|disabled?|none|off|auto|automatic|inherited|inherit"
    r"|provisioned|ipv4|ipv4_only|private|premium|regional|ingress|software|google_managed\w*|google_default\w*"
    r"|google_symmetric_encryption|user_defined|per_use|on_demand|running|active|ready|external|zonal|enabled"
    r"|managed_by_user|exclusive|all|any|free|shared|public)"
    r"|(?:disable|default|google_default|google_managed|no)_\w+",
    re.IGNORECASE,
)
"""Words for the default case in APIs."""

_MADE_UP = re.compile(
    r"\d+-compute@developer\.gserviceaccount\.com|(?:.*/)?[\w.-]+-compute@developer\.gserviceaccount\.com"
    r"|.*@(?:[\w-]+\.)?gserviceaccount\.com\Z(?<=-compute@developer\.gserviceaccount\.com)"
    r"|.*/networks/default|default"
    r"|\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?|[0-9a-f:]*::[0-9a-f:/]*"  # addresses and ranges
    r"|\d{4}-\d\d-\d\dT.*"  # times
    r"|[a-z]+-[a-z]+\d+(?:-[a-z])?"  # regions and zones
    r"|[0-9a-f]{8,}|[0-9a-f]{8}-[0-9a-f-]{27}|\d{8,}"  # generated numbers and ids
    r"|\d+(?:\.\d+)+(?:-[\w.]+)?"  # versions
    r"|\w+\.googleapis\.com(?:/.*)?"  # services of Google's own
    r"|(?:2592000|2678400|604800|86400|3600)s",  # round times: a month, a week, a day, an hour
    re.IGNORECASE,
)
"""Formats of values that services generate, or that are the project's by default."""

_WRITTEN = frozenset(
    (
        "ip_cidr_range",  # optional only where an internal range gives it
        "location",
        "machine_type",
        "network",
        "region",
        "size",
        "subnetwork",
        "zone",
    )
)
"""Attributes that authors nearly always set although the service may choose them."""

_CLUSTER = {
    # GKE sets all fields of a cluster and its pools; a state does not show which ones the author set.
    "google_container_cluster": ("",),
}
"""Terraform type → blocks in which flags and numbers may be set by the service."""

_CHOSEN: Mapping[str, Mapping[str, frozenset[Any]]] = {
    # The grants that BigQuery gives to those who may use the project: https://cloud.google.com/bigquery/docs/access-control-basic-roles
    "google_bigquery_dataset": {
        "access.special_group": frozenset(("projectOwners", "projectReaders", "projectWriters")),
        "access.role": frozenset(("OWNER", "READER", "WRITER")),
        "access.user_by_email": frozenset(),
        "max_time_travel_hours": frozenset(("168",)),
    },
    # https://cloud.google.com/tasks/docs/reference/rest/v2/projects.locations.queues
    "google_cloud_tasks_queue": {
        "rate_limits.max_concurrent_dispatches": frozenset(("1000",)),
        "rate_limits.max_dispatches_per_second": frozenset(("500", "500.0")),
        "retry_config.max_attempts": frozenset(("100",)),
        "retry_config.max_backoff": frozenset(("3600s",)),
        "retry_config.max_doublings": frozenset(("16",)),
        "retry_config.min_backoff": frozenset(("0.100s",)),
    },
    "google_storage_bucket": {
        "soft_delete_policy.retention_duration_seconds": frozenset(("604800",)),
    },
}
"""Terraform type → attribute → values that the service sets; an empty set includes every value."""


class ProviderDefaults(NamedTuple):
    """The known defaults of a type.

    Args:
        chosen: Attribute → values that the service sets.
        vague: Whether flags and numbers may be set by the service.
    """

    chosen: Mapping[str, frozenset[Any]]
    vague: bool

    def is_service_choice(self, names: str, attribute: Attribute, value: Any) -> bool:
        """Whether the service may have set an attribute by itself.

        Args:
            names: The dotted names of the attribute from the resource.
            attribute: The attribute in the provider's schema.
            value: Its value in the state.
        """
        listed = self.chosen.get(names)
        if listed is not None:
            return not listed or str(value) in listed
        if isinstance(value, list):
            return self.vague or value in attribute.default
        if isinstance(value, dict) or value is UNKNOWN:
            return False
        if value in ("", 0, False) or str(value) in map(str, attribute.default):
            return True
        if isinstance(value, (bool, int, float)):
            return self.vague
        return names.rpartition(".")[2] not in _WRITTEN and bool(_USUAL.fullmatch(value) or _MADE_UP.fullmatch(value))


@cache
def of(terraform_type: str) -> ProviderDefaults:
    """The known defaults of a type."""
    return ProviderDefaults(_CHOSEN.get(terraform_type, {}), terraform_type in _CLUSTER)

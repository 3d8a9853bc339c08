"""Behaviour of single APIs that no schema states: tables, each entry with its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field

_ABSENT_MEANS: Mapping[str, Any] = {
    # Pub/Sub leaves out the push format that it would use anyway:
    # https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions#pushconfig
    "x-goog-version": "v1",
}
"""Map entries that a server omits if they have its default."""

_ALIASES: Mapping[str, tuple[frozenset[str], ...]] = {
    # GoogleSQL's names beside the legacy ones; BigQuery answers with the legacy ones:
    # https://cloud.google.com/bigquery/docs/reference/rest/v2/tables#tablefieldschema
    "type": (
        frozenset(("INTEGER", "INT64")),
        frozenset(("FLOAT", "FLOAT64")),
        frozenset(("BOOLEAN", "BOOL")),
        frozenset(("RECORD", "STRUCT")),
        frozenset(("DECIMAL", "NUMERIC")),
        frozenset(("BIGDECIMAL", "BIGNUMERIC")),
    ),
    # The access of a BigQuery dataset takes the roles of IAM and answers with its own:
    # https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets#resource:-dataset
    "role": (
        frozenset(("READER", "roles/bigquery.dataViewer")),
        frozenset(("WRITER", "roles/bigquery.dataEditor")),
        frozenset(("OWNER", "roles/bigquery.dataOwner")),
    ),
    # OAuth scopes have short names, which gcloud, Terraform and Config Connector take:
    # https://cloud.google.com/sdk/gcloud/reference/compute/instances/create#--scopes
    **dict.fromkeys(
        ("scopes", "oauthScopes", "serviceAccountScopes"),
        tuple(
            frozenset((short, f"https://www.googleapis.com/auth/{scope}"))
            for short, scope in (
                ("bigquery", "bigquery"),
                ("cloud-platform", "cloud-platform"),
                ("cloud-source-repos", "source.full_control"),
                ("cloud-source-repos-ro", "source.read_only"),
                ("compute-ro", "compute.readonly"),
                ("compute-rw", "compute"),
                ("datastore", "datastore"),
                ("logging-write", "logging.write"),
                ("monitoring", "monitoring"),
                ("monitoring-read", "monitoring.read"),
                ("monitoring-write", "monitoring.write"),
                ("pubsub", "pubsub"),
                ("service-control", "servicecontrol"),
                ("service-management", "service.management.readonly"),
                ("sql", "sqlservice"),
                ("sql-admin", "sqlservice.admin"),
                ("storage-full", "devstorage.full_control"),
                ("storage-ro", "devstorage.read_only"),
                ("storage-rw", "devstorage.read_write"),
                ("taskqueue", "taskqueue"),
                ("trace", "trace.append"),
                ("userinfo-email", "userinfo.email"),
                ("useraccounts-ro", "cloud.useraccounts.readonly"),
                ("useraccounts-rw", "cloud.useraccounts"),
            )
        ),
    ),
    # A protocol by its number is answered by its name:
    # https://www.iana.org/assignments/protocol-numbers
    "IPProtocol": (
        frozenset(("1", "icmp")),
        frozenset(("6", "tcp")),
        frozenset(("17", "udp")),
        frozenset(("50", "esp")),
        frozenset(("51", "ah")),
        frozenset(("132", "sctp")),
    ),
}
"""Synonyms, by field name."""

_DEFAULT_ACCOUNT = re.compile(r"(\d+)-compute@developer\.gserviceaccount\.com\Z")
ACCOUNT_FIELDS = frozenset(("email", "serviceAccount", "serviceAccountEmail"))


def is_default_account(name: str, declared: str, observed: str, number: str = "") -> bool:
    """Whether ``default`` is declared and the project's Compute Engine default service account is observed.

    Args:
        name: name of the field.
        declared: its declared value.
        observed: its observed value.
        number: number of the resource's project; empty if unknown.

    Source: https://cloud.google.com/compute/docs/access/service-accounts#default_service_account
    """
    if declared != "default" or name not in ACCOUNT_FIELDS or (match := _DEFAULT_ACCOUNT.match(observed)) is None:
        return False
    return not number or match[1] == number


_IMPLIED_PREFIXES: Mapping[str, str] = {
    # A value of an organisation policy may say that it is no subtree:
    # https://cloud.google.com/resource-manager/docs/reference/orgpolicy/rest/v2/organizations.policies
    "allowedValues": "is:",
    "deniedValues": "is:",
}
"""Implied prefixes of values, by field name."""

ALIASED_FIELDS = frozenset((*_ALIASES, *_IMPLIED_PREFIXES))
"""Fields with synonyms or implied prefixes."""

CASELESS = frozenset(
    (
        "location",  # Cloud Storage and BigQuery answer in upper case what may be written in either
        "locationId",  # the same
        "locations",  # the same
        "region",  # the same
        "regions",  # the same
        "zone",  # the same
        "groupByEmail",  # an address
        "userByEmail",  # an address
        "imageType",  # GKE answers in upper case
        "storageClass",  # Cloud Storage answers in upper case
        "IPProtocol",  # compute answers in lower case: https://cloud.google.com/compute/docs/reference/rest/v1/firewalls
    )
)
"""Case-insensitive strings that no schema declares as enums."""


PRINCIPALS = frozenset(
    (
        "members",  # of an access level
        "identities",  # of an ingress or egress rule
        "iamMember",  # of the access of a BigQuery dataset
    )
)
"""Fields with principals, of which only the addresses are case-insensitive."""


_MEMBER_FIELDS: Mapping[str, str] = {
    # https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets#resource:-dataset
    "user": "userByEmail",
    "serviceAccount": "userByEmail",
    "group": "groupByEmail",
    "domain": "domain",
    "": "specialGroup",
}
"""The field for a member in a BigQuery dataset's access, by the member's kind."""


def is_named_otherwise(member: Any, observed: Mapping[str, Any]) -> bool:
    """Whether an observed access contains a declared member in the field of its kind."""
    kind, _, address = str(member).rpartition(":")
    answered = observed.get(_MEMBER_FIELDS.get(kind, ""))
    return isinstance(answered, str) and answered.casefold() == address.casefold()


def is_hidden(key: str, field: Field | None, value: Any) -> bool:
    """Whether the server omits this value because it is the default."""
    if field is not None and field.default is not None and field.default == value:
        return True
    return key in _ABSENT_MEANS and bool(_ABSENT_MEANS[key] == value)


def are_aliases(name: str, declared: str, observed: str) -> bool:
    """Whether two words are synonyms in a field of that name."""
    if prefix := _IMPLIED_PREFIXES.get(name):
        return declared.removeprefix(prefix) == observed.removeprefix(prefix)
    return any(declared in words and observed in words for words in _ALIASES.get(name, ()))

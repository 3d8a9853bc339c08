"""Behaviour of single APIs that no schema states: tables, each entry with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field

_ADDED_BY_SERVER = frozenset(
    (
        # Every Firestore index ends with the document's name, whether it is asked for or not:
        # https://cloud.google.com/firestore/docs/reference/rest/v1/projects.databases.collectionGroups.indexes#indexfield
        ("GoogleFirestoreAdminV1IndexField", "fieldPath", "__name__"),
        # A security policy gets a rule for what no other rule matches:
        # https://cloud.google.com/armor/docs/security-policy-overview
        ("SecurityPolicyRule", "priority", 2147483647),
        # A firewall policy gets four that hand on what no other rule matches:
        # https://cloud.google.com/firewall/docs/firewall-policies-rule-details
        *(("FirewallPolicyRule", "priority", 2147483647 - offset) for offset in range(4)),
    )
)
"""List elements that a server adds by itself: schema of the element, field, value."""

_ABSENT_MEANS: Mapping[str, Any] = {
    # Pub/Sub leaves out the push format that it would use anyway:
    # https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions#pushconfig
    "x-goog-version": "v1",
}
"""Map entries that a server leaves out where they hold its default."""

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
"""Synonyms, by the name of the field that holds them."""

_IMPLIED_PREFIXES: Mapping[str, str] = {
    # A value of an organisation policy may say that it is no subtree:
    # https://cloud.google.com/resource-manager/docs/reference/orgpolicy/rest/v2/organizations.policies
    "allowedValues": "is:",
    "deniedValues": "is:",
}
"""Prefixes of a value that are implied, by the name of the field."""

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
        "members",  # the addresses of an access level
        "identities",  # those of an ingress or egress rule
        "imageType",  # GKE answers in upper case
        "storageClass",  # Cloud Storage answers in upper case
        "IPProtocol",  # compute answers in lower case: https://cloud.google.com/compute/docs/reference/rest/v1/firewalls
    )
)
"""Strings whose case has no meaning, although no schema calls them an enum."""


def is_added_by_server(item: Field | None, element: Mapping[str, Any]) -> bool:
    """Whether the server adds this list element by itself."""
    if item is None or item.schema is None:
        return False
    schema = item.schema.name
    return any(schema == name and element.get(key) == value for name, key, value in _ADDED_BY_SERVER)


def is_hidden(key: str, field: Field | None, value: Any) -> bool:
    """Whether the server leaves this value out because it is the default."""
    if field is not None and field.default is not None and field.default == value:
        return True
    return key in _ABSENT_MEANS and bool(_ABSENT_MEANS[key] == value)


def are_aliases(name: str, declared: str, observed: str) -> bool:
    """Whether two words are synonyms in a field of that name."""
    if prefix := _IMPLIED_PREFIXES.get(name):
        return declared.removeprefix(prefix) == observed.removeprefix(prefix)
    return any(declared in words and observed in words for words in _ALIASES.get(name, ()))

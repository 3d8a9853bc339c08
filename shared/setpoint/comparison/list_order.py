"""Which lists are ordered.

Protobuf has one kind of list, and Google's schemas do not say which lists are ordered. Most are not: scopes, members,
tags, ranges, rules with a priority. A list is therefore a set unless its name is known as a sequence's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from setpoint.catalog import field_rules

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field

SEQUENCES = frozenset(
    (
        "args",  # a command line
        "arguments",  # the same
        "command",  # the same
        "commands",  # the same
        "entrypoint",  # the same
        "steps",  # run one after the other
        "stages",  # the same
        "installSteps",  # the same
        "updateSteps",  # the same
        "columns",  # of a table or an index
        "primaryKey",  # the same
        "clusteringFields",  # most significant first
        "httpFilters",  # applied in order
        "aggregations",  # each takes what the one before gives
        "initializationActions",  # run one after the other
        "runnables",  # the same
        "messageTransforms",  # the same
        "fieldTransformations",  # the same
        "extensionChains",  # first match wins
        "transitionRoutes",  # the same
        "localityLbPolicies",  # the first that the client knows is used
    )
)
"""Lists whose order has a meaning; every other list is a set."""

_ORDERED_ELEMENTS = frozenset(
    (
        "GoogleFirestoreAdminV1IndexField",  # another order is another index
        "GrpcRouteRouteRule",  # first match wins
        "HttpRouteRouteRule",  # the same
        "TcpRouteRouteRule",  # the same
        "TlsRouteRouteRule",  # the same
        "OSPolicyResource",  # enforced one after the other
    )
)
"""Messages whose lists have an order, under general names (``rules``, ``fields``, ``resources``)."""


def is_ordered(
    name: str, item: Field | None, field: Field | None = None, rules: field_rules.Rules = field_rules.NO_RULES
) -> bool:
    """Whether a list is ordered: by a table, its description, its name, or its elements.

    Args:
        name: the list's name.
        item: the schema of its elements.
        field: the schema of the list.
        rules: the rules of the list, from the tables of single fields.
    """
    if "set" in rules or "ordered" in rules:
        return "ordered" in rules
    if (field is not None and field.ordered) or name in SEQUENCES:
        return True
    return item is not None and item.schema is not None and item.schema.name in _ORDERED_ELEMENTS

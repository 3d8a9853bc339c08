"""Fields of a message of which only one may be set: to send two of them is refused, and to set one clears the others.

``data/oneofs.tsv`` lists them from Google's published definitions; it is read when a group is first asked for. Compute
Engine and Knative have no published definitions: what their references say is in a table here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from setpoint.catalog.data_files import FOLDER, rows

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Schema

TABLE = FOLDER / "oneofs.tsv"

_URL_MAPS = "https://cloud.google.com/compute/docs/reference/rest/v1/urlMaps"
_DOCUMENTED: tuple[tuple[str, str, str, str], ...] = (
    # Service, schema, fields, and the page that says so.
    ("compute", "HttpRouteRuleMatch", "prefixMatch fullPathMatch regexMatch pathTemplateMatch", _URL_MAPS),
    ("compute", "HttpHeaderMatch", "exactMatch prefixMatch suffixMatch regexMatch presentMatch rangeMatch", _URL_MAPS),
    ("compute", "HttpQueryParameterMatch", "exactMatch presentMatch regexMatch", _URL_MAPS),
    ("compute", "HttpRouteRule", "service urlRedirect", _URL_MAPS),
    ("compute", "PathRule", "service urlRedirect", _URL_MAPS),
    ("compute", "PathMatcher", "defaultService defaultUrlRedirect", _URL_MAPS),
    ("compute", "UrlMap", "defaultService defaultUrlRedirect", _URL_MAPS),
    ("compute", "HttpRedirectAction", "pathRedirect prefixRedirect", _URL_MAPS),
    (
        "compute",
        "HealthCheck",
        " ".join(f"{kind}HealthCheck" for kind in ("tcp", "ssl", "http", "https", "http2", "grpc", "grpcTls")),
        "https://cloud.google.com/compute/docs/reference/rest/v1/healthChecks",
    ),
    ("run", "EnvVar", "value valueFrom", "https://cloud.google.com/run/docs/reference/rest/v1/Container#EnvVar"),
    (
        "orgpolicy",
        "GoogleCloudOrgpolicyV2PolicySpecPolicyRule",
        "values allowAll denyAll enforce",
        "https://cloud.google.com/resource-manager/docs/reference/orgpolicy/rest/v2/organizations.policies#PolicyRule",
    ),
)

Groups = tuple[tuple[str, ...], ...]


def groups(schema: Schema | None) -> Groups:
    """The groups of a message's fields of which only one may be set.

    Args:
        schema: the message; None has none.
    """
    return groups_of(schema.service, schema.name) if schema is not None else ()


def groups_of(service: str, schema: str) -> Groups:
    """As ``groups``, by the name of the API, ``compute``, and of the schema in its discovery document, ``Firewall``."""
    return _table().get((service, schema), ())


def excluded(schema: Schema | None, chosen: str) -> tuple[str, ...]:
    """The fields that may not be set beside one.

    Args:
        schema: the message.
        chosen: the field that is set.
    """
    return tuple(field for group in groups(schema) if chosen in group for field in group if field != chosen)


@cache
def _table() -> Mapping[tuple[str, str], Groups]:
    table: dict[tuple[str, str], Groups] = defaultdict(tuple)
    for service, schema, fields, _ in (*rows(TABLE), *_DOCUMENTED):
        table[service, schema] += (tuple(fields.split()),)
    return dict(table)

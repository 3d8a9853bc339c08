"""Comparisons of single fields, by their names in the tables of fields (verb `same`).

Each decides whether the declared and the observed text are equal in meaning. None is selected by the format of a value:
a table line, with its reason and source, names the field. In addition: references that are returned as their target.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from setpoint.catalog import field_rules
from setpoint.comparison import dns_records, iam_members, scalars
from setpoint.model.references import (
    Project,
    looks_like_path,
    same,
    segments,
    with_locations,
    without_key_version,
)

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\Z")
_WEEK = frozenset(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))
_ROOT = re.compile(r"https?://[^/?#]+\Z", re.IGNORECASE)
_PORT = re.compile(r":\d+\Z")


class ResourceSides(Protocol):
    """The surroundings that a comparison may need.

    Args:
        own: the project of the resource.
        declared: the whole declared resource.
        observed: the whole observed resource.
    """

    own: Project
    declared: Mapping[str, Any]
    observed: Mapping[str, Any]


def equal(rules: field_rules.Rules, want: Any, have: Any, context: ResourceSides) -> str:
    """Why two scalars are equal by the rules of the field; empty if they are not."""
    rule = rules.get("same")
    if rule is not None and any(is_same(name, want, have, context) for name in rule.value.split(" ")):
        return f"{rule.reason} ({rule.source})"
    rule = rules.get("alias")
    if rule is not None and any(want in words and have in words for words in rule.value):
        return f"{rule.reason} ({rule.source})"
    rule = rules.get("chosen")
    if rule is not None and want in rule.value and have:
        return f"{rule.reason} ({rule.source})"
    return ""


def is_same(name: str, want: Any, have: Any, context: ResourceSides) -> bool:
    """Whether a named comparison considers two values equal.

    Args:
        name: name of the comparison, as in the table; `prefix:X` adds the prefix `X` to either value.
        want: the declared value.
        have: the observed value.
        context: the resources on both sides.
    """
    if name == "dns":
        return isinstance(want, str) and isinstance(have, str) and dns_records.is_same(want, have, _type(context))
    if not isinstance(want, str) or not isinstance(have, str):
        return name in ("number", "any")
    prefix, _, text = name.partition(":")
    if prefix == "prefix":
        return want.removeprefix(text) == have.removeprefix(text)
    if prefix == "suffix":
        return want.removesuffix(text) == have.removesuffix(text)
    comparison = _COMPARISONS.get(name)
    return comparison is not None and comparison(want, have, context)


def _type(context: ResourceSides) -> str:
    return str(context.declared.get("type") or context.observed.get("type") or "")


def _case(want: str, have: str, _: ResourceSides) -> bool:
    return want.casefold() == have.casefold()


def _constant(want: str, have: str, _: ResourceSides) -> bool:
    return scalars.constant(want) == scalars.constant(have)


def _member(want: str, have: str, _: ResourceSides) -> bool:
    return iam_members.is_same(want, have)


def _trim(want: str, have: str, _: ResourceSides) -> bool:
    return want.strip() == have.strip()


def _trailing_slash(want: str, have: str, _: ResourceSides) -> bool:
    return want.rstrip("/") == have.rstrip("/")


def _root_slash(want: str, have: str, _: ResourceSides) -> bool:
    """The root of a host with and without a slash; other paths are compared exactly."""
    shorter, other = sorted((want, have), key=len)
    return other == f"{shorter}/" and _ROOT.match(shorter) is not None


def _own_project(want: str, have: str, context: ResourceSides) -> bool:
    return have in (f"{context.own.id}:{want}", f"{context.own.number}:{want}")


def _newer_release(want: str, have: str, _: ResourceSides) -> bool:
    """The same version in a newer release: ``MYSQL_8_0_31.R20230101.00_00``."""
    return want.partition(".")[0] == have.partition(".")[0] and have >= want


def _minor_release(want: str, have: str, _: ResourceSides) -> bool:
    """``MYSQL_8_0`` in a minor release, ``MYSQL_8_0_36``."""
    rest = have.removeprefix(f"{want}_")
    return rest != have and rest.isdigit()


def _tag_words(want: str, have: str, _: ResourceSides) -> bool:
    return _tags(want) == _tags(have)


def _tags(expression: str) -> str:
    words = expression.strip().replace("matchLabels", "matchTagId").replace("matchTagIds", "matchTagId")
    return words.replace("labelKeys/", "tagKeys/").replace("labelValues/", "tagValues/")


def _leading_slash(want: str, have: str, _: ResourceSides) -> bool:
    return want.lstrip("/") == have.lstrip("/")


def _trailing_dot(want: str, have: str, _: ResourceSides) -> bool:
    return want.rstrip(".").casefold() == have.rstrip(".").casefold()


def _clock(want: str, have: str, _: ResourceSides) -> bool:
    wanted, other = _CLOCK.match(want), _CLOCK.match(have)
    return bool(wanted and other) and _minutes(wanted) == _minutes(other)


def _minutes(match: Any) -> tuple[int, ...]:
    return tuple(int(part or 0) for part in match.groups())


def _last_segment(want: str, have: str, context: ResourceSides) -> bool:
    if "/" in want and "/" in have:
        return same(want, have, context.own)
    return want.rstrip("/").rpartition("/")[2] == have.rstrip("/").rpartition("/")[2]


def _reference(want: str, have: str, context: ResourceSides) -> bool:
    """References with any host and version, with or without a query; location words may be synonyms."""
    want, have = want.partition("?")[0], have.partition("?")[0]
    return same(want, have, context.own) or same(with_locations(want), with_locations(have), context.own)


def _any_project(want: str, have: str, context: ResourceSides) -> bool:
    """References with a project number on one side whose id is unknown."""
    wanted, other = segments(want), segments(have)
    if len(wanted) != len(other) or wanted[:1] != ["projects"] or other[:1] != ["projects"]:
        return same(want, have, context.own)
    return wanted[2:] == other[2:] and (wanted[1] == other[1] or wanted[1].isdigit() != other[1].isdigit())


def _dotted(want: str, have: str, context: ResourceSides) -> bool:
    """BigQuery's dotted and colon formats of a table, a dataset or a connection, and their paths."""
    return _dotted_parts(want, context.own) == _dotted_parts(have, context.own)


_DATA_COLLECTIONS = frozenset(("projects", "datasets", "tables", "locations", "connections", "routines", "models"))


def _dotted_parts(reference: str, own: Project) -> list[str]:
    """Project, location (case-insensitive) and names of a BigQuery reference."""
    if "/" in reference:
        parts = [part for part in segments(reference) if part not in _DATA_COLLECTIONS]
    else:
        project, _, rest = reference.rpartition(":")
        parts = [*filter(None, [project]), *rest.split(".")]
    if own.id and len(parts) == 1:
        parts.insert(0, own.id)
    project, *names = [own.id if part == own.number and own.number else part for part in parts]
    return [project, *(name.casefold() for name in names[:-1]), *names[-1:]]


def _key_version(want: str, have: str, context: ResourceSides) -> bool:
    return same(without_key_version(want), without_key_version(have), context.own)


def _recurrence(want: str, have: str, _: ResourceSides) -> bool:
    """RFC 5545 rules with any order of parts and days; all days of the week are equal to daily."""
    return _recurrence_parts(want) == _recurrence_parts(have)


def _recurrence_parts(rule: str) -> dict[str, frozenset[str]]:
    pairs = (part.partition("=") for part in rule.upper().removeprefix("RRULE:").split(";") if part)
    parts = {name: frozenset(value.split(",")) for name, _, value in pairs}
    if parts.get("INTERVAL") == frozenset("1"):
        del parts["INTERVAL"]
    if parts.get("FREQ") == frozenset(("DAILY",)) and "INTERVAL" not in parts:
        parts["FREQ"] = frozenset(("WEEKLY",))
        parts.setdefault("BYDAY", _WEEK)
    return parts


def _copied_source(want: str, have: str, context: ResourceSides) -> bool:
    """The source of a function, which Cloud Functions copies and returns with the copy's location."""
    source: Any = context.observed
    for name in ("buildConfig", "source", "storageSource"):
        source = source.get(name) if isinstance(source, Mapping) else None
    bucket = source.get("bucket") if isinstance(source, Mapping) else None
    return bool(want and have) and isinstance(bucket, str) and bucket.startswith("gcf-v2-sources-")


def _cidr_size(want: str, have: str, _: ResourceSides) -> bool:
    return want.startswith("/") and want[1:].isdigit() and have.endswith(want)


def _version(want: str, have: str, _: ResourceSides) -> bool:
    return scalars.completes(want, have)


def _address(want: str, have: str, _: ResourceSides) -> bool:
    wanted, other = _network(want), _network(have)
    return wanted is not None and wanted == other


def _host_address(want: str, have: str, _: ResourceSides) -> bool:
    """The same host, with any prefix length: ``2001:db8::1/96``."""
    try:
        return ipaddress.ip_interface(want).ip == ipaddress.ip_interface(have).ip
    except ValueError:
        return False


def _network(value: str) -> Any:
    try:
        return ipaddress.ip_interface(value).network
    except ValueError:
        return None


def _domain_url(want: str, have: str, _: ResourceSides) -> bool:
    return want.rstrip("/").casefold() == have.rstrip("/").casefold()


def _json(want: str, have: str, _: ResourceSides) -> bool:
    return bool(scalars.json_text(want, have))


def _duration(want: str, have: str, _: ResourceSides) -> bool:
    return bool(scalars.duration(want, have))


def _timestamp(want: str, have: str, _: ResourceSides) -> bool:
    return bool(scalars.timestamp(want, have))


def _base64(want: str, have: str, _: ResourceSides) -> bool:
    return bool(scalars.encoded_bytes(want, have))


def _auto(want: str, have: str, _: ResourceSides) -> bool:
    return want.casefold() == "auto" and bool(have)


_COMPARISONS: Mapping[str, Callable[[str, str, ResourceSides], bool]] = {
    "address": _address,
    "any-project": _any_project,
    "auto": _auto,
    "base64": _base64,
    "case": _case,
    "cidr-size": _cidr_size,
    "clock": _clock,
    "constant": _constant,
    "copied-source": _copied_source,
    "domain-url": _domain_url,
    "dotted": _dotted,
    "duration": _duration,
    "host-address": _host_address,
    "json": _json,
    "key-version": _key_version,
    "last-segment": _last_segment,
    "leading-slash": _leading_slash,
    "location-word": _reference,
    "member": _member,
    "recurrence": _recurrence,
    "reference": _reference,
    "timestamp": _timestamp,
    "minor-release": _minor_release,
    "newer-release": _newer_release,
    "own-project": _own_project,
    "root-slash": _root_slash,
    "tag-words": _tag_words,
    "trailing-dot": _trailing_dot,
    "trailing-slash": _trailing_slash,
    "trim": _trim,
    "version": _version,
}
"""The comparisons by their names in the tables."""

_EXPRESSIONS = frozenset(
    (
        *("filter", "expression", "query", "logFilter", "advancedLogsFilter", "celExpression", "condition", "sqlQuery"),
        *("denominatorFilter", "timeSeriesFilter", "displayFilter", "predicate", "queryString", "definitionBody"),
    )
)
"""Fields with an expression of a language, where surrounding white space has no meaning."""

_LITERAL_URLS = re.compile(r"issuer|audience|origin|allowed|redirect", re.IGNORECASE)
"""Names of URLs that their readers compare exactly (OpenID Connect, CORS)."""

_DATA_NAMES = re.compile(
    r"table|dataset|connection|routine|model|bigquery|source|destination|output|resource", re.IGNORECASE
)
_DOT_OR_COLON = re.compile(r"[.:]")
_DOTTED = re.compile(r"(?:bq://)?[\w-]+[.:][\w-]+(?:\.[\w$-]+)?\Z")


def by_type(field: Field | None, name: str, want: str, have: str, context: ResourceSides) -> str:
    """Why two texts are equal by the field's type, from its name and description; empty if they are not.

    Args:
        field: the schema of the field.
        name: its name.
        want: the declared text.
        have: the observed text.
        context: the resources on both sides.
    """
    if field is not None and field.spelling and is_same(field.spelling, want, have, context):
        return f"spelling of a {field.spelling}"
    if field is not None and (field.format or field.type != "string"):
        return ""
    if field is not None and field.words and scalars.constant(want) == scalars.constant(have):
        return "word in other case" if scalars.constant(want) in field.words else ""
    if want.endswith(have) or have.endswith(want):
        return _with_prefix(want, have)
    return _by_name(name, want, have, context)


def _with_prefix(want: str, have: str) -> str:
    """Whether the longer text only adds a scheme, or the path of a service account to its address."""
    short, long = sorted((want, have), key=len)
    prefix = long.removesuffix(short)
    if prefix == "gs://":
        return "bucket with or without gs://"
    return "service account by its address" if prefix.endswith("/serviceAccounts/") and "@" in short else ""


def _by_name(name: str, want: str, have: str, context: ResourceSides) -> str:
    """Why two texts are equal by the field's name; empty if they are not."""
    if name in _EXPRESSIONS and _trim(want, have, context):
        return "white space around an expression"
    if want[:4] == "http" and _root_slash(want, have, context) and not _LITERAL_URLS.search(name):
        return "root of a host"
    if (_DOT_OR_COLON.search(want) or _DOT_OR_COLON.search(have)) and _is_one_table(name, want, have, context):
        return "same table or dataset"
    return ""


def _is_one_table(name: str, want: str, have: str, context: ResourceSides) -> bool:
    if not _DATA_NAMES.search(name) or not (_DOTTED.match(want) or _DOTTED.match(have)):
        return False
    wanted, other = (_dotted_parts(value.removeprefix("bq://"), context.own) for value in (want, have))
    return wanted == other and len(wanted) > 1


NAMES = frozenset((*_COMPARISONS, "dns", "target"))


def why_target(field: Field | None, rules: field_rules.Rules, want: Any, have: Any) -> str:
    """Why a reference and its target cannot be compared; empty if they can.

    A field for an address or range also accepts the name of a reservation, and is returned as the literal.
    """
    if not isinstance(want, str) or not isinstance(have, str) or not want or not have:
        return ""
    if _may_be_literal(want) == _may_be_literal(have):
        return ""
    rule = rules.get("same")
    takes_target = (rule is not None and "target" in rule.value) or (
        field is not None and (field.reference or _names_an_address(field.name))
    )
    if not takes_target or (_network(want) is None) == (_network(have) is None):
        return ""
    reference = have if _network(want) is not None else want
    if _PORT.search(reference) or (not looks_like_path(reference) and not _NAME.match(reference)):
        return ""
    return "a reference that is answered as what it points to"


_NAME = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?\Z")
_ADDRESS_NAME = re.compile(r"(?:address|ipaddress|range|cidr|ip|ipcidrrange|block)\Z", re.IGNORECASE)


def _may_be_literal(value: str) -> bool:
    """Whether a text starts like an address; a fast check."""
    return value[0].isdigit() or "::" in value


def _names_an_address(name: str) -> bool:
    return _ADDRESS_NAME.search(name) is not None

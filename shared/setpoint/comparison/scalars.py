"""Compare two scalars by meaning, and name the rule.

Every function takes the declared and the observed value and returns the rule by which they are equal, or an empty
string. The catalog's type of the field selects the function; without a schema the format of the values does.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from setpoint.comparison import api_quirks, iam_members, images
from setpoint.model.naming import camel
from setpoint.model.references import Project, looks_like_path, same, with_locations, without_key_version

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d|w)")
_QUANTITY_NAMES = frozenset(("cpu", "memory", "ephemeral-storage", "cpuLimit", "memoryLimit"))
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|k|M|G|T|Ki|Mi|Gi|Ti|)\Z")
_QUANTITY_UNITS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
}
_SHORTEST_MASK = 3
_CALLED = re.compile(r"(?:ur[il]|endpoint|address|webhook|callback|target|audience|issuer)s?\Z", re.IGNORECASE)
_CHANNEL = re.compile(r"\.(?:prodcurrent|prodprevious|current|latest|preview)(?=-|\Z)")
"""Words for the newest release of a version: https://cloud.google.com/dataproc/docs/concepts/versioning/overview"""
_NEWEST = frozenset(("latest", "-"))
JSON_STARTS = frozenset("{[ \n\t")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")
_ADDRESS = re.compile(r"[0-9A-Fa-f:.]+(?:/\d+)?\Z")
_DIGITS = re.compile(r"-?\d+(?:\.\d+)?\Z")
_NUMERIC = frozenset(("integer", "number"))
_EXACT = frozenset((int, bool))
"""Types of which two unequal values are never equal in meaning."""
_CONSTANT = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\Z")
_TRUE = frozenset(("true", "yes", "on"))
_FALSE = frozenset(("false", "no", "off"))


def equal(field: Field | None, name: str, declared: Any, observed: Any, own: Project) -> str:
    """Why two scalars are equal in meaning; empty if they are not.

    Args:
        field: the schema of the field, or None.
        name: the field's name; used if the catalog does not distinguish a version or a location from a string.
        declared: the declared scalar.
        observed: the observed scalar.
        own: the project of the resource.
    """
    if declared == observed and isinstance(declared, bool) == isinstance(observed, bool):
        return "equal"
    if not isinstance(declared, str) or not isinstance(observed, str):
        return _across_types(field, declared, observed)
    if field is not None and field.format:
        if (known := _BY_FORMAT.get(field.format)) is not None:
            return known(declared, observed)
        if field.format == "enum":
            return _enum(field, declared, observed)
    return _strings(field, name, declared, observed, own)


def _across_types(field: Field | None, declared: Any, observed: Any) -> str:
    if type(declared) is type(observed) and type(declared) in _EXACT:
        return ""
    if isinstance(declared, bool) or isinstance(observed, bool):
        declared_truth, observed_truth = _truth(declared), _truth(observed)
        return "boolean as string" if declared_truth is not None and declared_truth == observed_truth else ""
    if field is not None and field.format == "duration":
        return duration(_as_seconds(declared), _as_seconds(observed))
    if field is not None and field.format == "enum":
        return _enum_number(field, declared, observed)
    if isinstance(declared, (int, float, str)) and isinstance(observed, (int, float, str)):
        return number(declared, observed)
    return ""


def _truth(value: Any) -> bool | None:
    """The truth value of a boolean, or of a string for one."""
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else ""
    return True if word in _TRUE else False if word in _FALSE else None


def _as_seconds(value: Any) -> str:
    return value if isinstance(value, str) else f"{value}s"


def number(declared: float | str, observed: float | str) -> str:
    """64-bit integers are sent as strings, and a protobuf Struct converts integers to floats."""
    try:
        return "number as string" if Decimal(str(declared)) == Decimal(str(observed)) else ""
    except (InvalidOperation, ValueError):  # a number with thousands of digits raises ValueError
        return ""


def _enum(field: Field, declared: str, observed: str) -> str:
    if declared.casefold() == observed.casefold():
        return "enum in other case"
    declared_name, observed_name = constant(declared), constant(observed)
    if declared_name == observed_name:
        return "enum in other spelling"
    if field.renamed and field.renamed.get(declared_name, declared_name) == field.renamed.get(
        observed_name, observed_name
    ):
        return "enum by another of its names"
    if not field.enum or (declared_name in field.enum and observed_name in field.enum):
        return ""
    shorter, longer = sorted((declared_name, observed_name), key=len)
    return "enum with its prefix" if longer.endswith("_" + shorter) and longer in field.enum else ""


def constant(value: str) -> str:
    """A word as the constant that an enum would have for it: ``pd-ssd`` → ``PD_SSD``."""
    return re.sub(r"[\s-]+", "_", value).upper()


def _enum_number(field: Field, declared: Any, observed: Any) -> str:
    """Protobuf JSON takes an enum's number for its name; discovery documents list the names in number order."""
    for value, constant in ((declared, observed), (observed, declared)):
        if isinstance(value, int) and isinstance(constant, str):
            if constant == str(value):
                return "number as string"
            if constant in field.enum and field.enum.index(constant) == value:
                return "enum by number"
    return ""


def duration(declared: str, observed: str) -> str:
    """``3600s``, ``3600.000s``, ``1h`` and ``60m`` are one duration."""
    declared_seconds, observed_seconds = seconds(declared), seconds(observed)
    return "same duration" if declared_seconds is not None and declared_seconds == observed_seconds else ""


def seconds(value: str) -> float | None:
    """A duration in seconds, or None where the string is none."""
    parts = _DURATION_PART.findall(value)
    if not parts or "".join(amount + unit for amount, unit in parts) != value.strip():
        return None
    return round(sum(float(amount) * _UNITS[unit] for amount, unit in parts), 9)


def timestamp(declared: str, observed: str) -> str:
    """RFC 3339 in any precision and offset."""
    declared_instant, observed_instant = _instant(declared), _instant(observed)
    if declared_instant is None or observed_instant is None:
        return ""
    if (declared_instant.tzinfo is None) != (observed_instant.tzinfo is None):
        return ""
    return "same instant" if abs(declared_instant - observed_instant) < timedelta(microseconds=1) else ""


def _instant(value: str) -> datetime | None:
    try:
        return datetime.fromisoformat(value.replace("z", "Z"))
    except ValueError:
        return None


def encoded_bytes(declared: str, observed: str) -> str:
    """Base64 in the standard or the URL alphabet, padded or not (RFC 4648)."""
    declared_bytes, observed_bytes = _decoded(declared), _decoded(observed)
    return "same bytes" if declared_bytes is not None and declared_bytes == observed_bytes else ""


def _decoded(value: str) -> bytes | None:
    plain = "".join(value.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def fieldmask(declared: str, observed: str) -> str:
    """A field mask is a set of paths, in snake or camel case."""
    declared_paths, observed_paths = (
        sorted(camel(path.strip()) for path in mask.split(",")) for mask in (declared, observed)
    )
    return "same field mask" if declared_paths == observed_paths else ""


_BY_FORMAT: dict[str, Callable[[str, str], str]] = {
    "int32": number,
    "int64": number,
    "uint32": number,
    "uint64": number,
    "float": number,
    "double": number,
    "duration": duration,
    "timestamp": timestamp,
    "bytes": encoded_bytes,
    "fieldmask": fieldmask,
}


def _strings(field: Field | None, name: str, declared: str, observed: str, own: Project) -> str:
    is_reference = field is not None and field.reference
    if is_reference or looks_like_path(declared) or looks_like_path(observed):
        if not is_reference and field is not None and _is_called(name, declared, observed):
            return ""
        if reason := _references(name, declared, observed, own):
            return reason
        if looks_like_path(declared) and looks_like_path(observed):
            return ""
    reason = _named(name, declared, observed, own) or (_by_format(declared, observed) if field is None else "")
    if reason or (_is_word(declared, name) and not is_reference):
        return reason
    return (
        json_text(declared, observed)
        or _pem(declared, observed)
        or _address(declared, observed)
        or _extended(name, declared, observed)
        or _quantity(name, declared, observed)
    )


def _is_called(name: str, declared: str, observed: str) -> bool:
    """Whether two URLs are endpoints rather than references: host, version and path count."""
    return _CALLED.search(name) is not None and all("://" in value for value in (declared, observed))


def _is_word(declared: str, name: str) -> bool:
    """Whether a declared string is a plain word, which the more expensive rules do not apply to."""
    return declared[:1].isalpha() and ":" not in declared and "ersion" not in name


def _references(name: str, declared: str, observed: str, own: Project) -> str:
    # A bare name in an answer does not name its project.
    seen_from = own if "/" in observed else own._replace(id="", number="")
    if same(declared, observed, seen_from):
        return "same resource"
    if "/cryptoKeyVersions/" in observed and same(declared, without_key_version(observed), seen_from):
        return "key with its version"
    if "?" in observed and same(declared.partition("?")[0], observed.partition("?")[0], seen_from):
        return "same resource with a query"
    if _are_placed_otherwise(declared, observed) and same(
        with_locations(declared), with_locations(observed), seen_from
    ):
        return "same resource by another word for its place"
    if "/images/" in observed and images.is_of_family(name, declared, observed, own):
        return "image of the family"
    return _extended(name, declared, observed)


def _are_placed_otherwise(declared: str, observed: str) -> bool:
    return ("locations/" in declared) != ("locations/" in observed)


def _named(name: str, declared: str, observed: str, own: Project) -> str:
    """Equal names: in another case, by an alias, or by the number or id of the project."""
    if own.id and own.id in (declared, observed) and own.number and own.number in (declared, observed):
        return "project id and number"
    if own.id and observed == f"{own.id}:{declared}":
        return "with its project"
    if name in _NAMED_FIELDS or "ucket" in name:
        return next((reason for reason, holds in _NAMINGS if holds(name, declared, observed, own)), "")
    return ""


def _is_other_case(name: str, declared: str, observed: str, _: Project) -> bool:
    if name in api_quirks.PRINCIPALS:
        return iam_members.is_same(declared, observed)
    return name in api_quirks.CASELESS and declared.casefold() == observed.casefold()


def _is_image(name: str, declared: str, observed: str, own: Project) -> bool:
    return name in images.FIELDS and images.is_of_family(name, declared, observed, own)


def _is_bucket(name: str, declared: str, observed: str, _: Project) -> bool:
    bucket, other = (value.removeprefix("gs://").rstrip("/") for value in (declared, observed))
    return bucket == other and "bucket" in name.lower() and "/" not in bucket


_NAMED_FIELDS = (
    api_quirks.CASELESS | api_quirks.PRINCIPALS | images.FIELDS | api_quirks.ACCOUNT_FIELDS | api_quirks.ALIASED_FIELDS
)
_NAMINGS: tuple[tuple[str, Callable[[str, str, str, Project], bool]], ...] = (
    ("other case", _is_other_case),
    ("bucket with or without gs://", _is_bucket),
    ("image of the family", _is_image),
    (
        "the default service account",
        lambda name, declared, observed, own: api_quirks.is_default_account(name, declared, observed, own.number),
    ),
    ("alias", lambda name, declared, observed, _: api_quirks.are_aliases(name, declared, observed)),
)
"""The rules by which two names may be equal, with the rule's name."""


def _by_format(declared: str, observed: str) -> str:
    """For a field without a schema: only unambiguous formats."""
    if declared.casefold() == observed.casefold() and (_CONSTANT.match(declared) or _CONSTANT.match(observed)):
        return "enum in other case"
    if _TIMESTAMP.match(declared) and _TIMESTAMP.match(observed):
        return timestamp(declared, observed)
    if declared[:1].isdigit() and observed[:1].isdigit():
        return duration(declared, observed)
    return ""


def json_text(declared: str, observed: str) -> str:
    """JSON inside a string (dashboards, policies, table schemas) is compared by content."""
    if declared[:1] not in JSON_STARTS or observed[:1] not in JSON_STARTS:
        return ""
    try:
        return "same JSON" if json.loads(declared) == json.loads(observed) else ""
    except (ValueError, RecursionError):
        return ""


def json_object(want: Any, have: Any) -> str:
    """An object on one side and JSON text on the other, compared by content."""
    text, other = (want, have) if isinstance(want, str) else (have, want)
    if not isinstance(text, str) or isinstance(other, str):
        return ""
    try:
        return "same JSON" if json.loads(text) == other else ""
    except (ValueError, RecursionError):
        return ""


def _pem(declared: str, observed: str) -> str:
    """A certificate or key in PEM is equal with any line breaks (RFC 7468)."""
    if not declared.startswith("-----BEGIN") or not observed.startswith("-----BEGIN"):
        return ""
    return "same PEM" if declared.split() == observed.split() else ""


def _quantity(name: str, declared: str, observed: str) -> str:
    """``1000m`` of CPU is ``1``, ``0.5Gi`` of memory ``512Mi``.

    Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    if name not in _QUANTITY_NAMES:
        return ""
    declared_match, observed_match = _QUANTITY.match(declared), _QUANTITY.match(observed)
    if declared_match is None or observed_match is None:
        return ""
    amounts = [Decimal(match[1]) * _QUANTITY_UNITS[match[2]] for match in (declared_match, observed_match)]
    return "same quantity" if amounts[0] == amounts[1] else ""


def _address(declared: str, observed: str) -> str:
    """``10.0.0.1`` is ``10.0.0.1/32``; IPv6 has several spellings (RFC 5952).

    A server may return a range with its network address, without host bits, and never with those of another host.
    """
    if not (_ADDRESS.match(declared) and _ADDRESS.match(observed)) or _DIGITS.match(declared):
        return ""
    try:
        declared_range, observed_range = ipaddress.ip_interface(declared), ipaddress.ip_interface(observed)
    except ValueError:
        return ""
    if declared_range == observed_range or (
        declared_range.network == observed_range.network and observed_range.ip == observed_range.network.network_address
    ):
        return "same address range"
    return ""


def _extended(name: str, declared: str, observed: str) -> str:
    """A value that the server completes: a port, a version, the size of a range."""
    if declared.isdigit() and observed == f"{declared}-{declared}":
        return "port as range"
    if "version" in name.lower() and completes(declared, observed):
        return "version completed by the server"
    if declared.startswith("/") and declared[1:].isdigit() and _ADDRESS.match(observed):
        return "range chosen by the server" if observed.endswith(declared) else ""
    return ""


def completes(declared: str, observed: str) -> bool:
    """Whether ``observed`` is a release of the version ``declared``: ``1.34`` → ``1.34.9-gke.100``.

    Part by part, since ``2.0-debian10`` becomes ``2.0.27-debian10``; an alias (``latest``) is any version.
    """
    if declared in _NEWEST:
        return (
            "." in observed and observed[:1].isdigit()
        )  # `latest` of a secret is returned as `latest`; a pinned version differs
    wanted, got = _CHANNEL.sub("", declared).split("-"), observed.split("-")
    if not any(char.isdigit() for char in declared) or len(wanted) > len(got):
        return False
    return all(
        observed_part == declared_part or observed_part.startswith((f"{declared_part}.", f"{declared_part}+"))
        for declared_part, observed_part in zip(wanted, got, strict=False)
    )


def indeterminate(field: Field | None, declared: Any, observed: Any) -> str:
    """Why two unequal scalars cannot be compared; empty if they can.

    A document lists an enum's names and not their numbers: their order may prove that a number is a name (``equal``),
    and never the opposite.
    """
    if is_masked(observed):
        return "a secret that the server masks"
    if field is None or isinstance(observed, bool):
        return ""
    if isinstance(observed, str) and observed.startswith("UNKNOWN_ENUM_VALUE_"):
        return "an enum value that the inventory does not know"
    if field.format == "enum" and isinstance(observed, int) and isinstance(declared, str):
        return "an enum by its number, which its schema does not name"
    if field.type in _NUMERIC and _is_number(declared) and isinstance(observed, str) and not _is_number(observed):
        return "a text, though its schema has a number"
    return ""


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and _DIGITS.match(str(value)) is not None


def is_masked(observed: Any) -> bool:
    """Whether the server returns a placeholder for a secret: ``******``; one asterisk is a wildcard, two are a glob."""
    return isinstance(observed, str) and len(observed) >= _SHORTEST_MASK and not observed.strip("*")

"""How Cloud Asset Inventory names resources: the one table that feeds, sweeps, attribution and declarations share.

A declared name is brought into the inventory's form where that can be computed: the host, another word for a location,
escaped characters. Where only the server knows the name (a number, a unique id), the data of an observation holds the
*natural* names by which the resource may be declared.

The table is distilled by ``setpoint_tools.distil.inventory`` from
https://cloud.google.com/asset-inventory/docs/asset-names and recorded assets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, NamedTuple

from setpoint.catalog.data_files import FOLDER, unpacked
from setpoint.catalog.locations import is_zone

FILE = FOLDER / "inventory.json.gz"

HOSTS: Mapping[str, str] = {
    "bigtableadmin.googleapis.com": "bigtable.googleapis.com",  # names keep the product's host
    "sqladmin.googleapis.com": "cloudsql.googleapis.com",  # as above
    "datastore.googleapis.com": "firestore.googleapis.com",  # databases are managed by Firestore's API by now
    "identity.accesscontextmanager.googleapis.com": "accesscontextmanager.googleapis.com",  # the older host
    "clouddms.googleapis.com": "datamigration.googleapis.com",  # as above
}
"""The host of a service → the host in resource names, where they differ."""

LOCATION_WORDS = frozenset(("zones", "regions", "locations"))
_REGION = re.compile(r"[a-z]+-[a-z]+\d+\Z")
_ESCAPED = re.compile(r"%(2F|3A|40)", re.IGNORECASE)
_CHARACTERS = {"2F": "/", "3A": ":", "40": "@"}
_KEEPS_ESCAPES = ("//iam.googleapis.com/policies/", "//cloudresourcemanager.googleapis.com/tagBindings/", "//pubsub.")
"""Names in which an escaped slash is a part of an id."""
_SERVER_MADE = re.compile(r"\d{5,}\Z|[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\Z")
_NATURAL_FIELDS = ("email", "name", "shortName", "keyId", "id", "uid", "uniqueId")
_LINKS = ("name", "selfLink")
_ROOTS = ("projects/", "folders/", "organizations/", "billingAccounts/", "accessPolicies/", "locations/")
_API_VERSION = re.compile(r"https?://[^/]+/(?:[a-z]+/)?(?:v\d\w*|beta|alpha)/")
_PLACE = re.compile(r"\{+%?\w+\}+")

SERVER_NAMED: Mapping[str, str] = {
    "apikeys.googleapis.com/Key": "uid",  # declared by keyId
    "dataproc.googleapis.com/AutoscalingPolicy": "uid",
    "dns.googleapis.com/ResponsePolicy": "number",
    "dns.googleapis.com/ResourceRecordSet": "number",  # of its zone
    "compute.googleapis.com/FirewallPolicy": "number",  # of organisations and folders
}
"""Types that recorded assets name by an id of the server, beside those of which Google's documentation says so."""


NATURAL_KEYS: Mapping[str, tuple[str, ...]] = {
    "cloudresourcemanager.googleapis.com/Folder": ("parent", "displayName"),
    "cloudresourcemanager.googleapis.com/TagKey": ("parent", "shortName"),
    "cloudresourcemanager.googleapis.com/TagValue": ("parent", "shortName"),
}
"""The field that identifies a resource whose id the server assigns, in addition to its parent: unique by its API."""
_NATURAL_KEY = ("displayName",)
"""The same of every other type; two resources may have one display name, and are then ambiguous."""
_NATURAL_NAME = re.compile(r"/(?:parent=[^/&]+&)?(?:displayName|shortName)=[^/&]+\Z")


class NameEntry(NamedTuple):
    """How the inventory names an asset type.

    Args:
        formats: full resource names with ``{placeholders}``; empty where they are not known.
        by: what the last segment is where the server makes it: ``number``, ``unique_id``, ``uid``, ``server_id``.
        field: the API field that holds it.
        project_number: whether the name holds the project's number instead of its id.
    """

    formats: tuple[str, ...] = ()
    by: str = ""
    field: str = ""
    project_number: bool = False


@cache
def _artefact() -> dict[str, Any]:
    tables: dict[str, Any] = json.loads(unpacked(FILE))
    return tables


@cache
def entry(asset_type: str) -> NameEntry | None:
    """How the inventory names a type; None for a type that it does not list."""
    names = _artefact()["names"]
    naming = names.get(asset_type) or names.get(f"identity.{asset_type}")
    if naming is None:
        return None
    by = SERVER_NAMED.get(asset_type) or naming.get("by", "")
    return NameEntry(tuple(naming["formats"]), by, naming.get("field", ""), bool(naming.get("project_number")))


def known_types() -> tuple[str, ...]:
    """Every asset type that the inventory lists, `compute.googleapis.com/Firewall`, in the order of the table."""
    return tuple(_artefact()["names"])


@cache
def missing_fields(asset_type: str) -> frozenset[str]:
    """Paths of fields that the inventory does not carry, ``a.b[].c``; a flag of Google's converter and so a hint."""
    return frozenset(_artefact()["missing"].get(asset_type, ()))


def versions(asset_type: str) -> tuple[str, ...]:
    """The API versions, `v1` or `v2beta`, in which the inventory sends a type; empty for an unknown type."""
    return tuple(_artefact()["versions"].get(asset_type, ()))


def is_server_named(asset_type: str) -> bool:
    """Whether only the server knows the name by which the inventory calls a resource of this type."""
    known = entry(asset_type)
    if asset_type.endswith("/Project"):  # which id has which number is learnt for all that a project holds
        return False
    return known is not None and known.by in ("number", "unique_id", "uid", "server_id")


def is_computable(asset_type: str, name: str) -> bool:
    """Whether the inventory's name of a resource follows from a declared one.

    A project's id and its number count as equal: which number an id has is learnt apart from this table.
    """
    known = entry(asset_type)
    if known is None or not fits(asset_type, name):
        return False
    return not is_server_named(asset_type) or is_server_made(name)


@lru_cache(maxsize=8192)
def inventory_name(asset_type: str, name: str) -> str:
    """A full resource name in the inventory's form, as far as it can be computed from the name alone.

    Args:
        asset_type: the asset type; empty where it is not known.
        name: full resource name in any form.
    """
    host, slash, path = name[2:].partition("/")
    name = f"//{HOSTS.get(host, host)}{slash}{path}"
    if "%" in name and not name.startswith(_KEEPS_ESCAPES):
        name = _ESCAPED.sub(lambda match: _CHARACTERS[match[1].upper()], name)
    if host == "storage.googleapis.com":
        return re.sub(r"\A(//storage\.googleapis\.com/)(?:projects/[^/]+/)?(?:buckets|b)/(?=[^/]+\Z)", r"\1", name)
    if host == "cloudbuild.googleapis.com":
        name = re.sub(r"(/projects/[^/]+)/triggers/", r"\1/locations/global/triggers/", name)
    return _relocated(asset_type, name) if LOCATION_WORDS & set(name.split("/")) else name


def _relocated(asset_type: str, name: str) -> str:
    """The name with the inventory's word for its location."""
    parts = name.split("/")
    words = [index for index, part in enumerate(parts) if part in LOCATION_WORDS and index % 2 == 1][:1]
    for index in words:
        allowed = _location_words(asset_type, tuple(parts[:index] and parts), index)
        if not allowed:
            continue
        place = parts[index + 1] if index + 1 < len(parts) else ""
        wanted = "zones" if is_zone(place) else "regions" if _REGION.match(place) else "locations"
        if wanted in allowed:
            parts[index] = wanted
        elif "locations" in allowed:
            parts[index] = "locations"
        elif parts[index] not in allowed and len(allowed) == 1:
            parts[index] = next(iter(allowed))
    return "/".join(parts)


@lru_cache(maxsize=4096)
def _location_words(asset_type: str, parts: tuple[str, ...], index: int) -> frozenset[str]:
    """The words for a location that the formats of a type have where a name has its own."""
    known = entry(asset_type)
    words = set()
    for form in known.formats if known is not None else ():
        pattern = form.split("/")
        if len(pattern) != len(parts) or pattern[index] not in LOCATION_WORDS:
            continue
        if all(
            _PLACE.fullmatch(want) or want == have
            for want, have in zip(pattern, parts, strict=True)
            if want != pattern[index]
        ):
            words.add(pattern[index])
    return frozenset(words)


def fits(asset_type: str, name: str) -> bool:
    """Whether a full resource name has one of the formats that Google documents for its type."""
    known = entry(asset_type)
    return known is not None and any(_regex(form).fullmatch(name) for form in known.formats)


@lru_cache(maxsize=2048)
def _regex(form: str) -> re.Pattern[str]:
    parts = _PLACE.split(form)
    return re.compile("[^/]+".join(re.escape(part) for part in parts))


def natural_names(asset_type: str, name: str, data: Any) -> Iterator[str]:
    """Other full resource names of an observed resource, from its data; the most telling first.

    Args:
        asset_type: its type.
        name: its name in the inventory.
        data: its fields.
    """
    if not isinstance(data, Mapping):
        return
    seen = {name}
    for candidate in (*_linked(name, data), *_named(asset_type, name, data)):
        full = inventory_name(asset_type, candidate)
        if full not in seen:
            seen.add(full)
            yield full


def _linked(name: str, data: Mapping[str, Any]) -> Iterator[str]:
    """Names that the data holds whole: relative resource names and self links."""
    host = name[2:].partition("/")[0]
    for field in _LINKS:
        value = data.get(field)
        if not isinstance(value, str):
            continue
        path = _API_VERSION.sub("", value, count=1) if value.startswith("http") else value
        if path.startswith(_ROOTS) and path.count("/") == name[2:].count("/") - 1:
            yield f"//{host}/{path}"


def _named(asset_type: str, name: str, data: Mapping[str, Any]) -> Iterator[str]:
    """Names with the natural key in place of an id that the server made."""
    head, _, last = name.rpartition("/")
    known = entry(asset_type)
    is_server_made = (known is not None and bool(known.by)) or _SERVER_MADE.match(last) is not None
    if not is_server_made or name.count("/") < 4:  # noqa: PLR2004 - a project, folder or bucket has no natural name
        return
    for field in _NATURAL_FIELDS:
        value = data.get(field)
        if (
            isinstance(value, (str, int))
            and not isinstance(value, bool)
            and "/" not in str(value)
            and str(value) != last
        ):
            yield f"{head}/{value}"
    if key := natural_key(asset_type, data):
        yield f"{head}/{key}"


def natural_key(asset_type: str, values: Mapping[str, Any]) -> str:
    """The segment of a declared name that stands for the id which only the server knows; empty where a value lacks.

    A service account has none: its name holds its e-mail address, and the unique id is another name of it.

    Args:
        asset_type: the asset type.
        values: the resource's fields, observed or declared.
    """
    known = entry(asset_type)
    if known is None or known.by == "unique_id" or not is_server_named(asset_type):
        return ""
    parts = []
    for field in NATURAL_KEYS.get(asset_type, _NATURAL_KEY):
        value = values.get(field)
        if isinstance(value, Mapping) and value.get("type") and value.get("id"):  # a parent in older API versions
            value = f"{value['type']}s/{value['id']}"
        if not isinstance(value, str) or not value:
            return ""
        parts.append(f"{field}={_segment(value)}")
    return "&".join(parts)


def _segment(text: str) -> str:
    """A text as a part of a name: what is not a letter, digit, dot, hyphen or underscore as ``~`` and its code."""
    return re.sub(r"[^A-Za-z0-9._-]", lambda match: "".join(f"~{byte:02X}" for byte in match[0].encode()), text)


def is_natural(name: str) -> bool:
    """Whether a name has a natural key in place of the id which only the server knows."""
    return _NATURAL_NAME.search(name) is not None


def is_server_made(name: str) -> bool:
    """Whether the last segment of a name looks like a number or id that a server made."""
    return _SERVER_MADE.match(name.rpartition("/")[2]) is not None


def bindings(asset_type: str, name: str, data: Any) -> dict[str, str]:
    """The names by ids of the server that a resource has beside its declared name: declared name by inventory name.

    A service account, say, is listed by its e-mail address and its IAM policy by the unique id.
    """
    if not isinstance(data, Mapping):
        return {}
    declared = next(natural_names(asset_type, name, data), "") if is_server_made(name) else name
    if not declared:
        return {}
    head = name.rpartition("/")[0]
    ids = [str(data[field]) for field in ("uniqueId", "id", "uid") if isinstance(data.get(field), (str, int))]
    names = (name, *(f"{head}/{value}" for value in ids if _SERVER_MADE.match(value)))
    return {other: declared for other in names if other != declared}


def own_project(name: str, data: Any) -> str:
    """The project id in an observed resource's own name or link; empty where there is none."""
    if not isinstance(data, Mapping):
        return ""
    for path in _linked(name, data):
        project = path.partition("/projects/")[2].partition("/")[0]
        if project[:1].isalpha():
            return project
    return ""

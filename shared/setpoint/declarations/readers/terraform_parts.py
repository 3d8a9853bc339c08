"""Terraform types that are an element of another resource: each declares this element of the holder's list, no other.

Their drift is reported and never remediated: writing a list with one known element would drop the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from setpoint.catalog.schemas import Schema, default_catalogue
from setpoint.declarations.readers import secret_values, terraform_names
from setpoint.declarations.readers.field_mapping import UNKNOWN
from setpoint.declarations.readers.shape_matching import Secret
from setpoint.declarations.readers.terraform_documents import TerraformResource
from setpoint.declarations.readers.terraform_names import Name
from setpoint.declarations.readers.terraform_types import Meaning, meaning
from setpoint.declarations.readers.translation import Translated
from setpoint.model.declaration import Declaration, Source
from setpoint.model.resource_key import ResourceKey


class PartPlacement(NamedTuple):
    """Where a type stands in the resource that holds it.

    Args:
        holder: The Terraform type of the holder.
        attribute: The part's attribute that names the holder: its name, its id, or its address.
        own: The holder's attribute with its own name.
        field: The holder's list in the API.
        keys: The element's identifying fields.
    """

    holder: str
    attribute: str
    own: str
    field: str
    keys: tuple[str, ...]

    @property
    def element(self) -> str:
        """The place as in `Declaration.element`."""
        return f"{self.field}.{'+'.join(self.keys)}"


_ACCESS = (
    "role",
    "userByEmail",
    "groupByEmail",
    "domain",
    "specialGroup",
    "iamMember",
    "view",
    "routine",
    "dataset",
)


def _named(holder: str, attribute: str, field: str, key: str = "name") -> PartPlacement:
    return PartPlacement(f"google_{holder}", attribute, "name", field, (key,))


_RULE = ("rules", "priority")
_METADATA = PartPlacement("google_project", "project", "project_id", "commonInstanceMetadata.items", ("key",))
PLACES: Mapping[str, PartPlacement] = {
    "google_bigquery_dataset_access": PartPlacement(
        "google_bigquery_dataset", "dataset_id", "dataset_id", "access", _ACCESS
    ),
    "google_compute_firewall_policy_association": _named("compute_firewall_policy", "firewall_policy", "associations"),
    "google_compute_firewall_policy_rule": _named("compute_firewall_policy", "firewall_policy", *_RULE),
    "google_compute_instance_group_named_port": _named("compute_instance_group", "group", "namedPorts"),
    "google_compute_network_firewall_policy_association": _named(
        "compute_network_firewall_policy", "firewall_policy", "associations"
    ),
    "google_compute_network_firewall_policy_rule": _named("compute_network_firewall_policy", "firewall_policy", *_RULE),
    "google_compute_network_peering": _named("compute_network", "network", "peerings"),
    "google_compute_project_metadata_item": _METADATA,
    "google_compute_region_network_firewall_policy_association": _named(
        "compute_region_network_firewall_policy", "firewall_policy", "associations"
    ),
    "google_compute_region_network_firewall_policy_rule": _named(
        "compute_region_network_firewall_policy", "firewall_policy", *_RULE
    ),
    "google_compute_region_security_policy_rule": _named("compute_region_security_policy", "security_policy", *_RULE),
    "google_compute_router_interface": _named("compute_router", "router", "interfaces"),
    "google_compute_router_nat": _named("compute_router", "router", "nats"),
    "google_compute_router_peer": _named("compute_router", "router", "bgpPeers"),
    "google_compute_security_policy_rule": _named("compute_security_policy", "security_policy", *_RULE),
    "google_storage_bucket_access_control": _named("storage_bucket", "bucket", "acl", "entity"),
    "google_storage_default_object_access_control": _named("storage_bucket", "bucket", "defaultObjectAcl", "entity"),
}
"""Terraform type → its place; each element of the list has the keys."""

_LISTS = {
    "google_storage_bucket_acl": "google_storage_bucket_access_control",
    "google_storage_default_object_acl": "google_storage_default_object_access_control",
}
"""Types that are several elements, and the type of each."""

_ROLES = {
    "roles/bigquery.dataEditor": "WRITER",
    "roles/bigquery.dataOwner": "OWNER",
    "roles/bigquery.dataViewer": "READER",
}
"""BigQuery answers these roles by their older names: https://cloud.google.com/bigquery/docs/reference/rest/v2/datasets"""
_MEMBERS = {
    "domain": "domain",
    "group": "group_by_email",
    "serviceAccount": "user_by_email",
    "user": "user_by_email",
}
_PAIR = re.compile(r"(projects|regions|zones)/([^/]+)/")
_SINGULAR = {"projects": "project", "regions": "region", "zones": "zone"}
_POLICY_ID = re.compile(r"(?:locations/global/firewallPolicies/)?([0-9]+)")
_PROJECT = "compute.googleapis.com/Project"


def is_part(terraform_type: str) -> bool:
    """Whether a type declares elements of another resource."""
    return terraform_type in PLACES or terraform_type in _LISTS


def elements(block: TerraformResource) -> Iterator[TerraformResource]:
    """The blocks of single elements that a block declares."""
    single = _LISTS.get(block.type)
    if single is None:
        yield _as_answered(block) if block.type == "google_bigquery_dataset_access" else block
        return
    for attribute, values in _listed(block):
        yield block._replace(
            type=single,
            address=f"{block.address}.{attribute}",
            values={**_around(block), **values},
            names=block.names | frozenset(values),
        )


def _listed(block: TerraformResource) -> Iterator[tuple[str, dict[str, Any]]]:
    """The attributes of each element, with the author's path."""
    entries = block.values.get("role_entity")
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        role, _, entity = str(entry).partition(":")
        if entity:
            yield f"role_entity[{index}]", {"role": role, "entity": entity}


def _around(block: TerraformResource) -> dict[str, Any]:
    return {name: block.values[name] for name in ("project", "bucket") if name in block.values}


def _as_answered(block: TerraformResource) -> TerraformResource:
    """Access to a dataset as BigQuery answers it: roles by their older names, members by their kind."""
    values = dict(block.values)
    values["role"] = _ROLES.get(str(values.get("role")), values.get("role"))
    kind, _, member = str(values.get("iam_member") or "").partition(":")
    if values.get("api_updated_member") is True and kind in _MEMBERS:
        values |= {"iam_member": "", _MEMBERS[kind]: member}
    return block._replace(values=values)


def _of_project(
    block: TerraformResource, source: Source, data: dict[str, Any], origins: Mapping[str, str]
) -> Translated:
    """A declaration of what Compute Engine holds of a project."""
    project = block.default("project")
    return Translated(
        Declaration(
            key=ResourceKey(f"//compute.googleapis.com/projects/{project}" if project else ""),
            asset_type=_PROJECT,
            data=data,
            project=project,
            source=source,
            mode="alert",
        ),
        origins={"": block.address, **origins},
    )


def _metadata(block: TerraformResource, source: Source) -> Translated | None:
    """All metadata of a project: an added entry is drift, as it is for the provider."""
    metadata = block.values.get("metadata")
    if not isinstance(metadata, Mapping):
        return None
    items = [
        {"key": key} if value is UNKNOWN else {"key": key, "value": value if isinstance(value, Secret) else str(value)}
        for key, value in sorted(metadata.items())
    ]
    origins = {
        f"commonInstanceMetadata.items[{index}].value": f"{block.address}.metadata.{item['key']}"
        for index, item in enumerate(items)
    }
    return _of_project(block, source, {"commonInstanceMetadata": {"items": items}}, origins)


def _shared_vpc_host(block: TerraformResource, source: Source) -> Translated | None:
    """That a project shares its networks."""
    return _of_project(block, source, {"xpnProjectStatus": "HOST"}, {})


OF_PROJECTS: Mapping[str, Callable[[TerraformResource, Source], Translated | None]] = {
    "google_compute_project_metadata": _metadata,
    "google_compute_shared_vpc_host_project": _shared_vpc_host,
}
"""The readers of types that declare fields of a project in Compute Engine."""


def holder_of(block: TerraformResource, place: PartPlacement) -> tuple[Meaning, Name]:
    """The resource that holds a part: its asset type, and its name without an id where it is not known.

    The name's attributes are those of the part that say where it stands.
    """
    address = block.default("project") if place is _METADATA else block.value(place.attribute)
    own = _PROJECT if place is _METADATA else ""
    means = Meaning(own, ()) if own else meaning(place.holder)
    around = frozenset((place.attribute, "project", "region", "zone", "id"))
    key = place.keys[0] if len(place.keys) == 1 else ""
    return means, Name(_name_of(block, place, means, address), around, key, block.value(key) if key else "")


def _name_of(block: TerraformResource, place: PartPlacement, means: Meaning, address: str) -> str:
    if not address:
        return ""
    if place is _METADATA:
        return f"//compute.googleapis.com/projects/{address}"
    if place.holder == "google_compute_firewall_policy":
        policy = _POLICY_ID.fullmatch(address)
        return f"//compute.googleapis.com/locations/global/firewallPolicies/{policy[1]}" if policy else ""
    named = {_SINGULAR[kind]: name for kind, name in _PAIR.findall(address)}
    own = {name: block.value(name) for name in ("project", "region", "zone") if block.value(name)}
    values = {**own, **named, place.own: address.removeprefix("b/").rpartition("/")[2]}
    holder = block._replace(type=place.holder, values=values, names=block.names | frozenset(values))
    return terraform_names.name_of(holder, means).text


def schema_of(asset_type: str, field: str) -> Schema | None:
    """The schema of the elements of a list."""
    for schema in default_catalogue().schemas_for(asset_type):
        inner: Schema | None = schema
        for name in field.split("."):
            described = inner.fields.get(name) if inner is not None else None
            item = described.item if described is not None and described.item is not None else described
            inner = item.schema if item is not None else None
        if inner is not None:
            return inner
    return None


def overrides(paths: Mapping[str, str | None], field: str) -> Mapping[str, str | None]:
    """API paths of attributes, from the element in place of the holder."""
    return {name: path.removeprefix(f"{field}.") if path else path for name, path in paths.items()}


def wrapped(translated: Translated, place: PartPlacement, block: TerraformResource, prefix: str) -> Translated:
    """An element's declaration as that of its holder."""
    declaration = translated.declaration
    data = dict(declaration.data)
    if len(place.keys) == 1:
        key = place.keys[0]
        data = {key: block.values.get(key, data.get(key)), **data}
    if secret_values.names_elements(place.keys, data):
        return replace(translated, declaration=replace(declaration, key=ResourceKey("")))
    path, nested = f"{place.field}[0]", [data]
    whole: Any = nested
    for name in reversed(place.field.split(".")):
        whole = {name: whole}
    return replace(
        translated,
        declaration=replace(
            declaration,
            data=whole,
            element=place.element,
            mode="alert",
            recorded=tuple(f"{place.field}[*].{pattern}" for pattern in declaration.recorded),
        ),
        origins={
            **{f"{path}.{below}": author for below, author in translated.origins.items() if below},
            "": prefix,
            place.field.partition(".")[0]: prefix,
            place.field: prefix,
            path: prefix,
        },
        whole=(),
    )

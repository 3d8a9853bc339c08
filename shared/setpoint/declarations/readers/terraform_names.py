"""Determine the full resource name of a Terraform resource.

Known names take precedence: an `id` or an attribute that is a path. In a plan that creates a resource, most ids are
unknown; the path is then built by the rule of Google's APIs: the project or another root, the location, the parent
collections, the collection of the kind, and the resource's own id. The tables hold exceptions to that rule.

Sources: https://cloud.google.com/asset-inventory/docs/asset-names, https://google.aip.dev/122
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from setpoint.catalog import inventory_names
from setpoint.catalog.words import plural as plural_of
from setpoint.catalog.words import singular as singular_of
from setpoint.declarations.readers.terraform_documents import TerraformResource
from setpoint.declarations.readers.terraform_types import Meaning
from setpoint.model import references

# Kind → collection, if it is not the kind's plural.
_COLLECTIONS = {
    "aiplatform.googleapis.com/EntityType": "entityTypes",
    "apigee.googleapis.com/ApiProduct": "apiproducts",
    "apigee.googleapis.com/AppGroup": "appgroups",
    "apigee.googleapis.com/SecurityProfileV2": "securityProfilesV2",
    "apigee.googleapis.com/TargetServer": "targetservers",
    "cloudbuild.googleapis.com/BuildTrigger": "triggers",
    "cloudfunctions.googleapis.com/CloudFunction": "functions",
    "cloudresourcemanager.googleapis.com/TagBinding": "tagBindings",
    "compute.googleapis.com/GlobalAddress": "addresses",
    "compute.googleapis.com/GlobalForwardingRule": "forwardingRules",
    "compute.googleapis.com/NetworkFirewallPolicy": "firewallPolicies",
    "compute.googleapis.com/RegionBackendService": "backendServices",
    "compute.googleapis.com/RegionDisk": "disks",
    "container.googleapis.com/Cluster": "clusters",
    "dialogflow.googleapis.com/SecuritySettings": "securitySettings",
    "dns.googleapis.com/ResourceRecordSet": "rrsets",
    "dns.googleapis.com/ResponsePolicyRule": "rules",
    "gkehub.googleapis.com/MembershipBinding": "bindings",
    "iam.googleapis.com/ServiceAccountKey": "keys",
    "iam.googleapis.com/WorkforcePoolProvider": "providers",
    "iam.googleapis.com/WorkloadIdentityPoolProvider": "providers",
    "identitytoolkit.googleapis.com/OAuthIdpConfig": "oauthIdpConfigs",
    "logging.googleapis.com/LogBucket": "buckets",
    "logging.googleapis.com/LogExclusion": "exclusions",
    "logging.googleapis.com/LogMetric": "metrics",
    "logging.googleapis.com/LogSink": "sinks",
    "logging.googleapis.com/LogView": "views",
    "networksecurity.googleapis.com/GatewaySecurityPolicyRule": "rules",
    "run.googleapis.com/DomainMapping": "domainmappings",
    "secretmanager.googleapis.com/SecretVersion": "versions",
    "vpcaccess.googleapis.com/Connector": "connectors",
}

# Kind → the collections between the location and its own, outermost first, as in the APIs' paths.
_AROUND = {
    "aiplatform.googleapis.com/EntityType": ("featurestores",),
    "aiplatform.googleapis.com/FeatureView": ("featureOnlineStores",),
    "alloydb.googleapis.com/Instance": ("clusters",),
    "alloydb.googleapis.com/User": ("clusters",),
    "analyticshub.googleapis.com/Listing": ("dataExchanges",),
    "apigee.googleapis.com/NatAddress": ("instances",),
    "apigee.googleapis.com/TargetServer": ("environments",),
    "apphub.googleapis.com/Service": ("applications",),
    "apphub.googleapis.com/Workload": ("applications",),
    "biglake.googleapis.com/Database": ("catalogs",),
    "biglake.googleapis.com/Table": ("catalogs", "databases"),
    "bigquery.googleapis.com/Routine": ("datasets",),
    "bigquery.googleapis.com/RowAccessPolicy": ("datasets", "tables"),
    "bigquery.googleapis.com/Table": ("datasets",),
    "bigqueryreservation.googleapis.com/Assignment": ("reservations",),
    "bigtableadmin.googleapis.com/AppProfile": ("instances",),
    "bigtableadmin.googleapis.com/AuthorizedView": ("instances", "tables"),
    "bigtableadmin.googleapis.com/Cluster": ("instances",),
    "bigtableadmin.googleapis.com/LogicalView": ("instances",),
    "bigtableadmin.googleapis.com/MaterializedView": ("instances",),
    "bigtableadmin.googleapis.com/SchemaBundle": ("instances", "tables"),
    "bigtableadmin.googleapis.com/Table": ("instances",),
    "certificatemanager.googleapis.com/CertificateMapEntry": ("certificateMaps",),
    "cloudbuild.googleapis.com/Repository": ("connections",),
    "clouddeploy.googleapis.com/Automation": ("deliveryPipelines",),
    "cloudkms.googleapis.com/CryptoKey": ("keyRings",),
    "cloudkms.googleapis.com/CryptoKeyVersion": ("keyRings", "cryptoKeys"),
    "cloudkms.googleapis.com/ImportJob": ("keyRings",),
    "composer.googleapis.com/UserWorkloadsConfigMap": ("environments",),
    "composer.googleapis.com/UserWorkloadsSecret": ("environments",),
    "container.googleapis.com/NodePool": ("clusters",),
    "dataplex.googleapis.com/Asset": ("lakes", "zones"),
    "dataplex.googleapis.com/Entry": ("entryGroups",),
    "dataplex.googleapis.com/Task": ("lakes",),
    "dataplex.googleapis.com/Zone": ("lakes",),
    "developerconnect.googleapis.com/GitRepositoryLink": ("connections",),
    "discoveryengine.googleapis.com/Engine": ("collections",),
    "dns.googleapis.com/ResourceRecordSet": ("managedZones",),
    "dns.googleapis.com/ResponsePolicyRule": ("responsePolicies",),
    "file.googleapis.com/Snapshot": ("instances",),
    "firebaseapphosting.googleapis.com/Build": ("backends",),
    "firebaseapphosting.googleapis.com/Domain": ("backends",),
    "firestore.googleapis.com/BackupSchedule": ("databases",),
    "firestore.googleapis.com/Index": ("databases", "collectionGroups"),
    "gkehub.googleapis.com/MembershipBinding": ("memberships",),
    "gkehub.googleapis.com/Namespace": ("scopes",),
    "gkeonprem.googleapis.com/BareMetalNodePool": ("bareMetalClusters",),
    "gkeonprem.googleapis.com/VmwareNodePool": ("vmwareClusters",),
    "healthcare.googleapis.com/ConsentStore": ("datasets",),
    "healthcare.googleapis.com/DicomStore": ("datasets",),
    "healthcare.googleapis.com/FhirStore": ("datasets",),
    "healthcare.googleapis.com/Hl7V2Store": ("datasets",),
    "iam.googleapis.com/ServiceAccountKey": ("serviceAccounts",),
    "iam.googleapis.com/WorkforcePoolProvider": ("workforcePools",),
    "iam.googleapis.com/WorkloadIdentityPoolProvider": ("workloadIdentityPools",),
    "logging.googleapis.com/Link": ("buckets",),
    "logging.googleapis.com/LogView": ("buckets",),
    "managedkafka.googleapis.com/Acl": ("clusters",),
    "managedkafka.googleapis.com/Topic": ("clusters",),
    "monitoring.googleapis.com/ServiceLevelObjective": ("services",),
    "netapp.googleapis.com/Backup": ("backupVaults",),
    "networkconnectivity.googleapis.com/Group": ("hubs",),
    "networksecurity.googleapis.com/GatewaySecurityPolicyRule": ("gatewaySecurityPolicies",),
    "oracledatabase.googleapis.com/OdbSubnet": ("odbNetworks",),
    "parametermanager.googleapis.com/Version": ("parameters",),
    "privateca.googleapis.com/Certificate": ("caPools",),
    "privateca.googleapis.com/CertificateAuthority": ("caPools",),
    "secretmanager.googleapis.com/SecretVersion": ("secrets",),
    "securesourcemanager.googleapis.com/BranchRule": ("repositories",),
    "servicedirectory.googleapis.com/Endpoint": ("namespaces", "services"),
    "servicedirectory.googleapis.com/Service": ("namespaces",),
    "spanner.googleapis.com/BackupSchedule": ("instances", "databases"),
    "spanner.googleapis.com/Database": ("instances",),
    "spanner.googleapis.com/InstancePartition": ("instances",),
    "sqladmin.googleapis.com/Database": ("instances",),
    "sqladmin.googleapis.com/User": ("instances",),
    "storage.googleapis.com/Object": ("b",),
    "workstations.googleapis.com/Workstation": ("workstationClusters", "workstationConfigs"),
    "workstations.googleapis.com/WorkstationConfig": ("workstationClusters",),
}

# Services whose names contain no location, although some of their resources have one.
_PLACELESS = frozenset(
    (
        "bigquery.googleapis.com",  # a dataset's location is a property
        "bigtableadmin.googleapis.com",  # a cluster's zone is a property
        "dns.googleapis.com",  # only the unfinished v2 has locations
        "firestore.googleapis.com",  # a database's location is a property
        "monitoring.googleapis.com",  # global
        "pubsub.googleapis.com",  # global
        "serviceusage.googleapis.com",  # global
        "spanner.googleapis.com",  # an instance's configuration contains its location
        "sqladmin.googleapis.com",  # an instance's region is a property
    )
)

# Services with the older collections of regions and zones, `zones/europe-west1-b`.
_AREAS = frozenset(("compute.googleapis.com", "dataproc.googleapis.com"))

# Kinds whose own names may contain slashes.
_SLASHES = frozenset(("logging.googleapis.com/LogMetric",))

# Attributes with another root than a project.
_TOPS = {"organization": "organizations", "org_id": "organizations", "folder": "folders", "folder_id": "folders"}
_LOCATIONS = ("location", "region", "zone", "location_id")
_PATH = re.compile(
    r"(?:projects|organizations|folders|billingAccounts|accessPolicies|tagKeys|tagValues|groups)/[^/]+(?:/.+)?\Z"
)


class Name(NamedTuple):
    """A full resource name, and its parts.

    Args:
        text: The full resource name; empty if a part of it is known only after apply.
        around: The attributes with the resource's place and parent.
        attribute: The attribute with the resource's own id.
        own: The id, or empty.
    """

    text: str
    around: frozenset[str]
    attribute: str
    own: str


def name_of(block: TerraformResource, meaning: Meaning) -> Name:
    """The full resource name of a resource."""
    attribute, own = _own(block, meaning)
    around = _AROUND.get(meaning.asset_type, ())
    parents = [_parent(block, collection) for collection in around]
    held = _place_attributes(tuple(attribute for attribute, _ in parents))
    special = _special(block, meaning, block.default("project"))
    if special is not None:
        text = f"//{meaning.service}/{special}" if special else ""
        return Name(text, frozenset(("project", *_SPECIAL[meaning.asset_type][0])), attribute, own)
    host = inventory_names.HOSTS.get(meaning.service, meaning.service)
    collection = collection_of(meaning)
    known = block.value("id")
    by_id = bool(_PATH.match(known)) and (meaning.by_id or collection in known.split("/"))
    if by_id or meaning.by_id:
        return Name(f"//{host}/{known}" if by_id else "", held, attribute, own)
    if _is_path(own):
        return Name(f"//{host}/{_path(own)}", held, attribute, own)
    if "/" in own and meaning.asset_type not in _SLASHES:
        path = _spelled_out(own, block.default("project"), meaning, (*around, collection))
        return Name(f"//{host}/{path}" if path else "", held, attribute, own)
    if not own:
        return Name("", held, attribute, "")
    top = _top(block, meaning, around, parents)
    return Name(f"//{host}/{top}/{collection}/{own}" if top else "", held, attribute, own)


@lru_cache(maxsize=1024)
def _place_attributes(parents: tuple[str, ...]) -> frozenset[str]:
    """The attributes that name the place and the parents of a resource."""
    return frozenset(("project", *_LOCATIONS, *_TOPS, "parent", *parents))


def _spelled_out(own: str, project: str, meaning: Meaning, collections: tuple[str, ...]) -> str:
    """The full path of a short form without collections, which the provider accepts: `eu/ring/key`; or empty."""
    if meaning.service in _AREAS:
        return ""
    places = () if meaning.service in _PLACELESS else ("locations",)
    around = ("projects", *places, *collections)
    parts = own.split("/")
    if project and len(parts) == len(around) - 1:
        parts = [project, *parts]
    if len(parts) != len(around) or not all(parts):
        return ""
    return "/".join(f"{collection}/{part}" for collection, part in zip(around, parts, strict=True))


@lru_cache(maxsize=2048)
def collection_of(meaning: Meaning) -> str:
    """The collection of a kind: `crypto_key` → `cryptoKeys`."""
    collection = _COLLECTIONS.get(meaning.asset_type)
    if collection is not None:
        return collection
    *head, last = re.findall(r"[A-Z][a-z0-9]*", meaning.kind) or [meaning.kind]
    plural = "".join(head) + plural_of(last.lower()).capitalize()
    return plural[:1].lower() + plural[1:]


# Asset type → the attributes that may name it and its path; names that follow no rule.
_SPECIAL = {
    "storage.googleapis.com/Bucket": (("name", "bucket"), "{}"),
    "cloudresourcemanager.googleapis.com/Project": (("project_id", "project"), "projects/{}"),
    "cloudresourcemanager.googleapis.com/Folder": (("folder_id", "folder", "name"), "folders/{}"),
    "cloudresourcemanager.googleapis.com/Organization": (("org_id", "organization"), "organizations/{}"),
    "accesscontextmanager.googleapis.com/AccessPolicy": (("name",), "accessPolicies/{}"),
    "compute.googleapis.com/FirewallPolicy": (("firewall_policy_id",), "locations/global/firewallPolicies/{}"),
    "cloudbilling.googleapis.com/ProjectBillingInfo": (("project_id", "project"), "projects/{}/billingInfo"),
    "cloudbilling.googleapis.com/BillingAccount": (("billing_account_id", "billing_account"), "billingAccounts/{}"),
    "iam.googleapis.com/ServiceAccount": (("unique_id", "email", "account_id", "service_account_id"), ""),
    "serviceusage.googleapis.com/Service": (("service",), "projects/{project}/services/{}"),
}


def _special(block: TerraformResource, meaning: Meaning, project: str) -> str | None:
    """A name that follows no rule; None if it follows the rule."""
    if meaning.asset_type not in _SPECIAL:
        return None
    attributes, form = _SPECIAL[meaning.asset_type]
    named = block.value(*attributes)
    if meaning.kind == "ServiceAccount":
        return _service_account(named, project)
    if not named or ("{project}" in form and not project):
        return ""
    return form.format(named.rpartition("/")[2], project=project)


def _service_account(named: str, project: str) -> str:
    """The name of a service account by address, since only a state contains its number, which the inventory uses."""
    parts = named.split("/")
    if len(parts) > 1:
        project, named = parts[1] if parts[1] != "-" else project, parts[-1]
    if not named or not project:
        return ""
    address = named if named.isdigit() or "@" in named else f"{named}@{project}.iam.gserviceaccount.com"
    return f"projects/{project}/serviceAccounts/{address}"


# Types whose `name` is no part of the resource's name, which the server generates.
_NAMED_BY_SERVER = frozenset(("google_cloudbuild_trigger",))


def _own(block: TerraformResource, meaning: Meaning) -> tuple[str, str]:
    """The attribute with the resource's own id, and the id."""
    if block.type in _NAMED_BY_SERVER:
        return "", ""
    short = block.value("name")
    for attribute in _own_attributes(meaning):
        value = block.value(attribute)
        # Compute resources have a number in addition to their name.
        if value and not (value.isdigit() and attribute.endswith("_id") and short and "/" not in short):
            return attribute, value
    return "name", ""


def _own_attributes(meaning: Meaning) -> Iterator[str]:
    words = meaning.words
    for start in range(len(words)):
        value = "_".join(words[start:])
        yield f"{value}_id"
        yield f"{value.removesuffix('_config')}_id"
    yield from ("account_id", "name")
    for start in range(len(words)):
        value = "_".join(words[start:])
        yield f"{value}_name"
        yield value
    yield from ("domain_name", "domain")


def _parent(block: TerraformResource, collection: str) -> tuple[str, str]:
    """The attribute that names the parent, and its value."""
    words = re.findall(r"[A-Z]?[a-z0-9]+", collection)
    singular = "_".join([*(word.lower() for word in words[:-1]), singular_of(words[-1].lower())])
    last = singular.rpartition("_")[2]
    names = [f"{value}{ending}" for value in dict.fromkeys((singular, last)) for ending in ("", "_id", "_name")]
    names += ["bucket"] if collection == "b" else []
    names += ["database"] if collection == "databases" else []
    joined = singular.replace("_", "")
    names += [f"dataplex_{singular}", f"parent_{singular}", f"{singular}s_id", joined, "collection"]
    for attribute in names:
        value = block.value(attribute)
        if value:
            return attribute, value
    return singular, ""


def _top(block: TerraformResource, meaning: Meaning, around: tuple[str, ...], parents: list[tuple[str, str]]) -> str:
    """The path before the resource's own collection; empty if a part is unknown."""
    parent = block.value("parent")
    if not around and _is_path(parent):
        return _path(parent)
    path = ""
    for index, (collection, (_, value)) in enumerate(zip(around, parents, strict=True)):
        if _is_path(value):
            path = _path(value)
        elif value:
            path = path or _root(block, meaning)
            if not path:
                return ""
            path = f"{path}/{collection}/{value.rpartition('/')[2]}"
        elif _is_path(parent):
            path = _path(parent)
        elif not any(_is_path(inner) for _, inner in parents[index + 1 :]):
            return ""
    return path or _root(block, meaning)


def _root(block: TerraformResource, meaning: Meaning) -> str:
    """The project or another root, with the location."""
    top = ""
    for attribute, collection in _TOPS.items():
        value = block.value(attribute)
        if value and attribute.partition("_")[0] in block.type:
            top = f"{collection}/{value.rpartition('/')[2]}"
    project = block.default("project")
    top = top or (f"projects/{project.rpartition('/')[2]}" if project else "")
    if not top:
        return ""
    place = _place(block, meaning)
    return f"{top}/{place}" if place else top


def _place(block: TerraformResource, meaning: Meaning) -> str:
    if meaning.service in _PLACELESS:
        return ""
    if meaning.service in _AREAS:
        for attribute in ("zone", "region"):
            value = block.default(attribute)
            if value:
                return f"{attribute}s/{value.rpartition('/')[2]}"
        return "global" if meaning.service == "compute.googleapis.com" else "regions/global"
    value = next((location for attribute in _LOCATIONS if (location := block.default(attribute))), "")
    return f"locations/{value.rpartition('/')[2]}" if value else ""


def _is_path(value: str) -> bool:
    return bool(_PATH.match(_path(value))) if value else False


def _path(value: str) -> str:
    """A path in any form without host and version."""
    return "/".join(references.segments(value)) if "//" in value or references.looks_like_path(value) else value

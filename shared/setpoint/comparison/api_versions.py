"""Convert both sides of a comparison to one API version, if the inventory sends another than the declared one.

Cloud Run services come in the shape of v1 (Knative) or of v2, projects and folders in that of Resource Manager v1, v2
or v3, functions and notebook instances in that of v1 or v2, and are declared in either. Where the two sides differ, the
older side is expressed in the newer version, and differences have its paths.
Sources: https://cloud.google.com/run/docs/reference/rest/v1/namespaces.services,
https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services,
https://cloud.google.com/resource-manager/reference/rest/v1/projects,
https://cloud.google.com/resource-manager/reference/rest/v3/projects
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from setpoint.comparison.older_api_shapes import (
    NEWER_FUNCTION,
    NEWER_NOTEBOOK,
    OLDER_FUNCTION,
    OLDER_NOTEBOOK,
    function_v2,
    notebook_v2,
    present,
)
from setpoint.model.difference import Difference, Explanation
from setpoint.util.json_values import as_object

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Schema

_ROOT = re.compile(r"[.\[]")

_RUN_V2 = "https://run.googleapis.com/$discovery/rest?version=v2"
_RESOURCE_MANAGER_V3 = "https://cloudresourcemanager.googleapis.com/$discovery/rest?version=v3"

_INGRESS = {
    "all": "INGRESS_TRAFFIC_ALL",
    "internal": "INGRESS_TRAFFIC_INTERNAL_ONLY",
    "internal-and-cloud-load-balancing": "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER",
}
_EGRESS = {"all": "ALL_TRAFFIC", "all-traffic": "ALL_TRAFFIC", "private-ranges-only": "PRIVATE_RANGES_ONLY"}
_GENERATION = {"gen1": "EXECUTION_ENVIRONMENT_GEN1", "gen2": "EXECUTION_ENVIRONMENT_GEN2"}
_SYSTEM_PREFIXES = ("run.googleapis.com/", "serving.knative.dev/", "autoscaling.knative.dev/", "client.knative.dev/")
_LOCATION_LABEL = "cloud.googleapis.com/location"
_SAME_IN_CONTAINERS = ("name", "image", "command", "args", "workingDir", "volumeMounts", "ports")
_PROBES = ("livenessProbe", "startupProbe", "readinessProbe")


_ONLY_OLDER = ("projectNumber", "lifecycleState")
_ONLY_NEWER = ("displayName", "state")

Version = Literal["older", "newer", "either"]


class Sides(NamedTuple):
    """Both sides of a comparison in one API version.

    Args:
        declared: the declared fields.
        observed: the observed fields.
        discovery_uri: the discovery document of that version; empty if nothing was converted.
        discovery_name: the name of the schema in it, if it differs from the asset type's own.
    """

    declared: Any
    observed: Any
    discovery_uri: str = ""
    discovery_name: str = ""


def has_several(asset_type: str) -> bool:
    """Whether the inventory sends a type in several API versions; the fast question."""
    return asset_type in _CONVERSIONS


def aligned(asset_type: str, declared: Any, observed: Any) -> Sides:
    """Both sides in one API version; unchanged if they have the same version."""
    conversion = _CONVERSIONS.get(asset_type)
    if conversion is None or not isinstance(declared, Mapping) or not isinstance(observed, Mapping):
        return Sides(declared, observed)
    want, have = conversion.version(declared), conversion.version(observed)
    if want == "older" and have == "newer":
        return Sides(conversion.newer(declared), observed, conversion.discovery_uri, conversion.discovery_name)
    if want == "newer" and have == "older":
        return Sides(declared, conversion.newer(observed), conversion.discovery_uri, conversion.discovery_name)
    return Sides(declared, observed)


def _version_of_service(service: Mapping[str, Any]) -> Version:
    is_knative = "spec" in service or str(service.get("apiVersion", "")).startswith("serving.knative.dev")
    return "older" if is_knative else "newer"


def _version_of_container(resource: Mapping[str, Any]) -> Version:
    """The version of a project or folder; fields of both versions are ignored."""
    if isinstance(resource.get("parent"), Mapping) or any(field in resource for field in _ONLY_OLDER):
        return "older"
    if isinstance(resource.get("parent"), str) or any(field in resource for field in _ONLY_NEWER):
        return "newer"
    name = resource.get("name")
    if not isinstance(name, str):
        return "either"
    return "newer" if name.startswith(("projects/", "folders/")) else "older"


def container_v3(resource: Mapping[str, Any]) -> dict[str, Any]:
    """A project or folder of an older version of Resource Manager in the shape of v3."""
    newer = {field: value for field, value in resource.items() if field not in ("name", "parent", *_ONLY_OLDER)}
    parent = resource.get("parent")
    if isinstance(parent, Mapping) and parent.get("type") and parent.get("id"):
        newer["parent"] = f"{parent['type']}s/{parent['id']}"
    elif isinstance(parent, str):
        newer["parent"] = parent
    name = resource.get("name")
    if isinstance(name, str):
        newer["name" if name.startswith(("projects/", "folders/")) else "displayName"] = name
    if "lifecycleState" in resource:
        newer["state"] = resource["lifecycleState"]
    return newer


def run_service_v2(service: Mapping[str, Any]) -> dict[str, Any]:
    """A Cloud Run service of API v1 in the shape of v2."""
    metadata, spec = as_object(service.get("metadata")), as_object(service.get("spec"))
    annotations = as_object(metadata.get("annotations"))
    template = as_object(spec.get("template"))
    labels = {key: value for key, value in as_object(metadata.get("labels")).items() if key != _LOCATION_LABEL}
    own = {key: value for key, value in annotations.items() if not key.startswith(_SYSTEM_PREFIXES)}
    return present(
        labels=labels,
        annotations=own,
        description=annotations.get("run.googleapis.com/description"),
        ingress=_INGRESS.get(str(annotations.get("run.googleapis.com/ingress"))),
        launchStage=annotations.get("run.googleapis.com/launch-stage"),
        template=_template(template) if template else None,
        traffic=[_traffic(target) for target in spec.get("traffic") or () if isinstance(target, Mapping)],
    )


def _template(template: Mapping[str, Any]) -> dict[str, Any]:
    metadata, spec = as_object(template.get("metadata")), as_object(template.get("spec"))
    annotations = as_object(metadata.get("annotations"))
    timeout = spec.get("timeoutSeconds")
    throttled = annotations.get("run.googleapis.com/cpu-throttling")
    boost = annotations.get("run.googleapis.com/startup-cpu-boost")
    containers = [_container(part) for part in spec.get("containers") or () if isinstance(part, Mapping)]
    for container in containers[:1]:
        resources = present(
            cpuIdle=None if throttled is None else throttled == "true",
            startupCpuBoost=None if boost is None else boost == "true",
        )
        if resources:
            container["resources"] = container.get("resources", {}) | resources
    return present(
        revision=metadata.get("name"),
        labels={
            key: value
            for key, value in as_object(metadata.get("labels")).items()
            if not key.startswith(_SYSTEM_PREFIXES)
        },
        annotations={key: value for key, value in annotations.items() if not key.startswith(_SYSTEM_PREFIXES)},
        scaling=present(
            minInstanceCount=_whole(annotations.get("autoscaling.knative.dev/minScale")),
            maxInstanceCount=_whole(annotations.get("autoscaling.knative.dev/maxScale")),
        ),
        vpcAccess=present(
            connector=annotations.get("run.googleapis.com/vpc-access-connector"),
            egress=_EGRESS.get(str(annotations.get("run.googleapis.com/vpc-access-egress"))),
        ),
        executionEnvironment=_GENERATION.get(str(annotations.get("run.googleapis.com/execution-environment"))),
        encryptionKey=annotations.get("run.googleapis.com/encryption-key"),
        maxInstanceRequestConcurrency=spec.get("containerConcurrency"),
        timeout=f"{timeout}s" if timeout is not None else None,
        serviceAccount=spec.get("serviceAccountName"),
        containers=containers,
        volumes=[_volume(volume) for volume in spec.get("volumes") or () if isinstance(volume, Mapping)],
    )


def _container(container: Mapping[str, Any]) -> dict[str, Any]:
    kept = {field: container.get(field) for field in (*_SAME_IN_CONTAINERS, *_PROBES)}
    limits = as_object(container.get("resources")).get("limits")
    return present(
        **kept,
        env=[_variable(variable) for variable in container.get("env") or () if isinstance(variable, Mapping)],
        resources=present(limits=limits),
    )


def _variable(variable: Mapping[str, Any]) -> dict[str, Any]:
    reference = as_object(as_object(variable.get("valueFrom")).get("secretKeyRef"))
    source = present(secret=reference.get("name"), version=reference.get("key"))
    return present(
        name=variable.get("name"),
        value=variable.get("value"),
        valueSource={"secretKeyRef": source} if source else None,
    )


def _volume(volume: Mapping[str, Any]) -> dict[str, Any]:
    secret = as_object(volume.get("secret"))
    items = [
        present(path=item.get("path"), version=item.get("key"), mode=item.get("mode"))
        for item in secret.get("items") or ()
        if isinstance(item, Mapping)
    ]
    held = present(secret=secret.get("secretName"), items=items, defaultMode=secret.get("defaultMode"))
    return present(name=volume.get("name"), secret=held, emptyDir=volume.get("emptyDir"))


def _traffic(target: Mapping[str, Any]) -> dict[str, Any]:
    revision = target.get("revisionName")
    kind = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION" if revision else "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    return present(type=kind, revision=revision, percent=target.get("percent"), tag=target.get("tag"))


def _whole(value: Any) -> int | None:
    return int(value) if str(value).isdigit() else None


class _Conversion(NamedTuple):
    """The conversion of an older version of a type to the newer one.

    Args:
        version: determines the version of a side.
        newer: converts the older version to the newer one.
        discovery_uri: the discovery document of the newer version.
        discovery_name: the name of the schema in it, if it differs from the asset type's own.
    """

    version: Callable[[Mapping[str, Any]], Version]
    newer: Callable[[Mapping[str, Any]], dict[str, Any]]
    discovery_uri: str
    discovery_name: str = ""


def _version_by(older: frozenset[str], newer: frozenset[str]) -> Callable[[Mapping[str, Any]], Version]:
    """Determine a version by fields that only one version has."""

    def version(resource: Mapping[str, Any]) -> Version:
        if not newer.isdisjoint(resource):
            return "newer"
        return "older" if not older.isdisjoint(resource) else "either"

    return version


_FUNCTION = _Conversion(
    _version_by(OLDER_FUNCTION, NEWER_FUNCTION),
    function_v2,
    "https://cloudfunctions.googleapis.com/$discovery/rest?version=v2",
    "Function",
)

_CONVERSIONS: Mapping[str, _Conversion] = {
    "run.googleapis.com/Service": _Conversion(_version_of_service, run_service_v2, _RUN_V2),
    "cloudresourcemanager.googleapis.com/Project": _Conversion(
        _version_of_container, container_v3, _RESOURCE_MANAGER_V3
    ),
    "cloudresourcemanager.googleapis.com/Folder": _Conversion(
        _version_of_container, container_v3, _RESOURCE_MANAGER_V3
    ),
    # An asset of either type has the name of the function, whichever version it was made with.
    "cloudfunctions.googleapis.com/CloudFunction": _FUNCTION,
    "cloudfunctions.googleapis.com/Function": _FUNCTION,
    "notebooks.googleapis.com/Instance": _Conversion(
        _version_by(OLDER_NOTEBOOK, NEWER_NOTEBOOK),
        notebook_v2,
        "https://notebooks.googleapis.com/$discovery/rest?version=v2",
        "Instance",
    ),
}


def split(
    differences: Iterable[Difference], schema: Schema | None, versions: Collection[Schema]
) -> tuple[tuple[Difference, ...], tuple[Explanation, ...]]:
    """The differences without fields that only another API version has, and these fields with the reason.

    Such a field is absent because the resource was sent in a version without it, so its value is unknown.

    Args:
        differences: the differences of the comparison.
        schema: the version of the resource; None if unknown.
        versions: all versions of the type.
    """
    kept = tuple(differences)
    if schema is None or len(versions) < 2:  # noqa: PLR2004 - nothing to tell apart
        return kept, ()
    roots = {_root(difference) for difference in kept if difference.op == "missing"}
    elsewhere = sorted(
        root for root in roots if root not in schema.fields and any(root in version.fields for version in versions)
    )
    if not elsewhere:
        return kept, ()
    comparable = tuple(difference for difference in kept if _root(difference) not in elsewhere)
    return comparable, tuple(Explanation(root, OTHER_VERSION) for root in elsewhere)


def _root(difference: Difference) -> str:
    return _ROOT.split(difference.path, maxsplit=1)[0]


OTHER_VERSION = "the API version that came has no such field, and another version has"

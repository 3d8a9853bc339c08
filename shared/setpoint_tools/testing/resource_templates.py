"""Templates for a generated fleet: a resource as declared, as its API returns it, and its drifts."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from setpoint_tools.demo import access, messaging, networks, stores, workloads
from setpoint_tools.demo.mutations import Edit, drop, grant, put, revoke
from setpoint_tools.demo.samples import Sample, Site

_OFFICE = ["198.51.100.0/28", "203.0.113.16/29"]
_READERS = "roles/storage.objectViewer"
_VIEWERS = "roles/viewer"


class TemplateDrift(NamedTuple):
    """Something that people do to a resource behind the back of its declaration.

    Args:
        edit: what it does to the live side.
        field: the beginning of the paths of the differences that follow from it, and of no others.
    """

    edit: Edit
    field: str


class ResourceTemplate(NamedTuple):
    """Resources of one kind.

    Args:
        make: makes the one with a number, at a site.
        drifts: what may happen to it; none is equal to another.
    """

    make: Callable[[Site, int], Sample]
    drifts: tuple[TemplateDrift, ...]


def _topic(site: Site, number: int) -> Sample:
    return messaging.topic(site, f"changes-{number}")


def _subscription(site: Site, number: int) -> Sample:
    return messaging.subscription(site, f"loader-{number}", "changes", f"https://loader-{number}.example.com/changes")


def _sink(site: Site, number: int) -> Sample:
    return messaging.sink(
        site,
        f"audit-{number}",
        "storage.googleapis.com/example-audit-logs",
        'logName:"cloudaudit" AND severity>=NOTICE',
    )


def _bucket(site: Site, number: int) -> Sample:
    return stores.bucket(site, f"example-{site.project.id}-{number}")


def _bucket_policy(site: Site, number: int) -> Sample:
    declared = {_READERS: [f"group:readers-{index}@example.com" for index in range(number % 60 + 4)]}
    return access.bucket_policy(site, _bucket(site, number), declared, "role")


def _dataset(site: Site, number: int) -> Sample:
    return stores.dataset(site, f"events_{number}")


def _database(site: Site, number: int) -> Sample:
    return stores.database(site, f"main-{number}")


def _redis(site: Site, number: int) -> Sample:
    return stores.redis(site, f"sessions-{number}")


def _repository(site: Site, number: int) -> Sample:
    return stores.repository(site, f"images-{number}")


def _key(site: Site, number: int) -> Sample:
    return access.key(site, f"ring-{number % 5}", f"storage-{number}")


def _secret(site: Site, number: int) -> Sample:
    return access.secret(site, f"partner-key-{number}")


def _account(site: Site, number: int) -> Sample:
    return access.account(site, f"loader-{number}", "loads what comes in")


def _firewall(site: Site, number: int) -> Sample:
    """A rule of a network of its own project: people write such a network's name alone."""
    own = f"projects/{site.project.id}/global/networks/main"
    site = replace(site, project=replace(site.project, network=own))
    return networks.firewall(site, f"allow-office-{number}", ["443", "9443"], _OFFICE, ["admin"])


def _zone(site: Site, number: int) -> Sample:
    return networks.zone(site, f"zone-{number}", f"z{number}.example.com.", private=number % 2 == 0)


def _service(site: Site, number: int) -> Sample:
    return workloads.service(site, f"api-{number}", f"api-{number}@{site.project.id}.iam.gserviceaccount.com")


def _instance(site: Site, number: int) -> Sample:
    """A machine; some of them with a script of several kilobytes in their metadata."""
    made = workloads.instance(site, f"worker-{number}", "n2-standard-8", f"w@{site.project.id}.iam.gserviceaccount.com")
    script = {"key": "startup-script", "value": "echo ready >> /var/log/setup.log\n" * (number % 4 * 60)}
    return _with(made, lambda side: side["metadata"]["items"].append(script))


def _cluster(site: Site, number: int) -> Sample:
    """A cluster with up to a dozen node pools."""
    made = workloads.cluster(site, f"ml-{number}")

    def grow(side: Any) -> None:
        first = side["nodePools"][0]
        side["nodePools"] += [{**copy.deepcopy(first), "name": f"pool-{index}"} for index in range(number % 12)]

    return _with(made, grow)


def _with(sample: Sample, change: Callable[[Any], None]) -> Sample:
    """The sample with both of its sides changed in the same way."""
    declared, live = copy.deepcopy(sample.declared), copy.deepcopy(sample.live)
    change(declared)
    change(live)
    return replace(sample, declared=declared, live=live)


def _project_policy(site: Site, number: int) -> Sample:
    """All grants of a project; there are projects with hundreds of members."""
    declared = {
        _VIEWERS: [f"group:team-{index}@example.com" for index in range(number % 200 + 3)],
        "roles/run.developer": [f"serviceAccount:deployer@{site.project.id}.iam.gserviceaccount.com"],
    }
    return access.project_policy(site, declared, {}, "policy")


PROJECT_POLICY = ResourceTemplate(
    _project_policy,
    (
        TemplateDrift(grant("roles/owner", "user:max.weber@example.com"), "bindings[role=roles/owner]"),
        TemplateDrift(revoke(_VIEWERS, "group:team-1@example.com"), f"bindings[role={_VIEWERS}]"),
    ),
)
"""What a project has only one of."""

_LABEL = TemplateDrift(put("labels.env", "sandbox"), "labels.env")

TEMPLATES = (
    ResourceTemplate(
        _topic, (TemplateDrift(put("messageRetentionDuration", "86400s"), "messageRetentionDuration"), _LABEL)
    ),
    ResourceTemplate(
        _bucket,
        (
            TemplateDrift(put("storageClass", "NEARLINE"), "storageClass"),
            TemplateDrift(drop("versioning.enabled"), "versioning"),
        ),
    ),
    ResourceTemplate(
        _subscription,
        (
            TemplateDrift(put("ackDeadlineSeconds", 10), "ackDeadlineSeconds"),
            TemplateDrift(drop("deadLetterPolicy"), "deadLetterPolicy"),
        ),
    ),
    ResourceTemplate(
        _account,
        (
            TemplateDrift(put("disabled", value=True), "disabled"),
            TemplateDrift(put("description", "mine"), "description"),
        ),
    ),
    ResourceTemplate(
        _service,
        (
            TemplateDrift(put("ingress", "INGRESS_TRAFFIC_ALL"), "ingress"),
            TemplateDrift(put("template.scaling.maxInstanceCount", 100), "template.scaling.maxInstanceCount"),
        ),
    ),
    ResourceTemplate(
        _bucket_policy,
        (
            TemplateDrift(grant(_READERS, "allUsers"), f"bindings[role={_READERS}]"),
            TemplateDrift(revoke(_READERS, "group:readers-2@example.com"), f"bindings[role={_READERS}]"),
        ),
    ),
    ResourceTemplate(
        _firewall,
        (
            TemplateDrift(put("sourceRanges", [*_OFFICE, "0.0.0.0/0"]), "sourceRanges"),
            TemplateDrift(put("disabled", value=True), "disabled"),
        ),
    ),
    ResourceTemplate(_secret, (TemplateDrift(put("versionDestroyTtl", "86400s"), "versionDestroyTtl"), _LABEL)),
    ResourceTemplate(
        _dataset,
        (
            TemplateDrift(put("defaultTableExpirationMs", "1000000"), "defaultTableExpirationMs"),
            TemplateDrift(put("friendlyName", "ours"), "friendlyName"),
        ),
    ),
    ResourceTemplate(
        _instance,
        (
            TemplateDrift(drop("deletionProtection"), "deletionProtection"),
            TemplateDrift(put("shieldedInstanceConfig.enableSecureBoot", value=False), "shieldedInstanceConfig"),
        ),
    ),
    ResourceTemplate(_key, (TemplateDrift(put("rotationPeriod", "31536000s"), "rotationPeriod"), _LABEL)),
    ResourceTemplate(
        _database,
        (
            TemplateDrift(
                put("settings.ipConfiguration.ipv4Enabled", value=True), "settings.ipConfiguration.ipv4Enabled"
            ),
            TemplateDrift(drop("settings.deletionProtectionEnabled"), "settings.deletionProtectionEnabled"),
        ),
    ),
    ResourceTemplate(_zone, (TemplateDrift(put("description", "mine"), "description"), _LABEL)),
    ResourceTemplate(
        _repository,
        (
            TemplateDrift(put("dockerConfig.immutableTags", value=False), "dockerConfig"),
            TemplateDrift(drop("cleanupPolicies"), "clean"),
        ),
    ),
    ResourceTemplate(
        _sink,
        (
            TemplateDrift(put("disabled", value=True), "disabled"),
            TemplateDrift(put("filter", "severity>=ERROR"), "filter"),
        ),
    ),
    ResourceTemplate(
        _redis,
        (
            TemplateDrift(drop("authEnabled"), "authEnabled"),
            TemplateDrift(put("transitEncryptionMode", "DISABLED"), "transitEncryptionMode"),
        ),
    ),
    ResourceTemplate(
        _cluster,
        (
            TemplateDrift(put("legacyAbac", {"enabled": True}), "legacyAbac"),
            TemplateDrift(drop("masterAuthorizedNetworksConfig"), "masterAuthorizedNetworksConfig"),
        ),
    ),
)
"""What a project may have many of, the more frequent twice."""

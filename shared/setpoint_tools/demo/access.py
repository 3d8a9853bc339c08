"""Sample keys, secrets, service accounts, IAM policies and organisation policies."""

from __future__ import annotations

from setpoint.model.declaration import Authority, Owner
from setpoint.model.resource_key import ResourceKey
from setpoint_tools.demo.asset_types import ACCOUNT, FOLDER, KEY, PROJECT, SECRET, SampleType
from setpoint_tools.demo.samples import Data, Sample, Site

_DAY = 86400

Grants = dict[str, list[str]]
"""Members by role."""


def key(site: Site, ring: str, name: str) -> Sample:
    """A key that rotates; when next is the server's business."""
    path = f"projects/{site.project.id}/locations/{site.project.region}/keyRings/{ring}/cryptoKeys/{name}"
    labels = site.labels()
    declared = {
        "purpose": "ENCRYPT_DECRYPT",
        "rotationPeriod": site.spelling.duration(90 * _DAY),
        "nextRotationTime": "2025-03-01T00:00:00Z",
        "destroyScheduledDuration": site.spelling.duration(30 * _DAY),
        "versionTemplate": {
            "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION",
            "protectionLevel": site.spelling.constant("SOFTWARE"),
        },
        "labels": labels,
    }
    live = {
        "name": path,
        "purpose": "ENCRYPT_DECRYPT",
        "createTime": site.server.time(),
        "rotationPeriod": f"{90 * _DAY}s",
        "nextRotationTime": "2026-02-24T00:00:00Z",
        "destroyScheduledDuration": f"{30 * _DAY}s",
        "versionTemplate": {"algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION", "protectionLevel": "SOFTWARE"},
        "primary": {
            "name": f"{path}/cryptoKeyVersions/7",
            "state": "ENABLED",
            "algorithm": "GOOGLE_SYMMETRIC_ENCRYPTION",
            "protectionLevel": "SOFTWARE",
            "createTime": site.server.time(),
        },
        "labels": site.live_labels(labels),
    }
    where = site.project.region
    return site.sample(
        KEY, f"cloudkms/{path}", declared, live, location=where, ignore=("nextRotationTime",), mode="auto"
    )


def secret(site: Site, name: str) -> Sample:
    """A secret's place, kept in two regions; the API answers with the project's number."""
    labels = site.labels()
    regions = [{"location": "europe-west1"}, {"location": "europe-west4"}]
    declared = {
        "name": f"projects/{site.project.id}/secrets/{name}",
        "replication": {"userManaged": {"replicas": site.spelling.order(regions)}},
        "versionDestroyTtl": site.spelling.duration(7 * _DAY),
        "labels": labels,
    }
    live = {
        "name": f"projects/{site.project.number}/secrets/{name}",
        "replication": {"userManaged": {"replicas": regions}},
        "versionDestroyTtl": f"{7 * _DAY}s",
        "createTime": site.server.time(),
        "etag": f'"{site.server.hex(14)}"',
        "labels": site.live_labels(labels),
    }
    return site.sample(SECRET, f"secretmanager/projects/{site.project.id}/secrets/{name}", declared, live)


def account(site: Site, name: str, text: str) -> Sample:
    """A service account."""
    email = f"{name}@{site.project.id}.iam.gserviceaccount.com"
    path = f"projects/{site.project.id}/serviceAccounts/{email}"
    number = site.server.digits(21)
    declared = {"displayName": name.replace("-", " "), "description": text, "disabled": False}
    live = {
        "name": path,
        "projectId": site.project.id,
        "uniqueId": number,
        "oauth2ClientId": number,
        "email": email,
        "displayName": name.replace("-", " "),
        "description": text,
        "etag": site.server.token(),
    }
    return site.sample(ACCOUNT, f"iam/{path}", declared, live, location="global")


def stray_account(site: Site, name: str) -> Sample:
    """A service account that nobody declared."""
    made = account(site, name, "made by hand")
    return site.sample(ACCOUNT, f"iam/{made.key.name.partition('.com/')[2]}", None, made.live, location="global")


def project_policy(site: Site, declared: Grants, others: Grants, authority: Authority) -> Sample:
    """The IAM policy of a project; ``others`` are grants that the declaration does not own."""
    path = f"cloudresourcemanager/projects/{site.project.number}"
    own = {
        "roles/compute.serviceAgent": [
            f"serviceAccount:service-{site.project.number}@compute-system.iam.gserviceaccount.com"
        ],
        "roles/container.serviceAgent": [
            f"serviceAccount:service-{site.project.number}@container-engine-robot.iam.gserviceaccount.com"
        ],
    }
    return _policy(site, PROJECT, path, declared, own | others, authority)


def bucket_policy(site: Site, bucket: Sample, declared: Grants, authority: Authority) -> Sample:
    """The IAM policy of a bucket; the legacy roles that every bucket has are not part of the declaration."""
    legacy = {
        "roles/storage.legacyBucketOwner": [f"projectEditor:{site.project.id}", f"projectOwner:{site.project.id}"]
    }
    path = bucket.key.name.removeprefix("//").replace(".googleapis.com", "", 1)
    return _policy(site, bucket.kind, path, declared, legacy, authority)


def undeclared_bucket_policy(site: Site, bucket: Sample) -> Sample:
    """The IAM policy of a bucket of which nobody declares any grant."""
    made = bucket_policy(site, bucket, {}, "role")
    return site.sample(
        bucket.kind, f"storage/{bucket.key.name[2:].partition('/')[2]}", None, made.live, content="iam_policy"
    )


def conditional_policy(site: Site, grants: Grants, role: str, member: str, condition: Data) -> Sample:
    """The IAM policy of a project, one of its grants only for a time."""
    made = project_policy(site, grants, {}, "policy")
    timed = {"role": role, "members": [member], "condition": condition}
    assert made.declared is not None  # noqa: S101 - it has just been declared
    return site.sample(
        PROJECT,
        f"cloudresourcemanager/projects/{site.project.number}",
        {"bindings": [*made.declared["bindings"], timed]},
        {**made.live, "version": 3, "bindings": [*made.live["bindings"], timed]},
        content="iam_policy",
    )


def _policy(site: Site, kind: SampleType, path: str, declared: Grants, others: Grants, authority: Authority) -> Sample:
    written = [{"role": role, "members": site.spelling.order(map(_as_written, who))} for role, who in declared.items()]
    merged = {role: sorted({*who, *others.get(role, ())}) for role, who in declared.items()}
    answered = [{"role": role, "members": who} for role, who in sorted((others | merged).items())]
    live = {"version": 1, "etag": site.server.token(), "bindings": answered}
    return site.sample(
        kind, path, {"bindings": site.spelling.order(written)}, live, content="iam_policy", authority=authority
    )


def _as_written(member: str) -> str:
    """People write their names with capitals; an address has none."""
    kind, _, address = member.partition(":")
    return f"{kind}:{address.title().replace('@Example.Com', '@example.com')}" if kind == "user" else member


def folder_policies(owner: Owner, number: str, customer: str) -> Sample:
    """The organisation policies of the folder that holds the fleet, in the shape of API v1."""
    declared = {
        "policies": [
            {"constraint": "compute.requireOsLogin", "booleanPolicy": {"enforced": True}},
            {"constraint": "constraints/sql.restrictPublicIp", "booleanPolicy": {"enforced": True}},
            {
                "constraint": "constraints/iam.allowedPolicyMemberDomains",
                "listPolicy": {"allowedValues": [customer]},
            },
        ]
    }
    live = [
        {
            "constraint": "constraints/compute.requireOsLogin",
            "etag": "CPj2uLsGEKDj4YgB",
            "updateTime": "2025-01-15T09:20:56.284722Z",
            "booleanPolicy": {"enforced": True},
        },
        {
            "constraint": "constraints/sql.restrictPublicIp",
            "etag": "CPj2uLsGEMCE18kC",
            "updateTime": "2025-01-15T09:20:56.691782Z",
            "booleanPolicy": {"enforced": True},
        },
        {
            "constraint": "constraints/iam.allowedPolicyMemberDomains",
            "etag": "CPj2uLsGENiRmuoC",
            "updateTime": "2025-01-15T09:20:56.759630Z",
            "listPolicy": {"allowedValues": [customer]},
        },
        {
            "constraint": "constraints/compute.skipDefaultNetworkCreation",
            "etag": "CPj2uLsGELi3sPkC",
            "updateTime": "2025-01-15T09:20:56.790371Z",
            "booleanPolicy": {"enforced": True},
        },
    ]
    return Sample(
        key=ResourceKey(f"//cloudresourcemanager.googleapis.com/folders/{number}", "org_policy"),
        kind=FOLDER,
        project=None,
        declared=declared,
        live=live,
        mode="approve",
        owner=owner,
    )

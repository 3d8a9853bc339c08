"""Marked secrets in the places where people leave them; every part that must not be seen holds its mark."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

P = "projects/shop-prod"


class Marked(NamedTuple):
    """A secret in a place.

    Args:
        place: the kind of place.
        name: full resource name.
        asset_type: of the resource.
        declared: the declared data.
        live: the observed data, which holds the secret.
        mark: what must not be seen.
    """

    place: str
    name: str
    asset_type: str
    declared: Any
    live: Any
    mark: str


_COMMON = "xW7kPv9TbR2"


def _mark(number: int) -> str:
    return f"Zq{number:04d}{_COMMON}"


_TOKENS: tuple[Callable[[str], str], ...] = (
    lambda mark: f"ghp_{mark}{'a1B2' * 6}"[:40],
    lambda mark: f"glpat-{mark}abcd",
    lambda mark: f"xoxb-123456789012-{mark}",
    lambda mark: f"AIzaSy{mark}{'Ab3' * 7}"[:39],
    lambda mark: f"sk_live_{mark}abcd",
    lambda mark: f"SG.{mark}aaaa.{mark}bbbb",
    lambda mark: f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx{mark}.{mark}",
    lambda mark: f"-----BEGIN RSA PRIVATE KEY-----\nMIIE{mark}\n-----END RSA PRIVATE KEY-----",
    lambda mark: f"npm_{mark}abcdefgh",
    lambda mark: f"https://hooks.slack.com/services/T000/B000/{mark}",
)
"""Tokens and keys of published formats: hidden in any place."""

_NOTATIONS: tuple[Callable[[str], str], ...] = (
    lambda mark: f"postgres://shop:{mark}@10.0.0.3/shop",
    lambda mark: f"Server=db;Database=shop;User Id=sa;Password={mark};",
    lambda mark: f"curl -H 'Authorization: Bearer {mark}' https://x.example",
    lambda mark: f'sh -c "export PW={mark}; run"',
    lambda mark: f"db:\n  password: {mark}\n  user: shop",
    lambda mark: f'{{"client_secret": "{mark}"}}',
    lambda mark: f"https://x.example/hook?token={mark}",
)
"""Texts that say of a part that it is secret: hidden in any place, but for names."""

_PLAIN: tuple[Callable[[str], str], ...] = (
    lambda mark: mark,
    lambda mark: f"hunter2-{mark.lower()}",
    lambda mark: base64.b64encode(f"{mark}:{mark}".encode()).decode(),
    lambda mark: f"apiVersion: v1\nkind: Config\nusers:\n- user: {{x: {mark}}}",
    lambda mark: f"correct horse {mark}",
)
"""What only its place tells to be a secret."""


def _run(container: Callable[[str], dict[str, Any]]) -> Callable[[str], tuple[str, str, Any]]:
    def place(secret: str) -> tuple[str, str, Any]:
        data = {"template": {"containers": [{"image": "cart", **container(secret)}]}}
        return "run.googleapis.com/Service", f"//run.googleapis.com/{P}/locations/europe-west1/services/s", data

    return place


def _of(asset_type: str, path: str, data: Callable[[str], Any]) -> Callable[[str], tuple[str, str, Any]]:
    host = asset_type.partition("/")[0]
    return lambda secret: (asset_type, f"//{host}/{path}", data(secret))


def _metadata(key: str) -> Callable[[str], tuple[str, str, Any]]:
    return _of(
        "compute.googleapis.com/Instance",
        f"{P}/zones/europe-west1-b/instances/i",
        lambda secret: {"metadata": {"items": [{"key": key, "value": secret}]}},
    )


_INSTANCE = "compute.googleapis.com/Instance", f"{P}/zones/europe-west1-b/instances/i"
_BUILD = "cloudbuild.googleapis.com/BuildTrigger", f"{P}/locations/global/triggers/t"
_JOB = "cloudscheduler.googleapis.com/Job", f"{P}/locations/europe-west1/jobs/j"
_UPTIME = "monitoring.googleapis.com/UptimeCheckConfig", f"{P}/uptimeCheckConfigs/u"
_FUNCTION = "cloudfunctions.googleapis.com/Function", f"{P}/locations/europe-west1/functions/f"

FREE: dict[str, Callable[[str], tuple[str, str, Any]]] = {
    "run env": _run(lambda secret: {"env": [{"name": "APP_SETTING", "value": secret}]}),
    "run env of a vendor": _run(lambda secret: {"env": [{"name": "SENDGRID_KEY", "value": secret}]}),
    "run args": _run(lambda secret: {"args": ["--verbose", secret]}),
    "run command": _run(lambda secret: {"command": ["sh", "-c", secret]}),
    "run probe headers": _run(
        lambda secret: {"livenessProbe": {"httpGet": {"httpHeaders": [{"name": "X-Probe", "value": secret}]}}}
    ),
    "function env": _of(*_FUNCTION, lambda secret: {"serviceConfig": {"environmentVariables": {"APP": secret}}}),
    "function build env": _of(*_FUNCTION, lambda secret: {"buildConfig": {"environmentVariables": {"APP": secret}}}),
    "startup script": _metadata("startup-script"),
    "user data": _metadata("user-data"),
    "kubeconfig in metadata": _metadata("kubeconfig"),
    "own key in metadata": _metadata("my-note"),
    "template metadata": _of(
        "compute.googleapis.com/InstanceTemplate",
        f"{P}/global/instanceTemplates/t",
        lambda secret: {"properties": {"metadata": {"items": [{"key": "cloud-config", "value": secret}]}}},
    ),
    "backend request headers": _of(
        "compute.googleapis.com/BackendService",
        f"{P}/global/backendServices/b",
        lambda secret: {"customRequestHeaders": [f"X-Origin:{secret}"]},
    ),
    "url map headers": _of(
        "compute.googleapis.com/UrlMap",
        f"{P}/global/urlMaps/u",
        lambda secret: {"headerAction": {"requestHeadersToAdd": [{"headerName": "X", "headerValue": secret}]}},
    ),
    "certificate's key": _of(
        "compute.googleapis.com/SslCertificate", f"{P}/global/sslCertificates/c", lambda secret: {"privateKey": secret}
    ),
    "tunnel's secret": _of(
        "compute.googleapis.com/VpnTunnel",
        f"{P}/regions/europe-west1/vpnTunnels/v",
        lambda secret: {"sharedSecret": secret},
    ),
    "database password": _of(
        "sqladmin.googleapis.com/Instance", "projects/shop-prod/instances/d", lambda secret: {"rootPassword": secret}
    ),
    "alloydb password": _of(
        "alloydb.googleapis.com/Cluster",
        f"{P}/locations/europe-west1/clusters/c",
        lambda secret: {"initialUser": {"password": secret}},
    ),
    "scheduler headers": _of(*_JOB, lambda secret: {"httpTarget": {"headers": {"X-Job": secret}}}),
    "scheduler body": _of(*_JOB, lambda secret: {"httpTarget": {"body": secret}}),
    "push attributes": _of(
        "pubsub.googleapis.com/Subscription",
        f"{P}/subscriptions/s",
        lambda secret: {"pushConfig": {"attributes": {"x-note": secret}}},
    ),
    "build args": _of(*_BUILD, lambda secret: {"build": {"steps": [{"name": "bash", "args": ["-c", secret]}]}}),
    "build script": _of(*_BUILD, lambda secret: {"build": {"steps": [{"name": "bash", "script": secret}]}}),
    "build env": _of(*_BUILD, lambda secret: {"build": {"steps": [{"name": "bash", "env": [f"APP={secret}"]}]}}),
    "substitutions": _of(*_BUILD, lambda secret: {"substitutions": {"_NOTE": secret}}),
    "uptime headers": _of(*_UPTIME, lambda secret: {"httpCheck": {"headers": {"X-Check": secret}}}),
    "uptime password": _of(*_UPTIME, lambda secret: {"httpCheck": {"authInfo": {"password": secret}}}),
    "uptime body": _of(*_UPTIME, lambda secret: {"httpCheck": {"body": secret}}),
    "channel's token": _of(
        "monitoring.googleapis.com/NotificationChannel",
        f"{P}/notificationChannels/n",
        lambda secret: {"labels": {"auth_token": secret}},
    ),
    "workflow source": _of(
        "workflows.googleapis.com/Workflow",
        f"{P}/locations/europe-west1/workflows/w",
        lambda secret: {"sourceContents": secret},
    ),
    "workflow env": _of(
        "workflows.googleapis.com/Workflow",
        f"{P}/locations/europe-west1/workflows/w",
        lambda secret: {"userEnvVars": {"APP": secret}},
    ),
    "dataproc properties": _of(
        "dataproc.googleapis.com/Cluster",
        f"{P}/regions/europe-west1/clusters/c",
        lambda secret: {"config": {"softwareConfig": {"properties": {"core:x": secret}}}},
    ),
    "dataproc metadata": _of(
        "dataproc.googleapis.com/Cluster",
        f"{P}/regions/europe-west1/clusters/c",
        lambda secret: {"config": {"gceClusterConfig": {"metadata": {"note": secret}}}},
    ),
    "composer env": _of(
        "composer.googleapis.com/Environment",
        f"{P}/locations/europe-west1/environments/e",
        lambda secret: {"config": {"softwareConfig": {"envVariables": {"APP": secret}}}},
    ),
    "batch script": _of(
        "batch.googleapis.com/Job",
        f"{P}/locations/europe-west1/jobs/j",
        lambda secret: {"taskGroups": [{"taskSpec": {"runnables": [{"script": {"text": secret}}]}}]},
    ),
    "node metadata": _of(
        "container.googleapis.com/NodePool",
        f"{P}/zones/europe-west1-b/clusters/c/nodePools/n",
        lambda secret: {"config": {"metadata": {"note": secret}}},
    ),
    "query of a view": _of(
        "bigquery.googleapis.com/Table",
        f"{P}/datasets/d/tables/t",
        lambda secret: {"view": {"query": f"SELECT '{secret}'"}},
    ),
    "password of a data source": _of(
        "bigquerydatatransfer.googleapis.com/TransferConfig",
        f"{P}/locations/eu/transferConfigs/t",
        lambda secret: {"params": {"connector.authentication.password": secret}},
    ),
    "query of a data source": _of(
        "bigquerydatatransfer.googleapis.com/TransferConfig",
        f"{P}/locations/eu/transferConfigs/t",
        lambda secret: {"params": {"query": secret}},
    ),
    "unknown setting of a data source": _of(
        "bigquerydatatransfer.googleapis.com/TransferConfig",
        f"{P}/locations/eu/transferConfigs/t",
        lambda secret: {"params": {"x_note": secret}},
    ),
    "type without a schema": _of(
        "unheardof.googleapis.com/Thing", f"{P}/things/t", lambda secret: {"parameters": {"note": secret}}
    ),
}
"""Places that hold what their author likes: nothing is shown of them."""

NAMED: dict[str, Callable[[str], tuple[str, str, Any]]] = {
    "instance labels": _of(*_INSTANCE, lambda secret: {"labels": {"note": secret}}),
    "instance description": _of(*_INSTANCE, lambda secret: {"description": secret}),
    "run annotations": _of(
        "run.googleapis.com/Service",
        f"{P}/locations/europe-west1/services/s",
        lambda secret: {"annotations": {"note": secret}},
    ),
    "secret annotations": _of(
        "secretmanager.googleapis.com/Secret", f"{P}/secrets/s", lambda secret: {"annotations": {"note": secret}}
    ),
    "cluster labels": _of(
        "container.googleapis.com/Cluster",
        f"{P}/zones/europe-west1-b/clusters/c",
        lambda secret: {"resourceLabels": {"note": secret}},
    ),
    "database labels": _of(
        "sqladmin.googleapis.com/Instance",
        "projects/shop-prod/instances/d",
        lambda secret: {"settings": {"userLabels": {"note": secret}}},
    ),
    "push endpoint": _of(
        "pubsub.googleapis.com/Subscription",
        f"{P}/subscriptions/s",
        lambda secret: {"pushConfig": {"pushEndpoint": secret}},
    ),
    "scheduler address": _of(*_JOB, lambda secret: {"httpTarget": {"uri": secret}}),
    "display name": _of(*_UPTIME, lambda secret: {"displayName": secret}),
    "text of a domain": _of(
        "dns.googleapis.com/ResourceRecordSet",
        f"{P}/managedZones/z/rrsets/r.example.com./TXT",
        lambda secret: {"rrdatas": [secret]},
    ),
    "event filter": _of(
        "eventarc.googleapis.com/Trigger",
        f"{P}/locations/europe-west1/triggers/t",
        lambda secret: {"eventFilters": [{"attribute": "type", "value": secret}]},
    ),
    "engine setting": _of(
        "redis.googleapis.com/Instance",
        f"{P}/locations/europe-west1/instances/r",
        lambda secret: {"redisConfigs": {"maxmemory-policy": secret}},
    ),
    "setting of a data source": _of(
        "bigquerydatatransfer.googleapis.com/TransferConfig",
        f"{P}/locations/eu/transferConfigs/t",
        lambda secret: {"params": {"destination_table_name_template": secret}},
    ),
    "names of headers": _of(
        "storage.googleapis.com/Bucket",
        "projects/_/buckets/b",
        lambda secret: {"cors": [{"method": ["GET"], "responseHeader": [secret]}]},
    ),
    "query of an alert": _of(
        "monitoring.googleapis.com/AlertPolicy",
        f"{P}/alertPolicies/a",
        lambda secret: {
            "conditions": [{"displayName": "c", "conditionPrometheusQueryLanguage": {"query": f"up > 0 # {secret}"}}]
        },
    ),
    "name of a key": _of(
        "run.googleapis.com/Service",
        f"{P}/locations/europe-west1/services/s",
        lambda secret: {"template": {"encryptionKey": secret}},
    ),
    "image": _run(lambda secret: {"image": secret}),
    "filter of a sink": _of("logging.googleapis.com/LogSink", f"{P}/sinks/s", lambda secret: {"filter": secret}),
}
"""Places that hold names, labels and descriptions: tokens and what says that it is a secret are not shown."""


@cache
def corpus() -> tuple[Marked, ...]:
    """Every secret in every place that it may be in, each with a mark of its own."""
    return tuple(_corpus())


def _corpus() -> Iterator[Marked]:
    number = 0
    for places, shapes in ((FREE, (*_TOKENS, *_NOTATIONS, *_PLAIN)), (NAMED, (*_TOKENS, *_NOTATIONS))):
        for place, make in places.items():
            for shape in shapes:
                number += 1
                mark = _mark(number)
                secret = shape(mark)
                # Some shapes spell the mark otherwise: in lower case, or in base64.
                seen = next((text for text in (mark, mark.lower()) if text in secret), secret)
                asset_type, name, live = make(secret)
                yield Marked(place, f"{name}{number}", asset_type, make("declared")[2], live, seen)


def marks_in(text: str) -> list[str]:
    """The marks that a text holds; a long one is read once for all marks but those of encoded secrets."""
    common = _COMMON.lower()
    is_suspect = common in text.lower()
    marks = (marked.mark for marked in corpus())
    return [mark for mark in marks if (is_suspect or common not in mark.lower()) and mark in text]

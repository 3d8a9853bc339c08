"""A second corpus of marked secrets, in places and forms that the first one does not have."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from marked.corpus import Marked

P = "projects/shop-prod"
L = f"{P}/locations/europe-west1"
Place = tuple[str, str, Callable[[str], Any]]
"""Asset type, path of the resource, and its data with a secret in it."""


def _mark(number: int) -> str:
    """Like a password of a person: too short and too plain to look drawn."""
    return f"wint3rRain{number:04d}"


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


TOKENS: tuple[Callable[[str], str], ...] = (
    lambda mark: f"github_pat_11ABCDEFG0{mark}_{mark}{mark}",
    lambda mark: f"ghs_{mark}{'b2C4' * 6}"[:40],
    lambda mark: f"xoxe.xoxp-1-{mark}abcd",
    lambda mark: f"https://hooks.slack.com/workflows/T000/A000/{mark}",
    lambda mark: f"GOCSPX-{mark}abcd",
    lambda mark: f"1//0g{mark}abcdefgh",
    lambda mark: f"-----BEGIN OPENSSH PRIVATE KEY-----\n{mark}\n-----END OPENSSH PRIVATE KEY-----",
    lambda mark: f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n{mark}\n-----END PGP PRIVATE KEY BLOCK-----",
    lambda mark: f"DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={mark}==;EndpointSuffix=core.windows.net",
    lambda mark: f"https://shop.blob.core.windows.net/c?sv=2024&sp=r&sig={mark}%3D",
    lambda mark: f"hvs.CAESI{mark}",
    lambda mark: f"dop_v1_{hashlib.sha256(mark.encode()).hexdigest()}",
    lambda mark: f"eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJo{mark}.{mark}{mark}",
    lambda mark: f"rk_live_{mark}abcd",
    lambda mark: f"sk-ant-api03-{mark}-{mark}",
)
"""Tokens and keys of published formats: hidden in any place."""

NOTATIONS: tuple[Callable[[str], str], ...] = (
    lambda mark: f"redis://:{mark}@10.0.0.4:6379/0",
    lambda mark: f"shop:{mark}@tcp(10.0.0.3:3306)/shop",
    lambda mark: f"<db><password>{mark}</password></db>",
    lambda mark: f"mysql -h db -u root -p{mark} shop",
    lambda mark: f"sshpass -p {mark} ssh ops@bastion",
    lambda mark: f"ALTER USER shop WITH PASSWORD '{mark}'",
    lambda mark: f"spring.datasource.password={mark}",
    lambda mark: f"machine git.example login ci password {mark}",
    lambda mark: f"-Djavax.net.ssl.keyStorePassword={mark}",
    lambda mark: f"https://x.example/cb?user=a%26password%3D{mark}",
    lambda mark: f"X-Api-Key: {mark}",
    lambda mark: f"Cookie: session={mark}",
    lambda mark: f"password is {mark}",
    lambda mark: f"AWS_SECRET_ACCESS_KEY: {mark}",
    lambda mark: json.dumps({"type": "service_account", "private_key": mark, "client_email": "a@b"}),
    lambda mark: f"curl -u admin:{mark} https://x.example",
)
"""Texts that say of a part that it is secret."""

PLAIN: tuple[Callable[[str], str], ...] = (
    lambda mark: mark,
    lambda mark: f"Summer2026-{mark.lower()}!",
    lambda mark: _b64(f"#cloud-config\nusers: [{{passwd: {mark}}}]"),
    lambda mark: base64.b64encode(gzip.compress(f"pw {mark}".encode(), mtime=0)).decode(),
    lambda mark: _b64(json.dumps({"auths": {"gcr.io": {"auth": _b64(f"_json_key:{mark}")}}})),
    lambda mark: f"db.internal:5432:shop:shop:{mark}",
    lambda mark: f"the horse {mark} battery",
    lambda mark: mark[-4:] * 3,
)
"""What only its place tells to be a secret."""

_TRIGGER = ("cloudbuild.googleapis.com/BuildTrigger", f"{P}/locations/global/triggers/t")
_RUN_JOB = ("run.googleapis.com/Job", f"{L}/jobs/j")
_BATCH = ("batch.googleapis.com/Job", f"{L}/jobs/b")
_CHANNEL = ("monitoring.googleapis.com/NotificationChannel", f"{P}/notificationChannels/n")
_UPTIME = ("monitoring.googleapis.com/UptimeCheckConfig", f"{P}/uptimeCheckConfigs/u")
_STREAM = ("datastream.googleapis.com/ConnectionProfile", f"{L}/connectionProfiles/p")
_MIGRATION = ("datamigration.googleapis.com/ConnectionProfile", f"{L}/connectionProfiles/p")
_NOTEBOOK = ("notebooks.googleapis.com/Instance", f"{L}/instances/i")
_VERTEX_JOB = ("aiplatform.googleapis.com/CustomJob", f"{L}/customJobs/1")
_ENDPOINT = ("aiplatform.googleapis.com/Model", f"{L}/models/1")
_FLOW = ("dataflow.googleapis.com/Job", f"{L}/jobs/d")
_API = ("apigateway.googleapis.com/ApiConfig", f"{P}/locations/global/apis/a/configs/c")
_CLUSTER = ("container.googleapis.com/Cluster", f"{P}/zones/europe-west1-b/clusters/c")
_DATAPROC = ("dataproc.googleapis.com/Job", f"{P}/regions/europe-west1/jobs/j")
_TASKS = ("cloudtasks.googleapis.com/Queue", f"{L}/queues/q")
_DEPLOY = ("clouddeploy.googleapis.com/Target", f"{L}/targets/t")
_APP = ("appengine.googleapis.com/Version", "apps/shop-prod/services/s/versions/v")
_TENANT = ("identitytoolkit.googleapis.com/Config", f"{P}/config")
_CONNECTION = ("bigqueryconnection.googleapis.com/Connection", f"{L}/connections/c")
_ROUTINE = ("bigquery.googleapis.com/Routine", f"{P}/datasets/d/routines/r")
_ROUTER = ("compute.googleapis.com/Router", f"{P}/regions/europe-west1/routers/r")
_URLMAP = ("compute.googleapis.com/UrlMap", f"{P}/global/urlMaps/u")
_FUSION = ("datafusion.googleapis.com/Instance", f"{L}/instances/f")
_INSTANCE = ("compute.googleapis.com/Instance", f"{P}/zones/europe-west1-b/instances/i")
_PROJECT = ("compute.googleapis.com/Project", f"{P}")
_CONNECTOR = ("connectors.googleapis.com/Connection", f"{L}/connections/c")
_FUNCTION = ("cloudfunctions.googleapis.com/CloudFunction", f"{L}/functions/f")
_WORKSTATION = ("workstations.googleapis.com/WorkstationConfig", f"{L}/workstationClusters/c/workstationConfigs/w")
_METASTORE = ("metastore.googleapis.com/Service", f"{L}/services/m")
_SQL_USER = ("sqladmin.googleapis.com/Instance", f"{P}/instances/d")
_K8S = ("apps.k8s.io/Deployment", f"{P}/locations/europe-west1/clusters/c/k8s/namespaces/n/apps/deployments/d")
_PIPELINE = ("datapipelines.googleapis.com/Pipeline", f"{L}/pipelines/p")


def _run_container(**container: Any) -> dict[str, Any]:
    return {"template": {"template": {"containers": [{"image": "cart", **container}]}}}


FREE: dict[str, Place] = {
    "arguments of a job": (*_RUN_JOB, lambda secret: _run_container(args=["run", secret])),
    "argument after an option of a job": (*_RUN_JOB, lambda secret: _run_container(args=["--db-password", secret])),
    "environment of a job": (*_RUN_JOB, lambda secret: _run_container(env=[{"name": "GREETING", "value": secret}])),
    "environment of a batch": (
        *_BATCH,
        lambda secret: {"taskGroups": [{"taskSpec": {"environment": {"variables": {"GREETING": secret}}}}]},
    ),
    "commands of a batch": (
        *_BATCH,
        lambda secret: {"taskGroups": [{"taskSpec": {"runnables": [{"container": {"commands": ["-c", secret]}}]}}]},
    ),
    "options of a batch": (
        *_BATCH,
        lambda secret: {"taskGroups": [{"taskSpec": {"runnables": [{"container": {"options": secret}}]}}]},
    ),
    "password of a registry": (
        *_BATCH,
        lambda secret: {"taskGroups": [{"taskSpec": {"runnables": [{"container": {"password": secret}}]}}]},
    ),
    "secret environment of a build": (
        *_TRIGGER,
        lambda secret: {"build": {"secrets": [{"kmsKeyName": "k", "secretEnv": {"A": secret}}]}},
    ),
    "options of a build": (*_TRIGGER, lambda secret: {"build": {"options": {"env": [f"A={secret}"]}}}),
    "substitutions of a build": (*_TRIGGER, lambda secret: {"build": {"substitutions": {"_GREETING": secret}}}),
    "entry point of a build": (*_TRIGGER, lambda secret: {"build": {"steps": [{"entrypoint": secret}]}}),
    "sensitive label of a channel": (*_CHANNEL, lambda secret: {"sensitiveLabels": {"password": secret}}),
    "service key of a channel": (*_CHANNEL, lambda secret: {"labels": {"service_key": secret}}),
    "content of an uptime check": (
        *_UPTIME,
        lambda secret: {"httpCheck": {"customContentType": "text", "body": _b64(secret)}},
    ),
    "user of an uptime check": (
        *_UPTIME,
        lambda secret: {"httpCheck": {"authInfo": {"username": "shop", "password": secret}}},
    ),
    "source of a stream": (*_STREAM, lambda secret: {"mysqlProfile": {"hostname": "db", "password": secret}}),
    "Oracle source of a stream": (*_STREAM, lambda secret: {"oracleProfile": {"connectionAttributes": {"a": secret}}}),
    "client key of a stream": (*_STREAM, lambda secret: {"mysqlProfile": {"sslConfig": {"clientKey": secret}}}),
    "source of a migration": (*_MIGRATION, lambda secret: {"postgresql": {"host": "db", "password": secret}}),
    "client key of a migration": (*_MIGRATION, lambda secret: {"mysql": {"ssl": {"clientKey": secret}}}),
    "root password of a migration": (*_MIGRATION, lambda secret: {"cloudsql": {"settings": {"rootPassword": secret}}}),
    "metadata of a notebook": (*_NOTEBOOK, lambda secret: {"gceSetup": {"metadata": {"note": secret}}}),
    "start script of a notebook": (*_NOTEBOOK, lambda secret: {"postStartupScript": f"echo {secret}"}),
    "environment of a training": (
        *_VERTEX_JOB,
        lambda secret: {"jobSpec": {"workerPoolSpecs": [{"containerSpec": {"env": [{"name": "A", "value": secret}]}}]}},
    ),
    "arguments of a training": (
        *_VERTEX_JOB,
        lambda secret: {"jobSpec": {"workerPoolSpecs": [{"containerSpec": {"args": [f"--note={secret}"]}}]}},
    ),
    "environment of a model": (
        *_ENDPOINT,
        lambda secret: {"containerSpec": {"env": [{"name": "GREETING", "value": secret}]}},
    ),
    "options of a pipeline": (
        *_FLOW,
        lambda secret: {"environment": {"sdkPipelineOptions": {"options": {"note": secret}}}},
    ),
    "parameters of a pipeline": (
        *_PIPELINE,
        lambda secret: {
            "workload": {"dataflowLaunchTemplateRequest": {"launchParameters": {"parameters": {"note": secret}}}}
        },
    ),
    "document of an API": (
        *_API,
        lambda secret: {"openapiDocuments": [{"document": {"path": "a.yaml", "contents": _b64(secret)}}]},
    ),
    "metadata of nodes": (*_CLUSTER, lambda secret: {"nodeConfig": {"metadata": {"note": secret}}}),
    "password of a control plane": (*_CLUSTER, lambda secret: {"masterAuth": {"password": secret}}),
    "arguments of a Spark job": (*_DATAPROC, lambda secret: {"sparkJob": {"args": [secret]}}),
    "properties of a Spark job": (*_DATAPROC, lambda secret: {"sparkJob": {"properties": {"spark.note": secret}}}),
    "query of a Hive job": (*_DATAPROC, lambda secret: {"hiveJob": {"queryList": {"queries": [secret]}}}),
    "headers of a queue": (
        *_TASKS,
        lambda secret: {"httpTarget": {"headerOverrides": [{"header": {"key": "X-A", "value": secret}}]}},
    ),
    "parameters of a target": (*_DEPLOY, lambda secret: {"deployParameters": {"note": secret}}),
    "environment of App Engine": (*_APP, lambda secret: {"envVariables": {"GREETING": secret}}),
    "build environment of App Engine": (*_APP, lambda secret: {"buildEnvVariables": {"GREETING": secret}}),
    "entry point of App Engine": (*_APP, lambda secret: {"entrypoint": {"shell": secret}}),
    "environment of an old function": (*_FUNCTION, lambda secret: {"environmentVariables": {"GREETING": secret}}),
    "password of a connection": (
        *_CONNECTION,
        lambda secret: {"cloudSql": {"credential": {"username": "shop", "password": secret}}},
    ),
    "body of a routine": (*_ROUTINE, lambda secret: {"definitionBody": f"SELECT '{secret}'"}),
    "key of a BGP session": (*_ROUTER, lambda secret: {"md5AuthenticationKeys": [{"name": "k", "key": secret}]}),
    "response headers": (
        *_URLMAP,
        lambda secret: {"headerAction": {"responseHeadersToAdd": [{"headerName": "X-A", "headerValue": secret}]}},
    ),
    "test of a URL map": (*_URLMAP, lambda secret: {"tests": [{"headers": [{"name": "X-A", "value": secret}]}]}),
    "options of a fusion": (*_FUSION, lambda secret: {"options": {"note": secret}}),
    "cloud-init of an instance": (
        *_INSTANCE,
        lambda secret: {"metadata": {"items": [{"key": "user-data", "value": f"#cloud-config\npassword: {secret}"}]}},
    ),
    "SSH keys of an instance": (
        *_INSTANCE,
        lambda secret: {"metadata": {"items": [{"key": "windows-keys", "value": secret}]}},
    ),
    "metadata of a project": (
        *_PROJECT,
        lambda secret: {"commonInstanceMetadata": {"items": [{"key": "greeting", "value": secret}]}},
    ),
    "encryption key of an instance": (
        *_INSTANCE,
        lambda secret: {"disks": [{"diskEncryptionKey": {"rawKey": secret}}]},
    ),
    "variable of a connector": (
        *_CONNECTOR,
        lambda secret: {"configVariables": [{"key": "greeting", "stringValue": secret}]},
    ),
    "environment of a workstation": (*_WORKSTATION, lambda secret: {"container": {"env": {"GREETING": secret}}}),
    "arguments of a workstation": (*_WORKSTATION, lambda secret: {"container": {"args": [secret]}}),
    "configuration of a metastore": (
        *_METASTORE,
        lambda secret: {"hiveMetastoreConfig": {"configOverrides": {"a.b": secret}}},
    ),
    "password of a replica": (
        *_SQL_USER,
        lambda secret: {"replicaConfiguration": {"mysqlReplicaConfiguration": {"password": secret}}},
    ),
    "environment of a Pod": (
        *_K8S,
        lambda secret: {"spec": {"template": {"spec": {"containers": [{"env": [{"name": "A", "value": secret}]}]}}}},
    ),
    "arguments of a Pod": (
        *_K8S,
        lambda secret: {"spec": {"template": {"spec": {"containers": [{"args": [secret]}]}}}},
    ),
    "data of a config map": (
        "k8s.io/ConfigMap",
        f"{P}/locations/europe-west1/clusters/c/k8s/namespaces/n/configmaps/m",
        lambda secret: {"data": {"app.conf": secret}},
    ),
    "data of a secret of Kubernetes": (
        "k8s.io/Secret",
        f"{P}/locations/europe-west1/clusters/c/k8s/namespaces/n/secrets/s",
        lambda secret: {"stringData": {"greeting": secret}},
    ),
    "client secret of a provider": (
        "identitytoolkit.googleapis.com/OAuthIdpConfig",
        f"{P}/oauthIdpConfigs/o",
        lambda secret: {"clientId": "shop", "clientSecret": secret},
    ),
    "SMTP password": (*_TENANT, lambda secret: {"notification": {"sendEmail": {"smtp": {"password": secret}}}}),
}
"""Places that hold what their author likes: nothing is shown of them."""

NAMED: dict[str, Place] = {
    "label of a topic": ("pubsub.googleapis.com/Topic", f"{P}/topics/t", lambda secret: {"labels": {"note": secret}}),
    "key of a label": ("pubsub.googleapis.com/Topic", f"{P}/topics/t", lambda secret: {"labels": {secret: "x"}}),
    "display name of an account": (
        "iam.googleapis.com/ServiceAccount",
        f"{P}/serviceAccounts/a@shop-prod.iam.gserviceaccount.com",
        lambda secret: {"displayName": secret},
    ),
    "description of a role": ("iam.googleapis.com/Role", f"{P}/roles/r", lambda secret: {"description": secret}),
    "title of a role": ("iam.googleapis.com/Role", f"{P}/roles/r", lambda secret: {"title": secret}),
    "filter of a metric": ("logging.googleapis.com/LogMetric", f"{P}/metrics/m", lambda secret: {"filter": secret}),
    "description of a deployment": (
        "deploymentmanager.googleapis.com/Deployment",
        f"{P}/global/deployments/d",
        lambda secret: {"description": secret},
    ),
    "documentation of an alert": (
        "monitoring.googleapis.com/AlertPolicy",
        f"{P}/alertPolicies/a",
        lambda secret: {"documentation": {"content": secret, "subject": secret}},
    ),
    "address of a webhook": (*_CHANNEL, lambda secret: {"labels": {"url": secret}}),
    "path of an uptime check": (*_UPTIME, lambda secret: {"httpCheck": {"path": f"/health?{secret}"}}),
    "matcher of an uptime check": (*_UPTIME, lambda secret: {"contentMatchers": [{"content": secret}]}),
    "redirect of a URL map": (*_URLMAP, lambda secret: {"defaultUrlRedirect": {"pathRedirect": secret}}),
    "prefix of a bucket": (
        "storage.googleapis.com/Bucket",
        "projects/_/buckets/b",
        lambda secret: {"lifecycle": {"rule": [{"condition": {"matchesPrefix": [secret]}}]}},
    ),
    "description of a table": (
        "bigquery.googleapis.com/Table",
        f"{P}/datasets/d/tables/t",
        lambda secret: {"description": secret},
    ),
    "description of a column": (
        "bigquery.googleapis.com/Table",
        f"{P}/datasets/d/tables/t",
        lambda secret: {"schema": {"fields": [{"name": "a", "type": "STRING", "description": secret}]}},
    ),
    "expression of an organisation's condition": (
        "accesscontextmanager.googleapis.com/AccessLevel",
        "accessPolicies/1/accessLevels/a",
        lambda secret: {"custom": {"expr": {"expression": secret}}},
    ),
    "entry of a list": (
        "vpcaccess.googleapis.com/Connector",
        f"{L}/connectors/c",
        lambda secret: {"network": secret},
    ),
    "tag of an instance": (*_INSTANCE, lambda secret: {"tags": {"items": [secret]}}),
    "host name": (*_INSTANCE, lambda secret: {"hostname": secret}),
    "comment of a record": (
        "dns.googleapis.com/ManagedZone",
        f"{P}/managedZones/z",
        lambda secret: {"description": secret},
    ),
}
"""Places that hold names, labels and descriptions: tokens and what says that it is a secret are not shown."""


@cache
def corpus() -> tuple[Marked, ...]:
    """Every secret in every place that it may be in, each with a mark of its own."""
    return tuple(_corpus())


def _corpus() -> Iterator[Marked]:
    number = 0
    for places, shapes in ((FREE, (*TOKENS, *NOTATIONS, *PLAIN)), (NAMED, (*TOKENS, *NOTATIONS))):
        for place, (asset_type, path, make) in places.items():
            for shape in shapes:
                number += 1
                mark = _mark(number)
                secret = shape(mark)
                live = make(secret)
                text = json.dumps(live)
                seen = next((part for part in (mark, mark.lower(), secret) if part in text), _b64(secret))
                name = f"//{asset_type.partition('/')[0]}/{path}{number}"
                yield Marked(place, name, asset_type, make("declared"), live, seen)

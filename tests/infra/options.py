"""What can be switched on in ``infra/``, each by the variables that it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

BASE: dict[str, Any] = {
    "project_id": "fleet-ops",
    "region": "europe-west1",
    "watch": ["projects/shop-prod"],
}

OPTIONS: dict[str, dict[str, Any]] = {
    "watch-organization": {"watch": ["organizations/566099688680"]},
    "watch-folder": {"watch": ["folders/918177713511"]},
    "watch-several": {"watch": ["organizations/566099688680", "folders/918177713511", "projects/shop-prod"]},
    "watch-itself": {"watch_itself": True},
    "worker": {"worker": {"enabled": True, "image": "europe-docker.pkg.dev/fleet-ops/setpoint/worker@sha256:0"}},
    "remediation-of-resources": {
        "remediation": {
            "enabled": True,
            "within": "folders/918177713511",
            "resources": ["storage.googleapis.com/Bucket"],
        },
        "remediation_role_in": "566099688680",
    },
    "remediation-of-policies": {
        "remediation": {
            "enabled": True,
            "within": "projects/shop-prod",
            "policies": ["storage.googleapis.com/Bucket"],
        },
    },
    "deep-reads": {
        "deep_reads": {
            "enabled": True,
            "within": "folders/918177713511",
            "resources": ["bigquery.googleapis.com/Dataset"],
            "role_in": "566099688680",
        },
    },
    "deep-reads-in-a-project": {
        "deep_reads": {
            "enabled": True,
            "within": "projects/shop-prod",
            "resources": ["bigquery.googleapis.com/Dataset"],
        },
    },
    "history": {"history": {"calls_an_hour": 100}, "alerts": {"enabled": True}},
    "alerts": {"alerts": {"enabled": True}},
    "alerts-without-buttons": {"alerts": {"enabled": True, "buttons": False}},
    "attribution": {"attribution": {"enabled": True}},
    "console": {"console": {"enabled": True, "domain": "drift.example.com", "viewers": ["group:ops@example.com"]}},
    "reports": {"reports": {"enabled": True, "readers": ["group:ops@example.com"]}},
    "kms-key": {"kms_key": "projects/keys/locations/europe-west1/keyRings/ops/cryptoKeys/setpoint"},
    "secret-key": {"secret_key_version": "1"},
    "vpc-connector": {"vpc_connector": "projects/fleet-ops/locations/europe-west1/connectors/setpoint"},
    "otlp": {"otlp": {"endpoint": "https://otlp.example.com", "headers_secret": "otlp-headers"}},
    "uploaders": {"uploaders": ["serviceAccount:ci@fleet-ops.iam.gserviceaccount.com"]},
    "sources": {
        "sources": {
            "platform": {
                "uploaders": ["serviceAccount:ci@fleet-ops.iam.gserviceaccount.com"],
                "everywhere": True,
                "carries": ["policy", "limits", "alerting", "scopes", "ignore"],
                "teams": ["*"],
            },
            "team-a": {
                "uploaders": ["group:team-a@example.com", "serviceAccount:ci@team-a.iam.gserviceaccount.com"],
                "folders": ["918177713511"],
                "asset_types": ["storage.googleapis.com/Bucket"],
            },
        }
    },
    "operators": {"operators": ["group:sre@example.com"]},
    "readers": {"readers": ["group:developers@example.com"]},
    "state-buckets": {
        "state_buckets": {
            "acme-states": {"everywhere": True, "grace_seconds": 120},
            "team-a-states": {"project": "team-a-ops", "prefix": "prod/", "folders": ["918177713511"]},
        }
    },
    "monitoring": {"monitoring": {"channels": ["projects/fleet-ops/notificationChannels/1"]}},
}

EVERYTHING: dict[str, Any] = {
    **{name: value for option in OPTIONS.values() for name, value in option.items()},
    "watch": OPTIONS["watch-several"]["watch"],
    **OPTIONS["remediation-of-resources"],
    "alerts": {"enabled": True},
}


TOGETHER: tuple[tuple[str, ...], ...] = (
    ("watch-organization", "deep-reads", "history", "vpc-connector"),
    ("watch-itself", "remediation-of-resources", "deep-reads", "alerts", "reports", "secret-key", "otlp"),
    ("deep-reads-in-a-project", "alerts-without-buttons", "console", "uploaders", "sources", "readers",
     "state-buckets"),
    ("watch-folder", "watch-itself", "attribution", "console", "reports", "sources", "monitoring"),
    ("watch-several", "worker", "alerts-without-buttons", "otlp", "readers", "monitoring"),
    ("worker", "remediation-of-policies", "history", "attribution", "console", "kms-key", "vpc-connector", "operators",
     "monitoring"),
    ("watch-organization", "worker", "remediation-of-resources", "secret-key", "uploaders", "sources",
     "state-buckets"),
    ("watch-folder", "remediation-of-policies", "deep-reads", "vpc-connector", "otlp", "readers"),
    ("watch-several", "deep-reads-in-a-project", "kms-key", "secret-key", "operators", "state-buckets"),
    ("watch-folder", "watch-itself", "remediation-of-resources", "deep-reads", "alerts-without-buttons", "console",
     "kms-key", "vpc-connector", "sources", "state-buckets", "monitoring"),
    ("watch-organization", "worker", "remediation-of-policies", "deep-reads-in-a-project", "history", "attribution",
     "reports", "secret-key", "otlp", "uploaders", "operators", "readers"),
)  # fmt: skip
"""Installations with several options each: each option without each variable that it does not need.

So an option that fails without another one fails in one of them.
"""


def together(names: Sequence[str]) -> dict[str, Any]:
    """What switches these options on; ``history`` switches ``alerts`` on, too."""
    return {variable: value for name in names for variable, value in OPTIONS[name].items()}


def has(values: Mapping[str, Any], option: str) -> bool:
    """Whether an option is switched on by these values."""
    return OPTIONS[option].items() <= values.items()

"""What can be switched on in ``infra/``, each by the variables that it needs."""

from __future__ import annotations

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


def _combined() -> tuple[dict[str, Any], dict[str, Any]]:
    rows: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
    for option in OPTIONS.values():
        fitting = [row for row in rows if all(row.get(name, value) == value for name, value in option.items())]
        if fitting and not any(option.items() <= row.items() for row in rows):
            min(fitting, key=len).update(option)
    return rows


COMBINED = _combined()
"""Two installations that have each option on in one of them and off in the other, but for what only everything has."""

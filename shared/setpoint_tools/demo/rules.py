"""The policy and the alerting rules of the sample fleet, as documents."""

from __future__ import annotations

from setpoint.declarations.readers.native import API_VERSION
from setpoint_tools.demo import organisation
from setpoint_tools.demo.samples import Data

POLICY: Data = {
    "apiVersion": API_VERSION,
    "kind": "Policy",
    "metadata": {"name": "fleet"},
    "spec": {
        "dryRun": False,
        "limits": {"rollout": "0s", "flaps": 2, "perProject": 10, "perFleet": 50},
        "rules": [
            {
                "name": "databases need two approvals",
                "match": {"assetTypes": ["sqladmin.googleapis.com/Instance"]},
                "mode": "approve",
                "approvals": 2,
            },
            {
                "name": "firewalls and keys are reverted",
                "match": {"assetTypes": ["compute.googleapis.com/Firewall", "cloudkms.googleapis.com/CryptoKey"]},
                "mode": "auto",
            },
            {"name": "labels wait", "match": {"paths": ["labels.*"]}, "severity": "low", "mode": "alert"},
            {"name": "the lake asks first", "match": {"teams": ["data"]}, "mode": "approve"},
        ],
        "undeclared": {"remediate": [{"assetTypes": ["compute.googleapis.com/Firewall"]}]},
    },
}
"""A declaration's own mode counts where it is the more careful one."""

ALERTING: Data = {
    "apiVersion": API_VERSION,
    "kind": "Alerting",
    "metadata": {"name": "fleet"},
    "spec": {
        "default": ["slack:#cloud-drift"],
        "routes": [
            {"name": "the lake", "match": {"teams": ["data"]}, "to": [f"slack:{organisation.TEAMS['data'].slack}"]}
        ],
        "digest": {"severities": ["low"], "cron": "0 9 * * MON-FRI", "timeZone": "Europe/Berlin"},
    },
}

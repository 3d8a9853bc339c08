"""Recognize the tool of a request by its user agent."""

from __future__ import annotations

import re

_TABLE: tuple[tuple[str, str], ...] = (
    # Tools that are built on other tools come first: their user agent contains the other's name.
    ("config-connector", r"\bkcc/|\bcnrm\b|config-?connector"),
    ("pulumi", r"pulumi"),
    ("crossplane", r"crossplane|upjet-provider"),
    ("opentofu", r"opentofu"),
    ("terraform", r"terraform|\bhashicorp"),
    ("ansible", r"ansible"),
    ("deployment-manager", r"deployment[- ]?manager"),
    ("cloud-build", r"\bcloud-?build\b"),
    # Every tool of the Cloud SDK contains this prefix; its own name follows.
    ("gsutil", r"\bgsutil/"),
    ("bq", r"google-cloud-sdk bq/|\bbq/\d"),
    ("gcloud", r"\bgcloud/|google-cloud-sdk"),
    ("kubectl", r"\bkubectl/"),
    # Controllers in a cluster of GKE: of load balancers, nodes and disks.
    ("gke", r"ingress-gce|\bglbc\b|kube-controller-manager|cloud-controller-manager|cluster-autoscaler|gke-"),
    # A browser: only the console calls Google's APIs from one.
    ("console", r"\AMozilla/|cloud[- ]console"),
    ("curl", r"\bcurl/"),
    # Google's client libraries, and those of other vendors.
    ("sdk", r"\bgl-\w+/|google-api-|google-cloud-|gcloud-\w+/|\bgax/|\bgrpc-|\bgccl/|apitools|google-http-java"),
    ("sdk", r"python-requests|python-httpx|go-http-client|okhttp|axios|node-fetch|\bjava/"),
)
_CALLERS = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in _TABLE)


def caller_of(user_agent: str) -> str:
    """The tool, as in ``AuditedChange.caller``; empty where the user agent is unknown.

    Args:
        user_agent: ``requestMetadata.callerSuppliedUserAgent`` of an audit log's entry.
    """
    return next((name for name, pattern in _CALLERS if pattern.search(user_agent)), "")

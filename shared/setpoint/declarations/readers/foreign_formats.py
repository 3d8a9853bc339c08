"""Objects of neighbouring tools: what to give in their place."""

from __future__ import annotations

from typing import Any

_GROUPS = {
    # Ending of the API group → whose objects these are, and what to do.
    ".upbound.io": "is an object of Crossplane and is not read; declare the resource in another format",
    ".crossplane.io": "is an object of Crossplane and is not read; declare the resource in another format",
    "kustomize.toolkit.fluxcd.io": "is an object of Flux and is not read; give the directory that its path names",
    "helm.toolkit.fluxcd.io": "is an object of Flux and is not read; give what `helm template` writes",
    "argoproj.io": "is an object of Argo CD and is not read; give the directory or the rendered chart that it names",
    "kpt.dev": "belongs to kpt and is not read; run `kpt fn render` first, and give what it writes",
}


def instead(value: Any) -> str:
    """Why an object of another tool is not read, and what to give in its place; empty where it is none of these."""
    if not isinstance(value, dict):
        return ""
    group = str(value.get("apiVersion", "")).partition("/")[0]
    for ending, message in _GROUPS.items():
        if group == ending or group.endswith(ending):
            return "" if value.get("kind") in {"Kptfile", "AppProject"} else message
    deployment = value.get("deployment")
    if isinstance(deployment, dict) and "resources" in deployment and "manifest" in deployment:
        return "is a state of Pulumi and is not read; declare the resources in another format"
    return ""

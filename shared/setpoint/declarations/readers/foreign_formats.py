"""Recognize objects of other tools, and name the supported alternative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_GROUPS = {
    # Suffix of the API group → the tool, and the next step.
    ".upbound.io": "is an object of Crossplane and is not read; declare the resource in another format",
    ".crossplane.io": "is an object of Crossplane and is not read; declare the resource in another format",
    "kustomize.toolkit.fluxcd.io": "is an object of Flux and is not read; give the directory that its path names",
    "helm.toolkit.fluxcd.io": "is an object of Flux and is not read; give what `helm template` writes",
    "argoproj.io": "is an object of Argo CD and is not read; give the directory or the rendered chart that it names",
    "customize.core.cnrm.cloud.google.com": "is a setting of Config Connector itself and declares no resource",
}


def instead(value: Any) -> str:
    """Why an object of another tool is not read, with the alternative; empty for other objects."""
    if not isinstance(value, dict):
        return ""
    return _by_group(value) or next((message for is_it, message in _SHAPES if is_it(value)), "")


def _by_group(value: dict[str, Any]) -> str:
    group = str(value.get("apiVersion", "")).partition("/")[0]
    if group == "kpt.dev":
        return _of_kptfile(value)
    if value.get("kind") == "AppProject":
        return ""  # it grants permissions in Argo CD, and names no resources
    return next((message for ending, message in _GROUPS.items() if group == ending or group.endswith(ending)), "")


def _is_pulumi(value: dict[str, Any]) -> bool:
    """Whether it is what `pulumi stack export` writes, or a file of a Pulumi backend."""
    deployment, checkpoint = value.get("deployment"), value.get("checkpoint")
    if isinstance(checkpoint, dict):
        return "latest" in checkpoint or "stack" in checkpoint
    return isinstance(deployment, dict) and "resources" in deployment and "manifest" in deployment


def _is_infrastructure_manager(value: dict[str, Any]) -> bool:
    """Whether it is a deployment, a revision or a preview as its API writes it."""
    return "terraformBlueprint" in value or ("tfErrors" in value and str(value.get("name", "")).startswith("projects/"))


def _is_plan_log(value: dict[str, Any]) -> bool:
    """Whether it is a line of `terraform plan -json` or `apply -json`."""
    return {"@level", "@message"} <= value.keys() and str(value.get("@module", "terraform.ui")).startswith("t")


def _is_crossplane_composite(value: dict[str, Any]) -> bool:
    spec = value.get("spec")
    return isinstance(spec, dict) and bool({"compositionRef", "compositionSelector"} & spec.keys())


def _is_raw_state(value: dict[str, Any]) -> bool:
    return value.get("version") == 4 and "lineage" in value and "resources" in value  # noqa: PLR2004 - the format's version


def _is_deployment_manager(value: dict[str, Any]) -> bool:
    resources = value.get("resources")
    return (
        isinstance(resources, list)
        and bool(resources)
        and all(isinstance(part, dict) and {"name", "type", "properties"} <= part.keys() for part in resources)
    )


def is_asset(value: Any) -> bool:
    """Whether it is an asset of Cloud Asset Inventory, or a message of its feed, and no declaration."""
    if not isinstance(value, dict):
        return False
    asset = value.get("asset", value)
    return isinstance(asset, dict) and "name" in asset and bool({"assetType", "asset_type"} & asset.keys())


def _is_terraform_json(value: dict[str, Any]) -> bool:
    resource = value.get("resource")
    return isinstance(resource, dict) and bool(resource) and all(isinstance(part, dict) for part in resource.values())


_SHAPES: tuple[tuple[Callable[[dict[str, Any]], bool], str], ...] = (
    (_is_pulumi, "is a state of Pulumi and is not read; declare the resources in another format"),
    (
        _is_infrastructure_manager,
        "is a deployment of Infrastructure Manager; give what `gcloud infra-manager` writes with `export-statefile`",
    ),
    (_is_plan_log, "is a log of Terraform and holds no attributes; give what `terraform show -json` writes"),
    (_is_crossplane_composite, "is an object of Crossplane and is not read; declare the resource in another format"),
    (
        _is_raw_state,
        "is a raw state of Terraform without a serial; give what `terraform state pull` writes",
    ),
    (
        _is_deployment_manager,
        "is a configuration of Deployment Manager and is not read; declare the resources in another format",
    ),
    (
        _is_terraform_json,
        "is a configuration of Terraform and is not read; give what `terraform show -json` writes",
    ),
)
"""Documents without an API group, by their shape."""


def _of_kptfile(value: dict[str, Any]) -> str:
    """The message about a kpt package, whose functions still change the manifests beside it."""
    pipeline = value.get("pipeline")
    if isinstance(pipeline, dict) and pipeline.get("mutators"):
        return "names functions of kpt that are not run here; run `kpt fn render` first, and give what it writes"
    return ""


_BY_SUFFIX = {
    ".tf": "is a configuration of Terraform and is not read; give what `terraform show -json` writes",
    ".hcl": "is a configuration of Terraform or Terragrunt and is not read; give what `terraform show -json` writes",
    ".tfvars": "holds variables of Terraform and is not read; give what `terraform show -json` writes",
    ".jsonnet": "is a template of Jsonnet and is not read; give what `jsonnet` writes",
    ".cue": "is a configuration of CUE and is not read; give what `cue export` writes",
    ".zip": "is an archive and is not read here; unpack it, or upload it to the bucket of `functions/sync`",
}


def instead_of_file(path: str) -> str:
    """Why a file is not read, with the alternative; empty if unknown."""
    return next((message for suffix, message in _BY_SUFFIX.items() if path.endswith(suffix)), "")

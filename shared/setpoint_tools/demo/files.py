"""The sample fleet as files, as teams keep them: native documents, a Config Connector repository, a state bucket."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import yaml

from setpoint.declarations.readers.native import API_VERSION
from setpoint.model.declaration import Owner, Scope
from setpoint_tools.demo import config_connector, rules, terraform_states
from setpoint_tools.demo.fleet import Fleet
from setpoint_tools.demo.samples import Data, Sample


def write(fleet: Fleet, folder: Path) -> int:
    """Write what teams keep in Git; the number of files.

    ``folder/native/TEAM/PROJECT.yaml``, ``folder/config-connector/PROJECT/KIND.yaml``, and the fleet's rules.
    """
    documents: dict[Path, list[Data]] = {}
    for sample in fleet.declared:
        if terraform_states.is_in_state(sample):
            continue
        file, document = _in_git(sample)
        documents.setdefault(folder / file, []).append(document)
    for scope in fleet.scopes:
        documents.setdefault(folder / "native" / scope.owner.team / "scopes.yaml", []).append(_scope(scope))
    documents[folder / "policy.yaml"] = [rules.POLICY]
    documents[folder / "alerting.yaml"] = [rules.ALERTING]
    for file, parts in documents.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(as_yaml(parts), encoding="utf-8")
    return len(documents)


def _in_git(sample: Sample) -> tuple[Path, Data]:
    """The file of a resource, and its document."""
    if config_connector.is_manifest(sample) and sample.project is not None:
        document = config_connector.manifest(sample)
        return Path("config-connector", sample.project.id, f"{document['kind'].lower()}.yaml"), document
    name = f"{sample.project.id if sample.project else 'organisation'}.yaml"
    return Path("native", sample.owner.team, name), declaration(sample)


def as_yaml(documents: Iterable[Data]) -> str:
    """Documents as a file holds them."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return "---\n".join(yaml.dump(document, Dumper=dumper, sort_keys=False, width=110) for document in documents)


def declaration(sample: Sample) -> Data:
    """A resource as a document of the native format declares it."""
    metadata: Data = {"name": sample.key.name}
    if sample.project is not None:
        metadata["project"] = sample.project.id
    spec: Data = {"assetType": sample.kind.asset_type}
    if sample.key.content != "resource":
        spec["content"] = sample.key.content
    if sample.key.content == "iam_policy":
        spec["authority"] = sample.authority
    spec["data"] = sample.declared
    if sample.exact:
        spec["exact"] = list(sample.exact)
    if sample.ignore:
        spec["ignore"] = list(sample.ignore)
    spec["remediation"] = {"mode": sample.mode}
    return {
        "apiVersion": API_VERSION,
        "kind": "Declaration",
        "metadata": metadata | {"owner": _owner(sample.owner)},
        "spec": spec,
    }


def _scope(scope: Scope) -> Data:
    spec: Data = {"projects": list(scope.projects), "assetTypes": list(scope.asset_types)}
    if scope.contents:
        spec["contents"] = list(scope.contents)
    return {
        "apiVersion": API_VERSION,
        "kind": "Scope",
        "metadata": {"name": scope.name, "owner": _owner(scope.owner)},
        "spec": spec | ({"remediation": {"mode": scope.mode}} if scope.mode else {}),
    }


def _owner(owner: Owner) -> Data:
    return {"team": owner.team, "slack": owner.slack, "email": owner.email}

"""The change under review: from a Terraform plan, from two versions of files, or from files and a store."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from setpoint.declarations.guard import ChangeAction, ProposedChange
from setpoint.declarations.plan import Plan
from setpoint.declarations.readers import load, whole_files
from setpoint.declarations.readers.load import LoadResult
from setpoint.errors import BadRequest
from setpoint.model.declaration import Declaration, Desired, Source
from setpoint.model.resource_key import ResourceKey
from setpoint.util.json_values import as_object

_ACTIONS: dict[tuple[str, ...], ChangeAction] = {
    ("create",): "create",
    ("update",): "update",
    ("delete",): "delete",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
}
"""What a plan does, by its list of actions; others change nothing.

Source: https://developer.hashicorp.com/terraform/internals/json-format#change-representation
"""
_PLANNED: dict[str, ChangeAction] = {"added": "create", "changed": "update", "removed": "delete"}


class _Declared(NamedTuple):
    """The declarations of one resource before the change, without their values."""

    digest: str
    source: Source


def from_plan(planned: Plan) -> Iterator[ProposedChange]:
    """The changes that an apply of a whole source would make to the current declarations."""
    for change in planned.changes:
        declarations = (
            change.after.declarations if change.after else change.before.declarations if change.before else ()
        )
        yield ProposedChange(change.key, _PLANNED[change.action], change.after, declarations[0].source)


def between(before: Iterable[Desired], after: Iterable[Desired]) -> Iterator[ProposedChange]:
    """The changes between two versions of the same files."""
    known = {_key(item): _Declared(item.digest, item.declarations[0].source) for item in before}
    for item in after:
        earlier = known.pop(_key(item), None)
        if earlier is None or earlier.digest != item.digest:
            action: ChangeAction = "create" if earlier is None else "update"
            yield ProposedChange(_key(item), action, item, item.declarations[0].source)
    for key, earlier in known.items():
        yield ProposedChange(key, "delete", None, earlier.source)


def is_terraform_plan(path: Path) -> bool:
    """Whether a file is a plan in Terraform's JSON format, as ``terraform show -json`` prints it."""
    return path.is_file() and isinstance(_json(path).get("resource_changes"), list)


class PlanChanges(NamedTuple):
    """The changes of a Terraform plan.

    Args:
        planned: the planned declarations, with their problems.
        changes: the changes.
        not_reviewed: addresses of Google's resources that the plan changes, and that no declaration is known for;
            without those that it creates, which cannot have drifted.
    """

    planned: LoadResult
    changes: list[ProposedChange]
    not_reviewed: tuple[str, ...]


def from_terraform_plan(path: Path, *, project: str = "") -> PlanChanges:
    """The changes of a Terraform plan: also of resources that only their drift makes Terraform change.

    Args:
        path: the plan in JSON.
        project: the project of resources without one.

    Raises:
        BadRequest: an entry of ``resource_changes`` has no address or no actions.
    """
    document = _json(path)
    actions = dict(_actions(document))
    planned = load.load([str(path)], project=project)
    after = {_key(item): item for item in planned.desired}
    changes: dict[ResourceKey, ProposedChange] = {}
    reviewed = set()
    for item in (*_prior(document, project), *planned.desired):
        address, declaration = _changed_block(item, actions)
        if declaration is not None:
            key = _key(item)
            reviewed |= _changed_addresses(item, actions)
            is_kept = actions[address] == "delete" and key in after  # one of several blocks about the same policy
            action = "update" if is_kept else actions[address]
            source = declaration.source if key in after else Source(str(path))
            changes[key] = ProposedChange(key, action, after.get(key), source, address)
    google = _google_addresses(document)
    left = (address for address, action in actions.items() if action != "create" and address not in reviewed)
    return PlanChanges(planned, list(changes.values()), tuple(address for address in left if address in google))


def _json(path: Path) -> dict[str, Any]:
    try:
        return as_object(json.loads(whole_files.read(path)))
    except (OSError, ValueError, RecursionError):
        return {}


def _actions(document: Mapping[str, Any]) -> Iterator[tuple[str, ChangeAction]]:
    """The action of each address that the plan changes."""
    for change in document["resource_changes"]:
        try:
            address, actions = str(change["address"]), tuple(change["change"]["actions"])
        except (KeyError, TypeError) as error:
            raise BadRequest(
                f"resource_changes: an entry has no address or no actions ({error}); is it a plan?"
            ) from None
        if actions in _ACTIONS:
            yield address, _ACTIONS[actions]


def _prior(document: Mapping[str, Any], project: str) -> Sequence[Desired]:
    """The declarations of the state before the plan: each change has its resource before."""
    resources = [
        {
            **{key: value for key, value in change.items() if key != "change"},
            "values": change["change"]["before"],
            "sensitive_values": change["change"].get("before_sensitive"),
        }
        for change in document["resource_changes"]
        if isinstance(change["change"].get("before"), dict)
    ]
    state = {"format_version": "1.0", "values": {"root_module": {"resources": resources}}}
    if not resources:
        return ()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "prior-state.json")
        file.write_text(json.dumps(state))
        return load.load([str(file)], root=folder, project=project).desired


def _google_addresses(document: Mapping[str, Any]) -> frozenset[str]:
    """The addresses of the resources that Google's providers manage."""
    return frozenset(
        str(change["address"])
        for change in document["resource_changes"]
        if change.get("mode", "managed") == "managed" and str(change.get("type", "google_")).startswith("google_")
    )


def _changed_block(desired: Desired, actions: Mapping[str, ChangeAction]) -> tuple[str, Declaration | None]:
    """The address of the first block about a resource that the plan changes, and its declaration."""
    return next(_changed_blocks(desired, actions), ("", None))


def _changed_addresses(desired: Desired, actions: Mapping[str, ChangeAction]) -> set[str]:
    """The addresses of all blocks about a resource that the plan changes."""
    return {address for address, _ in _changed_blocks(desired, actions)}


def _changed_blocks(desired: Desired, actions: Mapping[str, ChangeAction]) -> Iterator[tuple[str, Declaration]]:
    for declaration in desired.declarations:
        for origin in declaration.origins.values():
            address = origin
            while address and address not in actions:
                address = address.rpartition(".")[0]
            if address:
                yield address, declaration
                break


def _key(desired: Desired) -> ResourceKey:
    return desired.declarations[0].key

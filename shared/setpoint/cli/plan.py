"""A plan as text and as JSON."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec
from rich.text import Text

from setpoint.catalog import inventory_names
from setpoint.catalog.schemas import Field, default_catalogue
from setpoint.cli.output import claim_hints, difference_line, out, refusal_hint
from setpoint.comparison.absence import child
from setpoint.comparison.compare import compare
from setpoint.comparison.masking import HIDING, Masking, masked
from setpoint.comparison.sealed import SealedMasking, with_nonces
from setpoint.declarations.plan import Plan, PlannedChange
from setpoint.declarations.readers.load import LoadResult
from setpoint.model import field_path
from setpoint.model.declaration import Declaration, Desired
from setpoint.model.difference import Difference
from setpoint.model.display_names import short_name
from setpoint.model.field_path import Path
from setpoint.model.resource_key import ResourceKey
from setpoint.ports.stores import StateStore
from setpoint.util.counts import counted
from setpoint.util.external_sort import batches

_SIGNS = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}
_LIMIT = 200
_BATCH = 500
_HELD_BACK = "an unreadable document may declare them"
_NOT_PRUNED = "remove them with --prune"


def pending(plan: Plan, store: StateStore) -> frozenset[ResourceKey]:
    """What a plan adds or changes of which the inventory's name is not known: only the service knows it.

    Args:
        plan: the plan.
        store: has the observation under the declared name.
    """
    unknown = (
        change.key for change in plan.changes if change.after is not None and _is_by_server(change.key, change.after)
    )
    return frozenset(
        key
        for keys in batches(unknown, _BATCH)
        for key, snapshot in store.read_many(keys).items()
        if snapshot.state is None
    )


def _is_by_server(key: ResourceKey, desired: Desired) -> bool:
    asset_type = desired.declarations[0].asset_type
    return inventory_names.is_server_named(asset_type) and not inventory_names.is_server_made(key.name)


def kept_because(loaded: LoadResult, *, prune: bool) -> str:
    """Why what is no longer declared is kept, or how to remove it.

    Args:
        loaded: the documents.
        prune: whether removals were asked for; a document that cannot be read holds some or all of them back.
    """
    is_held = loaded.problems and (prune or loaded.prune_protection.everything)
    return _HELD_BACK if is_held else _NOT_PRUNED


def print_plan(
    plan: Plan,
    most: int = _LIMIT,
    *,
    problems: int = 0,
    pending: Collection[ResourceKey] = (),
    kept_because: str = _NOT_PRUNED,
) -> None:
    """Print what an apply would do, one resource per line, with the declared fields that change.

    Args:
        plan: the plan.
        most: resources that are printed at most.
        problems: documents that cannot be read: the plan is incomplete without them, and says so.
        pending: what is bound to the inventory's name with the first observation that has both.
        kept_because: why what is no longer declared is kept.
    """
    for change in islice(plan.changes, most):
        sign, style = _SIGNS[change.action]
        content = "" if change.key.content == "resource" else f" {change.key.content}"
        where = f"  {change.after.declarations[0].source.named}" if change.after else ""
        where += "  pending" if change.key in pending else ""
        line = Text.assemble((f"{sign} {short_name(change.key.name)}{content}", style), (where, "dim"))
        out.print(line, soft_wrap=True)
        for difference in _field_changes(change):
            out.print(Text("    ").append_text(difference), soft_wrap=True)
    if (more := len(plan.changes) - most) > 0:
        out.print(f"and {more} more", style="dim")
    for claim in plan.claimed:
        text = f"{short_name(claim.key.name)}: {claim.here} declares what source {claim.source} declares already"
        follows = "neither declaration would count" if claim.disputed else "not applied"
        out.print(Text.assemble(("!", "red"), f" {text}, at {claim.where}; {follows}"), soft_wrap=True)
    for hint in claim_hints(plan.claimed):
        out.print(hint, soft_wrap=True)
    for document in plan.refused:
        out.print(Text.assemble(("!", "red"), f" {document}"), soft_wrap=True)
    if hint := refusal_hint(plan.refused):
        out.print(hint, soft_wrap=True)
    summary = Text(plan.summary(kept_because))
    if problems:
        summary = Text.assemble((f"incomplete, {counted(problems, 'problem')} left out", "red"), "; ", summary)
    out.print(summary, soft_wrap=True)
    if pending:
        text = f"{len(pending)} pending: the service assigns their names; the first matching asset sets the name"
        out.print(Text(text, "yellow"), soft_wrap=True)


def _field_changes(change: PlannedChange) -> list[Text]:
    """The declared fields that change, as long as one declaration becomes one."""
    if change.before is None or change.after is None:
        return []
    old, new = change.before.declarations, change.after.declarations
    if len(old) != 1 or len(new) != 1:
        return []
    known = new[0].asset_type if change.key.content == "resource" else ""
    digests = new[0].digests or old[0].digests
    masking = SealedMasking(HIDING, digests) if digests else HIDING
    return [difference_line(difference) for difference in _changed(known, _data(old[0]), _data(new[0]), masking)]


def _data(declaration: Declaration) -> Mapping[str, Any]:
    data: Mapping[str, Any] = with_nonces(declaration.data) if declaration.digests else declaration.data
    return data


def _changed(
    asset_type: str, old: Mapping[str, Any], new: Mapping[str, Any], masking: Masking = HIDING
) -> list[Difference]:
    """What changes by meaning, and then what is only spelled otherwise: `1h` for `60m` is a change of the file too."""
    schema = default_catalogue().fitting(asset_type, new) if asset_type else None
    differences = list(compare(old, new, schema, exact=True, masking=masking))
    known_paths = [field_path.parse(difference.path) for difference in differences]
    whole = Field("", "message", schema=schema) if schema is not None else None
    for difference in _respelled(field_path.ROOT, whole, old, new):
        parts = field_path.parse(difference.path)
        if not any(parts[: len(other)] == other[: len(parts)] for other in known_paths):
            differences.append(difference)
    return differences


def _respelled(path: Path, field: Field | None, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """Every field that is not literally the same, with secrets masked; a list as a whole."""
    for key in {**old, **new}:
        old_value, other = old.get(key), new.get(key)
        inner = child(field, key)
        if old_value == other:
            continue
        if isinstance(old_value, dict) and isinstance(other, dict):
            yield from _respelled((path, key), inner, old_value, other)
            continue
        old_value, other = (
            msgspec.UNSET if value is None else masked(key, inner, value) for value in (old_value, other)
        )
        inner_path = field_path.text((path, key))
        if other is msgspec.UNSET:
            yield Difference(inner_path, "missing", old_value)
        elif old_value is msgspec.UNSET:
            yield Difference(inner_path, "unexpected", observed=other)
        else:
            yield Difference(inner_path, "changed", old_value, other)


def as_json(plan: Plan, pending: Collection[ResourceKey] = ()) -> Iterator[str]:
    """The plan for machines, a piece of its one line at a time."""
    yield f'{{"source":{_json(plan.source)},"changes":['
    yield from _listed(map(_as_json, plan.changes))
    yield '],"claimed":['
    yield from _listed(plan.claimed)
    yield '],"refused":['
    yield from _listed(plan.refused)
    yield '],"kept":['
    yield from _listed(key.name for key in plan.kept)
    yield '],"pending":['
    yield from _listed(sorted(key.name for key in pending))
    yield f'],"unchanged":{plan.unchanged}'
    for name, changes, before, after in (
        ("scopes", plan.rescopes, plan.scopes_before, plan.scopes),
        ("policy", plan.repolicies, plan.policy_before, plan.policy),
        ("alerting", plan.realerts, plan.alerting_before, plan.alerting),
        ("sources", plan.regrants, plan.sources_before, plan.sources),
    ):
        yield f',"{name}":{_json({"changes": changes, "before": before, "after": after})}'
    yield "}"


def _as_json(change: PlannedChange) -> dict[str, Any]:
    return {
        "action": change.action,
        "resource_name": change.key.name,
        "content": change.key.content,
        "declared_in": [declaration.source.named for declaration in change.after.declarations] if change.after else [],
    }


def _listed(items: Iterable[Any]) -> Iterator[str]:
    between = ""
    for batch in batches(items, _BATCH):
        yield between + ",".join(map(_json, batch))
        between = ","


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()

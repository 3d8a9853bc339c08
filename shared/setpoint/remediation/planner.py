"""Plan the smallest write that remediates the drifted fields of a resource.

Pure: the plan follows from the declaration, the live resource that was just read, and the API's own description of its
    fields and methods. Only differences are written. A field that needs a person is refused, with the manual steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from setpoint.catalog.methods import ApiResource, Methods
from setpoint.comparison import masking
from setpoint.comparison.masking import Masking
from setpoint.comparison.options import options_of
from setpoint.comparison.sealed import SealedMasking, holds_seal, with_nonces
from setpoint.model import field_path, ignore_patterns
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference
from setpoint.model.field_path import Element, Path
from setpoint.model.naming import camel
from setpoint.model.references import Project
from setpoint.model.secrecy import holds_sealed
from setpoint.model.write_plan import NotWritable, Unwritable, WritePlan
from setpoint.remediation import api_requests, manual_only_fields, update_masks, wire_format
from setpoint.remediation.api_requests import FieldPath
from setpoint.remediation.iam_planner import plan_policy
from setpoint.remediation.merge import (
    FieldChange,
    MergeTarget,
    RecordingComparison,
    apply_changes,
    fields_along,
    record,
)
from setpoint.remediation.setter_methods import SetterMethod
from setpoint.remediation.write_refusals import SEALED, WriteInput, is_complete, plain, refusal
from setpoint.remediation.write_summary import line

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field, Schema
    from setpoint.model.write_plan import Call

_OTHER_CONTENT = "organisation and access policies are changed manually, or declared as the API's own resources"


def api_resource(declaration: Declaration, schema: Schema, methods: Methods) -> ApiResource | None:
    """How a declared resource is read and written: by the beta API if it declares fields that only the beta has.

    Args:
        declaration: the declaration.
        schema: the schema of the resource.
        methods: the methods of all APIs.

    Returns:
        None if no method reads it.
    """
    resource = methods.resource(declaration.key.name, schema)
    if resource is None or declaration.key.content != "resource":
        return resource
    return resource.in_beta() if _names_beta(schema.fields, None, declaration.data) else resource


def _names_beta(fields: Mapping[str, Field], item: Field | None, data: Any) -> bool:
    if isinstance(data, list):
        return any(_names_beta(fields, item, element) for element in data)
    if not isinstance(data, dict):
        return False
    for key, part in data.items():
        field = wire_format.field(fields, key) or item
        if field is None:
            continue
        inner = field.item if field.kind in ("list", "map") else field
        below = inner.schema.fields if inner is not None and inner.schema is not None else {}
        if field.beta or _names_beta(below, field.item, part):
            return True
    return False


def plan(  # noqa: PLR0911, PLR0913 - one return for each reason, and the options of a comparison
    declaration: Declaration,
    live: Any,
    schema: Schema | None,
    resource: ApiResource | None,
    *,
    own: Project = Project(),  # noqa: B008 - an immutable value
    differences: Iterable[Difference] | None = None,
    is_whole_declaration: bool = False,
    hiding: Masking = masking.HIDING,
) -> WritePlan | NotWritable:
    """Plan one write.

    Args:
        declaration: the declaration.
        live: the resource or IAM policy that was just read; None if it was deleted.
        schema: the schema of the resource.
        resource: how it is read and written.
        own: the project of the resource, by id and number.
        differences: the differences to remediate; None for all. Differences that no longer exist are ignored.
        is_whole_declaration: write every declared field that may be written, not only the differences, because an
            earlier partial write cleared others.
        hiding: has the key of the declaration's digests.
    """
    key = declaration.key
    if schema is None or resource is None:
        return NotWritable.for_resource(
            declaration.key, "unread", "no API document says how to reach it: change it manually"
        )
    if live is None:
        made = f" ({resource.kind.create})" if resource.kind.create else ""
        return NotWritable.for_resource(declaration.key, "gone", f"it was deleted: create it again as declared{made}")
    wanted = None if differences is None else {(difference.path, difference.op) for difference in differences}
    if key.content == "iam_policy":
        return plan_policy(declaration, live, resource, wanted, own)
    if key.content != "resource":
        return NotWritable.for_resource(declaration.key, "no_method", _OTHER_CONTENT)
    declared, compared = _comparing(declaration, schema, own, hiding)
    recording = compared(live=live)
    changes = [
        change
        for change in recording.changes
        if (wanted is None or (change.difference.path, change.difference.op) in wanted)
        and ignore_patterns.covering(change.difference.path, declaration.ignore) is None
    ]
    if not changes:
        return NotWritable(key, "as_declared")
    write_input = WriteInput(schema, resource, live)
    if refused := tuple(
        unwritable for change in changes if (unwritable := refusal(write_input, change, _cut(schema, change.path)))
    ):
        return NotWritable(key, refused[0].reason, (*refused, *_blocked_changes(changes, refused)))
    groups: dict[SetterMethod | None, list[FieldChange]] = {}
    for change in changes:
        groups.setdefault(write_input.special(change), []).append(change)
    (how, first), *others = groups.items()
    target = apply_changes(declared, live, schema, recording, first)
    again = compared(live=target.body)
    if stubborn := _remaining(again.changes, first):
        return NotWritable(key, "no_method", stubborn)
    cuts = _cuts(schema, (*(change.path for change in first), *target.dropped))
    if is_whole_declaration and how is None:
        cuts = _all_declared(write_input, declared, cuts)
    call, etag = api_requests.write(resource, schema, live, target.body, cuts, how)
    planned = WritePlan(
        key,
        call,
        etag,
        paths=tuple(change.difference.path for change in first),
        summary=(*(line(change.difference) for change in first), *_dropped_lines(target)),
        coarser=None if how is not None else _coarser_call(write_input, target.body, cuts),
        later=tuple(change.difference.path for _, rest in others for change in rest),
        side_effects=_side_effects(schema, first),
    )
    return (
        NotWritable.for_resource(declaration.key, "sealed", SEALED) if _holds_digest(declaration, planned) else planned
    )


def _comparing(
    declaration: Declaration, schema: Schema, own: Project, hiding: Masking
) -> tuple[Any, Callable[..., RecordingComparison]]:
    """The declared fields that may be written, and how they are compared with a live resource."""
    declared = ignore_patterns.without(declaration.data, (*declaration.ignore, *declaration.recorded))
    if declaration.digests:
        declared, hiding = with_nonces(declared), SealedMasking(hiding, declaration.digests)
    return declared, partial(
        record,
        declared,
        schema=schema,
        own=own,
        masking=hiding,
        **options_of(declaration),
    )


def _holds_digest(declaration: Declaration, planned: WritePlan) -> bool:
    """Whether a digest would be sent in place of its secret, beside what refused changes hold back."""
    bodies = (planned.call.body, planned.coarser.body if planned.coarser is not None else None)
    return bool(declaration.digests) and any(holds_seal(body) or holds_sealed(body) for body in bodies)


def _all_declared(write_input: WriteInput, declared: Any, cuts: tuple[FieldPath, ...]) -> tuple[FieldPath, ...]:
    """The top-level fields of the paths, and every other declared field of the resource that may be written."""
    schema = write_input.schema
    tops = dict.fromkeys(cut[0] for cut in cuts)
    for key in declared:
        field = wire_format.field(schema.fields, key)
        if field is None or field.output_only or field.immutable or field.input_only or field.sensitive:
            continue
        is_manual = manual_only_fields.manual_rule(schema.service, schema.name, field.name)
        if not is_manual and is_complete(write_input, (field.name,)):
            tops[field.name] = None
    return tuple((top,) for top in tops)


def _coarser_call(write_input: WriteInput, target: dict[str, Any], cuts: tuple[FieldPath, ...]) -> Call | None:
    """The request with the top-level fields as mask, for an API that refuses the finer mask."""
    schema, resource, live = write_input
    tops = tuple(dict.fromkeys(cut[:1] for cut in cuts))
    writer = resource.kind.writer
    if tops == cuts or writer is None or not writer.masked or not all(is_complete(write_input, top) for top in tops):
        return None
    return api_requests.write(resource, schema, live, target, tops, None)[0]


def _blocked_changes(changes: list[FieldChange], refused: tuple[Unwritable, ...]) -> Iterator[Unwritable]:
    """Changes that could be written, but would not leave the resource as declared."""
    unwritable = {field.path for field in refused}
    todo = f"it is not written either, since {refused[0].path} is not: change both manually"
    for change in changes:
        if change.difference.path not in unwritable:
            yield Unwritable(change.difference.path, refused[0].reason, todo)


def _remaining(left: list[FieldChange], first: list[FieldChange]) -> tuple[Unwritable, ...]:
    """The differences that would remain after the write; the plan is sent only without any."""
    made = {(change.difference.path, change.difference.op) for change in first}
    return tuple(
        Unwritable(change.difference.path, "no_method", "no planned write reverts it: change it manually")
        for change in left
        if (change.difference.path, change.difference.op) in made
    )


def _side_effects(schema: Schema, changes: list[FieldChange]) -> tuple[str, ...]:
    effects = (
        manual_only_fields.side_effects(schema.service, schema.name, plain(schema, change)) for change in changes
    )
    return tuple(dict.fromkeys(filter(None, effects)))


def _dropped_lines(target: MergeTarget) -> list[str]:
    """Lines about removed fields of a oneof group; a field in a list is removed with its element."""
    return [f"{field_path.text(path)}: cleared, since only one of its group may be set" for path in target.dropped]


def _cuts(schema: Schema, paths: Iterable[Path]) -> tuple[FieldPath, ...]:
    """The paths for a request, without duplicates and without descendants of other paths."""
    cuts = sorted({_cut(schema, path) for path in paths}, key=len)
    outer: list[FieldPath] = []
    for cut in cuts:
        if not any(cut[: len(other)] == other for other in outer):
            outer.append(cut)
    fine = (cut for path in paths if (cut := _cut(schema, path)) in outer)
    return tuple(dict.fromkeys(update_masks.taken(schema.service, schema.name, cut) for cut in fine))


def _cut(schema: Schema, path: Path) -> FieldPath:
    """The path down to the first list, map or free-form value, which is the finest that an API accepts."""
    keys: list[str] = []
    for part, field in fields_along(schema, path):
        if isinstance(part, Element):
            break
        keys.append(field.name if field is not None and camel(part) == field.name else part)
        if field is None or field.kind in ("list", "map", "any"):
            break
    return tuple(keys)


def redacted(plan: WritePlan, schema: Schema) -> WritePlan:
    """The plan for storage and display: secrets in its body are masked, so that it cannot be sent."""
    return replace(plan, call=replace(plan.call, body=_shown(plan.call.body, schema)), coarser=None)


def _shown(body: Any, schema: Schema) -> Any:
    if not isinstance(body, dict):
        return body
    return {
        key: _shown(part, schema)
        if isinstance(part, dict) and key not in schema.fields
        else masking.masked(key, schema.fields.get(key), part)
        for key, part in body.items()
    }


encode = msgspec.json.Encoder(order="deterministic").encode
"""Encode a plan as deterministic JSON."""

"""Plan the write for a finding: declared values, and the last known good ones that the policy asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from setpoint.comparison.masking import HIDING, Masking
from setpoint.comparison.sealed import SealedMasking, with_nonces
from setpoint.detection import restoration, undeclared_changes
from setpoint.detection.restoration import ChangedValues, RestoredDeclaration
from setpoint.model.declaration import Desired
from setpoint.model.field_path import overlap
from setpoint.model.own_project import own_project
from setpoint.model.secrecy import Secrecy
from setpoint.model.write_plan import NotWritable, Unwritable, WritePlan
from setpoint.remediation.case import restored_paths
from setpoint.remediation.live_resources import LiveReading, LiveResources
from setpoint.remediation.merge import apply_changes, record
from setpoint.remediation.records import RemediationCase

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Schema

_OF_OTHERS = "its last known good value is of another declaration or API version: set it manually, or accept it"
_UNPLANNED = "no planned write restores its last known good value: set it manually, or accept it"
_MARK = " (last known good)"


def plan(
    case: RemediationCase,
    desired: Desired,
    reading: LiveReading,
    live_resources: LiveResources,
    secrecy: Secrecy,
    *,
    is_whole_declaration: bool = False,
) -> WritePlan | NotWritable:
    """Plan the first write that remediates a finding.

    Args:
        case: the finding.
        desired: what is declared of the resource.
        reading: the resource that was just read.
        live_resources: the APIs of the resources.
        secrecy: has the key of digests.
        is_whole_declaration: write every declared field, because an earlier partial write cleared others.
    """
    facts = case.decision_input
    is_left_out = (facts.is_older_than_apply or facts.is_weakening) and facts.has_declared_drift
    asked = () if is_left_out else restored_paths(case.snapshot, facts.finding)
    restored: WritePlan | NotWritable | None = None
    if asked:
        restored = _with_good_values(
            case, desired, reading, live_resources, secrecy, asked, is_whole=is_whole_declaration
        )
    if restored is None or (isinstance(restored, NotWritable) and facts.has_declared_drift):
        # What keeps an undeclared value from being set keeps no declared one from it: the rest is told afterwards.
        return live_resources.plan(desired, reading, secrecy, is_whole_declaration=is_whole_declaration)
    return restored


def _with_good_values(
    case: RemediationCase,
    desired: Desired,
    reading: LiveReading,
    live_resources: LiveResources,
    secrecy: Secrecy,
    asked: Sequence[str],
    *,
    is_whole: bool,
) -> WritePlan | NotWritable:
    """Plan the write of all that differs, with the last known good values that are asked for."""
    changed = undeclared_changes.changed(
        desired,
        reading.observation,
        live_resources.catalogue,
        case.snapshot.rules.policy,
        case.state.last_good,
        Masking(secrecy),
    )
    if changed is None:
        return _refused(case, [Unwritable(path, "not_kept", _OF_OTHERS) for path in asked])
    differences = [difference for difference in case.decision_input.finding.differences if difference.path in asked]
    restored = restoration.with_good_values(changed, differences)
    if restored.refused:
        return _refused(case, restored.refused)
    with_values = replace(desired, declarations=(restored.declaration,))
    planned = live_resources.plan(with_values, reading, secrecy, is_whole_declaration=is_whole)
    if isinstance(planned, NotWritable):
        return planned
    if missing := unrestored(changed, restored, live_resources.schema_of(restored.declaration)):
        return _refused(case, [Unwritable(path, "not_kept", _UNPLANNED) for path in missing])
    return _marked(planned, restored)


def unrestored(changed: ChangedValues, restored: RestoredDeclaration, schema: Schema | None) -> tuple[str, ...]:
    """The undeclared fields that would not be as they were after a write of all that differs, others included.

    Args:
        changed: the changes.
        restored: the declaration with the values to write back.
        schema: the schema of the plan.
    """
    declaration, live = restored.declaration, changed.live
    own = own_project(declaration.project, changed.current.observation)
    declared, hiding = declaration.data, HIDING
    if declaration.digests:  # without their key what they stand for is left as it is, as in a write
        declared, hiding = with_nonces(declared), SealedMasking(HIDING, "")
    recording = record(declared, live, schema, own, null_is_absent=True, overrides=declaration.compare, masking=hiding)
    after = apply_changes(declared, live, schema, recording, recording.changes).body
    before = {difference.path for difference in undeclared_changes.left(changed, live)} - set(restored.paths)
    return tuple(
        difference.path for difference in undeclared_changes.left(changed, after) if difference.path not in before
    )


def _marked(planned: WritePlan, restored: RestoredDeclaration) -> WritePlan:
    """The plan, whose lines distinguish last known good values from declared ones."""
    lines = (
        line + _MARK if any(overlap(path, other) for other in restored.paths) else line
        for path, line in zip(planned.paths, planned.summary, strict=False)
    )
    return replace(planned, summary=(*lines, *planned.summary[len(planned.paths) :]))


def _refused(case: RemediationCase, fields: Sequence[Unwritable]) -> NotWritable:
    return NotWritable(case.snapshot.key, fields[0].reason, tuple(fields))

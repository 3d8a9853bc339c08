"""What commands write with ``--output json``; ``docs/schemas`` publishes these models, and they only ever grow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from setpoint.cli.output import out
from setpoint.cli.streams import is_unicode
from setpoint.declarations.permits import OwnershipConflict, RefusedDocument
from setpoint.detection.finding_events import data_of
from setpoint.model.audit_trail import AuditEntry
from setpoint.model.difference import Difference, Explanation
from setpoint.model.events import DriftData
from setpoint.model.exemptions import Exemption
from setpoint.model.grouping import cause_id, cause_of
from setpoint.model.maintenance_windows import Window
from setpoint.model.resource_key import Content
from setpoint.model.resource_state import ResourceState
from setpoint.model.safety_limits import Breaker, Pause
from setpoint.model.severity import Severity
from setpoint.model.suppressed import Suppressed
from setpoint.model.sweep_records import Summary
from setpoint.util.secret_formats import scrub

if TYPE_CHECKING:
    from setpoint.declarations.readers.documents import Problem
    from setpoint.detection.watched_fields import WatchedFields


class FindingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A resource and content that has drifted, or whose drift a rule suppresses.

    Args:
        id: the id, by which commands take the finding.
        resource_name: full resource name.
        asset_type: Cloud Asset Inventory's type.
        content: the content that drifted.
        finding: the finding as in events; null where a rule suppresses all of the drift.
        cause: the id under which alerts and the report page group it; empty without a finding.
        exemption: the exemption or acceptance, in force or over; null for none.
        suppressed: the drift that rules suppress.
    """

    id: str
    resource_name: str
    asset_type: str
    content: Content
    finding: DriftData | None
    cause: str
    exemption: Exemption | None
    suppressed: tuple[Suppressed, ...]


class WatchedParts(msgspec.Struct, frozen=True):
    """What of a declared resource is watched.

    Args:
        declared: number of declared fields; of an IAM policy, of grants.
        compared: number of those that are compared.
        good: number of last known good values; null where none are kept.
        why_none: why none are kept; empty where they are.
        exact: what is exactly as declared: ``all``, or paths or roles.
        scope: the scope that makes the declared grants the whole; empty for none.
    """

    declared: int
    compared: int
    good: int | None
    why_none: str
    exact: tuple[str, ...]
    scope: str


class FindingDetails(FindingRecord, frozen=True, kw_only=True):
    """The output of ``setpoint findings show --output json``.

    Args:
        trail: its audit trail, ordered by time.
        watched: what of the resource is watched; null where nothing of it is declared.
    """

    trail: tuple[AuditEntry, ...]
    watched: WatchedParts | None = None


class FindingList(msgspec.Struct, frozen=True, kw_only=True):
    """The output of ``setpoint findings list --output json``.

    Args:
        status: the status that is listed.
        total: number of findings that the options select.
        offset: how many of them come before this page.
        next_offset: ``--offset`` of the next page; null on the last page.
        findings: the findings of this page, in the order of ``--sort``.
        unreadable: records that cannot be read, with the reason.
    """

    status: str
    total: int
    offset: int
    next_offset: int | None
    findings: tuple[FindingRecord, ...]
    unreadable: tuple[str, ...]


class ProblemOutput(msgspec.Struct, frozen=True):
    """What is wrong with a document, or worth a look.

    Args:
        file: the file.
        line: the line, from 1; 0 where unknown.
        object: kind and name of the document; empty where unknown.
        field: the field; empty for the whole document.
        category: the kind of problem.
        message: the problem, and the nearest right value where there is one.
    """

    file: str
    line: int
    object: str
    field: str
    category: str
    message: str


class Validation(msgspec.Struct, frozen=True, kw_only=True):
    """The output of ``setpoint validate --output json``.

    Args:
        declared: number of declared resources and contents.
        scopes: number of scopes.
        values: number of declared values.
        unchecked: number of those that cannot be compared.
        pending: number of further values that a plan knows only after apply.
        untellable: number of those that only deep reads can compare.
        coverage: the share that can be compared.
        skipped: documents that declare nothing, by their kind.
        errors: what is wrong.
        warnings: what is right and not compared, or worth a look.
        counts: number of errors and warnings by category.
        references_elsewhere: number of references to objects that are not among the documents.
    """

    declared: int
    scopes: int
    values: int
    unchecked: int
    pending: int
    untellable: int
    coverage: float
    skipped: dict[str, int]
    errors: tuple[ProblemOutput, ...]
    warnings: tuple[ProblemOutput, ...]
    counts: dict[str, int]
    references_elsewhere: int


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The output of ``setpoint diff --output json``.

    Args:
        outcome: ``unknown`` where nothing differs and a field that matters to security could not be compared.
        differences: the fields that differ.
        because: differences that follow from a rule, with the rule and the table or description that it stands on.
        equal: fields that are spelled differently and mean the same, with the reason.
        unchecked: declared fields that could not be compared, with the reason.
        checked: number of declared fields that were compared.
    """

    outcome: Literal["in_sync", "drift", "unknown"]
    differences: tuple[Difference, ...]
    because: tuple[Explanation, ...]
    equal: tuple[Explanation, ...]
    unchecked: tuple[Explanation, ...]
    checked: int


class PlannedResource(msgspec.Struct, frozen=True):
    """A declaration that ``apply`` would add, change or remove.

    Args:
        action: what happens to the declaration.
        resource_name: full resource name.
        content: what of the resource is declared.
        declared_in: file and line of each declaration, or Terraform's address and file; empty where it is removed.
    """

    action: Literal["added", "changed", "removed"]
    resource_name: str
    content: Content
    declared_in: tuple[str, ...]


class PlannedSetting(msgspec.Struct, frozen=True):
    """A document of the fleet that ``apply`` would change.

    Args:
        changes: whether it changes.
        before: what is in force, null for nothing.
        after: what would be.
    """

    changes: bool
    before: Any
    after: Any


class PlanOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The output of ``setpoint plan --output json``.

    Args:
        source: the set of files.
        changes: the declarations that change.
        claimed: resources that another source declares already.
        refused: documents that the source may not apply.
        kept: names of resources that are no longer declared and stay, since they are not pruned.
        pending: names that are bound with the first observation, since only the service knows the id.
        unchanged: number of unchanged declarations.
        scopes: the scopes.
        policy: the policy.
        alerting: the alerting document.
        sources: the permissions of sources.
    """

    source: str
    changes: tuple[PlannedResource, ...]
    claimed: tuple[OwnershipConflict, ...]
    refused: tuple[RefusedDocument, ...]
    kept: tuple[str, ...]
    pending: tuple[str, ...]
    unchanged: int
    scopes: PlannedSetting
    policy: PlannedSetting
    alerting: PlannedSetting
    sources: PlannedSetting


class ApplyOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The output of ``setpoint apply --output json``.

    Args:
        source: the set of files.
        added: number of new declarations.
        changed: number of changed declarations.
        removed: number of removed declarations.
        unchanged: number of unchanged declarations.
        kept: number of resources that are no longer declared and stay.
        claimed: resources that another source declares already; not applied.
        refused: documents that the source may not apply.
        findings: number of findings that were evaluated again, by outcome.
        failed: number of findings that could not be evaluated again.
        errors: documents that could not be read; all others are in force.
        warnings: what is right and not compared, or worth a look.
    """

    source: str
    added: int
    changed: int
    removed: int
    unchanged: int
    kept: int
    claimed: tuple[OwnershipConflict, ...]
    refused: tuple[RefusedDocument, ...]
    findings: dict[str, int]
    failed: int
    errors: tuple[ProblemOutput, ...]
    warnings: tuple[ProblemOutput, ...]


class GuardrailsOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The output of ``setpoint guardrails --output json``.

    Args:
        policy: name of the policy in force.
        dry_run: whether the policy allows no writes.
        writes: number of recent writes.
        most_writes: the limit of the fleet within the window.
        window_seconds: length of the window.
        breaker: the open circuit breaker; null where it is closed.
        pauses: the pauses in force.
    """

    policy: str
    dry_run: bool
    writes: int
    most_writes: int
    window_seconds: float
    breaker: Breaker | None
    pauses: tuple[Pause, ...]


class TriedRule(msgspec.Struct, frozen=True):
    """A rule of the policy.

    Args:
        rule: its name.
        applies: whether it applies.
        unfit: the first condition that is not met; empty where it applies.
    """

    rule: str
    applies: bool
    unfit: str


class PolicyDecision(msgspec.Struct, frozen=True, kw_only=True):
    """The output of ``setpoint policy test --output json``.

    Args:
        tried: the rules in their order, up to the one that applies.
        rule: the rule that applies; null for none.
        severity: severity of the finding.
        mode: the remediation mode.
        executor: who remediates.
        grace_seconds: how long a drift lasts before it is a finding.
        windows: when it may be remediated without approval; empty for any time.
        dry_run: whether the policy allows no writes.
    """

    tried: tuple[TriedRule, ...]
    rule: str | None
    severity: Severity
    mode: str
    executor: str
    grace_seconds: float
    windows: tuple[Window, ...]
    dry_run: bool


class UncheckedField(msgspec.Struct, frozen=True):
    """A declared field that is not compared.

    Args:
        resource: full resource name.
        asset_type: Cloud Asset Inventory's type.
        field: the field.
        reason: why it is not compared.
        closed_by: what would close the gap.
        matters: the effect of a change, where the field matters to security; else empty.
    """

    resource: str
    asset_type: str
    field: str
    reason: str
    closed_by: str
    matters: str


class CoverageOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The output of ``setpoint coverage --output json``.

    Args:
        resources: number of declared resources.
        declared: number of declared fields.
        unchecked: number of those that are not compared.
        security: number of those that matter to security.
        coverage: the share of declared fields that is compared.
        fields: the fields that are not compared; with ``--security`` those that matter to security.
    """

    resources: int
    declared: int
    unchecked: int
    security: int
    coverage: float
    fields: tuple[UncheckedField, ...]


class SweepOutput(Summary, frozen=True, omit_defaults=False):
    """The output of ``setpoint sweep --output json``: the results of a sweep.

    Args:
        healed: number of resources whose pending events were published.
        resumed: whether an interrupted sweep continued.
    """

    healed: int = 0
    resumed: bool = False


_BLOCK = 1 << 18
"""Bytes that are printed in a piece."""
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


def print_json(value: msgspec.Struct, *, indent: int = 0) -> None:
    """Print an output as JSON on standard output.

    Args:
        value: the output.
        indent: spaces a level; 0 for one line.
    """
    encoded = msgspec.json.encode(value)
    out.out(_printable(msgspec.json.format(encoded, indent=indent) if indent else encoded), highlight=False)


def print_findings(listed: FindingList, states: Iterable[ResourceState]) -> None:
    """Print a list of findings as JSON on standard output, in blocks: a fleet's JSON is larger than its records.

    Args:
        listed: the list without its findings.
        states: the records of the findings.
    """
    head, mark, tail = msgspec.json.encode(listed).partition(b'"findings":[')
    records = (msgspec.json.encode(finding_record(state)) for state in states)
    separated = (b"," * (number > 0) + record for number, record in enumerate(records))
    print_encoded(chain([head + mark], separated, [tail + b"\n"]))


def print_encoded(parts: Iterable[bytes]) -> None:
    """Print JSON of any length on standard output, of which no more than a block is held."""
    block: list[bytes] = []
    length = 0
    for part in parts:
        block.append(part)
        length += len(part)
        if length >= _BLOCK:
            out.out(_printable(b"".join(block)), end="", highlight=False)
            block, length = [], 0
    out.out(_printable(b"".join(block)), end="", highlight=False)


def _printable(encoded: bytes) -> str:
    text = encoded.decode()
    return text if is_unicode() else _NOT_ASCII.sub(lambda match: json.dumps(match[0])[1:-1], text)  # inside strings


def finding_record(state: ResourceState) -> FindingRecord:
    """A record as an element of ``findings list --output json``; ``finding`` is null for suppressed drift alone."""
    return FindingRecord(**_fields(state))


def finding_details(
    state: ResourceState, trail: Iterable[AuditEntry], watched: WatchedFields | None = None
) -> FindingDetails:
    """A record as ``findings show --output json`` writes it, with its audit trail in the order of time."""
    parts = WatchedParts(**watched._asdict()) if watched is not None else None
    return FindingDetails(**_fields(state), trail=tuple(trail), watched=parts)


def _fields(state: ResourceState) -> dict[str, Any]:
    data = data_of(state) if state.finding is not None else None
    return {
        "id": state.key.id,
        "resource_name": state.key.name,
        "asset_type": state.asset_type,
        "content": state.key.content,
        "finding": data,
        "cause": cause_id(cause_of(data)) if data is not None else "",
        "exemption": state.exemption,
        "suppressed": state.suppressed,
    }


def problem_outputs(problems: Iterable[Problem]) -> tuple[ProblemOutput, ...]:
    """Problems of documents as ``validate``, ``plan`` and ``apply`` write them in JSON, in the same order."""
    return tuple(
        ProblemOutput(
            problem.file,
            problem.line,
            scrub(problem.subject),
            scrub(problem.field),
            problem.category,
            scrub(problem.message),
        )
        for problem in problems
    )

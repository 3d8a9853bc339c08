"""Compare desired with observed state: whether there is drift, of which kind, severity and owner."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace

from setpoint.comparison import api_versions, coverage_gaps, iam_policies, literal, org_policies
from setpoint.comparison.masking import HIDING, Masking
from setpoint.comparison.sealed import comparison_of
from setpoint.comparison.source_paths import declared_path
from setpoint.detection import (
    actor_resolution,
    observation_digests,
    placement,
    policy_evaluation,
    record_limits,
    scopes,
    suppressions,
    undeclared_changes,
    unmanaged_verdicts,
)
from setpoint.detection.api_differences import ByApi, by_api_of, is_in, observable
from setpoint.detection.claim_evidence import NO_EVIDENCE, Evidence
from setpoint.detection.observation_digests import judging_digest
from setpoint.detection.observed_schema import Schemas, aligned, of_own_elements, schema_of, versions_of
from setpoint.detection.undeclared_changes import UndeclaredChanges
from setpoint.detection.verdict_model import ActorLookup, Unjudged, Verdict, fingerprint, unknown_actor
from setpoint.model import ignore_patterns, lifecycle
from setpoint.model import policy as policies
from setpoint.model.api_reading import ApiReading
from setpoint.model.declaration import Declaration, Desired
from setpoint.model.difference import Difference, Explanation
from setpoint.model.fleet_rules import Rules, with_policy
from setpoint.model.last_known_good import LastKnownGood
from setpoint.model.observation import Observation
from setpoint.model.own_project import own_project
from setpoint.model.references import Project
from setpoint.model.resource_key import WHOLE
from setpoint.model.secrecy import THIS_PROCESS, Secrecy
from setpoint.model.severity import Kind
from setpoint.model.suppressed import Suppressed

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Schema
    from setpoint.comparison.compare import Comparison

__all__ = ["ActorLookup", "Unjudged", "Verdict", "fingerprint", "judge", "policy_differences", "unknown_actor"]


def judge(  # noqa: PLR0913 - the inputs of a verdict
    desired: Desired | None,
    rules: Rules,
    observation: Observation,
    schemas: Schemas | None,
    who: ActorLookup = unknown_actor,
    reading: ApiReading | None = None,
    secrecy: Secrecy = THIS_PROCESS,
    *,
    home: str = "",
    good: LastKnownGood | None = None,
    quiet: tuple[Suppressed, ...] = (),
    now: datetime | None = None,
    evidence: Evidence = NO_EVIDENCE,
) -> Verdict | Unjudged:
    """Compare an observation with the desired state of its resource.

    Args:
        desired: the desired state; None if the resource is not declared.
        rules: the rules of the fleet.
        observation: the observation.
        schemas: the schemas of asset types.
        who: looks up the actor behind a drift.
        reading: the last read through the resource's own API; None if there is none.
        secrecy: hides secrets with the installation's key.
        home: number of the recorded project, for a declaration that names none.
        good: the last known good values of undeclared fields.
        quiet: the suppressed differences of the last verdict.
        now: the current time; that of the observation where None.
        evidence: what speaks for or against the claim of an undeclared resource's controller.
    """
    if desired is None:
        return unmanaged_verdicts.judge(scopes.explain(rules, observation), rules, observation, who, evidence)
    if rules.policy is not None:
        desired = with_policy(desired, rules, observation)
    gone = observation.deleted or lifecycle.is_gone(observation.data)
    if not gone and observation.data is None:
        return "unreadable"
    if gone:
        return _gone(desired, rules, observation, schemas, who, secrecy)
    is_read = rules.policy is not None and rules.policy.observe
    by_api = by_api_of(desired, rules, observation, reading) if is_read else None
    if good is not None and good.in_sync and schemas is not None and by_api is None and type(observation.data) is dict:
        judged_by = judging_digest(desired, rules)
        kept_quiet = observation_digests.suppression_inputs(desired, rules, quiet)
        digest = observation_digests.of_verdict(observation, desired, judged_by, secrecy, kept_quiet)
        if digest == good.in_sync and not placement.is_at_fault(desired.declarations[0], observation, home):
            return _in_sync(desired, rules, observation, quiet, (), good, judged_by)
    inputs = _Inputs(who, by_api, secrecy, home, good, now)
    return _compared(desired, rules, observation, schemas, inputs)


def _gone(
    desired: Desired,
    rules: Rules,
    observation: Observation,
    schemas: Schemas | None,
    who: ActorLookup,
    secrecy: Secrecy,
) -> Verdict:
    if rule := suppressions.whole(desired.declarations):
        return _in_sync(desired, rules, observation, (Suppressed(rule, "deleted"),))
    return _drift(desired, rules, observation, schemas, _Drift("deleted", [], (), who, secrecy))


class _Inputs(NamedTuple):
    who: ActorLookup
    by_api: ByApi | None
    secrecy: Secrecy
    home: str
    good: LastKnownGood | None
    now: datetime | None


def _compared(
    desired: Desired, rules: Rules, observation: Observation, schemas: Schemas | None, inputs: _Inputs
) -> Verdict:
    """The verdict on an observation that is not known to be in sync."""
    who, by_api, secrecy, home, good, now = inputs
    differing: list[tuple[Declaration, Difference]] = []
    suppressed: tuple[Suppressed, ...] = ()
    unknown: list[Explanation] = []
    masking = Masking(secrecy, policies.shown(rules.policy, observation.asset_type))
    for declaration in desired.declarations:
        if (wrong := placement.other_project(declaration, observation, home)) is not None:
            differing.append((declaration, wrong))
        differences, ignored = _differences(declaration, observation, schemas, by_api, unknown, masking)
        if differences:
            differing += ((declaration, difference) for difference in differences if not is_in(difference, differing))
        if ignored:
            suppressed += ignored
    watched = undeclared_changes.watch(desired, observation, schemas, rules.policy, good, masking, now)
    unknown += watched.unknown
    if by_api is not None:
        watched = watched._replace(is_settled=False)
    drift = _Drift("modified", differing, suppressed, who, secrecy, tuple(unknown), watched.good)
    if not differing and not watched.differences:
        drift = drift._replace(suppressed=suppressed + watched.ignored) if watched.ignored else drift
        return _remembered(desired, rules, observation, drift, is_settled=watched.is_settled)
    if differing and not watched.differences and not watched.ignored:
        return _drift(desired, rules, observation, schemas, drift)
    return _with_undeclared(desired, rules, observation, schemas, drift, watched)


def _with_undeclared(
    desired: Desired,
    rules: Rules,
    observation: Observation,
    schemas: Schemas | None,
    drift: _Drift,
    watched: UndeclaredChanges,
) -> Verdict:
    """The verdict on the declared values, and on undeclared ones beside them."""
    reported, quiet = watched.differences, watched.ignored
    if rules.policy is None or rules.policy.undeclared.report != "all":
        reported, light = suppressions.without_light(desired.declarations[0], reported)
        quiet += light
    drift = drift._replace(suppressed=drift.suppressed + quiet)
    if reported:
        beside = [*drift.differing, *((desired.declarations[0], difference) for difference in reported)]
        verdict = _drift(desired, rules, observation, schemas, drift._replace(differing=beside))
        actor = verdict.actor
        if actor is None or actor.kind != "applier" or not actor_resolution.confident_principal(actor):
            accepted = watched.accepted() if watched.accepted is not None and not drift.differing else None
            return verdict if accepted is None else replace(verdict, accepted=accepted)
        if watched.accepted is not None:
            drift = drift._replace(good=watched.accepted())  # the applier has set it
        watched = watched._replace(is_settled=False)
    if drift.differing:
        return _drift(desired, rules, observation, schemas, drift)
    return _remembered(desired, rules, observation, drift, is_settled=watched.is_settled)


def _remembered(
    desired: Desired, rules: Rules, observation: Observation, drift: _Drift, *, is_settled: bool
) -> Verdict:
    """The verdict on an observation that is in sync, by whose digest the same one again is known."""
    good, judged_by = drift.good, judging_digest(desired, rules)
    suppressed = record_limits.limited(drift.suppressed) if drift.suppressed else ()
    if is_settled and good is not None and not drift.unknown:
        kept_quiet = observation_digests.suppression_inputs(desired, rules, suppressed)
        digest = observation_digests.of_verdict(observation, desired, judged_by, drift.secrecy, kept_quiet)
        good = LastKnownGood(good.packed, good.steady, good.others, digest, good.seen)
    return _in_sync(desired, rules, observation, suppressed, drift.unknown, good, judged_by)


class _Drift(NamedTuple):
    kind: Kind
    differing: list[tuple[Declaration, Difference]]
    suppressed: tuple[Suppressed, ...]
    who: ActorLookup
    secrecy: Secrecy
    unknown: tuple[Explanation, ...] = ()
    good: LastKnownGood | None = None


def _drift(desired: Desired, rules: Rules, observation: Observation, schemas: Schemas | None, drift: _Drift) -> Verdict:
    kind, differing, suppressed, who, secrecy, unknown, good = drift
    differences = [difference for _, difference in differing]
    encoded = [record_limits.encode(_by_content(difference)) for difference in differences]
    declaration = differing[0][0] if differing else desired.declarations[0]
    digest, judged_by = fingerprint(kind, encoded), judging_digest(desired, rules)
    actor = who(digest, judged_by)
    policy_outcome = policy_evaluation.evaluate_policy(
        rules.policy, declaration, observation, kind, differences, actor=actor_resolution.confident_principal(actor)
    )
    return Verdict(
        kind=kind,
        differences=tuple(
            _in_authors_words(differing[index][0], difference)
            for index, difference in enumerate(record_limits.bounded(differences, encoded))
        ),
        difference_count=len(differences),
        fingerprint=digest,
        severity=policy_outcome.severity,
        owner=declaration.owner,
        mode=suppressions.mode_for(differences, policy_outcome.mode, declaration, rules.policy),
        project=placement.project(declaration, observation),
        source=declaration.source,
        judged_by=judged_by,
        settle=max(policy_outcome.settle, policy_evaluation.applier_delay(rules.policy, actor)),
        previous_data=record_limits.bare(observation, schemas, secrecy) if kind == "deleted" else None,
        suppressed=record_limits.limited(suppressed),
        actor=actor,
        unknown=unknown,
        good=good,
    )


def _in_sync(
    desired: Desired,
    rules: Rules,
    observation: Observation,
    suppressed: tuple[Suppressed, ...],
    unknown: tuple[Explanation, ...] = (),
    good: LastKnownGood | None = None,
    judged_by: str = "",
) -> Verdict:
    first = desired.declarations[0]
    # By position, which costs half of what keywords do: in the order of the fields.
    return Verdict(
        None,
        (),
        0,
        "",
        "low",
        first.owner,
        first.mode or "alert",
        placement.project(first, observation),
        first.source,
        judged_by or judging_digest(desired, rules),
        suppressed=suppressed,
        unknown=unknown,
        good=good,
    )


def differences(
    declaration: Declaration, observation: Observation, schemas: Schemas | None, masking: Masking = HIDING
) -> tuple[Difference, ...]:
    """All differences from one declaration, untruncated, with paths in the declaration's source; secrets are hidden."""
    kept, _ = _differences(declaration, observation, schemas, ByApi(), [], masking)
    return tuple(_in_authors_words(declaration, difference) for difference in kept)


def _differences(
    declaration: Declaration,
    observation: Observation,
    schemas: Schemas | None,
    by_api: ByApi | None,
    unknown: list[Explanation],
    masking: Masking,
) -> tuple[Sequence[Difference], tuple[Suppressed, ...]]:
    """The differences to report, and the suppressed differences.

    Args:
        declaration: the declaration.
        observation: the observation.
        schemas: the schemas of asset types.
        by_api: the differences of the last API read; None if the resource is not read through its API.
        unknown: takes the fields that matter to security and could not be compared.
        masking: decides which values are shown.
    """
    if declaration.unchecked:
        unknown += coverage_gaps.unknown(coverage_gaps.untranslated(declaration))
    is_policy = observation.key.content not in WHOLE
    owns_more = is_policy or declaration.exact or declaration.exhaustive_paths or declaration.digests
    sides = declaration.data, observation.data
    keys = None if owns_more or declaration.compare else literal.unlike(*sides)
    if keys == [] and by_api is None:
        return (), ()
    own = own_project(declaration.project, observation)
    observation = of_own_elements(declaration, observation)
    if is_policy:
        differing = _policy_differences(declaration, observation.data, own, masking)
        kept = _not_ignored(declaration, differing)
    else:
        if api_versions.has_several(observation.asset_type):
            declaration, observation = aligned(declaration, observation)
        schema = schema_of(schemas, observation)
        are_sides = sides[0] is declaration.data and sides[1] is observation.data
        walk = comparison_of(
            declaration, declaration.data, observation.data, schema, own, masking, keys if are_sides else None
        )
        if walk.unchecked or observation.truncated:
            unknown += _left_unknown(walk, observation)
        if not walk.differences and by_api is None:
            return (), ()
        differing, elsewhere = api_versions.split(walk.differences, schema, versions_of(schemas, observation))
        unknown += elsewhere
        differing = observable(differing, observation, by_api)
        kept = differing
        if differing and declaration.ignore:
            kept = _not_ignored_fields(declaration, observation.data, schema, own, masking)
            kept, _ = api_versions.split(kept, schema, versions_of(schemas, observation))
            kept = _not_ignored(declaration, observable(kept, observation, by_api))
    ignored: tuple[Suppressed, ...] = ()
    if len(kept) != len(differing):
        kept_fields = {(difference.path, difference.op) for difference in kept}
        ignored = suppressions.suppressed(
            declaration, [difference for difference in differing if (difference.path, difference.op) not in kept_fields]
        )
    if kept and declaration.recorded:
        kept, undeclared = suppressions.without_undeclared_changes(declaration, kept)
        ignored += undeclared
    return kept, ignored


def _left_unknown(walk: Comparison, observation: Observation) -> tuple[Explanation, ...]:
    """The fields that matter to security and were not compared."""
    unknown = coverage_gaps.unknown(walk.unchecked)
    return (
        unknown + coverage_gaps.unknown(coverage_gaps.cut_off(walk.differences)) if observation.truncated else unknown
    )


def _not_ignored_fields(
    declaration: Declaration, observed: Any, schema: Schema | None, own: Project, masking: Masking
) -> tuple[Difference, ...]:
    """The differences without ignored fields; list elements may be equal without those fields."""
    if ignore_patterns.ALL in declaration.ignore:
        return ()
    want, have = (ignore_patterns.without(side, declaration.ignore) for side in (declaration.data, observed))
    return tuple(comparison_of(declaration, want, have, schema, own, masking).differences)


def _not_ignored(declaration: Declaration, differing: Sequence[Difference]) -> tuple[Difference, ...]:
    return tuple(
        difference for difference in differing if ignore_patterns.covering(difference.path, declaration.ignore) is None
    )


def policy_differences(declaration: Declaration, observed: Any, own: Project) -> tuple[Difference, ...]:
    """The differences of a declared policy, except those that the declaration ignores."""
    return _not_ignored(declaration, _policy_differences(declaration, observed, own, HIDING))


def _policy_differences(
    declaration: Declaration, observed: Any, own: Project, masking: Masking
) -> tuple[Difference, ...]:
    data, exact = declaration.data, declaration.exact
    if declaration.key.content == "iam_policy":
        differing = iam_policies.compare(data, observed, declaration.authority, exact=exact, own=own)
        return tuple(map(masking.policy, differing))
    return org_policies.compare(data, observed, own, exact=exact, masking=masking)


def _in_authors_words(declaration: Declaration, difference: Difference) -> Difference:
    if not declaration.origins:
        return difference
    return replace(difference, declared_path=declared_path(declaration.origins, declaration.data, difference.path))


def _by_content(difference: Difference) -> Difference:
    """A difference without its ``seen_by``: a drift has the same fingerprint from any source of the observation."""
    return replace(difference, seen_by="") if difference.seen_by else difference

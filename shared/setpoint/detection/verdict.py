"""From what is desired and what is observed to a verdict: is it drift, of which kind, severity and owner."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from setpoint import __version__
from setpoint.comparison import api_versions, gaps, iam_policies, literal, org_policies
from setpoint.comparison import compare as comparing
from setpoint.comparison.masking import HIDING, Masking
from setpoint.comparison.source_paths import declared_path
from setpoint.detection import actor_resolution, placement, policy_evaluation, record_limits, scopes, suppressions
from setpoint.detection.api_differences import ByApi, by_api_of, is_in, tellable
from setpoint.detection.scopes import ScopeCoverage
from setpoint.model import field_path, ignore_patterns, lifecycle
from setpoint.model import policy as policies
from setpoint.model.actors import Actor
from setpoint.model.api_reading import ApiReading
from setpoint.model.contests import Contest
from setpoint.model.declaration import Declaration, Desired, Mode, Owner, Scope, Source
from setpoint.model.difference import Difference, Explanation
from setpoint.model.fleet_rules import Rules, with_compare_rules
from setpoint.model.observation import Observation
from setpoint.model.own_project import own_project
from setpoint.model.references import Project
from setpoint.model.resource_key import WHOLE
from setpoint.model.secrecy import THIS_PROCESS, Secrecy
from setpoint.model.severity import Kind, Severity
from setpoint.model.suppressed import Suppressed

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Schema
    from setpoint.comparison.compare import Comparison


class Schemas(Protocol):
    """Where the schemas of an asset type are looked up; the catalogue is one."""

    def schemas_for(self, asset_type: str) -> tuple[Schema, ...]:
        """All API versions in which the type may come, the preferred one first."""

    def fitting(self, asset_type: str, body: Mapping[str, Any]) -> Schema | None:
        """The version that has most of the fields of a body."""

    def schema_for(self, asset_type: str, *, discovery_uri: str = "", discovery_name: str = "") -> Schema | None:
        """The schema that describes the type, or None where it is not known."""


class Verdict(msgspec.Struct, frozen=True):
    """What an observation means.

    Args:
        kind: the kind of drift, or None where the resource is as declared.
        differences: the fields that differ, up to a size; none for a resource that is gone or unmanaged.
        difference_count: how many fields differ.
        fingerprint: digest of kind and all differences; empty where there is no drift.
        severity: ``low`` to ``critical``.
        owner: who is responsible for it.
        mode: what may be done about it.
        project: the project as its owner knows it: the declared id, else what the observation tells.
        source: where the declaration is written.
        judged_by: digest of the declarations and rules that gave the verdict.
        settle: seconds that the drift has to last before it is a finding.
        previous_data: what a deleted resource was, without secrets, where that is known and not too large.
        suppressed: what rules keep quiet about, up to a size.
        actor: who is behind the drift; None where that is not known.
        unknown: declared fields that matter to security and could not be compared, so that nobody knows whether the
            resource is as declared.
    """

    kind: Kind | None
    differences: tuple[Difference, ...]
    difference_count: int
    fingerprint: str
    severity: Severity
    owner: Owner
    mode: Mode
    project: str
    source: Source
    judged_by: str
    settle: float = 0.0
    previous_data: Any = None
    suppressed: tuple[Suppressed, ...] = ()
    actor: Actor | None = None
    unknown: tuple[Explanation, ...] = ()


Unjudged = Literal["undeclared", "unreadable"]
"""Why there is no verdict: nothing declares the resource, or the message does not tell what the resource is."""


Who = Callable[[str, str], Actor | None]
"""Tells who is behind a drift: of its fingerprint, and of what judged it."""


def nobody(fingerprint: str, judged_by: str) -> Actor | None:
    """Tells that it is not known who is behind a drift."""
    del fingerprint, judged_by
    return None


def judge(  # noqa: PLR0913 - all that a verdict is made of
    desired: Desired | None,
    rules: Rules,
    observation: Observation,
    schemas: Schemas | None,
    who: Who = nobody,
    reading: ApiReading | None = None,
    secrecy: Secrecy = THIS_PROCESS,
    *,
    home: str = "",
) -> Verdict | Unjudged:
    """Compare an observation with what is desired of its resource.

    Args:
        desired: what is desired, or None where nothing declares it.
        rules: the rules of the fleet.
        observation: what was observed.
        schemas: what is known of asset types.
        who: is asked who is behind a drift, where there is one.
        reading: what the resource's own API said last, where it is read beside the inventory.
        secrecy: hides what may not be shown, with the installation's key.
        home: number of the project in which the resource was before, for a declaration that names none.
    """
    if desired is None:
        return _undeclared(scopes.explain(rules, observation), rules, observation, who)
    desired = with_compare_rules(desired, rules)
    gone = observation.deleted or lifecycle.is_gone(observation.data)
    if not gone and observation.data is None:
        return "unreadable"
    if gone:
        if rule := suppressions.whole(desired.declarations):
            return _in_sync(desired, rules, observation, (Suppressed(rule, "deleted"),))
        return _drift(desired, rules, observation, schemas, _Drift("deleted", [], (), who, secrecy))
    differing: list[tuple[Declaration, Difference]] = []
    suppressed: tuple[Suppressed, ...] = ()
    unknown: list[Explanation] = []
    by_api = by_api_of(desired, rules, observation, reading)
    masking = Masking(secrecy, policies.shown(rules.policy, observation.asset_type))
    for declaration in desired.declarations:
        if (wrong := placement.other_project(declaration, observation, home)) is not None:
            differing.append((declaration, wrong))
        differences, ignored = _differences(declaration, observation, schemas, by_api, unknown, masking)
        if differences:
            differing += ((declaration, difference) for difference in differences if not is_in(difference, differing))
        if ignored:
            suppressed += ignored
    if not differing:
        return _in_sync(desired, rules, observation, suppressed, tuple(unknown))
    return _drift(desired, rules, observation, schemas, _Drift("modified", differing, suppressed, who, secrecy))


class _Drift(NamedTuple):
    kind: Kind
    differing: list[tuple[Declaration, Difference]]
    suppressed: tuple[Suppressed, ...]
    who: Who
    secrecy: Secrecy


def _drift(desired: Desired, rules: Rules, observation: Observation, schemas: Schemas | None, drift: _Drift) -> Verdict:
    kind, differing, suppressed, who, secrecy = drift
    differences = [difference for _, difference in differing]
    encoded = [record_limits.encode(_by_content(difference)) for difference in differences]
    declaration = differing[0][0] if differing else desired.declarations[0]
    digest, judged_by = fingerprint(kind, encoded), _judged_by(desired, rules)
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
        mode=suppressions.mode_for(differences, policy_outcome.mode),
        project=placement.project(declaration, observation),
        source=declaration.source,
        judged_by=judged_by,
        settle=max(policy_outcome.settle, policy_evaluation.applier_delay(rules.policy, actor)),
        previous_data=_bare(observation.data, schemas, observation, secrecy) if kind == "deleted" else None,
        suppressed=record_limits.few(suppressed),
        actor=actor,
    )


def _bare(data: Any, schemas: Schemas | None, observation: Observation, secrecy: Secrecy) -> Any:
    """What a resource was, without secrets; None where it is too large to tell."""
    if not data:
        return None
    schema = _schema(schemas, observation) if observation.key.content in WHOLE else None
    masked = Masking(secrecy).message(data, schema)
    return masked if len(record_limits.encode(masked)) <= record_limits.ROOM_FOR_ONE else None


def _judged_by(desired: Desired | None, rules: Rules) -> str:
    """What gave a verdict: declarations, rules, and this version's understanding of them."""
    return f"{desired.digest if desired else ''}{rules.digest}@{__version__}"


def _in_sync(
    desired: Desired,
    rules: Rules,
    observation: Observation,
    suppressed: tuple[Suppressed, ...],
    unknown: tuple[Explanation, ...] = (),
) -> Verdict:
    first = desired.declarations[0]
    return Verdict(
        kind=None,
        differences=(),
        difference_count=0,
        fingerprint="",
        severity="low",
        owner=first.owner,
        mode=first.mode or "alert",
        project=placement.project(first, observation),
        source=first.source,
        judged_by=_judged_by(desired, rules),
        suppressed=record_limits.few(suppressed),
        unknown=unknown,
    )


def _undeclared(
    coverage: ScopeCoverage, rules: Rules, observation: Observation, who: Who
) -> Verdict | Literal["undeclared"]:
    if coverage.scope is None or (coverage.created_by and not _is_refuted(coverage, rules, observation, who)):
        return "undeclared"
    if observation.deleted or lifecycle.is_gone(observation.data):
        return _verdict_of(coverage.scope, rules, observation, None, ())
    if coverage.rule:
        return _verdict_of(coverage.scope, rules, observation, None, (Suppressed(coverage.rule, "unmanaged"),))
    actor = who(fingerprint("unmanaged", ()), _judged_by(None, rules))
    return _verdict_of(coverage.scope, rules, observation, "unmanaged", (), actor)


def _is_refuted(coverage: ScopeCoverage, rules: Rules, observation: Observation, who: Who) -> bool:
    """Whether somebody else than the controller that is claimed to have made a resource is known to have made it."""
    if not coverage.is_claim or observation.deleted:
        return False
    actor = who(fingerprint("unmanaged", ()), _judged_by(None, rules))
    return actor is not None and actor.kind != "google" and actor.confidence != "possible"


def _verdict_of(
    scope: Scope,
    rules: Rules,
    observation: Observation,
    kind: Kind | None,
    suppressed: tuple[Suppressed, ...],
    actor: Actor | None = None,
) -> Verdict:
    """A verdict on what nothing declares."""
    policy_outcome = policy_evaluation.evaluate_policy(
        rules.policy, scope, observation, "unmanaged", (), actor=actor_resolution.confident_principal(actor)
    )
    return Verdict(
        kind=kind,
        differences=(),
        difference_count=0,
        fingerprint=fingerprint(kind, ()) if kind else "",
        severity=policy_outcome.severity if kind else "low",
        owner=scope.owner,
        mode=policy_outcome.mode,
        project=observation.project,
        source=scope.source,
        judged_by=_judged_by(None, rules),
        settle=max(policy_outcome.settle, policy_evaluation.applier_delay(rules.policy, actor)) if kind else 0.0,
        suppressed=suppressed,
        actor=actor,
    )


def differences(declaration: Declaration, observation: Observation, schemas: Schemas | None) -> tuple[Difference, ...]:
    """All that differs from one declaration, in full and in its author's words too; secrets are hidden."""
    kept, _ = _differences(declaration, observation, schemas, ByApi(), [], HIDING)
    return tuple(_in_authors_words(declaration, difference) for difference in kept)


def disputed(contest: Contest, rules: Rules, observation: Observation) -> Verdict:
    """The verdict on a resource that two sources declare, each in its own place: none of them counts."""
    return _of_authority(contest.difference(), rules, observation, f"{contest.digest}{rules.digest}@{__version__}")


def refused(reasons: Mapping[str, str], count: int, rules: Rules, observation: Observation) -> Verdict:
    """The verdict on a source that declares what it may not: a finding of the installation.

    Args:
        reasons: why not, by the name of the resource, up to a size.
        count: how many there are.
        rules: the rules of the fleet.
        observation: of the source.
    """
    differences = tuple(
        Difference(field_path.text((None, name)), "unexpected", observed=reason, kind="authority")
        for name, reason in sorted(reasons.items())
    )
    verdict = _of_authority(differences[0] if differences else None, rules, observation, rules.digest)
    digest = fingerprint("modified", map(record_limits.encode, differences)) if differences else ""
    return msgspec.structs.replace(verdict, differences=differences, difference_count=count, fingerprint=digest)


def _of_authority(difference: Difference | None, rules: Rules, observation: Observation, judged_by: str) -> Verdict:
    """A verdict on who declares something, which people are told of and nobody acts on."""
    owner = rules.sources.owner if rules.sources is not None else Owner()
    return Verdict(
        kind="modified" if difference is not None else None,
        differences=(difference,) if difference is not None else (),
        difference_count=1 if difference is not None else 0,
        fingerprint=fingerprint("modified", [record_limits.encode(difference)]) if difference is not None else "",
        severity="high" if difference is not None else "low",
        owner=owner,
        mode="alert",
        project=observation.project,
        source=rules.sources.source if rules.sources is not None else Source(),
        judged_by=judged_by,
    )


def _differences(
    declaration: Declaration,
    observation: Observation,
    schemas: Schemas | None,
    by_api: ByApi | None,
    unknown: list[Explanation],
    masking: Masking,
) -> tuple[Sequence[Difference], tuple[Suppressed, ...]]:
    """What differs, and what differs and is to be left alone.

    Args:
        declaration: what is declared.
        observation: what was observed.
        schemas: what is known of asset types.
        by_api: what the last reading through the API showed; None where the resource is not read through it.
        unknown: takes the fields that matter to security and could not be compared.
        masking: decides what is shown.
    """
    if declaration.unchecked:
        unknown += gaps.unknown(gaps.untranslated(declaration))
    is_policy = observation.key.content not in WHOLE
    owns_more = is_policy or declaration.exact or declaration.exhaustive_paths
    if not owns_more and by_api is None and literal.is_literal(declaration.data, observation.data):
        return (), ()
    own = own_project(declaration.project, observation)
    observation = _of_own_elements(declaration, observation)
    if is_policy:
        differing = _policy_differences(declaration, observation.data, own, masking)
        kept = _not_ignored(declaration, differing)
    else:
        if api_versions.has_several(observation.asset_type):
            declaration, observation = _aligned(declaration, observation)
        schema = _schema(schemas, observation)
        walk = _walked(declaration, declaration.data, observation.data, schema, own, masking)
        if walk.unchecked or observation.truncated:
            unknown += _left_unknown(walk, observation)
        if not walk.differences and by_api is None:
            return (), ()
        differing, elsewhere = api_versions.split(walk.differences, schema, _versions(schemas, observation))
        unknown += elsewhere
        differing = tellable(differing, observation, by_api)
        kept = differing
        if differing and declaration.ignore:
            kept = _not_ignored_fields(declaration, observation.data, schema, own, masking)
            kept, _ = api_versions.split(kept, schema, _versions(schemas, observation))
            kept = _not_ignored(declaration, tellable(kept, observation, by_api))
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
    """The fields that matter to security and that a comparison left open."""
    unknown = gaps.unknown(walk.unchecked)
    return unknown + gaps.unknown(gaps.cut_off(walk.differences)) if observation.truncated else unknown


def _of_own_elements(declaration: Declaration, observation: Observation) -> Observation:
    """What was observed, with no more of a list than the elements that a declaration names, where it owns no others."""
    if not declaration.element or not isinstance(observation.data, Mapping):
        return observation
    field, _, key = declaration.element.partition(".")
    elements = observation.data.get(field)
    names = {str(element.get(key)) for element in declaration.data.get(field) or ()}
    own = [part for part in elements or () if isinstance(part, Mapping) and str(part.get(key)) in names]
    return replace(observation, data={**observation.data, field: own}) if elements else observation


def _aligned(declaration: Declaration, observation: Observation) -> tuple[Declaration, Observation]:
    """Both in one API version."""
    sides = api_versions.aligned(observation.asset_type, declaration.data, observation.data)
    if not sides.discovery_uri:
        return declaration, observation
    return replace(declaration, data=sides.declared), replace(
        observation, data=sides.observed, discovery_uri=sides.discovery_uri, discovery_name=sides.discovery_name
    )


def _walked(
    declaration: Declaration, declared: Any, observed: Any, schema: Schema | None, own: Project, masking: Masking
) -> Comparison:
    return comparing.walked(
        declared,
        observed,
        schema,
        own=own,
        exact=declaration.exact,
        whole=declaration.exhaustive_paths,
        null_is_absent=declaration.null_is_absent,
        masking=masking,
        overrides=declaration.compare,
    )


def _not_ignored_fields(
    declaration: Declaration, observed: Any, schema: Schema | None, own: Project, masking: Masking
) -> tuple[Difference, ...]:
    """What differs without the fields that are ignored; elements of a list may be equal without them."""
    if ignore_patterns.ALL in declaration.ignore:
        return ()
    want, have = (ignore_patterns.without(side, declaration.ignore) for side in (declaration.data, observed))
    return tuple(_walked(declaration, want, have, schema, own, masking).differences)


def _not_ignored(declaration: Declaration, differing: Sequence[Difference]) -> tuple[Difference, ...]:
    return tuple(
        difference for difference in differing if ignore_patterns.covering(difference.path, declaration.ignore) is None
    )


def _versions(schemas: Schemas | None, observation: Observation) -> tuple[Schema, ...]:
    """All API versions in which a resource may come."""
    return schemas.schemas_for(observation.asset_type) if schemas is not None else ()


def _schema(schemas: Schemas | None, observation: Observation) -> Schema | None:
    """The API version that the message names, else the one that has most of the fields."""
    if schemas is None:
        return None
    if not observation.discovery_name and isinstance(observation.data, Mapping) and not observation.discovery_uri:
        return schemas.fitting(observation.asset_type, observation.data)
    return schemas.schema_for(
        observation.asset_type, discovery_uri=observation.discovery_uri, discovery_name=observation.discovery_name
    )


def policy_differences(declaration: Declaration, observed: Any, own: Project) -> tuple[Difference, ...]:
    """The differences of a declared policy, less those that the declaration ignores."""
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


def fingerprint(kind: Kind, encoded: Iterable[bytes]) -> str:
    """Sixteen hexadecimal digits that change when the drift does.

    Args:
        kind: the kind of the drift.
        encoded: its differences as JSON, in any order.
    """
    return hashlib.blake2b(b"\n".join([kind.encode(), *sorted(encoded)]), digest_size=8).hexdigest()


def _by_content(difference: Difference) -> Difference:
    """A difference without the source that shows it: the same drift has one fingerprint whoever sees it."""
    return replace(difference, seen_by="") if difference.seen_by else difference

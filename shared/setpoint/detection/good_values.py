"""Which values of a resource are good: taken from an observation, and what becomes of them with the next one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec.structs import replace

from setpoint.comparison import undeclared_values
from setpoint.comparison.undeclared_values import SettableValue, ValueDigests
from setpoint.detection import value_folding
from setpoint.detection.value_folding import is_folded
from setpoint.model import declaration as declarations
from setpoint.model import lifecycle, security_meaning
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference
from setpoint.model.field_path import is_below
from setpoint.model.last_known_good import FORM, GoodValues
from setpoint.model.observation import Observation

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Schema
    from setpoint.comparison.masking import Masking

MAX_TRACKED = 40
"""Paths of which is remembered that they differ, or how often they moved."""
_AFTER_AN_APPLY = timedelta(hours=4)
"""How long the first observation after an apply is taken for what the apply has done."""
_ON_ITS_WAY = timedelta(hours=24)
"""How long a resource that is on its way may take to arrive."""
_RANKS = ("critical", "high", "low")


class LiveValues(NamedTuple):
    """What was observed, with all that is worked out of it.

    Args:
        declaration: what is declared, in the author's API version.
        desired: digest of the declarations.
        seen: digest of that and of the observation.
        values: the undeclared ones.
        schema: what the catalogue says of the type.
        version: the API version of the message, and the version in which it is compared.
        observation: what was observed.
        is_repeated: the observation is the one before, and other declarations stand beside it.
        masking: hides what may not be shown.
        now: the current time.
    """

    declaration: Declaration
    desired: str
    seen: str
    values: dict[str, SettableValue]
    schema: Schema | None
    version: str
    observation: Observation
    is_repeated: bool
    masking: Masking
    now: datetime

    @property
    def digests(self) -> ValueDigests:
        """Digests of the resource's values."""
        return ValueDigests(self.masking.secrecy, self.observation.key.name)

    def content(self, good: GoodValues | None = None) -> str:
        """Digest of the declared fields; that of the good values where nothing else is declared since."""
        if good is not None and good.desired == self.desired:
            return good.content
        declared = self.declaration
        return declarations.meaning(((declared.data, declared.exhaustive_paths, declared.element),))


def severity_of(difference: Difference) -> str:
    """The severity of an undeclared change."""
    return security_meaning.undeclared_severity(difference.path, difference.declared, difference.observed)


def first_values(current: LiveValues) -> GoodValues:
    """The values of the first observation."""
    observed_at = current.observation.observed_at
    return renewed_values(
        current,
        GoodValues(
            current.desired, current.content(), current.version, current.seen, observed_at, observed_at, form=FORM
        ),
    )


def renewed_values(current: LiveValues, good: GoodValues) -> GoodValues:
    """The values of now as what is good."""
    values = {path: value.kept for path, value in current.values.items()}
    return _with_values(_renewed(current, good), values, current)


def _renewed(current: LiveValues, good: GoodValues) -> GoodValues:
    """What is known of the good values, with those of now to come."""
    since, until = _provisional(current, good)
    return replace(
        good,
        desired=current.desired,
        content=current.content(good),
        schema=current.version,
        seen=current.seen,
        taken_at=current.observation.observed_at,
        provisional_since=since,
        provisional_until=until,
        changed={},
        is_crowded=False,
    )


def _provisional(current: LiveValues, good: GoodValues) -> tuple[datetime | None, datetime | None]:
    """From when to when the next newer observation replaces the values."""
    is_on_its_way = lifecycle.is_transitional(current.observation.data)
    if current.is_repeated and is_applied(current, good):
        since = current.now
    elif is_on_its_way:
        since = good.provisional_since or current.observation.observed_at
    else:
        return None, None
    return since, since + (_ON_ITS_WAY if is_on_its_way else _AFTER_AN_APPLY)


def is_applied(current: LiveValues, good: GoodValues) -> bool:
    """Whether an apply has changed the declared fields; one of mode, owner or grace period is none."""
    return good.desired != current.desired and good.content != current.content()


def is_renewed(current: LiveValues, good: GoodValues) -> bool:
    """Whether the values are taken again: with an apply, and with the first observation after it."""
    observed_at, until = current.observation.observed_at, good.provisional_until
    return is_applied(current, good) or (until is not None and good.taken_at < observed_at <= until)


def is_held(difference: Difference, good: GoodValues) -> bool:
    """Whether a difference was there before the values are taken again: no apply has named it, so that it stays.

    Where more differed than is remembered, everything stays.
    """
    if good.is_crowded or difference.path in good.changed:
        return True
    is_of_many = difference.declared == security_meaning.OF_MANY
    return is_of_many and any(is_below(path, difference.path) for path in good.changed)


def without_declared(good: GoodValues, now: Mapping[str, SettableValue], declaration: Declaration) -> GoodValues:
    """The good values without those that are declared now: to name a value is to accept it."""

    def is_open(path: str) -> bool:
        if path in good.folded:
            return any(is_folded(known, path) for known in now)
        return path in now or not undeclared_values.is_declared(path, declaration.data)

    return replace(
        good,
        values={path: kept for path, kept in good.values.items() if is_open(path)},
        changed={path: digest for path, digest in good.changed.items() if is_open(path)},
    )


def digest_of(difference: Difference) -> str:
    """Digits that change with what was observed."""
    observed = None if difference.observed is msgspec.UNSET else difference.observed
    # What stands for a secret has four digits of its digest; the difference has all of them.
    return undeclared_values.value_digest([observed, difference.hidden] if difference.hidden else observed)


def updated(current: LiveValues, good: GoodValues, differences: Iterable[Difference], *, renewed: bool) -> GoodValues:
    """What is good from now on: the values before, or those of now, less what differs from what was before."""
    differing = sorted(differences, key=lambda difference: _RANKS.index(severity_of(difference)))
    changed = {difference.path: digest_of(difference) for difference in differing[:MAX_TRACKED]}
    is_crowded = len(differing) > MAX_TRACKED
    if renewed:
        paths = [difference.path for difference in differing]
        good = _restored(current, good, paths) if paths else renewed_values(current, good)
        return replace(good, changed=changed, is_crowded=is_crowded)
    until = good.provisional_until
    is_over = until is not None and current.observation.observed_at > until
    return replace(
        good,
        desired=current.desired,
        content=current.content(good),
        seen=current.seen,
        changed=changed,
        is_crowded=is_crowded,
        provisional_since=None if is_over else good.provisional_since,
        provisional_until=None if is_over else until,
    )


def _restored(current: LiveValues, good: GoodValues, differing: Iterable[str]) -> GoodValues:
    """The current values, with the earlier value of each difference; a path may be below a stored one."""
    before = good.values
    values = {path: value.kept for path, value in current.values.items()}
    folded: list[str] = []
    for path in differing:
        if path in good.folded:
            folded.append(path)
            continue
        root = next((known for known in (*before, *values) if is_below(path, known)), path)
        if root in before:
            values[root] = before[root]
        else:
            values.pop(root, None)
    values = {path: value for path, value in values.items() if not any(is_folded(path, root) for root in folded)}
    good = _with_values(_renewed(current, good), values, current)
    return replace(good, values=good.values | {root: before[root] for root in folded}, folded=(*good.folded, *folded))


def _with_values(good: GoodValues, values: Mapping[str, Any], current: LiveValues) -> GoodValues:
    fitting = value_folding.bounded(values, current.values, current.digests)
    return replace(good, values=fitting.values, folded=fitting.folded, is_partial=fitting.is_partial)

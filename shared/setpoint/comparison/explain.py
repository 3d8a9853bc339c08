"""Compare with explanations: the differences, the number of compared values, and the unchecked values with reasons."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Unpack

import msgspec

from setpoint.comparison.api_versions import split
from setpoint.comparison.compare import Comparison
from setpoint.comparison.literal import leaves
from setpoint.comparison.options import CompareOptions
from setpoint.comparison.sealed import SealedComparison, SealedMasking, with_nonces
from setpoint.comparison.unobservable_fields import REASON, unobservable
from setpoint.model import lifecycle
from setpoint.model.difference import Difference, Explanation
from setpoint.model.references import Project

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Schema


class ExplainedComparison(msgspec.Struct, frozen=True):
    """A comparison with explanations.

    Args:
        differences: the fields that differ.
        checked: declared leaves that were compared.
        unchecked: declared fields that could not be compared, with reasons.
        notes: fields that are not literally equal and yet no difference, with reasons.
        because: differences that follow from a rule, with the rule and where it stands.
    """

    differences: tuple[Difference, ...]
    checked: int
    unchecked: tuple[Explanation, ...]
    notes: tuple[Explanation, ...]
    because: tuple[Explanation, ...] = ()


def as_inventoried(
    explained: ExplainedComparison,
    asset_type: str,
    observed: Any,
    schema: Schema | None = None,
    versions: Collection[Schema] = (),
) -> ExplainedComparison:
    """Adjust a comparison for an asset of the inventory.

    Absent fields that the inventory does not carry are unchecked, as are fields that only another API version has. A
    deleted resource that is retained differs in the field that marks it.

    Args:
        explained: the comparison.
        asset_type: the asset type.
        observed: the observed fields.
        schema: the API version of the observed fields.
        versions: all API versions of the type.
    """
    compared, elsewhere = split(explained.differences, schema, versions)
    lacking = unobservable(asset_type, compared, observed)
    differences = tuple(difference for difference in compared if difference not in lacking)
    if field := lifecycle.gone_field(observed):
        value = observed
        for part in field.split("."):
            value = value[part]
        differences = (Difference(field, "changed", msgspec.UNSET, value), *differences)
    return ExplainedComparison(
        differences,
        max(0, explained.checked - sum(leaves(difference.declared) for difference in lacking)),
        (*explained.unchecked, *elsewhere, *(Explanation(difference.path, REASON) for difference in lacking)),
        explained.notes,
    )


def examine(
    declared: Mapping[str, Any],
    observed: Mapping[str, Any],
    schema: Schema | None,
    own: Project,
    *,
    digests: str = "",
    **options: Unpack[CompareOptions],
) -> ExplainedComparison:
    """Compare like the event path, and record every reason.

    Args:
        declared: declared fields in the API's own shape.
        observed: the resource's fields.
        schema: the schema of the type; None compares conservatively by the format of the values.
        own: the project of the resource, by id and number.
        digests: the key of the digests in the declaration, as in ``Declaration``.
        options: how they are compared.
    """
    kind = SealedComparison if digests else Comparison
    walk = kind(own, explain=True, **options)
    if digests:
        declared, walk.masking = with_nonces(declared), SealedMasking(walk.masking, digests)
    walk.resource(schema, declared, observed)
    return ExplainedComparison(
        differences=tuple(walk.differences),
        checked=max(0, leaves(declared) - walk.unchecked_leaves),
        unchecked=tuple(walk.unchecked),
        notes=tuple(walk.notes or ()),
    )

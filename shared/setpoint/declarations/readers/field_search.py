"""Find the field of the API's schema for an author's field name.

Config Connector and Terraform derive names from the API by conventions: snake case, a singular for a repeated block,
`Ref` for a reference, `enableX` for `x.enabled`, a nested field moved up (`lifecycleRule` for `lifecycle.rule`). The
conventions are rules here, strongest first, without exceptions for single resources.

Sources: https://cloud.google.com/config-connector/docs/reference/overview,
https://googlecloudplatform.github.io/magic-modules/reference/field/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from setpoint.catalog.schemas import Field, Schema
from setpoint.declarations.readers.name_heuristics import (
    conventional_names,
    is_specific,
    names_owner,
    plain,
    spellings,
    tails,
    with_owner,
    without_owner,
    words,
)
from setpoint.declarations.readers.shape_matching import Reference, fits

Chain = tuple[Field, ...]
"""The path of fields from a schema to a nested field."""

_DEEPEST = 4


@lru_cache(maxsize=4096)
def direct(schema: Schema) -> dict[str, Field]:
    """A schema's own fields by plain name."""
    return {plain(name): field for name, field in reversed(list(schema.fields.items()))}


@lru_cache(maxsize=4096)
def below(schema: Schema) -> dict[str, tuple[Chain, ...]]:
    """The writable fields inside a schema's messages, at most four deep, by plain name."""
    by_name: dict[str, list[Chain]] = {}
    for chain in _descend(schema, (), (schema,)):
        if len(chain) > 1:
            by_name.setdefault(plain(chain[-1].name), []).append(chain)
    return {name: tuple(chains) for name, chains in by_name.items()}


@lru_cache(maxsize=4096)
def joined(schema: Schema) -> dict[str, tuple[Chain, ...]]:
    """The same fields by the joined names of their whole path: `lifecyclerule` is `lifecycle.rule`.

    A word that ends one name and starts the next may occur once: `connectionDraining.drainingTimeoutSec`.
    """
    by_name: dict[str, list[Chain]] = {}
    for chain in _descend(schema, (), (schema,)):
        if len(chain) > 1:
            for name in {"".join(plain(field.name) for field in chain), _run_together(chain)}:
                by_name.setdefault(name, []).append(chain)
    return {name: tuple(chains) for name, chains in by_name.items()}


def _run_together(chain: Chain) -> str:
    """The joined path with each word that repeats between two names written once."""
    joined_words: tuple[str, ...] = ()
    for field in chain:
        more = words(field.name)
        joined_words += more[1:] if joined_words[-1:] == more[:1] else more
    return "".join(joined_words)


def _descend(schema: Schema, chain: Chain, seen: tuple[Schema, ...]) -> Iterator[Chain]:
    for field in schema.fields.values():
        if field.output_only:
            continue
        longer = (*chain, field)
        yield longer
        inner = field.schema
        if field.kind == "message" and inner is not None and inner not in seen and len(longer) < _DEEPEST:
            yield from _descend(inner, longer, (*seen, inner))


def kind_of(value: Any) -> str:
    """The kind of an author's value, for the rules."""
    if isinstance(value, dict):
        return "group"
    if isinstance(value, list):
        return "list"
    return "flag" if isinstance(value, bool) else "scalar"


def search(schema: Schema, name: str, value: Any, taken: Mapping[str, Any]) -> Chain | None:
    """The field for an author's name; None if there is none or more than one."""
    own = direct(schema)
    same = spellings(name)
    field = own.get(same[0])
    if not words(name) or (field is not None and field.output_only):
        return None
    habitual = (*same, *conventional_names(name, kind_of(value)))
    match_ = _first(own, habitual, name, value, taken)
    if match_ is not None:
        return (match_,)
    by_path = joined(schema)
    for spelled in habitual:
        if (chain := _only(by_path.get(spelled, ()), name, value, taken)) is not None:
            return chain
    match_ = _first(own, (*without_owner(name, schema.name), *with_owner(name, schema.name)), name, value, taken)
    if match_ is not None:
        return (match_,)
    if isinstance(value, Reference) and (match_ := _reference_field(own, schema, name, value, taken)) is not None:
        return (match_,)
    inside = below(schema) if is_specific(name) else {}
    return next((_only(inside[spelled], name, value, taken) for spelled in same if spelled in inside), None)


def _reference_field(
    own: Mapping[str, Field], schema: Schema, name: str, value: Any, taken: Mapping[str, Any]
) -> Field | None:
    """The field for a reference, under a shorter or longer name than the author's."""
    named = ("name", "email") if names_owner(name, schema.name) else ()
    return _first(own, (*named, *tails(name)), name, value, taken) or _ending(own, name, taken)


def _first(
    fields: Mapping[str, Field], names: tuple[str, ...], name: str, value: Any, taken: Mapping[str, Any]
) -> Field | None:
    for spelled in names:
        field = fields.get(spelled)
        if field is not None and not field.output_only and field.name not in taken and _takes(field, name, value):
            return field
    return None


def _ending(fields: Mapping[str, Field], name: str, taken: Mapping[str, Any]) -> Field | None:
    """The only reference whose name ends with the author's name: `authorizedNetwork`."""
    stem = spellings(name)[1]
    ending = [
        field
        for spelled, field in fields.items()
        if spelled.endswith(stem) and field.reference and field.kind == "scalar" and not field.output_only
    ]
    return ending[0] if len(ending) == 1 and ending[0].name not in taken else None


def _only(chains: tuple[Chain, ...], name: str, value: Any, taken: Mapping[str, Any]) -> Chain | None:
    fitting = [chain for chain in chains if _takes(chain[-1], name, value) and not _is_taken(chain, taken)]
    return fitting[0] if len(fitting) == 1 else None


def _takes(field: Field, name: str, value: Any) -> bool:
    """Whether the field accepts the value; a scalar under another name is not a list: `location` is not `locations`."""
    if field.kind == "list" and not isinstance(value, (dict, list)) and plain(field.name) != plain(name):
        return False
    return fits(field, value)


def _is_taken(chain: Chain, taken: Mapping[str, Any]) -> bool:
    """Whether the author sets the field already, or sets a value in place of its parent."""
    held: Any = taken
    for field in chain:
        if not isinstance(held, dict):
            return True
        if field.name not in held:
            return False
        held = held[field.name]
    return True

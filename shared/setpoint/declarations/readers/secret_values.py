"""Known values that no declaration may hold: they are placed like others, and leave the reader as digests.

A value is wrapped where a state, a plan, the provider's schema or the API's catalogue calls it a secret. The wrapper is
no text: what a reader does to texts leaves it alone, and nothing can store it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from setpoint.catalog.schemas import Field
from setpoint.declarations.readers.shape_matching import UNKNOWN, Secret
from setpoint.model.declaration import Declaration
from setpoint.model.secrecy import Secrecy, sealed_of

_NOTHING: tuple[Any, ...] = (None, "", [], {})


def concealed(value: Any, *, withheld: bool = False) -> Any:
    """A value with its scalars and maps wrapped; the names of blocks, which the provider gives, stay.

    Args:
        value: the value; what is empty stays.
        withheld: whether its API may take the value and not return it.
    """
    if isinstance(value, Secret):
        return Secret(value.value, withheld=withheld or value.withheld)
    if value is UNKNOWN or value in _NOTHING:
        return value
    if isinstance(value, list):
        return [_element(element, withheld=withheld) for element in value]
    return Secret(value, withheld=withheld)


def _element(value: Any, *, withheld: bool) -> Any:
    """An element of a list: an object is a block."""
    if isinstance(value, dict):
        return {name: concealed(part, withheld=withheld) for name, part in value.items()}
    return concealed(value, withheld=withheld)


def unwrapped(value: Any) -> Any:
    """The value that is wrapped, for questions to it; any other value as it is."""
    return value.value if isinstance(value, Secret) else value


def unknown(value: Any) -> Any:
    """A value with `UNKNOWN` in place of secrets, for readers that cannot place them."""
    if isinstance(value, Secret):
        return UNKNOWN
    if isinstance(value, dict):
        return {name: unknown(part) for name, part in value.items()}
    if isinstance(value, list):
        parts = [unknown(part) for part in value]
        return UNKNOWN if any(part is UNKNOWN for part in parts) else parts
    return value


def is_of(field: Field, value: Any, *, is_whole: bool) -> bool:
    """Whether a field's value can be compared by a digest; true for every value that is not a secret.

    Args:
        field: the field.
        value: the value.
        is_whole: whether the resource owns every entry of a map.
    """
    if not isinstance(value, Secret):
        return True
    if field.input_only:
        return False
    if isinstance(value.value, dict):
        return field.kind == "map" and is_whole and field.item is not None and field.item.kind == "scalar"
    if field.kind == "list":
        return field.item is not None and field.item.kind == "scalar"
    return field.kind in ("scalar", "any")


def is_map(value: Any) -> bool:
    """Whether a value is a secret map."""
    return isinstance(value, Secret) and isinstance(value.value, dict)


def names_elements(keys: Iterable[str], data: Mapping[str, Any]) -> bool:
    """Whether a key by which a list element is known is a secret, or is not known."""
    return any(isinstance(data.get(key), Secret) or data.get(key) is UNKNOWN for key in keys)


def sealed(declaration: Declaration, secrecy: Secrecy) -> Declaration:
    """A declaration with digests in place of secrets, and of texts that look like such a digest."""
    if not _holds(declaration.data):
        return declaration
    return replace(declaration, data=_sealed(declaration.data, secrecy), digests=secrecy.key_id())


def _holds(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds, value.values()))
    if isinstance(value, list):
        return any(map(_holds, value))
    return isinstance(value, Secret)


def _sealed(value: Any, secrecy: Secrecy) -> Any:
    if isinstance(value, dict):
        return {name: _sealed(part, secrecy) for name, part in value.items()}
    if isinstance(value, list):
        return [_sealed(part, secrecy) for part in value]
    if isinstance(value, Secret):
        return secrecy.sealed(value.value, withheld=value.withheld)
    return secrecy.sealed(value) if sealed_of(value) is not None else value

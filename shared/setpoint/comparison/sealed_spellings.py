"""The spellings of an observed value: a declared value of which only a digest is known must be one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from setpoint.comparison import api_quirks, scalars, system_fields
from setpoint.model.references import Project

if TYPE_CHECKING:
    from setpoint.catalog.schemas import Field

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def of(name: str, field: Field | None, have: Any, own: Project) -> Iterator[Any]:
    """The spellings of an observed value, the value itself first.

    Args:
        name: the name of its field.
        field: what the catalogue says of the field.
        have: the value.
        own: the project of the resource, by id and number.
    """
    if isinstance(have, dict):
        yield {key: value for key, value in have.items() if not system_fields.is_system_label(name, key)}
        return
    yield have
    if isinstance(have, bool):
        yield from cases("true" if have else "false")
    elif isinstance(have, (int, float)):
        yield str(have)
        if isinstance(have, float) and have.is_integer():
            yield int(have)
    elif isinstance(have, str):
        yield from _of_text(name, field, have, own)


_NUMBER = re.compile(r"-?\d{1,19}\Z")


def _of_text(name: str, field: Field | None, have: str, own: Project) -> Iterator[Any]:
    if _NUMBER.match(have):
        yield int(have)
    if have.lower() in ("true", "false"):
        yield have.lower() == "true"
    if field is not None and field.reference:
        yield from _of_reference(have, own)
    elif field is not None and field.format in _BY_FORMAT:
        yield from _BY_FORMAT[field.format](have)
    if name in api_quirks.CASELESS or (field is not None and field.format == "enum"):
        yield from cases(have)


def cases(word: str) -> tuple[str, ...]:
    """A word as it is, in lower and in upper case."""
    return word, word.lower(), word.upper()


def _of_reference(have: str, own: Project) -> Iterator[str]:
    """A reference by its full and its partial path, with the project's id and its number, and its last part."""
    yield have.rpartition("/")[2]
    host, is_named, rest = have.partition("projects/")
    if not is_named:
        return
    project, _, inside = rest.partition("/")
    yield inside
    names = (own.id, own.number, own.alias) if project in own[:2] or project == own.alias else ()
    for spelled in (project, *filter(None, names)):
        yield f"projects/{spelled}/{inside}"
        yield f"{host}projects/{spelled}/{inside}"
        yield from (f"{start}/projects/{spelled}/{inside}" for start in _HOSTS)


_HOSTS = ("https://www.googleapis.com/compute/v1", "https://compute.googleapis.com/compute/v1")


def _of_duration(have: str) -> Iterator[Any]:
    """A duration in each unit that divides it, and in several."""
    total = scalars.seconds(have)
    if total is None:
        return
    yield from (f"{total:g}s", f"{total:.3f}s", f"{total:.9f}s")
    if not total.is_integer():
        return
    whole = int(total)
    yield whole
    yield from (f"{whole}", f"{whole}s", f"{whole}.0s")
    for unit, size in (("m", _MINUTE), ("h", _HOUR), ("d", _DAY)):
        if whole % size == 0:
            yield f"{whole // size}{unit}"
    hours, minutes, rest = whole // _HOUR, whole % _HOUR // _MINUTE, whole % _MINUTE
    yield f"{hours}h{minutes}m{rest}s"
    if not rest:
        yield f"{hours}h{minutes}m"


def _of_bytes(have: str) -> Iterator[str]:
    """Bytes in the alphabets of base64, padded or not (RFC 4648)."""
    plain = "".join(have.split()).rstrip("=")
    for text in (plain.replace("-", "+").replace("_", "/"), plain.replace("+", "-").replace("/", "_")):
        yield text
        yield text + "=" * (-len(text) % 4)


_BY_FORMAT: Mapping[str, Callable[[str], Iterator[Any]]] = {"bytes": _of_bytes, "duration": _of_duration}


def of_absence(field: Field | None) -> Iterator[Any]:
    """The values that an absent field may have."""
    yield from (False, 0, "0", "false", "FALSE")
    if field is not None:
        yield from (value for value in (field.default, field.absent, field.zero) if value is not None)

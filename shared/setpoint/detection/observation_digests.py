"""Digests that show whether an observation, and everything that its verdict depends on, is unchanged."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import msgspec

from setpoint import __version__
from setpoint.catalog import volatile_fields
from setpoint.comparison import api_versions, system_fields
from setpoint.detection.observed_schema import Schemas
from setpoint.model.declaration import Desired
from setpoint.model.fleet_rules import Rules
from setpoint.model.last_known_good import FORM
from setpoint.model.observation import Observation
from setpoint.model.secrecy import Secrecy
from setpoint.model.suppressed import Suppressed

_encode = msgspec.json.Encoder(order="deterministic").encode


def judging_digest(desired: Desired | None, rules: Rules) -> str:
    """Digest of the declarations, the rules, and the version of their interpretation."""
    return f"{desired.digest if desired else ''}{rules.digest}@{__version__}"


def code_digest(package: str) -> str:
    """Digest of the code and tables by which values are compared; an installation from a branch changes them.

    About 370 files of 2.3 MB: 6 to 9 ms, once in a process, at its first verdict.

    Args:
        package: the folder of the package.
    """
    digest = hashlib.sha256()
    for part in _COMPARES:
        folder = os.path.join(package, part)  # noqa: PTH118 - five times as fast, and this is in the first event
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                if entry.is_file():
                    with open(entry.path, "rb") as file:  # noqa: PTH123 - as above
                        code = file.read()
                    digest.update(f"{part}/{entry.name} {len(code)} ".encode())
                    digest.update(code)
    return digest.hexdigest()[:16]


@cache
def _own_code_digest() -> str:
    return code_digest(_PACKAGE)


_PACKAGE = str(Path(__file__).resolve().parents[1])
_COMPARES = ("comparison", "detection", "catalog", "catalog/data", "catalog/data/schemas", "model", "util")


def of_verdict(
    observation: Observation,
    desired: Desired,
    judged_by: str,
    secrecy: Secrecy,
    kept_quiet: Any = None,
) -> str:
    """Digest of a verdict in sync, and of all that it depends on, less fields that are never compared.

    Args:
        observation: what was observed.
        desired: what is declared.
        judged_by: digest of the declarations and rules.
        secrecy: has the key of the digest.
        kept_quiet: the differences that the verdict suppresses, with all that is known of their rules.
    """
    return _digest(
        secrecy,
        (
            judged_by,
            kept_quiet,
            _own_code_digest(),
            observation.through,
            observation.truncated,
            observation.project_id or desired.declarations[0].project,
            observation.ancestors,
            observation.discovery_uri,
            observation.discovery_name,
            _without(observation.data, system_fields.SYSTEM_FIELDS),
        ),
    )


def suppression_inputs(desired: Desired, rules: Rules, suppressed: tuple[Suppressed, ...]) -> Any:
    """The suppressed differences, and where their rules may be, which other digests leave out; None without any."""
    if not suppressed:
        return None
    places = [(declaration.source, declaration.ignored_by) for declaration in desired.declarations]
    return suppressed, places, rules.policy.source if rules.policy is not None else None


def content(schemas: Schemas, observation: Observation, desired: str, secrecy: Secrecy) -> str:
    """Digest of what is declared, and of what was observed less what only the server writes at the top.

    Args:
        schemas: what is known of asset types.
        observation: what was observed.
        desired: digest of what is declared.
        secrecy: has the key of the digest.
    """
    skipped = _server_fields(schemas, observation.asset_type)  # type: ignore[arg-type]  # identity is enough
    return _digest(secrecy, (FORM, desired, _without(observation.data, skipped)))


def undeclared(schemas: Schemas, observation: Observation, desired: Desired, secrecy: Secrecy) -> str:
    """Digest of what is declared, and of what was observed beside it: a change of declared scalars alone keeps it.

    Where the inventory may send another API version than the declared one, it covers the whole observation.

    Args:
        schemas: what is known of asset types.
        observation: what was observed.
        desired: the only declaration of the resource.
        secrecy: has the key of the digest.
    """
    if api_versions.has_several(observation.asset_type):
        return content(schemas, observation, desired.digest, secrecy)
    skipped = _server_fields(schemas, observation.asset_type)  # type: ignore[arg-type]  # as above
    beside = _beside(desired.declarations[0].data, observation.data, skipped)
    return _digest(secrecy, ("beside", FORM, desired.digest, beside))


def _beside(declared: Any, observed: dict[str, Any], skipped: frozenset[str] = frozenset()) -> dict[str, Any]:
    """An observed object with True in place of each scalar that is declared; presence still counts."""
    beside: dict[str, Any] = {}
    for name, have in observed.items():
        if name in skipped:
            continue
        want = declared.get(name)
        if type(want) is dict and type(have) is dict:
            beside[name] = _beside(want, have)
        else:
            beside[name] = (type(want) in _SCALARS and type(have) in _SCALARS) or have
    return beside


_SCALARS = frozenset((str, int, float, bool))


def _without(data: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """An object without some fields; a copy takes half the time of building one."""
    present = names.intersection(data)
    if not present:
        return data
    rest = data.copy()
    for name in present:
        del rest[name]
    return rest


def _digest(secrecy: Secrecy, value: Any) -> str:
    """160 bits, since an attacker may choose both of two observations; keyed, since a value may be a secret."""
    return secrecy.tag(_encode(value))


@lru_cache(maxsize=1024)
def _server_fields(schemas: Schemas, asset_type: str) -> frozenset[str]:
    """Top fields that are output-only in every version of the API, wander by name, or are the system's."""
    versions = schemas.schemas_for(asset_type)
    names = {name for schema in versions for name in schema.fields}
    written = (
        name
        for name in names
        if all((field := schema.fields.get(name)) is None or field.output_only for schema in versions)
    )
    by_type = (path for path in volatile_fields.of_type(asset_type) if "." not in path)
    return system_fields.SYSTEM_FIELDS.union(written, by_type) - volatile_fields.set_by_methods(asset_type)

"""Propose changes of Terraform code as text; plans and states are generated, and are never changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from setpoint.declarations.readers import hcl
from setpoint.model.difference import Difference
from setpoint.model.secrecy import holds_hidden

_VARIABLE = re.compile(r"var\.([A-Za-z0-9_-]+)\Z")


def as_attributes(document: Mapping[str, Any], differences: Sequence[Difference]) -> tuple[str, ...]:
    """A line for each difference: the attribute at its address, or the variable that gives its value."""
    return tuple(_line(document, difference) for difference in differences)


def _line(document: Mapping[str, Any], difference: Difference) -> str:
    where = difference.declared_path or difference.path
    if holds_hidden(difference.declared) or holds_hidden(difference.observed):
        return f"{where}: a secret is never proposed"
    if difference.op == "missing":
        return f"{where}: take out {_hcl(difference.declared)}"
    before = f"  # was {_hcl(difference.declared)}" if difference.op == "changed" else ""
    if variable := _variable(document, where):
        return f"{variable} = {_hcl(difference.observed)}{before}; the variable that gives {where}"
    return f"{where} = {_hcl(difference.observed)}{before}"


def _variable(document: Mapping[str, Any], where: str) -> str:
    """The variable that sets a top-level attribute of the root module, or an empty string.

    Source: https://developer.hashicorp.com/terraform/internals/json-format#expression-representation
    """
    root = (document.get("configuration") or {}).get("root_module") or {}
    for resource in root.get("resources") or ():
        address = str(resource.get("address", ""))
        attribute = where.removeprefix(f"{address}.")
        if not address or attribute == where:
            continue
        expression = (resource.get("expressions") or {}).get(attribute)
        references = expression.get("references") if isinstance(expression, dict) else None
        if isinstance(references, list) and len(references) == 1 and (match_ := _VARIABLE.match(str(references[0]))):
            return match_.group(1)
    return ""


def _hcl(value: Any) -> str:
    return "null" if value is msgspec.UNSET else hcl.literal(value)

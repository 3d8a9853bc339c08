"""The text of an exported declaration: native, Config Connector, or Terraform code with an `import` block."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import yaml

from setpoint.catalog.schemas import Catalogue
from setpoint.declarations import export
from setpoint.declarations.export_krm import as_krm
from setpoint.declarations.export_terraform import as_terraform
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation
from setpoint.model.resource_key import project_of

ExportFormat = Literal["native", "krm", "terraform"]
NO_IMPORT_ID = "of a type whose Terraform import id is not known"
NO_KIND = "of a type without a known kind of Config Connector"


class ExportedText(NamedTuple):
    """A declaration as text.

    Args:
        text: the text; empty where there is none.
        ending: how the file's name ends.
        refusal: why there is no text; empty where there is one.
    """

    text: str
    ending: str = "yaml"
    refusal: str = ""


class _Export(NamedTuple):
    declaration: Declaration
    observation: Observation
    project: str
    schemas: Catalogue


def as_text(
    declaration: Declaration, observation: Observation, form: ExportFormat, schemas: Catalogue, project: str = ""
) -> ExportedText:
    """Write an exported declaration.

    Args:
        declaration: the declaration.
        observation: what it was exported from.
        form: the format.
        schemas: the API's schemas.
        project: the id of its project; empty where it is not known.
    """
    return _WRITERS[form](_Export(declaration, observation, project, schemas))


def _native(exported: _Export) -> ExportedText:
    is_named = exported.project == project_of(exported.declaration.key.name)
    return ExportedText(as_yaml(export.document(exported.declaration, "" if is_named else exported.project)))


def _krm(exported: _Export) -> ExportedText:
    made = as_krm(exported.declaration, exported.observation, exported.schemas, exported.project)
    return ExportedText(as_yaml(made)) if made is not None else ExportedText("", refusal=NO_KIND)


def _terraform(exported: _Export) -> ExportedText:
    code = as_terraform(exported.declaration, exported.observation, exported.schemas, exported.project)
    return ExportedText(f"{code.text}\n", "tf") if code is not None else ExportedText("", "tf", NO_IMPORT_ID)


_WRITERS: dict[ExportFormat, Callable[[_Export], ExportedText]] = {
    "native": _native,
    "krm": _krm,
    "terraform": _terraform,
}

_READ_OTHERWISE = re.compile(r"[-+]?\.?[0-9][0-9_.:eExXoOa-fA-F+-]*\Z|[yYnN]\Z")
"""Strings that one YAML or another takes for a number, a date, a time or a boolean, besides those that PyYAML knows."""
_BLOCK = re.compile(r"[^\s\x00-\x1f][^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]*[^\s\x00-\x1f]\n?\Z")
"""Texts of several lines that a literal block (``|``) keeps unchanged."""

_Base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_Base):  # type: ignore[misc]
    """Quotes every string that a reader might take for something else, and writes texts of several lines as such."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True

    def string(self, text: str) -> Any:
        style = "|" if "\n" in text and _BLOCK.match(text) else "'" if _READ_OTHERWISE.match(text) else None
        return self.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _Dumper.string)


def as_yaml(document: Mapping[str, Any]) -> str:
    """One document of a YAML stream; ``declare.documents`` reads from it what was written, as does any YAML reader."""
    text: str = yaml.dump(
        document,
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        explicit_start=True,
        width=1_000_000,
    )
    return text

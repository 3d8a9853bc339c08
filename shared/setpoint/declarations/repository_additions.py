"""New files of a repository that declare undeclared resources."""

from __future__ import annotations

from setpoint.catalog.schemas import Catalogue
from setpoint.comparison.masking import Masking
from setpoint.declarations import export
from setpoint.declarations.exported_text import as_text
from setpoint.declarations.repository_edits import CUT_OFF, Checkout
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation
from setpoint.util.texts import as_name

_DIGITS = 8


def add(
    observation: Observation, project: str, checkout: Checkout, schemas: Catalogue, masking: Masking
) -> tuple[str, ...]:
    """Add a file that declares an undeclared resource.

    Args:
        observation: its last observation.
        project: the id or number of its project; empty where it is in none.
        checkout: the files; the new one is kept there.
        schemas: the API's schemas.
        masking: what it hides is not written.

    Returns:
        The manual steps, one line per field.
    """
    key = observation.key
    if not checkout.is_whole:
        return (f"{key.name}: not declared: {CUT_OFF}; `setpoint export` writes its declaration",)
    exported = export.export(observation, schemas, masking=masking)
    if exported.declaration is None:
        return (f"{key.name}: not declared: {exported.refusal}",)
    own = "" if project.isdecimal() else project
    written = as_text(exported.declaration, observation, checkout.code, schemas, own)
    if written.refusal:
        return (f"{key.name}: not declared: {written.refusal}",)
    file = _file_of(exported.declaration, project, written.ending)
    if not checkout.add(file, written.text):
        return (f"{key.name}: not declared: {file} is there and says something else",)
    return tuple(
        f"{key.name}: {note.path}: left out, {note.reason}"
        for note in exported.left_out
        if note.reason in export.WITHHELD
    )


def _file_of(exported: Declaration, where: str, ending: str) -> str:
    """The file of a new declaration: `new/PROJECT/SERVICE.KIND.NAME.DIGITS.yaml`.

    The digits are of the key, since resources in other places and contents of a resource have the same name.
    """
    service, _, kind = exported.asset_type.partition("/")
    name = exported.key.name.rpartition("/")[2]
    parts = (service.removesuffix(".googleapis.com"), kind, name, exported.key.id[:_DIGITS], ending)
    name = ".".join(as_name(part) for part in parts)
    return f"new/{as_name(where or 'global')}/{name}"

"""``setpoint propose``: what the author's own files would have to say for a drift to be none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from setpoint import bootstrap
from setpoint.catalog.schemas import default_catalogue
from setpoint.cli.findings import find_finding
from setpoint.cli.options import DEFAULT_STORE, FindingName, StoreUrl
from setpoint.cli.output import out, print_warning
from setpoint.cli.unified_diff import unified
from setpoint.declarations.accept_drift import accepted
from setpoint.errors import BadRequest
from setpoint.model.declaration import Declaration
from setpoint.model.observation import Observation


def propose(
    finding: FindingName,
    *,
    root: Annotated[
        Path, typer.Option(metavar="DIR", help="Directory of the applied files. Default: the current one.")
    ] = Path(),
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Print a unified diff of the declaring files that declares what was observed; change nothing.

    Exits with 1 where some fields have to be edited by hand; they are listed on standard error.
    """
    opened = bootstrap.open_store(store, create=False)
    try:
        key = find_finding(opened, finding).key
        observation = opened.last_observation(key)
        snapshot = opened.read(key)
    finally:
        opened.close()
    if snapshot.desired is None:
        raise BadRequest(f"{key.name}: it is unmanaged; `setpoint export` writes its declaration")
    if observation is None:
        raise BadRequest(f"{key.name}: its last observation was too large to be kept, nothing can be proposed")
    if observation.deleted or observation.data is None:
        where = ", ".join(str(declaration.source) for declaration in snapshot.desired.declarations)
        raise BadRequest(f"{key.name}: it was deleted; to accept that, remove its declaration at {where}")
    if not _print_all(snapshot.desired.declarations, observation, root):
        raise typer.Exit(1)


def _print_all(declarations: tuple[Declaration, ...], observation: Observation, root: Path) -> bool:
    """Print the diffs, and say what is left; whether nothing is."""
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    is_all = True
    for declaration in declarations:
        file = declaration.source.file
        if file not in before:
            before[file] = after[file] = _text(root, file)
        proposed = accepted(after[file], declaration, observation, default_catalogue())
        after[file] = proposed.text
        is_all = is_all and not proposed.by_hand
        for line in proposed.by_hand:
            print_warning(line, "by hand")
    for file, text in after.items():
        _print_diff(file, before[file], text)
    return is_all


def _text(root: Path, file: str) -> str:
    if not file:
        raise BadRequest("the store has no file for its declaration; apply it again")
    try:
        return (root / file).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        raise BadRequest(f"{root / file}: cannot be read ({why}); --root says where the applied files are") from None


def _print_diff(file: str, before: str, after: str) -> None:
    for line in unified(file.lstrip("/"), before, after):
        out.out(line, end="", highlight=False)

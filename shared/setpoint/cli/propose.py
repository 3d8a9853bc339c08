"""``setpoint propose``: the change of the author's own file by which it says what the resource is now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from setpoint import wiring
from setpoint.cli.findings import find
from setpoint.cli.options import DEFAULT_STORE, FindingName, StoreUrl
from setpoint.cli.output import out, say_warning, shown
from setpoint.core.compare import Difference
from setpoint.core.findings import Finding
from setpoint.declare.proposing import Proposal
from setpoint.declare.proposing import propose as proposed
from setpoint.errors import BadRequest


def propose(
    finding: FindingName,
    root: Annotated[Path, typer.Option(metavar="DIR", help="Where the files of the declarations are.")] = Path(),
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Write a patch of the author's file that accepts what a resource is now, ready for a pull request.

    Exits with 1 where a part of the drift is left to be changed by hand.
    """
    opened = wiring.open_store(store, create=False)
    try:
        state = find(opened, finding)
    finally:
        opened.close()
    if state.finding is None or state.finding.status == "resolved":
        raise BadRequest(f"{state.key.name}: it has no drift")
    if state.finding.kind != "modified":
        raise BadRequest(
            f"{state.key.name}: it is {state.finding.kind}; declare it, or remove its declaration, by hand"
        )
    proposal = _proposal(state.finding, root)
    out.out(proposal.diff, end="", highlight=False)
    left = list(proposal.left)
    if (more := state.finding.difference_count - len(state.finding.differences)) > 0:
        left.append(f"{more} differences more, of which not all is kept")
    for line in left:
        say_warning(line, "left")
    if left:
        raise typer.Exit(1)


def _proposal(finding: Finding, root: Path) -> Proposal:
    source = finding.source
    if not source.file.endswith((".yaml", ".yml")):
        return Proposal("", "", tuple(map(_by_hand, finding.differences)))
    try:
        text = (root / source.file).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadRequest(
            f"{root / source.file}: cannot be read: {error.strerror}; say where it is with --root"
        ) from error
    return proposed(source.file, text, source.document, finding.differences, "spec.data")


def _by_hand(one: Difference) -> str:
    """A difference that is written in no file of ours: the author's configuration is where its address says."""
    return f"{one.declared_path or one.path}: declare {shown(one.observed)}, not {shown(one.declared)}"

"""Edit the author's file so that it declares what was observed, and prove the edit before it is used.

An edit is used where the edited file is valid, declares every other resource as before, and its declaration of the
resource no longer differs from the observation in what was edited. Otherwise no edit is made, and each difference is a
manual step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from setpoint.catalog.schemas import Catalogue
from setpoint.comparison.masking import HIDING, Masking
from setpoint.declarations import proposal_lines
from setpoint.declarations.readers import documents
from setpoint.declarations.readers.load import load_documents
from setpoint.declarations.readers.propose import Proposal, propose
from setpoint.detection import verdict
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference
from setpoint.model.observation import Observation
from setpoint.model.resource_key import ResourceKey

_UNPROVEN = "an edit cannot be proven to have this effect alone"


def accepted(
    text: str, declaration: Declaration, observation: Observation, schemas: Catalogue, masking: Masking = HIDING
) -> Proposal:
    """Edit a file of declarations for one resource.

    Args:
        text: the author's file.
        declaration: the declaration in it, as it was applied.
        observation: what was observed.
        schemas: the API's schemas.
        masking: has the key of the declaration's digests.
    """
    differences = verdict.differences(declaration, observation, schemas, masking)
    if not differences:
        return Proposal(text)
    proposal = propose(text, declaration, differences)
    if proposal.text == text or _is_proven(text, proposal, declaration, observation, schemas):
        return proposal
    return Proposal(text, tuple(f"{line} ({_UNPROVEN})" for line in proposal_lines.lines(declaration, differences)))


def _is_proven(
    text: str, proposal: Proposal, declaration: Declaration, observation: Observation, schemas: Catalogue
) -> bool:
    """Whether the edited file differs in the edited fields of one declaration, and declares there what was observed."""
    before, after = (_declared(each, declaration) for each in (text, proposal.text))
    key = declaration.key
    if before is None or after is None or key not in before or key not in after:
        return False
    if {**before, key: ()} != {**after, key: ()}:
        return False
    old, new = (_differing(side[key], declaration, observation, schemas) for side in (before, after))
    applied = _by_field(verdict.differences(declaration, observation, schemas))
    is_applied = all(old.get(field) == difference for field, difference in applied.items())
    return is_applied and new.items() <= old.items() and len(new) <= len(proposal.by_hand)


def _declared(text: str, declaration: Declaration) -> Mapping[ResourceKey, Any] | None:
    """The declared data of each resource in a file by itself; None where a document of it is invalid."""
    loaded = load_documents(documents.parse(text, declaration.source.file), project=declaration.project)
    if any(problem.category == documents.UNREADABLE for problem in loaded.problems):
        return None
    return {each.declarations[0].key: _data(each.declarations) for each in loaded.desired}


def _data(declarations: Sequence[Declaration]) -> tuple[Declaration, ...]:
    """Declarations without their lines, which an edit above them moves."""
    return tuple(replace(each, source=replace(each.source, line=0)) for each in declarations)


def _differing(
    declarations: Sequence[Declaration], applied: Declaration, observation: Observation, schemas: Catalogue
) -> Mapping[tuple[str, str], Difference]:
    """The differences of declarations in a file, compared by the settings of the applied one."""
    own = [each for each in declarations if each.source.document == applied.source.document] or list(declarations)
    differing: dict[tuple[str, str], Difference] = {}
    for declaration in own:
        compared = replace(
            applied,
            data=declaration.data,
            origins=declaration.origins,
            unchecked=declaration.unchecked,
            exhaustive_paths=declaration.exhaustive_paths,
        )
        differing |= _by_field(verdict.differences(compared, observation, schemas))
    return differing


def _by_field(differences: Sequence[Difference]) -> dict[tuple[str, str], Difference]:
    return {(difference.path, difference.op): difference for difference in differences}

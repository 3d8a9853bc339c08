"""A declaration as a reader of another format gives it: with what could not be translated, and the way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from setpoint.comparison.source_paths import declared_path
from setpoint.declarations.readers.field_mapping import UnmappedField
from setpoint.model.declaration import Declaration


class Translated(msgspec.Struct, frozen=True):
    """What an author declared, in the API's terms.

    Args:
        declaration: The declaration, its data in the API's shape.
        unchecked: The author's paths that found no place, or whose value is not known.
        origins: API path → author's path, wherever the two differ by more than what is around them: with
            `lifecycle.rule` from `spec.lifecycleRule`, `lifecycle.rule[0].action` needs no entry. The root is `""`.
        whole: API paths of maps that the author wrote as a list, and so as a whole.
        server_id: An id of the service that a state has, and the name beside it; None where there is none.
        unplaced: Of the unchecked paths those that found no place, with the names that they may be misspellings of.
    """

    declaration: Declaration
    unchecked: tuple[str, ...] = ()
    origins: Mapping[str, str] = {}
    unplaced: tuple[UnmappedField, ...] = ()
    whole: tuple[str, ...] = ()
    server_id: tuple[Any, Any] = (None, None)

    def declared_path(self, api_path: str) -> str:
        """The author's path of a difference, or of the nearest thing around it that the author wrote.

        Args:
            api_path: As `Difference.path`: list elements by position or by an identifying field.
        """
        return declared_path(self.origins, self.declaration.data, api_path)

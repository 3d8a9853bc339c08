"""The result of translating a declaration from another format, with the author's paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from setpoint.comparison.source_paths import declared_path
from setpoint.declarations.readers.field_mapping import UnmappedField
from setpoint.model.declaration import Declaration


class Translated(msgspec.Struct, frozen=True):
    """A translated declaration.

    Args:
        declaration: The declaration, its data in the API's shape.
        unchecked: The author's paths without a place or with unknown values.
        origins: API path → author's path, if they differ by more than their parents do: with `lifecycle.rule` from
            `spec.lifecycleRule`, `lifecycle.rule[0].action` needs no entry. The root is `""`.
        whole: API paths of maps that the author wrote as a list, and so owns with all entries.
        server_id: A server-generated id from a state, and the name beside it; None if there is none.
        unplaced: The unchecked paths without a place, with similar names of the API.
        pending: The unchecked paths whose value a plan knows only after apply.
    """

    declaration: Declaration
    unchecked: tuple[str, ...] = ()
    origins: Mapping[str, str] = {}
    unplaced: tuple[UnmappedField, ...] = ()
    whole: tuple[str, ...] = ()
    server_id: tuple[Any, Any] = (None, None)
    pending: tuple[str, ...] = ()

    def declared_path(self, api_path: str) -> str:
        """The author's path of a difference, or of its nearest ancestor that the author wrote.

        Args:
            api_path: As `Difference.path`: list elements by position or by an identifying field.
        """
        return declared_path(self.origins, self.declaration.data, api_path)

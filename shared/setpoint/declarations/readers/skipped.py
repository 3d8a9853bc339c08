"""What a load skips: documents that declare nothing, counted by what they are."""

from __future__ import annotations

from setpoint.util.counts import counted

ASSETS = "assets of an inventory"
"""The count of skipped documents that say what is there, and not what is declared."""
EMPTY_STATES = "empty Terraform states"
OTHER_KINDS = "documents of other kinds"

_SINGULAR = {
    ASSETS: "asset of an inventory",
    EMPTY_STATES: "empty Terraform state",
    OTHER_KINDS: "document of another kind",
}
"""One of them; all other names are types and providers, which have no plural."""


def counted_as(what: str, count: int) -> str:
    """A count of what was skipped, in the right number."""
    return counted(count, _SINGULAR.get(what, what), what)

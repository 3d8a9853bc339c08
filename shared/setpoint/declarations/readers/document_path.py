"""A path in a document: keys and list positions, from the top."""

from __future__ import annotations

DocumentPath = tuple[str | int, ...]
"""``("spec", "rules", 0, "match")``: keys and list positions, from the top of the document."""

"""A position in a resource, with the surrounding objects on both sides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from setpoint.model import field_path
from setpoint.model.field_path import Element, Path


class Position(NamedTuple):
    """The position of a field, and the resources on both sides."""

    path: Path = None
    declared: Mapping[str, Any] = {}
    observed: Mapping[str, Any] = {}

    def names(self) -> list[str]:
        """The fields on the path, without the elements of lists."""
        return field_path.names(self.path)

    def parts(self) -> list[str]:
        """The parts of the path from the top."""
        return field_path.parts(self.path)

    def around(self) -> tuple[Any, Any]:
        """The objects with the field, declared and observed."""
        parts = self.parts()[:-1]
        return _walk(self.declared, parts), _walk(self.observed, parts)

    def declared_at(self, path: str) -> Any:
        """The declared value at a path from the root; a list is entered at the element of this position."""
        return self._at_path(self.declared, path)

    def observed_at(self, path: str) -> Any:
        """The observed value at a path from the root; a list is entered at the element of this position."""
        return self._at_path(self.observed, path)

    def _at_path(self, node: Any, path: str) -> Any:
        elements = [part for part in self.parts() if isinstance(part, Element)]
        for name in path.split("."):
            if isinstance(node, list):
                node = _element(node, elements.pop(0)) if elements else None
            node = node.get(name) if isinstance(node, Mapping) else None
        return node


def _walk(node: Any, parts: list[str]) -> Any:
    for part in parts:
        if isinstance(node, list) and isinstance(part, Element):
            node = _element(node, part)
        elif isinstance(node, Mapping):
            node = node.get(part)
        else:
            return None
    return node


def _element(elements: list[Any], part: str) -> Any:
    position = field_path.position_of(part, elements)
    return None if position is None else elements[position]

"""What is declared, whatever its source."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from itertools import groupby

from setpoint.model.resource_key import ResourceKey
from setpoint.ports.stores import DesiredStore


def declared_keys(store: DesiredStore) -> Iterator[ResourceKey]:
    """Every declared resource and content once, ordered, for any number of sources."""
    sources = store.control().value.sources.items()
    manifests = (store.manifest(name, source.generation) for name, source in sources)
    return (key for key, _ in groupby(key for key, _ in heapq.merge(*manifests)))

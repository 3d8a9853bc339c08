"""The content of a fake Cloud Asset Inventory: assets with their history, and assets generated on read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from google.cloud.asset_v1 import Asset, ContentType
from google.protobuf.json_format import ParseDict  # type: ignore[import-untyped]

FIELDS = {
    ContentType.RESOURCE: "resource",
    ContentType.IAM_POLICY: "iam_policy",
    ContentType.ORG_POLICY: "org_policy",
    ContentType.ACCESS_POLICY: "access_context_policy",
}
_EVERYTHING = tuple(FIELDS.values())

bare_asset: Callable[[], Any] = type(Asset.pb(Asset()))
"""protobuf's own message, without the wrapper that makes it slow."""


class Generated(NamedTuple):
    """A fleet that nobody has room for.

    Args:
        total: how many assets there are.
        make: an asset by its number, from 0; each time the same.
        scopes: their ancestors.
        types: their types.
    """

    total: int
    make: Callable[[int], Any]
    scopes: frozenset[str]
    types: frozenset[str]


class HeldVersion(NamedTuple):
    """An asset over some time.

    Args:
        asset: the asset; where it is deleted, as it was last.
        begins: since when.
        ends: until when; None for now.
        deleted: whether it is deleted.
    """

    asset: Any
    begins: datetime
    ends: datetime | None
    deleted: bool = False


class HeldAssets:
    """All assets by name, each with its versions; what is deleted keeps its history."""

    def __init__(self) -> None:
        self.versions: dict[str, list[Any]] = {}
        self.gone: dict[str, datetime] = {}
        self.deletions: dict[str, list[datetime]] = {}
        self.made_history: Callable[[str], Sequence[HeldVersion] | None] = lambda _: None
        self.generated: Generated | None = None
        self._scopes: dict[str, str] = {}

    def put(self, asset: Mapping[str, Any]) -> None:
        """Hold an asset, written as a feed writes it in JSON; contents that it does not have stay as they were."""
        new = ParseDict(dict(asset), bare_asset(), ignore_unknown_fields=True)
        versions = self.versions.setdefault(new.name, [])
        for field in _EVERYTHING if versions else ():
            if not has(new, field) and has(versions[-1], field):
                getattr(new, field).MergeFrom(getattr(versions[-1], field))
        versions.append(new)
        if new.name in self.gone:
            self.deletions.setdefault(new.name, []).append(self.gone.pop(new.name))
        self._scopes.update((scope, scope) for scope in new.ancestors)
        named = re.search(r"/projects/([^/]+)", new.name)
        ids = {named[1] if named else "", dict(new.resource.data).get("projectId", "")}
        if new.ancestors and new.ancestors[0].startswith("projects/"):
            self._scopes.update((f"projects/{id_}", new.ancestors[0]) for id_ in ids if id_)

    def remove(self, name: str, time: datetime | None) -> None:
        """Let an asset be deleted."""
        self.gone[name] = time or datetime.now(UTC)

    def history(self, name: str) -> Sequence[HeldVersion] | None:
        """The versions and deletions of an asset, the oldest first; None for a name that was never held."""
        if name not in self.versions:
            return self.made_history(name)
        times = [(version.update_time.ToDatetime(tzinfo=UTC), False, version) for version in self.versions[name]]
        deletions = [*self.deletions.get(name, ()), *([self.gone[name]] if name in self.gone else [])]
        for deleted_at in deletions:
            last = max((time for time in times if not time[1] and time[0] <= deleted_at), key=lambda time: time[0])
            times.append((deleted_at, True, last[2]))
        times.sort(key=lambda time: time[0])
        ends = [*(time[0] for time in times[1:]), None]
        return [HeldVersion(asset, begins, end, gone) for (begins, gone, asset), end in zip(times, ends, strict=True)]

    def present_at(self, time: datetime) -> list[Any]:
        """The assets that were there at a time, generated ones excepted."""
        histories = (self.history(name) or () for name in self.versions)
        return [
            version.asset
            for history in histories
            for version in history
            if version.begins <= time and (version.ends is None or version.ends > time) and not version.deleted
        ]

    def ancestor(self, scope: str) -> str:
        """The scope as ancestors name it, by its number; empty where no asset is in it."""
        if self.generated is not None and scope in self.generated.scopes:
            return scope
        return self._scopes.get(scope, "")

    def types(self) -> set[str]:
        """The types of all assets that were ever held."""
        types = {version[-1].asset_type for version in self.versions.values()}
        return types | (self.generated.types if self.generated else set())

    def present(self) -> list[Any]:
        """The assets that are there now, generated ones excepted."""
        return [versions[-1] for name, versions in self.versions.items() if name not in self.gone]

    def page(self, held: list[Any], start: int, size: int, wanted: Callable[[Any], bool]) -> tuple[list[Any], int]:
        """Some assets, and where the next page begins; 0 where there is none.

        Args:
            held: the assets of the listing, those that are generated excepted.
            start: where the page begins.
            size: how many assets it has.
            wanted: whether the listing shows a generated asset.
        """
        page = held[start : start + size]
        start += len(page)
        if start < len(held):
            return page, start
        for number, asset in self._generated(start - len(held)):
            if len(page) == size:
                return page, len(held) + number
            if wanted(asset):
                page.append(asset)
        return page, 0

    def _generated(self, start: int) -> Iterator[tuple[int, Any]]:
        if self.generated is not None:
            yield from ((number, self.generated.make(number)) for number in range(start, self.generated.total))


def copy(asset: Any, target: Any, field: str | None) -> None:
    """Write an asset with one of its contents, or with none, into a message."""
    target.name, target.asset_type = asset.name, asset.asset_type
    target.ancestors.extend(asset.ancestors)
    target.update_time.CopyFrom(asset.update_time)
    if field == "access_context_policy":
        field = asset.WhichOneof(field)
    if field is not None and has(asset, field):
        getattr(target, field).MergeFrom(getattr(asset, field))


def has(asset: Any, field: str) -> bool:
    """Whether an asset has a content."""
    return bool(asset.org_policy) if field == "org_policy" else bool(asset.HasField(field))

"""An inventory in files of exported or listed assets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import BinaryIO

from setpoint.errors import BadRequest, MalformedMessage
from setpoint.model import observation as observations
from setpoint.model.asset_formats import RecordKind
from setpoint.model.asset_stream import named_messages
from setpoint.model.observation import Observation
from setpoint.model.resource_key import Content
from setpoint.model.sharding import matches
from setpoint.ports.services import InventoryPage
from setpoint.util.counts import counted

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FileInventory:
    """An ``Inventory`` over files; the files are read again for each listing, so that memory does not grow.

    A file with the assets of an organization, a folder or projects contains everything that is known of them: a listing
    selects the assets whose ancestors include its scope.

    Args:
        names: the names of the files, for errors.
        open_file: opens a file by its name.
        page_size: assets per page.
    """

    def __init__(
        self, names: Sequence[str], open_file: Callable[[str], AbstractContextManager[BinaryIO]], page_size: int = 1000
    ) -> None:
        self._names = names
        self._open = open_file
        self._page_size = page_size
        self.kinds: Counter[RecordKind] = Counter()
        self.contents: set[Content] = set()
        self.rejected: Counter[str] = Counter()
        self.scopes: tuple[str, ...] = ()
        self.read_at = _EPOCH
        self._types: set[str] = set()
        self._survey()

    def lists(self, asset_type: str) -> bool:
        """See ``Inventory.lists``."""
        return asset_type in self._types

    def pages(
        self, scope: str, content: Content, asset_types: Sequence[str] = (), *, page_token: str = ""
    ) -> Iterator[InventoryPage]:
        """See ``Inventory.pages``."""
        skip = int(page_token or 0)
        page: list[Observation] = []
        position = 0
        for observation in self._observations():
            if not _is_selected(observation, scope, content, asset_types):
                continue
            position += 1
            if position <= skip:
                continue
            if len(page) == self._page_size:
                yield InventoryPage(page, str(position - 1), self.read_at)
                page = []
            page.append(observation)
        yield InventoryPage(page, "", self.read_at)

    def _survey(self) -> None:
        """Count the assets, and determine their scopes and read time."""
        organisations: set[str] = set()
        others: set[str] = set()
        for observation in self._observations(self.kinds):
            self.read_at = max(self.read_at, observation.observed_at)
            self.contents.add(observation.key.content)
            if observation.key.content == "resource":
                self._types.add(observation.asset_type)
            if observation.ancestors:
                is_organisation = observation.ancestors[-1].startswith("organizations/")
                (organisations if is_organisation else others).add(observation.ancestors[-1])
        self.scopes = (*sorted(organisations), *sorted(others))
        if self.read_at == _EPOCH:
            reasons = ", ".join(f"{counted(count, 'time')}: {reason}" for reason, count in self.rejected.most_common(3))
            raise BadRequest(
                f"{', '.join(self._names)}: no assets could be read ({reasons or 'the files are empty'}); "
                "give what `gcloud asset list --content-type=resource --format=json` or `gcloud asset export` writes"
            )

    def _observations(self, kinds: Counter[RecordKind] | None = None) -> Iterator[Observation]:
        for name in self._names:
            try:
                with self._open(name) as stream:
                    for message in named_messages(name, stream):
                        try:
                            observation = observations.parse(message.data, message.attributes)
                        except MalformedMessage as error:
                            if kinds is not None:
                                kinds["unknown"] += 1
                                self.rejected[str(error)] += 1
                            continue
                        if kinds is not None:
                            kinds[message.kind] += 1
                        if observation is not None:
                            yield observation
            except OSError as error:
                raise BadRequest(f"{name}: cannot be read: {error.strerror or error}") from error


def _is_selected(observation: Observation, scope: str, content: Content, asset_types: Sequence[str]) -> bool:
    """Whether a listing includes an observation; one without ancestors belongs to every scope."""
    if observation.deleted or not matches(asset_types, observation.asset_type):
        return False
    own = observation.key.content
    # A listing of resources includes access policies, which have a content of their own.
    if own != content and not (content == "resource" and own == "access_policy"):
        return False
    holders = (*observation.ancestors, f"projects/{observation.project}")
    return not observation.ancestors or scope in holders

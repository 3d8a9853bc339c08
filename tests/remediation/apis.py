"""The API that holds the resources, with something happening at one of its calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Meanwhile:
    """Has something happen once, right after the next call of a method has been answered.

    Args:
        api: what answers.
        method: of the port.
        happening: what happens, in another process, as it were.
    """

    def __init__(self, api: Any, method: str, happening: Callable[[], object]) -> None:
        self._api = api
        self._method = method
        self._happening: Callable[[], object] | None = happening

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._api, name)
        return self._then(method) if name == self._method else method

    def _then(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            answer = method(*args)
            happening, self._happening = self._happening, None
            if happening is not None:
                happening()
            return answer

        return call

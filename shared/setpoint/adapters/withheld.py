"""The APIs of the fleet, where nobody may call them."""

from __future__ import annotations

from typing import NoReturn

from setpoint.errors import AccessDenied
from setpoint.model.write_plan import Call, Started, WritePlan

_WHY = "nothing is read or written from here; remediate does that"


class WithheldApis:
    """A ``ResourceApi`` for whoever takes orders, and has no rights on the fleet to follow them."""

    def read(self, call: Call) -> NoReturn:
        """See ``ResourceApi.read``."""
        raise AccessDenied(call.url, call.permission, _WHY)

    def write(self, plan: WritePlan) -> NoReturn:
        """See ``ResourceApi.write``."""
        raise AccessDenied(plan.call.url, plan.call.permission, _WHY)

    def operation(self, started: Started) -> NoReturn:
        """See ``ResourceApi.operation``."""
        raise AccessDenied(started.url, "operations.get", _WHY)

"""The person who decides at the command line: the account of the credentials if the store is in Google Cloud."""

from __future__ import annotations

import os
from typing import NamedTuple

from setpoint import bootstrap
from setpoint.alerting import routing
from setpoint.bootstrap.settings import from_environment
from setpoint.cli.options import login_name
from setpoint.detection import finding_events
from setpoint.errors import NotPermitted
from setpoint.model.alerting_config import Alerting
from setpoint.model.resource_state import ResourceState


class Decider(NamedTuple):
    """A person who decides.

    Args:
        name: their name or e-mail address.
        is_verified: whether Google says that the credentials are theirs.
    """

    name: str
    is_verified: bool

    def __str__(self) -> str:
        """The name for the audit trail, marked if it is not verified."""
        return self.name if self.is_verified else f"{self.name} (unverified)"


def decider(store: str, named: str) -> Decider:
    """The person who decides, by the credentials for a store in Google Cloud; for a local store by what they say.

    Args:
        store: URL of the store.
        named: the name on the command line, or empty.

    Raises:
        NotPermitted: the credentials are of another account than the name; leave the name out.
    """
    address = bootstrap.signed_in(store)
    if not address:
        return Decider(named or login_name(), is_verified=False)
    if named and named.casefold() != address.casefold():
        raise NotPermitted(
            f"--as {named}: the credentials are those of {address}; leave --as out, or log in as {named}"
        )
    return Decider(address, is_verified=True)


def check_approver(person: Decider, state: ResourceState, alerting: Alerting | None) -> None:
    """Check that a person is among the approvers whom the ``Alerting`` document names for a drift, where it names any.

    A local store whose writes go to a stand-in takes anybody; a store in Google Cloud never does.

    Raises:
        NotPermitted: they are not, or are not verified.
    """
    is_trial = not (person.is_verified or writes_to_google())
    if alerting is None or is_trial:
        return
    data = finding_events.data_of(state)
    named = [user for approver in routing.approvers(alerting, data) for user in (*approver.users, *approver.groups)]
    if not named:
        return
    if not person.is_verified:
        raise NotPermitted(
            f"{state.key.name}: Alerting names its approvers, and nobody has verified that {person.name} is one; "
            "approve it in Slack, or with the store in Google Cloud"
        )
    if not routing.may_click(alerting, data, (person.name,), ()):
        raise NotPermitted(
            f"{state.key.name}: {person.name} is none of its approvers: {', '.join(named)}; members of a group of "
            "Slack approve it there"
        )


def writes_to_google() -> bool:
    """Whether a write goes to Google's own APIs, and not to a stand-in for tests and the demo."""
    return not from_environment(os.environ).google_apis

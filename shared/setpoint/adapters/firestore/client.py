"""The client of the Firestore store."""

from __future__ import annotations

from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore import Client

from setpoint.errors import BadRequest


def client(project: str, database: str) -> Client:
    """A client with the credentials of the environment; on the emulator where ``FIRESTORE_EMULATOR_HOST`` is set.

    Raises:
        BadRequest: there are no credentials; log in.
    """
    try:
        return Client(project=project, database=database)
    except GoogleAuthError as error:
        raise BadRequest(
            f"no credentials for firestore://{project}; log in with `gcloud auth application-default login`, run where "
            "a service account is attached, or set FIRESTORE_EMULATOR_HOST"
        ) from error

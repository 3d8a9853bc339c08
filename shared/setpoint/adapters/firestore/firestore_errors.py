"""Convert Firestore's answers: the payload of a document, and errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from google.api_core import exceptions
from grpc import StatusCode

from setpoint.errors import BadRequest, Conflict, Unavailable
from setpoint.model.decode_errors import stored_bytes

if TYPE_CHECKING:
    from google.cloud.firestore import DocumentSnapshot

_LOST_RACE = (
    exceptions.AlreadyExists,
    exceptions.FailedPrecondition,
    exceptions.Aborted,
    exceptions.NotFound,
)
_NO_ANSWER = (
    exceptions.RetryError,
    exceptions.ServerError,
    exceptions.TooManyRequests,
    exceptions.Cancelled,
    exceptions.Aborted,
)
_LOST_RACE_CODES = frozenset(
    code.value[0]
    for code in (StatusCode.ALREADY_EXISTS, StatusCode.FAILED_PRECONDITION, StatusCode.ABORTED, StatusCode.NOT_FOUND)
)
_NOT_SET_UP = (exceptions.Unauthorized, exceptions.Forbidden, exceptions.NotFound)


def body_of(snapshot: DocumentSnapshot[Any]) -> bytes:
    """The payload of a document; empty without a document."""
    if not snapshot.exists:
        return b""
    try:
        return stored_bytes(snapshot.get("body"))
    except KeyError:
        return stored_bytes(None)


def refusal(what: str, code: int) -> Conflict | Unavailable:
    """The error of one failed write in a batch, by its gRPC code."""
    if code in _LOST_RACE_CODES:
        return Conflict(f"{what}: written by another process; read it again")
    return Unavailable(f"{what}: Firestore did not write it (code {code}); try again")


@contextmanager
def racing(what: str) -> Iterator[None]:
    """Convert a failed precondition to ``Conflict``."""
    try:
        yield
    except _LOST_RACE as error:
        raise Conflict(f"{what}: written by another process; read it again") from error


@contextmanager
def answering(what: str) -> Iterator[None]:
    """Convert outages to ``Unavailable``, and mistakes to ``BadRequest``."""
    try:
        yield
    except _NO_ANSWER as error:
        raise Unavailable(f"{what}: Firestore did not respond ({type(error).__name__}); try again") from error
    except _NOT_SET_UP as error:
        raise Unavailable(
            f"{what}: Firestore denies access ({type(error).__name__}); check the database's name and your role"
        ) from error
    except exceptions.GoogleAPICallError as error:
        raise BadRequest(f"{what}: Firestore refuses this ({type(error).__name__}); see its limits") from error

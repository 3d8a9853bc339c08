"""Archives of declarations in a Cloud Storage bucket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import BinaryIO, cast

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Client

from setpoint.adapters.google.limited_content import LimitedContent
from setpoint.errors import LOG_IN, BadRequest, Superseded, Unavailable
from setpoint.ports.services import Archive

_LARGEST = 500_000_000
"""Maximum size of an archive in bytes; a function holds it in memory."""

_LOST = (exceptions.NotFound, exceptions.PreconditionFailed)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def client() -> Client:
    """A client with the credentials of the environment.

    Raises:
        BadRequest: there are no credentials; log in.
    """
    try:
        return Client()
    except GoogleAuthError as error:
        raise BadRequest(f"no credentials for Cloud Storage; {LOG_IN}") from error


def open_object(client: Client, url: str) -> BinaryIO:
    """Open an object for reading in parts.

    Args:
        client: a client of Cloud Storage.
        url: ``gs://BUCKET/OBJECT``.

    Raises:
        BadRequest: the URL is incomplete, or the object does not exist.
        Unavailable: the object cannot be read; try again.
    """
    bucket, _, name = url.removeprefix("gs://").partition("/")
    if not bucket or not name:
        raise BadRequest(f"`{url}` names no object; use gs://BUCKET/OBJECT")
    try:
        blob = client.bucket(bucket).get_blob(name)
        if blob is None:
            raise BadRequest(f"{url}: no such object; list the bucket with `gcloud storage ls gs://{bucket}`")
        return cast("BinaryIO", blob.open("rb"))
    except exceptions.GoogleAPIError as error:
        raise Unavailable(f"{url}: cannot be read ({type(error).__name__}); grant storage.objectViewer") from error


class CloudStorageArchives:
    """``CloudStorageArchives`` in buckets; uploads are ordered by time.

    Generations distinguish uploads of one object, but do not order two objects
    (https://cloud.google.com/storage/docs/object-versioning).

    Args:
        client: kept for the life of the process.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def read(self, bucket: str, name: str, generation: int) -> Archive:
        """See ``Archives.read``."""
        what = f"gs://{bucket}/{name}"
        gone = Superseded(
            f"{what}: generation {generation} was overwritten or deleted since; nothing was changed, and what is there "
            "now has an event of its own"
        )
        try:
            blob = self._client.bucket(bucket).get_blob(name, generation=generation or None)
            if blob is None:
                raise gone if generation else BadRequest(f"{what}: no such object; upload it again")
            if (blob.size or 0) > _LARGEST:
                raise BadRequest(f"{what}: {blob.size:,} bytes are too many; leave out what holds no declarations")
            too_large = BadRequest(f"{what}: has more than {_LARGEST:,} bytes; leave out what holds no declarations")
            # An object that is stored with `Content-Encoding: gzip` arrives unpacked.
            content = LimitedContent(_LARGEST, lambda: too_large)
            blob.download_to_file(content, if_generation_match=blob.generation)
        except _LOST as error:
            raise gone from error
        except exceptions.GoogleAPIError as error:
            raise Unavailable(f"{what}: cannot be read ({type(error).__name__}); check the function's role") from error
        uploaded = (blob.time_created or _EPOCH) - _EPOCH
        return Archive(content.getvalue(), blob.metadata or {}, uploaded // timedelta(microseconds=1))

"""Archives of declarations in a Cloud Storage bucket."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from google.api_core import exceptions
from google.cloud.storage import Client

from setpoint.errors import BadRequest, Unavailable

_LARGEST = 500_000_000
"""Bytes of an archive; a function has to hold it in memory."""


class Archive(NamedTuple):
    """An object of a bucket.

    Args:
        data: its content.
        metadata: what its uploader wrote beside it.
    """

    data: bytes
    metadata: Mapping[str, str]


class Archives:
    """Reads archives from buckets.

    Args:
        client: kept for the life of the process.
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def read(self, bucket: str, name: str) -> Archive:
        """Read an object.

        Raises:
            BadRequest: it is gone, or too large.
            Unavailable: Cloud Storage did not answer, or lets nobody in.
        """
        what = f"gs://{bucket}/{name}"
        try:
            blob = self._client.bucket(bucket).get_blob(name)
            if blob is None:
                raise BadRequest(f"{what}: no such object; upload it again")
            if (blob.size or 0) > _LARGEST:
                raise BadRequest(f"{what}: {blob.size:,} bytes are too many; leave out what holds no declarations")
            return Archive(blob.download_as_bytes(), blob.metadata or {})
        except exceptions.GoogleAPICallError as error:
            raise Unavailable(f"{what}: cannot be read ({type(error).__name__}); check the function's role") from error

"""Terraform states in Cloud Storage, in the format of the backend ``gcs``."""

from __future__ import annotations

import re
from collections.abc import Iterator

import requests
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud.storage import Client
from google.resumable_media import DataCorruption

from setpoint.adapters.google.limited_content import LimitedContent
from setpoint.adapters.states.sizes import LARGEST_STATE, too_large
from setpoint.errors import LOG_IN, BadRequest, Superseded, Unavailable
from setpoint.model.state_urls import compiled, plain_prefix
from setpoint.ports.services import StateObject

_FAILED = (exceptions.GoogleAPIError, DataCorruption, requests.RequestException)
_LOST = (exceptions.NotFound, exceptions.PreconditionFailed)
_FIELDS = "items(name,generation,size),nextPageToken"
_GENERATION = re.compile(r"[0-9]+")


class BucketStates:
    """``StateStorage`` in Cloud Storage: ``gs://BUCKET/PREFIX/**/*.tfstate``.

    Args:
        client: kept for the life of the process; shared by threads.
        largest: maximum size of a state in bytes.
    """

    def __init__(self, client: Client, largest: int = LARGEST_STATE) -> None:
        self._client = client
        self._largest = largest

    def list(self, pattern: str) -> Iterator[StateObject]:
        """See ``StateStorage.list``; a URL without wildcards names one object."""
        bucket, _, path = pattern.removeprefix("gs://").partition("/")
        if not bucket or not path:
            raise BadRequest(f"`{pattern}` names no state; use gs://BUCKET/PREFIX/**/*.tfstate")
        matches = compiled(path)
        try:
            for blob in self._client.list_blobs(bucket, prefix=plain_prefix(path), fields=_FIELDS):
                if matches.fullmatch(blob.name):
                    yield StateObject(f"gs://{bucket}/{blob.name}", str(blob.generation or ""))
        except exceptions.NotFound as error:
            raise BadRequest(f"gs://{bucket}: there is no such bucket") from error
        except exceptions.Forbidden as error:
            raise BadRequest(
                f"gs://{bucket}: no permission to list it; grant roles/storage.objectViewer on it"
            ) from error
        except GoogleAuthError as error:
            raise Unavailable(f"gs://{bucket}: cannot be listed ({type(error).__name__}); {LOG_IN}") from error
        except _FAILED as error:
            raise Unavailable(f"gs://{bucket}: cannot be listed ({type(error).__name__})") from error

    def read(self, state: StateObject) -> bytes:
        """See ``StateStorage.read``."""
        bucket, _, name = state.url.removeprefix("gs://").partition("/")
        gone = Superseded(f"{state.url}: was overwritten or deleted since; nothing was changed")
        generation = int(state.revision) if _GENERATION.fullmatch(state.revision) else None
        blob = self._client.bucket(bucket).blob(name, generation=generation)
        try:
            content = LimitedContent(self._largest, lambda: too_large(state.url, self._largest))
            blob.download_to_file(content, raw_download=False)
        except _LOST as error:
            raise gone from error
        except exceptions.Forbidden as error:
            raise BadRequest(
                f"{state.url}: no permission to read it; grant roles/storage.objectViewer on its bucket"
            ) from error
        except (*_FAILED, GoogleAuthError) as error:
            raise Unavailable(f"{state.url}: cannot be read ({type(error).__name__})") from error
        return content.getvalue()

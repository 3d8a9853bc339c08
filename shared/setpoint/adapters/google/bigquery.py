"""Write rows to BigQuery by load jobs that replace one day each."""

from __future__ import annotations

import gzip
import hashlib
import tempfile
from collections.abc import Iterable
from datetime import date
from typing import IO, cast

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery import Client, LoadJob, LoadJobConfig
from requests.exceptions import RequestException

from setpoint.errors import LOG_IN, BadRequest, Refused, Unavailable

_IN_MEMORY = 1 << 20
"""Maximum size in bytes of compressed rows in memory."""
_SECONDS = 240.0
"""Timeout of a job in seconds; the next delivery finds a slower job done."""
_TRIES = 5
"""Maximum number of failed jobs under one name, before a person has to act."""
_PERMANENT = (exceptions.NotFound, exceptions.BadRequest)
_FAILURES = (exceptions.GoogleAPIError, GoogleAuthError, RequestException, TimeoutError, OSError)


def client(project: str) -> Client:
    """A client with the credentials of the environment, whose jobs run in a project.

    Raises:
        BadRequest: there are no credentials; log in.
    """
    try:
        return Client(project=project)
    except GoogleAuthError as error:
        raise BadRequest(f"no credentials for BigQuery; {LOG_IN}") from error


class BigQueryWarehouse:
    """A ``Warehouse`` in a dataset whose tables are partitioned by day.

    A job's id follows from table, day and run. BigQuery accepts each id once, so that completed work is not repeated
    and failed work runs under the next id (https://cloud.google.com/bigquery/docs/running-jobs#generate-jobid). The job
    replaces one partition atomically.

    Args:
        client: made by ``client()``.
        dataset: ``project.dataset``.
    """

    def __init__(self, client: Client, dataset: str) -> None:
        self._client = client
        self._dataset = dataset

    def replace_day(self, table: str, day: date, rows: Iterable[bytes], run: str) -> int:
        """See ``Warehouse.replace_day``."""
        target = f"{self._dataset}.{table}${day:%Y%m%d}"
        with tempfile.SpooledTemporaryFile(_IN_MEMORY, mode="r+b") as file:
            count = _write(rows, file)
            try:
                self._load(file, target, _job_id(table, day, run))
            except _PERMANENT as error:
                raise Refused(
                    f"{target}: {_reason(error)}; is infra/ applied as this version has it? Apply it, and publish again"
                ) from error
            except _FAILURES as error:
                raise Unavailable(f"{target}: not written ({type(error).__name__}); try again") from error
        return count

    def _load(self, file: IO[bytes], target: str, name: str) -> None:
        for number in range(_TRIES):
            job = self._begin(file, target, f"{name}_{number}")
            if job.error_result is None:
                job.result(timeout=_SECONDS)
                return
        raise Refused(f"{target}: {_TRIES} jobs have failed, the last: {job.error_result['message']}; publish again")

    def _begin(self, file: IO[bytes], target: str, job_id: str) -> LoadJob:
        """Start a job, or find the one with its id; looking up a job requires its location."""
        config = LoadJobConfig(
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
            create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
        )
        try:
            return self._client.load_table_from_file(file, target, rewind=True, job_id=job_id, job_config=config)
        except exceptions.Conflict:
            location = self._client.get_dataset(self._dataset).location
            return cast("LoadJob", self._client.get_job(job_id, location=location))


def _write(rows: Iterable[bytes], file: IO[bytes]) -> int:
    """Write compressed rows, one per line; a file of a large fleet's day has to fit in a function's memory."""
    count = 0
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:
        for row in rows:
            packed.write(row + b"\n")
            count += 1
    return count


def _job_id(table: str, day: date, run: str) -> str:
    digest = hashlib.blake2b(run.encode(), digest_size=8).hexdigest()
    return f"setpoint_{table}_{day:%Y%m%d}_{digest}"


def _reason(error: Exception) -> str:
    """BigQuery's error message; for a row that does not fit, with the column and without the value."""
    return str(getattr(error, "message", error)).splitlines()[0][:300]

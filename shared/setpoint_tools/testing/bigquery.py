"""A fake of BigQuery's REST API, as far as load jobs: the real ``google.cloud.bigquery.Client`` talks to it.

It takes multipart and resumable uploads, knows each job's id once, holds rows by table and day, and takes no row that
its table's schema does not.

Source: https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs,
https://cloud.google.com/bigquery/docs/reference/api-uploads
"""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client

from setpoint.reporting.bigquery_schema import refused
from setpoint.reporting.tables import Table, tables
from setpoint_tools.testing.http_server import POLL

PROJECT = "fleet-ops"
DATASET = "setpoint"
LOCATION = "europe-west1"


class HttpResponse(NamedTuple):
    """An answer to one request.

    Args:
        status: its status.
        body: its body, as a JSON value.
        headers: its own headers.
    """

    status: int
    body: dict[str, Any]
    headers: dict[str, str] = {}  # noqa: RUF012 - never changed


class BigQueryService:
    """The tables that the fake holds, the jobs that it was given, and the faults that it is to show.

    ``rows`` tells the rows by table and day. Each of ``refusals`` is the status that answers an upload, before which
    nothing is done; each of ``job_errors`` the reason for which a job fails; each of ``lost`` has an answer not arrive
    although its job is done. A job is done after it was asked for ``polls`` times.
    """

    def __init__(self) -> None:
        self.tables: dict[str, Table] = tables()
        self.rows: dict[str, dict[str, list[dict[str, Any]]]] = {name: {} for name in self.tables}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.refusals: list[int] = []
        self.job_errors: list[str] = []
        self.lost: list[bool] = []
        self.polls = 1
        self._uploads: dict[str, tuple[dict[str, Any], bytearray]] = {}

    def client(self, address: str) -> Client:
        """The real client, led to the fake."""
        options = ClientOptions(api_endpoint=address)
        nobody = AnonymousCredentials()  # type: ignore[no-untyped-call]
        return Client(project=PROJECT, credentials=nobody, client_options=options)

    def answer(self, verb: str, target: str, headers: dict[str, str], body: bytes) -> HttpResponse | None:
        """The answer to a request; None for one that never arrives."""
        url = urlsplit(target)
        asked = parse_qs(url.query)
        if url.path == f"/bigquery/v2/projects/{PROJECT}/datasets/{DATASET}":
            return HttpResponse(200, {"location": LOCATION, "datasetReference": _reference()})
        if match_ := re.fullmatch(rf"/bigquery/v2/projects/{PROJECT}/jobs/([\w-]+)", url.path):
            return self._polled(match_[1], asked.get("location", [""])[0])
        if verb == "PUT" and "upload_id" in asked:
            return self._chunk(asked["upload_id"][0], headers, body)
        if verb == "POST" and url.path == f"/upload/bigquery/v2/projects/{PROJECT}/jobs":
            return self._uploaded(asked["uploadType"], headers, body)
        return _error(501, f"the fake does not know {verb} {url.path}")

    def _uploaded(self, kind: list[str], headers: dict[str, str], body: bytes) -> HttpResponse | None:
        if self.refusals:
            return _error(self.refusals.pop(0), "the test asked for it")
        if kind == ["resumable"]:
            return self._resumable(json.loads(body))
        return self._begin(*_parts(headers["content-type"], body))

    def _resumable(self, resource: dict[str, Any]) -> HttpResponse:
        if resource["jobReference"]["jobId"] in self.jobs:
            return _error(409, "Already Exists: Job")
        upload = str(len(self._uploads) + 1)
        self._uploads[upload] = (resource, bytearray())
        return HttpResponse(200, {}, {"location": f"/upload?upload_id={upload}"})

    def _chunk(self, upload: str, headers: dict[str, str], body: bytes) -> HttpResponse | None:
        """Take a part of an upload; the last one tells how many bytes there are in all."""
        resource, data = self._uploads[upload]
        data += body
        if headers["content-range"].endswith("/*"):
            return HttpResponse(308, {}, {"range": f"bytes=0-{len(data) - 1}"})
        return self._begin(resource, bytes(data))

    def _begin(self, resource: dict[str, Any], data: bytes) -> HttpResponse | None:
        job_id = resource["jobReference"]["jobId"]
        if job_id in self.jobs:
            return _error(409, "Already Exists: Job")
        job = {**resource, "status": {"state": "RUNNING"}, "polls": self.polls, "data": data}
        job["jobReference"] = {**resource["jobReference"], "location": LOCATION}
        self.jobs[job_id] = job
        return None if self.lost and self.lost.pop(0) else HttpResponse(200, _as_json(job))

    def _polled(self, job_id: str, location: str) -> HttpResponse:
        job = self.jobs.get(job_id)
        if job is None or location != LOCATION:
            return _error(404, "Not found: Job")
        job["polls"] -= 1
        if job["status"]["state"] != "DONE" and job["polls"] <= 0:
            self._run(job)
        return HttpResponse(200, _as_json(job))

    def _run(self, job: dict[str, Any]) -> None:
        """Load all rows of a job into its day, or none."""
        error = {"reason": self.job_errors.pop(0), "message": "the test asked for it"} if self.job_errors else None
        error = error or self._load(job["configuration"]["load"], job["data"])
        job["status"] = {"state": "DONE", **({"errorResult": error, "errors": [error]} if error else {})}

    def _load(self, config: dict[str, Any], data: bytes) -> dict[str, str] | None:
        name, _, day = config["destinationTable"]["tableId"].partition("$")
        table = self.tables.get(name)
        if table is None:
            return {"reason": "notFound", "message": f"Not found: Table {name}"}
        lines = gzip.decompress(data).splitlines()
        for number, row in enumerate(map(json.loads, lines), start=1):
            faults = refused(table.columns, row, drop_unknown=False)
            if str(row.get(table.partitioned_by, ""))[:10].replace("-", "") != day:
                faults.append(f"not of the partition {day}")
            if faults:
                return {"reason": "invalid", "message": f"row {number}: {faults[0]}"}
        assert config["writeDisposition"] == "WRITE_TRUNCATE"  # noqa: S101 - the fake knows no other
        self.rows[name][day] = [json.loads(line) for line in lines]
        return None


def _reference() -> dict[str, str]:
    return {"projectId": PROJECT, "datasetId": DATASET}


def _as_json(job: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in job.items() if name not in ("polls", "data")}


def _error(status: int, message: str) -> HttpResponse:
    reason = {403: "accessDenied", 404: "notFound", 409: "duplicate"}.get(status, "backendError")
    return HttpResponse(status, {"error": {"code": status, "message": message, "errors": [{"reason": reason}]}})


def _parts(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes]:
    """The two parts of a multipart upload."""
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    _, resource, data, _ = body.split(b"--" + boundary)
    return json.loads(resource.partition(b"\r\n\r\n")[2]), data.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")


@contextmanager
def bigquery_service() -> Iterator[tuple[BigQueryService, Client]]:
    """The fake, up on a free loopback port, and the real client that talks to it."""
    service, lock = BigQueryService(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                answer = service.answer(self.command, self.path, headers, body)
            if answer is None:
                self.close_connection = True
                return
            content = json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, f"{address}{value}" if name == "location" else value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = _handle  # noqa: N815 - as http.server calls them

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=[POLL], daemon=True)
        thread.start()
        client = service.client(address)
        try:
            yield service, client
        finally:
            client.close()  # type: ignore[no-untyped-call]
            server.shutdown()
            thread.join()

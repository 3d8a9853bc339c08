from __future__ import annotations

import base64
import io
import json
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import functions_framework
import pytest
from google.cloud.storage import Client

from declarations.states import state, topic
from setpoint import bootstrap
from setpoint.adapters.google.cloud_storage import CloudStorageArchives
from setpoint.adapters.states.buckets import BucketStates
from setpoint.declarations import apply_archive
from setpoint.detection import pipeline
from setpoint.detection.pipeline import Context
from setpoint.errors import BadRequest
from setpoint.model.resource_key import ResourceKey
from setpoint.model.state_buckets import StateBucket, state_buckets
from setpoint.model.sweep_records import Sweep, SweepStart
from setpoint_tools.testing import messages
from setpoint_tools.testing.storage_service import VARIABLE, storage_service

MAIN = Path(__file__).resolve().parents[2] / "functions" / "sync" / "main.py"
NOON = datetime(2026, 3, 1, 12, 0, 1, tzinfo=UTC)
TYPE = "storage.googleapis.com/Bucket"


def bucket(name: str, location: str = "EU") -> str:
    return (
        "apiVersion: setpoint.dev/v1\nkind: Declaration\n"
        f"metadata: {{name: //storage.googleapis.com/{name}}}\n"
        f"spec: {{assetType: {TYPE}, data: {{location: {location}}}}}\n"
    )


def packed(files: dict[str, str], mode: str = "w:gz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            archive.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


def zipped(files: dict[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


@pytest.fixture
def service(monkeypatch):
    with storage_service() as (service, address):
        monkeypatch.setenv(VARIABLE, address)
        yield service


TOPIC_OF_UPLOADS = "projects/fleet-ops/topics/uploads"


def pushed(named: dict[str, str], topic: str = TOPIC_OF_UPLOADS) -> dict[str, Any]:
    """A notification of Cloud Storage as a push subscription delivers it."""
    attributes = {"bucketId": named["bucket"], "objectId": named["name"], "eventType": "OBJECT_FINALIZE"}
    attributes |= {"objectGeneration": named["generation"]} if "generation" in named else {}
    attributes |= {"payloadFormat": "JSON_API_V1", "notificationConfig": "projects/_/buckets/b/notificationConfigs/1"}
    data = base64.b64encode(json.dumps(named).encode()).decode()
    message = {"messageId": "1", "publishTime": "2026-03-01T12:00:01.000Z", "attributes": attributes, "data": data}
    return {"path": f"/{topic}", "json": {"message": message, "subscription": "projects/fleet-ops/subscriptions/s"}}


def event(named: dict[str, str]) -> dict[str, Any]:
    """An event of Cloud Storage as Eventarc delivers it, which installations of before have."""
    headers = {
        "ce-id": "1",
        "ce-specversion": "1.0",
        "ce-type": "google.cloud.storage.object.v1.finalized",
        "ce-source": "//storage.googleapis.com/projects/_/buckets/fleet",
        "content-type": "application/json",
    }
    return {"path": "/", "headers": headers, "data": json.dumps(named)}


@pytest.fixture(params=[pushed, event])
def upload(request, service, deps, monkeypatch):
    """Uploads an archive as CI does, and delivers the event of it; gives the status of the answer.

    Without data nothing is uploaded; what is delivered is the event of ``generation``.
    """
    archives = CloudStorageArchives(Client())
    monkeypatch.setattr(
        bootstrap,
        "declaration_applier",
        lambda: (archives, deps, BucketStates(Client()), {"states": StateBucket("prod/", 300)}, "fleet"),
    )
    client = functions_framework.create_app("sync", str(MAIN), "cloudevent").test_client()

    def upload(name: str, data: bytes | None, *, generation: int = 0, **metadata: str) -> int:
        if data is not None:
            generation = service.put(
                "fleet", name, data, {key.replace("_", "-"): value for key, value in metadata.items()}
            )
        named = {"bucket": "fleet", "name": name} | ({"generation": str(generation)} if generation else {})
        return client.post(**request.param(named)).status_code

    return upload


def declared(deps: Context, name: str) -> str | None:
    desired_by = deps.store.read(ResourceKey(f"//storage.googleapis.com/{name}")).desired
    return desired_by.declarations[0].data["location"] if desired_by else None


def test_an_uploaded_archive_is_applied_and_its_files_are_called_as_in_the_repository(upload, deps):
    assert upload("billing/1.tar.gz", packed({"prod/a.yaml": bucket("a"), "b.yml": bucket("b")}), commit="abc") == 200

    desired_by = deps.store.read(ResourceKey("//storage.googleapis.com/a")).desired
    assert str(desired_by.declarations[0].source) == "prod/a.yaml:1"
    state = deps.store.control().value.sources["billing"]
    assert (state.commit, state.declared) == ("abc", 2)


@pytest.mark.usefixtures("upload")
@pytest.mark.parametrize("deliver", [pushed, event])
def test_a_bucket_of_somebody_else_replaces_neither_sources_nor_declarations(service, deps, deliver, capsys):
    client = functions_framework.create_app("sync", str(MAIN), "cloudevent").test_client()
    grants = "apiVersion: setpoint.dev/v1\nkind: Sources\nspec: {sources: [{name: mine, everywhere: true}]}\n"
    for name, text in (("setpoint/sources.yaml", grants), ("mine/a.yaml", bucket("a"))):
        service.put("theirs", name, text.encode(), {"not-seen-yet": "true"})
        assert client.post(**deliver({"bucket": "theirs", "name": name})).status_code == 200
    assert "gs://theirs: is not a bucket of this installation" in capsys.readouterr().out
    assert not deps.store.control().value.sources


@pytest.mark.parametrize(
    "pack", [packed, zipped, lambda files: packed(files, "w"), lambda files: packed(files, "w:xz")]
)
def test_every_usual_archive_is_read(upload, deps, pack):
    assert upload("x", pack({"a.yaml": bucket("a")})) == 200
    assert declared(deps, "a") == "EU"


def test_what_the_next_archive_no_longer_declares_is_removed_up_to_a_part(upload, deps, capsys):
    upload("git/1", packed({f"{n}.yaml": bucket(f"b{n}") for n in range(20)}))
    upload("git/2", packed({f"{n}.yaml": bucket(f"b{n}") for n in range(19)}))
    assert declared(deps, "b19") is None

    upload("git/3", packed({"0.yaml": bucket("b0")}))
    assert declared(deps, "b1") == "EU"
    assert "more than 10%" in capsys.readouterr().out

    upload("git/4", packed({"0.yaml": bucket("b0")}), max_removals="100%")
    assert declared(deps, "b1") is None


def test_nothing_is_removed_where_the_uploader_says_so_or_where_something_is_bad(upload, deps, capsys):
    whole = {f"{n}.yaml": bucket(f"b{n}") for n in range(20)}
    upload("git/1", packed(whole))
    upload("git/2", packed({name: text for name, text in whole.items() if name != "0.yaml"}), prune="false")
    upload("git/3", packed({**whole, "0.yaml": "kind: {"}))

    assert declared(deps, "b0") == "EU"
    assert ": not YAML" in capsys.readouterr().out


def test_a_changed_declaration_judges_its_finding_again_at_once(upload, deps):
    upload("git/1", packed({"a.yaml": bucket("a")}))
    pipeline.receive(messages.resource("//storage.googleapis.com/a", TYPE, {"location": "US"}, NOON), {}, deps)
    upload("git/2", packed({"a.yaml": bucket("a", "US")}))

    assert [event.type for event in deps.bus.events] == ["drift.opened", "drift.resolved"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"not an archive", "not a tar or zip archive"),
        (packed({"readme.md": "x"}), "holds no YAML and no JSON"),
        (packed({"a.yaml": "apiVersion: v1\nkind: ConfigMap\n"}), "declares nothing"),
        (None, "no such object"),
    ],
    ids=["not an archive", "no YAML", "no declaration", "no object"],
)
def test_what_can_never_be_applied_is_said_and_not_tried_again(upload, capsys, data, message):
    assert upload("x", data) == 200
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert line["severity"] == "ERROR"
    assert message in line["message"]


def test_files_outside_of_the_archive_are_never_written(upload, deps):
    upload(
        "x",
        packed(
            {
                "../evil.yaml": bucket("e"),
                "/abs.yaml": bucket("e"),
                "a/../../e.yaml": bucket("e"),
                "a.yaml": bucket("a"),
            }
        ),
    )

    assert declared(deps, "a") == "EU"
    assert declared(deps, "e") is None


def test_when_cloud_storage_lets_nobody_in_the_event_is_delivered_again(upload, service):
    service.put("fleet", "x", packed({"a.yaml": bucket("a")}))
    service.failures = [403]

    assert upload("x", None) == 500
    assert upload("x", None) == 200


@pytest.mark.parametrize("missing", ["SETPOINT_DECLARATIONS_BUCKET", "SETPOINT_STATE_BUCKETS"])
def test_without_a_setting_of_a_newer_version_an_upload_waits_and_the_log_names_it(monkeypatch, capsys, missing):
    """As where an older module was given a newer archive of functions."""
    settings = {
        "SETPOINT_STORE": "memory:",
        "SETPOINT_EVENTS_TOPIC": "projects/fleet-ops/topics/drift-events",
        "SETPOINT_DECLARATIONS_BUCKET": "fleet",
        "SETPOINT_STATE_BUCKETS": "{}",
        "PUBSUB_EMULATOR_HOST": "127.0.0.1:9",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(missing)
    bootstrap.declaration_applier.cache_clear()
    client = functions_framework.create_app("sync", str(MAIN), "cloudevent").test_client()
    assert client.post(**pushed({"bucket": "fleet", "name": "default/1.tgz", "generation": "1"})).status_code == 500
    assert missing in capsys.readouterr().out


def logged(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def test_an_event_that_comes_late_does_not_undo_what_was_uploaded_later(upload, service, deps, capsys):
    early = service.put("fleet", "git/1", packed({"a.yaml": bucket("a")}))
    upload("git/2", packed({"a.yaml": bucket("a", "US")}), commit="later")

    assert upload("git/1", None, generation=early) == 200
    assert declared(deps, "a") == "US"
    line = logged(capsys)[-1]
    assert (line["severity"], line["outcome"]) == ("NOTICE", "superseded")
    assert line["message"] == (
        "sync: source git: a later upload is applied already (commit later); nothing was changed"
    )


def test_an_event_that_comes_late_undoes_nothing_where_the_later_archive_changed_nothing(upload, service, deps):
    upload("git/1", packed({"a.yaml": bucket("a")}))
    middle = service.put("fleet", "git/2", packed({"a.yaml": bucket("a", "US")}))
    upload("git/3", packed({"a.yaml": bucket("a")}))

    upload("git/2", None, generation=middle)
    assert declared(deps, "a") == "EU"


def test_an_event_that_comes_twice_is_applied_again_and_changes_nothing(upload, service, deps):
    once = service.put("fleet", "git/1", packed({"a.yaml": bucket("a")}))

    assert [upload("git/1", None, generation=once) for _ in range(2)] == [200, 200]
    assert deps.store.control().value.sources["git"].generation == 1


def test_an_upload_that_was_overwritten_is_superseded_and_not_tried_again(upload, service, deps, capsys):
    overwritten = service.put("fleet", "git/1", packed({"a.yaml": bucket("a")}))
    service.put("fleet", "git/1", packed({"a.yaml": bucket("a", "US")}))

    assert upload("git/1", None, generation=overwritten) == 200
    assert declared(deps, "a") is None
    (line,) = logged(capsys)
    assert (line["severity"], "was overwritten or deleted since" in line["message"]) == ("NOTICE", True)


def test_what_its_uploader_says_is_never_taken_for_another_upload(upload, service, deps, capsys):
    """The object may be overwritten between the reading of its metadata and of its content."""
    first = service.put("fleet", "git/1", packed({"a.yaml": bucket("a")}), {"source": "one"})
    service.meanwhile = [
        lambda: service.put("fleet", "git/1", packed({"a.yaml": bucket("a", "US")}), {"source": "two"})
    ]

    assert upload("git/1", None, generation=first) == 200
    assert deps.store.control().value.sources == {}
    assert [line["severity"] for line in logged(capsys)] == ["NOTICE"]


def test_an_event_that_names_no_object_is_said_and_not_tried_again(deps):
    with pytest.raises(BadRequest, match="names no object"):
        apply_archive.sync_archive({"bucket": "fleet"}, None, deps, NOON)


NETWORK = "prod/network/default.tfstate"
TOPIC = ResourceKey("//pubsub.googleapis.com/projects/shop-prod/topics/a")


@pytest.fixture
def notify(upload):
    """Delivers a notification of a state bucket as a push subscription does; gives the status of the answer."""
    del upload  # has set up what the function works with
    client = functions_framework.create_app("sync", str(MAIN), "cloudevent").test_client()

    def notify(name: str = NETWORK, kind: str = "OBJECT_FINALIZE") -> int:
        named = {"bucket": "states", "name": name, "generation": "1"}
        delivery = pushed(named, "projects/fleet-ops/topics/state-changes")
        delivery["json"]["message"]["attributes"]["eventType"] = kind
        return client.post(**delivery).status_code

    return notify


def test_a_state_that_an_apply_wrote_is_in_force_by_its_event(service, notify, deps):
    service.put("states", NETWORK, state([topic("a")]))
    assert notify() == 200
    assert deps.store.read(TOPIC).desired.declarations[0].settle == 300

    service.put("states", NETWORK, state([topic("a", "7200s")], 2))
    assert notify() == 200

    [declaration] = deps.store.read(TOPIC).desired.declarations
    assert declaration.data["messageRetentionDuration"] == "7200s"


def test_an_event_that_comes_twice_or_late_reads_the_state_as_it_is_now(service, notify):
    service.put("states", NETWORK, state([topic("a")]))
    service.put("states", NETWORK, state([topic("a", "7200s")], 2))
    notify()
    service.reads.clear()

    assert notify() == 200
    assert service.reads == []


@pytest.mark.parametrize("name", ["prod/network/default.tflock", "test/network/default.tfstate"])
def test_locks_and_objects_outside_of_the_prefix_are_no_states(service, notify, deps, name):
    service.put("states", name, state([topic("a")]))
    assert notify(name) == 200
    assert deps.store.control().value.sources == {}


def test_a_state_that_is_deleted_or_emptied_is_told_and_stays_in_force(service, notify, deps, capsys):
    service.put("states", NETWORK, state([topic("a")]))
    notify()
    service.put("states", NETWORK, state([], 2))
    assert notify() == 200
    service.delete("states", NETWORK)
    service.put("states", "prod/other.tfstate", state([topic("b")], lineage="b"))
    assert notify(kind="OBJECT_DELETE") == 200

    assert deps.store.read(TOPIC).desired is not None
    assert capsys.readouterr().out.count('"outcome":"refused"') == 2


def test_the_deletion_of_a_state_that_declared_nothing_is_no_error(service, notify, deps, capsys):
    service.put("states", "prod/other.tfstate", state([topic("b")], lineage="b"))
    assert notify(kind="OBJECT_DELETE") == 200

    [line] = logged(capsys)
    assert (line["severity"], line["outcome"]) == ("INFO", "ignored")
    assert deps.store.control().value.sources == {}


def test_the_deletion_of_a_version_that_was_overwritten_changes_nothing(service, notify, deps, capsys):
    service.put("states", NETWORK, state([topic("a")]))
    service.put("states", NETWORK, state([topic("a", "7200s")], 2))
    assert [notify(), notify(kind="OBJECT_DELETE")] == [200, 200]

    assert [line["outcome"] for line in logged(capsys)] == ["applied", "unchanged"]
    assert deps.store.read(TOPIC).desired.declarations[0].data["messageRetentionDuration"] == "7200s"


def test_a_state_that_is_restored_is_in_force_again(service, notify, deps):
    service.put("states", "prod/other.tfstate", state([topic("b")], lineage="b"))
    service.put("states", NETWORK, state([topic("a")]))
    notify()
    service.delete("states", NETWORK)
    notify(kind="OBJECT_DELETE")
    service.put("states", NETWORK, state([topic("a", "7200s")], 2))
    notify()
    notify(kind="OBJECT_DELETE")  # the event of the deletion, once more and late

    assert deps.store.read(TOPIC).desired.declarations[0].data["messageRetentionDuration"] == "7200s"


def test_a_state_that_cannot_be_read_now_is_delivered_again(service, notify, deps):
    service.put("states", NETWORK, state([topic("a")]))
    service.failures += [403] * 3
    assert notify() == 200  # nobody may read it: told, and not tried for ever
    assert deps.store.control().value.sources == {}


def test_the_setting_of_state_buckets_is_json():
    assert state_buckets("{}") == {}
    assert state_buckets('{"acme": {"prefix": "prod/", "grace": 60}}') == {"acme": StateBucket("prod/", 60)}
    with pytest.raises(BadRequest, match="SETPOINT_STATE_BUCKETS"):
        state_buckets("acme")


POLICY = """
apiVersion: setpoint.dev/v1
kind: Policy
metadata: {name: fleet}
spec: {rules: [{name: quiet, match: {ancestors: ["folders/33"]}, mode: off}]}
"""


def test_an_upload_that_names_a_folder_that_nothing_is_known_of_is_refused_unless_its_metadata_says_so(upload, deps):
    start = SweepStart(("organizations/1",))
    deps.store.sweeps.write_sweep(Sweep(start.name, "r", start, NOON, places=("folders/3", "organizations/1")), None)
    files = packed({"b.yaml": bucket("b"), "policy.yaml": POLICY})

    assert upload("default/fleet.tgz", files) == 200
    assert not deps.store.control().value.sources

    upload("default/fleet.tgz", files, **{"not-seen-yet": "true"})
    assert deps.store.control().value.sources["default"].policy.name == "fleet"

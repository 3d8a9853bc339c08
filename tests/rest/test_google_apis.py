"""The fake itself: what it does and does not take, so that what passes on it has a chance with Google."""

from __future__ import annotations

import pytest
import requests as http

TOPICS = "pubsub.googleapis.com/v1/projects/shop-prod/topics"
FIREWALLS = "compute.googleapis.com/compute/v1/projects/shop-prod/global/firewalls"
SINK = "logging.googleapis.com/v2/projects/shop-prod/sinks/audit"
SECRET = "secretmanager.googleapis.com/v1/projects/shop-prod/secrets/signing"  # noqa: S105 - a name
BACKENDS = "compute.googleapis.com/compute/v1/projects/shop-prod/global/backendServices/web"
BUCKET = "storage.googleapis.com/storage/v1/b/exports"


@pytest.fixture
def ask(google_apis_at):
    address = google_apis_at[1]

    def ask(verb, path, **fields):
        return http.request(verb, f"{address}/{path}", timeout=5, **fields)

    return ask


def test_what_is_made_is_listed_a_page_at_a_time_until_it_is_deleted(ask, google_apis):
    google_apis.polls = 0
    for name in ("a", "b", "c"):
        assert ask("POST", FIREWALLS, json={"name": name}).status_code == 200
    first = ask("GET", FIREWALLS, params={"maxResults": 2}).json()
    second = ask("GET", FIREWALLS, params={"maxResults": 2, "pageToken": first["nextPageToken"]}).json()
    assert [item["name"] for item in (*first["items"], *second["items"])] == ["a", "b", "c"]
    assert "nextPageToken" not in second
    assert ask("DELETE", f"{FIREWALLS}/b").ok
    assert ask("GET", f"{FIREWALLS}/b").status_code == 404
    assert [effect.method.rpartition(".")[2] for effect in google_apis.journal] == ["insert"] * 3 + ["delete"]


def test_nothing_is_made_twice(ask, google_apis):
    google_apis.put(f"https://{FIREWALLS}/a", {"name": "a"})
    assert ask("POST", FIREWALLS, json={"name": "a"}).status_code == 409


def test_a_mask_changes_what_it_names_and_nothing_else(ask, google_apis):
    google_apis.put(f"https://{SINK}", {"filter": "a", "description": "b", "disabled": True})
    body = {"filter": "x", "description": "y"}
    assert ask("PATCH", SINK, params={"updateMask": "filter,disabled"}, json=body).ok
    assert google_apis.get(f"https://{SINK}") == {"filter": "x", "description": "b"}


@pytest.mark.parametrize("mask", ["nothing", "filter.inner", ""])
def test_a_mask_that_names_no_field_is_refused(ask, google_apis, mask):
    google_apis.put(f"https://{SINK}", {"filter": "a"})
    assert ask("PATCH", SINK, params={"updateMask": mask}, json={"filter": "x"}).status_code == 400


def test_a_field_that_the_schema_does_not_know_is_refused(ask, google_apis):
    google_apis.put(f"https://{BUCKET}", {"location": "EU"})
    assert ask("PATCH", BUCKET, json={"locations": "US"}).status_code == 400


def test_what_the_server_alone_writes_is_left_as_it_is(ask, google_apis):
    google_apis.put(f"https://{BUCKET}", {"timeCreated": "2026-01-01T00:00:00Z", "location": "EU"})
    assert ask("PATCH", BUCKET, json={"timeCreated": "2027-01-01T00:00:00Z", "labels": {"a": "b"}}).ok
    assert google_apis.get(f"https://{BUCKET}")["timeCreated"] == "2026-01-01T00:00:00Z"


def test_an_immutable_field_is_refused(ask, google_apis):
    google_apis.put(f"https://{SECRET}", {"replication": {"automatic": {}}})
    changed = {"replication": {"userManaged": {}}}
    assert ask("PATCH", SECRET, params={"updateMask": "replication"}, json=changed).status_code == 400


@pytest.mark.parametrize("body", [{"timeoutSec": 3}, {"timeoutSec": 3, "fingerprint": "old="}])
def test_a_fingerprint_has_to_be_sent_and_to_be_the_live_one(ask, google_apis, body):
    google_apis.put(f"https://{BACKENDS}", {"timeoutSec": 1})
    assert ask("PATCH", BACKENDS, json=body).status_code == 412
    assert google_apis.journal == []


def test_each_write_changes_the_state(ask, google_apis):
    google_apis.put(f"https://{SECRET}", {"annotations": {"a": "b"}})
    before = google_apis.get(f"https://{SECRET}")["etag"]
    sent = {"annotations": {"a": "c"}, "etag": before}
    assert ask("PATCH", SECRET, params={"updateMask": "annotations"}, json=sent).ok
    assert google_apis.get(f"https://{SECRET}")["etag"] != before
    assert ask("PATCH", SECRET, params={"updateMask": "annotations"}, json=sent).status_code == 409


def test_what_it_does_not_know_it_does_not_guess(ask, google_apis):
    google_apis.put(f"https://{TOPICS}/orders", {})
    assert ask("POST", f"{TOPICS}/orders:publish", json={"messages": []}).status_code >= 400
    assert ask("GET", "pubsub.googleapis.com/v1/nothing").status_code == 404
    assert google_apis.journal == []


def test_something_may_happen_between_a_read_and_a_write(ask, google_apis):
    google_apis.put(f"https://{BUCKET}", {"location": "EU"})
    google_apis.meanwhile.append(lambda: google_apis.delete(f"https://{BUCKET}"))
    assert ask("GET", BUCKET).ok
    assert ask("GET", BUCKET).status_code == 404

from __future__ import annotations

import gzip
import json

import pytest

from setpoint.catalog.methods import FOLDER
from setpoint_tools.distil import documents, methods


@pytest.mark.parametrize("service", ["pubsub", "storage", "iam", "dns"])
def test_the_committed_file_is_what_the_documents_give(folder, service):
    committed = json.loads(gzip.decompress((FOLDER / f"{service}.json.gz").read_bytes()))
    assert committed == json.loads(json.dumps(methods.of_service(documents.read(folder, [service])[service])))


def test_the_files_are_small_and_carry_no_time():
    files = list(FOLDER.glob("*.json.gz"))
    assert len(files) > 150
    assert sum(path.stat().st_size for path in files) < 150_000
    assert all(path.read_bytes()[4:8] == bytes(4) for path in files)


def test_a_method_tells_how_it_takes_the_resource(folder):
    service_methods = methods.of_service(documents.read(folder, ["pubsub"])["pubsub"])
    topic = next(
        resource
        for resource in service_methods["lines"][0]["resources"]
        if resource["pattern"] == "projects/*/topics/*"
    )
    assert topic["methods"]["patch"] == {
        "id": "pubsub.projects.topics.patch",
        "verb": "PATCH",
        "request": "UpdateTopicRequest",
        "wrap": "topic",
        "wrapped_mask": "updateMask",
    }
    assert topic["methods"]["getIamPolicy"]["policy_version"] == "options.requestedPolicyVersion"
    assert topic["create"] == "pubsub.projects.topics.create"

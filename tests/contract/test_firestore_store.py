"""What is particular to the store in Firestore."""

from __future__ import annotations

import pytest
from google.cloud.firestore import Client

from contract.records import KEY, OTHER, declare, declared
from setpoint.adapters.firestore.store import FirestoreStore
from setpoint.model.sources import encode_manifest


@pytest.mark.emulator
def test_manifests_that_were_stored_in_no_order_are_read_in_the_order_of_keys_and_dropped_like_others(
    firestore_project, at_the_end
):
    client = Client(project=firestore_project)
    store = FirestoreStore(client)
    at_the_end.callback(store.close)
    declare(store, [declared(KEY), declared(OTHER)])
    in_force = list(store.manifest("default", 1))
    store.drop_manifest("default", 1)
    for index, row in enumerate(reversed(in_force)):
        parts = store._manifest("default", 1).collection("parts")
        parts.document(f"{index:06d}").set({"body": encode_manifest([row]).decode()})

    assert list(store.manifest("default", 1)) == in_force
    assert declare(store, [declared(KEY), declared(OTHER)]) == 0
    store.drop_manifest("default", 1)
    assert list(store.manifest("default", 1)) == []

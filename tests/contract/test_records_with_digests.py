"""Declarations with digests, on each store: no version that does not know digests takes them for texts."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from contract.records import BUCKET, KEY, NOON, declare
from contract.test_two_versions import records
from setpoint.adapters.memory.store import MemoryStore
from setpoint.errors import CorruptState, NewerRecord
from setpoint.model import sources
from setpoint.model.declaration import Declaration, desired
from setpoint.model.sources import DeclaredVersion, DesiredRecord, decode_record, encode_record

SEALED = Declaration(KEY, BUCKET, {"labels": {"pin": "(hidden, digest 0123)"}}, digests="0a1b2c3d")
PLAIN = Declaration(KEY, BUCKET, {"labels": {"team": "shop"}})
RECORD = DesiredRecord(
    (DeclaredVersion("net", 1, "d", (SEALED, PLAIN), NOON), DeclaredVersion("shop", 2, "e", (PLAIN,)))
)


class OlderVersion(msgspec.Struct):
    """What a version without digests reads of a declaration."""

    asset_type: str
    data: Any


def older(stored: bytes) -> list[OlderVersion]:
    versions = msgspec.json.decode(stored)["versions"]
    return msgspec.convert([part for version in versions for part in version["declarations"]], list[OlderVersion])


def test_a_record_is_read_as_it_was_written():
    assert decode_record(encode_record(RECORD)) == RECORD
    assert decode_record(encode_record(RECORD, encode_record(RECORD))) == RECORD


def test_a_record_without_digests_is_as_it_was_before():
    plain = DesiredRecord((DeclaredVersion("net", 1, "d", (PLAIN,), NOON),))
    assert encode_record(plain) == msgspec.json.encode(plain, order="deterministic")
    assert older(encode_record(plain))


def test_no_older_version_reads_digests_as_texts():
    stored = encode_record(RECORD)
    assert msgspec.json.decode(stored)["schema"] == sources.WITH_DIGESTS
    with pytest.raises(msgspec.ValidationError, match="data"):
        older(stored)


def test_fields_of_a_newer_version_are_kept_beside_digests():
    stored = msgspec.json.decode(encode_record(RECORD))
    stored["versions"][0]["declarations"][0]["later"] = 7
    before = msgspec.json.encode(stored)
    after = encode_record(replace(RECORD, versions=(*RECORD.versions, DeclaredVersion("third", 3))), before)
    assert msgspec.json.decode(after)["versions"][0]["declarations"][0]["later"] == 7
    assert decode_record(after).versions[0].declarations[0] == SEALED


def test_a_record_of_a_later_form_is_refused_and_one_without_data_is_damaged():
    stored = msgspec.json.decode(encode_record(RECORD))
    with pytest.raises(NewerRecord):
        decode_record(msgspec.json.encode(stored | {"schema": sources.WITH_DIGESTS + 1}))
    with pytest.raises(CorruptState):
        decode_record(msgspec.json.encode(stored | {"schema": 1}))


def test_the_digests_of_a_declaration_come_back_from_a_store(store):
    declare(store, [desired((SEALED,))])
    [declaration] = store.read(KEY).desired.declarations
    assert (declaration.data, declaration.digests) == (SEALED.data, SEALED.digests)
    for record in () if isinstance(store, MemoryStore) else records(store, "desired"):
        assert '"data"' not in record.body.decode()

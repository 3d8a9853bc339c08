"""docs/reliability.md and the code name the same limits: each number is the one in the code, and none is left out."""

from __future__ import annotations

import importlib
import re
from datetime import timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/reliability.md").read_text()
ROWS = {
    cells[1].strip(): cells
    for cells in (line.split("|") for line in PAGE.partition("## Limits")[2].partition("\n## ")[0].splitlines()[3:])
    if len(cells) > 1
}
READERS, MODEL = "declarations.readers", "model"

LIMITS: dict[str, dict[str, tuple[object, str]]] = {
    "A stored record of a finding or an alert that cannot be read": {},
    "A record of sources, declarations or guardrails that cannot be read": {},
    "A record that a newer version wrote, after a roll-back": {},
    "A YAML or JSON document": {
        f"{READERS}.limits:DEEPEST": (100, "100 levels"),
        f"{READERS}.limits:MAX_NODES": (1_000_000, "1,000,000 values"),
        f"{READERS}.limits:_LARGEST": (2**64 - 1, "64 bits"),
        f"{READERS}.limits:VALUE_CHARACTERS": (8, "one for 8 characters"),
    },
    "Documents of a file, elements of lists and empty ones included": {
        f"{READERS}.limits:FREE_DOCUMENTS": (10_000, "10,000"),
        f"{READERS}.limits:DOCUMENT_CHARACTERS": (40, "each 40 characters"),
    },
    "A file of declarations, a plan, standard input": {
        f"{READERS}.whole_files:LARGEST": (200_000_000, "200 MB"),
        f"{READERS}.ignore_files:_LARGEST": (10_000_000, "an ignore file 10 MB"),
        f"{READERS}.ignore_files:_MAX_PATTERNS": (10_000, "10,000 patterns"),
        f"{READERS}.terraform_config:_LARGEST_BYTES": (4_000_000, "Terraform code 4 MB"),
    },
    "Recorded assets (`--feed`, `--from`) and questions of `diff --jsonl`": {
        f"{MODEL}.asset_stream:LARGEST_RECORD": (20_000_000, "20 MB a line"),
        f"{MODEL}.asset_stream:LARGEST_LIST": (200_000_000, "200 MB a list"),
        "cli.diff_jsonl:LARGEST_LINE": (20_000_000, "20 MB a line"),
    },
    "YAML aliases of a file": {
        f"{READERS}.limits:EXPANSION": (20, "20 times"),
        f"{READERS}.limits:FREE_EXPANSION": (65_536, "65,536"),
    },
    "Broken documents of a file": {
        f"{READERS}.limits:MAX_ERRORS": (1_000, "1,000"),
        f"{READERS}.limits:RESCANS": (4, "four times"),
    },
    "A link in a directory, for every reader": {},
    "Kustomize's directories": {f"{READERS}.kustomize:_MAX_BUILT": (1_000, "1,000 builds")},
    "A file of Terraform code (`--config`)": {
        f"{READERS}.terraform_config:_LARGEST": (200_000, "200,000 characters"),
        f"{READERS}.terraform_config:_LARGEST_JSON": (1_000_000, "1,000,000 of JSON"),
        f"{READERS}.terraform_config:_DEEPEST": (20, "20 modules deep"),
        f"{READERS}.terraform_config:_MAX_CALLS": (5_000, "5,000 calls"),
        f"{READERS}.terraform_config:_MAX_BLOCKS": (100_000, "100,000 resource blocks"),
    },
    "A Terraform state in a bucket, behind HTTP or in a workspace": {
        "adapters.states.sizes:LARGEST_STATE": (200_000_000, "200 MB")
    },
    "An archive": {
        "adapters.google.cloud_storage:_LARGEST": (500_000_000, "500 MB packed"),
        f"{READERS}.archives:_RATIO": (50, "50 times"),
        f"{READERS}.archives:_MAX_BYTES": (600_000_000, "600 MB"),
        f"{READERS}.archives:_FREE_BYTES": (20_000_000, "20 MB"),
        f"{READERS}.archives:_MAX_FILES": (200_000, "200,000 members"),
        f"{READERS}.archives:_FILE_BYTES": (4_096, "4 KB"),
        f"{READERS}.archives:_LARGEST_HEADER": (1 << 24, "16 MB a header"),
        f"{READERS}.archives:_DEEPEST": (100, "100 directories"),
        f"{READERS}.archives:_LONGEST_PATH": (4_000, "4,000 letters"),
    },
    "A pattern of an ignore file or of CODEOWNERS": {
        f"{MODEL}.linear_patterns:LONGEST": (2_000, "2,000 letters"),
        f"{READERS}.ignore_files:_LONGEST_LINE": (100_000, "lines of 100,000"),
    },
    "Attributes of a message: team, project, asset type": {"util.quotas:PUBSUB_ATTRIBUTE": (1_024, "1,024 bytes")},
    "An event that Pub/Sub never takes": {"util.quotas:PUBSUB_MESSAGE": (10_000_000, "10 MB")},
    "A request to a function": {
        "bootstrap.serving:LARGEST_BODY": (15_000_000, "15 MB"),
        "adapters.slack.slack_requests:LARGEST": (1_000_000, "1 MB from Slack"),
    },
    "A record of a finding, with the events that wait in it": {
        f"{MODEL}.record_size:LARGEST": (480_000, "480,000 bytes"),
        "adapters.firestore.documents:_LARGEST": (500_000, "500,000 of the last observation"),
        "util.quotas:FIRESTORE_DOCUMENT": (1 << 20, "1 MiB"),
    },
    "What one source declares of one resource": {f"{READERS}.limits:LARGEST_DECLARATION": (400_000, "400,000 bytes")},
    "Texts that a query of Firestore uses, ids": {
        "util.quotas:FIRESTORE_INDEXED": (1_500, "1,500 bytes"),
        "util.quotas:FIRESTORE_ID": (1_500, "1,500 bytes"),
    },
    "One resource that fails for now, at the tick of every minute": {
        "detection.outbox:_DOWN": (3, "3 failures in a row")
    },
    "Sources, with their scopes and settings": {
        f"{MODEL}.control_parts:INLINE": (32_768, "32 KB"),
        f"{MODEL}.control_parts:PARTS": (64, "64 parts"),
        f"{MODEL}.control_parts:LARGEST_PART": (900_000, "900 KB"),
    },
    "Terraform states of one source": {f"{MODEL}.sources:MAX_STATES": (200, "200")},
    "Known changes of one resource, and who made them": {f"{MODEL}.change_history:LIMIT": (8, "8 one by one")},
    "What waits for remediation": {},
    "Writers of one record at once": {
        "util.retries:ATTEMPTS": (20, "20 tries"),
        "util.retries:_LONGEST_PAUSE": (0.5, "half a second"),
    },
    "A group of findings of one cause": {
        "alerting.publish_thread:_LARGE": (200, "200 members"),
        "alerting.group_summary:_SAMPLES": (10, "ten worst"),
        "alerting.publish_thread:_EVERY": (timedelta(seconds=10), "ten seconds"),
        "alerting.publish_thread:_LONGEST_EVERY": (timedelta(minutes=10), "ten minutes"),
    },
    "The report page": {"reporting.html.build:MAX_ROWS": (10_000, "10,000 findings")},
    "Alerts that are due at a tick": {"alerting.service:_DUE_AT_ONCE": (500, "500 in memory")},
    "100,000 findings of one cause in ten minutes": {},
    "1 % of all files, messages and records cannot be read, while 16 workers are killed and a newer version is rolled "
    "back": {},
    "Audit trails; records of deleted resources without an open finding": {},
    "Resolved findings of resources that are there": {"operations.retention:_LIMIT": (2_000, "2,000 a sweep")},
}
"""Of each row, the constants that it speaks of: their values, and the words for them."""

NOT_LISTED = {
    "util.quotas:_DIGEST_LETTERS": "how a long id is cut",
    "util.quotas:PUBSUB_ATTRIBUTES": "no event has that many attributes",
    "util.quotas:PUBSUB_ATTRIBUTE_KEY": "the names of attributes are ours",
    "util.quotas:PUBSUB_ORDERING_KEY": "a digest of fixed length",
    f"{READERS}.limits:NODE_CHARACTERS": "how aliases are counted",
    f"{READERS}.limits:_SMALLEST": "64 bits, as _LARGEST",
    f"{READERS}.limits:_MAX_DIGITS": "64 bits, as _LARGEST",
    f"{READERS}.archives:_BLOCK": "how much is read at a time",
    f"{READERS}.whole_files:_BLOCK": "how much is read at a time",
    f"{MODEL}.asset_stream:_BLOCK": "how much is read at a time",
    f"{READERS}.archives:_ENCRYPTED": "a flag",
    f"{READERS}.terraform_config:_LONGEST_TOKEN": "the text of a problem",
    f"{READERS}.ignore_files:_SHOWN": "the text of a problem",
    f"{MODEL}.control_parts:_HEADS": "a cache",
    f"{MODEL}.control_parts:_PEEK": "how a record is recognised",
    f"{MODEL}.record_size:_LAST_EVENTS": "which events are cut last",
    f"{MODEL}.record_size:_LONGEST_TEXT": "how far a value is cut",
    f"{MODEL}.record_size:_LONGEST_LIST": "how far a list is cut",
}
"""Numbers of the modules of limits that are not limits by themselves, and what they are."""

NAMED = {name: entry for row in LIMITS.values() for name, entry in row.items()}
MODULES = sorted(
    {name.partition(":")[0] for name in NAMED}
    - {f"{MODEL}.sources", f"{MODEL}.change_history", "util.retries", "detection.outbox"}
    - {"alerting.publish_thread", "alerting.group_summary", "alerting.service", "operations.retention"}
    - {"cli.diff_jsonl", "reporting.html.build"}
    - {"bootstrap.serving", "adapters.states.buckets", "adapters.firestore.documents", "adapters.slack.slack_requests"}
)
"""Modules whose numbers are all limits."""


def value_of(name: str) -> object:
    module, _, constant = name.partition(":")
    return getattr(importlib.import_module(f"setpoint.{module}"), constant)


def test_what_is_not_listed_is_there():
    assert all(isinstance(value_of(name), int | float) for name in NOT_LISTED)


def test_each_row_is_of_a_limit_and_each_limit_has_a_row():
    assert list(ROWS) == list(LIMITS)


@pytest.mark.parametrize(("row", "name"), [(row, name) for row, names in LIMITS.items() for name in names])
def test_a_number_in_the_table_is_the_one_in_the_code(row, name):
    value, words = LIMITS[row][name]
    assert value_of(name) == value
    assert words in " ".join(ROWS[row])


@pytest.mark.parametrize("module", MODULES)
def test_no_limit_of_a_module_of_limits_is_left_out(module):
    source = (ROOT / "shared/setpoint" / f"{module.replace('.', '/')}.py").read_text()
    names = {f"{module}:{name}" for name in re.findall(r"^(_?[A-Z][A-Z_]*) = ", source, re.MULTILINE)}
    numbers = {name for name in names if isinstance(value_of(name), int | float)}
    assert numbers - NAMED.keys() - NOT_LISTED.keys() == set()


@pytest.mark.parametrize("row", ROWS)
def test_each_row_says_what_happens_and_names_a_test_that_has_tests(row):
    _, _, limit, happens, tested, *_ = ROWS[row]
    assert limit.strip()
    assert happens.strip()
    files = [ROOT / path for path in re.findall(r"`(tests/[\w/]+\.py)`", tested)]
    assert files
    assert all("def test_" in file.read_text() for file in files)

"""Every recorded drift that can be put back: planned, sent through the adapter to the fake, read, compared."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import reduce
from itertools import takewhile
from typing import Any, NamedTuple

import pytest

from comparison.strategies import leaves, replaced
from setpoint.adapters.google.rest import GoogleRest
from setpoint.catalog.methods import ApiResource, default_methods
from setpoint.catalog.schemas import Schema, default_catalogue
from setpoint.comparison.compare import compare
from setpoint.model.declaration import Declaration
from setpoint.model.difference import Difference
from setpoint.model.references import Project
from setpoint.model.resource_key import ResourceKey
from setpoint.model.write_plan import Done, Failed, NotWritable, Started, WritePlan
from setpoint.remediation import api_requests
from setpoint.remediation.planner import api_resource, plan
from setpoint_tools.testing.google_apis import GoogleApis
from test_corpus import CORPUS
from test_corpus_mutations import given_back, judged, others

pytestmark = pytest.mark.skipif(
    not (CORPUS / "api.jsonl").is_file(), reason="SKIPPED: the recorded cases are not here; set SETPOINT_CORPUS"
)
OWN = Project("fleet-prod-123", "123456789012")
EXCLUDED = (
    "spec.rules.values",  # by `allowAll`, which was declared: a rule says one of them
    "multiClusterRoutingUseAny",  # by `singleClusterRouting`, which was declared: a profile has one routing
)
MAX_WRITES = 8
STATES = ("etag", "fingerprint", "labelFingerprint", "metageneration", "settingsVersion")


class Case(NamedTuple):
    name: str
    expected: list[str]
    contested: list[str]
    declaration: Declaration
    live: dict[str, Any]
    schema: Schema | None
    resource: ApiResource | None


def cases() -> Iterator[Case]:
    for line in (CORPUS / "api.jsonl").read_text().splitlines():
        record = json.loads(line)
        if record["expect_update"] != "drift":
            continue
        live = record["live_after_update"]
        schema = default_catalogue().fitting(record["asset_type"], live)
        declaration = Declaration(ResourceKey(record["full_name"]), record["asset_type"], record["declared"])
        resource = api_resource(declaration, schema, default_methods()) if schema else None
        expected, contested = record["expected_paths"], record["contested_paths"]
        yield Case(record["id"], expected, contested, declaration, live, schema, resource)


def differences(case: Case, live: dict[str, Any]) -> tuple[Difference, ...]:
    """What differs, but for what the API never took as declared."""
    differences = compare(case.declaration.data, live, case.schema, own=OWN)
    contested = [path for path in case.contested if path not in case.expected]
    return tuple(
        difference for difference in differences if not any(is_below(difference.path, path) for path in contested)
    )


def is_below(path: str, holder: str) -> bool:
    return path == holder or path.startswith((f"{holder}.", f"{holder}["))


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Every leaf by its path; an empty object or list is a leaf."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    leaves = {key: leaf for name, part in parts for key, leaf in flat(part, f"{path}.{name}").items()}
    return leaves or {path.removeprefix("."): value}


def collateral(case: Case, before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """The fields that changed although the recording says that nothing declared has changed in them.

    Of a list that has changed, a field that was there before in an element that stayed, and that is not put back.
    """
    leaves, other = flat(before), flat(after)
    changed = {path for path in leaves.keys() | other.keys() if leaves.get(path) != other.get(path)}
    owned = [*case.expected, *(difference.path for difference in differences(case, before))]
    beside = {path for path in changed if not any(touches(path, drifted) for drifted in owned)}
    drifted = [re.sub(r"\[[^\]]*\]", "", difference.path) for difference in differences(case, before)]
    for lost in compare(before, after, case.schema, own=OWN):
        if not any(touches(re.sub(r"\[[^\]]*\]", "", lost.path), path) for path in drifted):
            beside.add(re.sub(r"\[[^\]]*\]", "", lost.path))
    return {path for path in beside if not path.startswith(EXCLUDED) and path.rpartition(".")[2] not in STATES}


def touches(path: str, drifted: str) -> bool:
    return is_below(path, drifted) or is_below(drifted, path)


def finish(api: GoogleRest, outcome: Any) -> None:
    while isinstance(outcome, Started):
        progress = api.operation(outcome)
        assert not isinstance(progress, Failed), progress
        if isinstance(progress, Done):
            return


def put_back(case: Case, google: GoogleApis, api: GoogleRest) -> NotWritable | list[WritePlan]:
    """Write until nothing differs, as the executor would: read, plan, write, read again."""
    if case.resource is None or case.schema is None:
        refusal = plan(case.declaration, case.live, case.schema, case.resource, own=OWN)
        assert isinstance(refusal, NotWritable)
        return refusal
    read = api_requests.read(case.resource)
    google.put(read.url, case.live)
    plans: list[WritePlan] = []
    for _ in range(MAX_WRITES):
        live = api.read(read)
        planned = plan(case.declaration, live, case.schema, case.resource, own=OWN, differences=differences(case, live))
        if isinstance(planned, NotWritable):
            return plans if planned.reason == "as_declared" else planned
        finish(api, api.write(planned))
        plans.append(planned)
    raise AssertionError(f"{case.name}: {MAX_WRITES} writes, and still not as declared")


def test_every_recorded_drift_is_put_back_alone_or_refused_with_a_reason(
    apis_in_process: GoogleApis, rest_in_process: GoogleRest
) -> None:
    written, refused, beside = Counter(), Counter(), {}
    for case in cases():
        apis_in_process.journal.clear()
        outcome = put_back(case, apis_in_process, rest_in_process)
        if isinstance(outcome, NotWritable):
            refused[outcome.reason] += 1
            continue
        url = api_requests.read(case.resource).url
        before, after = apis_in_process.journal[0].before, apis_in_process.get(url)
        assert differences(case, after) == ()
        beside[case.name] = collateral(case, before, after)
        written[len(outcome)] += 1
    sys.stdout.write(f"drifts put back by number of writes: {dict(written)}; refused: {dict(refused)}\n")
    assert not any(beside.values()), {name: paths for name, paths in beside.items() if paths}
    assert set(refused) <= {"by_hand", "immutable", "no_method", "secret", "unread"}
    assert written.total() / (written.total() + refused.total()) >= 0.85
    assert max(written) <= 2


def mutants() -> Iterator[Case]:
    """Each recorded resource with one declared leaf changed that the API returns."""
    for line in (CORPUS / "api.jsonl").read_text().splitlines():
        record = json.loads(line)
        before = judged(record, record["declared"])
        if record["expect_create"] != "in_sync" or before.differences:
            continue
        live = record["live_after_create"]
        schema = default_catalogue().fitting(record["asset_type"], live)
        for path in leaves(record["declared"]):
            value = reduce(lambda whole, part: whole[part], path, record["declared"])
            if value is None or value in ({}, []) or not given_back(path, before):
                continue
            declared = replaced(record["declared"], path, others(value)[0])
            declaration = Declaration(ResourceKey(record["full_name"]), record["asset_type"], declared)
            resource = api_resource(declaration, schema, default_methods()) if schema else None
            outermost = ".".join(takewhile(lambda part: isinstance(part, str), path))
            yield Case(f"{record['id']} {path}", [outermost], [], declaration, live, schema, resource)


def test_every_changed_leaf_of_the_recorded_resources_is_put_back_alone_or_refused(
    apis_in_process: GoogleApis, rest_in_process: GoogleRest
) -> None:
    written, refused = 0, Counter[str]()
    for case in mutants():
        apis_in_process.journal.clear()
        outcome = put_back(case, apis_in_process, rest_in_process)
        if isinstance(outcome, NotWritable):
            refused[outcome.reason] += 1
        elif outcome:
            written += 1
            after = apis_in_process.get(api_requests.read(case.resource).url)
            assert differences(case, after) == (), case.name
            assert not collateral(case, apis_in_process.journal[0].before, after), case.name
    sys.stdout.write(f"changed leaves put back: {written}; refused: {dict(refused)}\n")
    assert written > 900
    assert set(refused) <= {"by_hand", "immutable", "no_method", "secret", "unread"}

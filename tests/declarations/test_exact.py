from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from setpoint.comparison.compare import compare
from setpoint.declarations.readers.load import load
from setpoint.model.declaration import Declaration


def object_with(exact: str | None) -> dict[str, Any]:
    annotations = {} if exact is None else {"setpoint.dev/exact": exact}
    return {
        "apiVersion": "storage.cnrm.cloud.google.com/v1beta1",
        "kind": "StorageBucket",
        "metadata": {"name": "orders", "namespace": "shop", "annotations": annotations, "labels": {"team": "shop"}},
        "spec": {"location": "EU"},
    }


def native_with(exact: Any) -> dict[str, Any]:
    return {
        "apiVersion": "setpoint.dev/v1",
        "kind": "Declaration",
        "metadata": {"name": "//storage.googleapis.com/orders"},
        "spec": {
            "assetType": "storage.googleapis.com/Bucket",
            "data": {"location": "EU", "labels": {"team": "shop"}},
            "exact": exact,
        },
    }


def loaded(tmp_path: Path, document: dict[str, Any]) -> Declaration:
    (tmp_path / "a.yaml").write_text(yaml.safe_dump(document))
    result = load([tmp_path])
    assert not result.problems
    return result.desired[0].declarations[0]


@pytest.mark.parametrize(
    ("document", "is_whole", "paths"),
    [
        (object_with(None), False, ()),
        (object_with("true"), True, ()),
        (object_with("labels"), False, ("labels",)),
        (native_with(exact=False), False, ()),
        (native_with(exact=True), True, ()),
        (native_with(["labels"]), False, ("labels",)),
    ],
)
def test_a_declaration_is_exact_as_a_whole_or_below_paths(
    tmp_path: Path, document: dict[str, Any], is_whole: bool, paths: tuple[str, ...]
):
    declaration = loaded(tmp_path, document)
    assert (declaration.exact, declaration.exhaustive_paths) == (is_whole, paths)


def test_an_entry_that_is_not_declared_below_an_exact_path_is_drift_and_one_beside_it_is_not(tmp_path: Path):
    declaration = loaded(tmp_path, native_with(["labels"]))
    observed = declaration.data | {"labels": {"team": "shop", "extra": "1"}, "storageClass": "STANDARD"}
    differences = compare(declaration.data, observed, whole=declaration.exhaustive_paths)
    assert [(difference.path, difference.op) for difference in differences] == [("labels.extra", "unexpected")]

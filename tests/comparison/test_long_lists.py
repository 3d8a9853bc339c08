"""A list of ten thousand elements takes thousands of comparisons and not millions, however its elements are spelled."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from setpoint.catalog.schemas import default_catalogue
from setpoint.comparison import lists, scalars
from setpoint.comparison.compare import compare
from setpoint.model.references import Project

OWN = Project("billing-prod", "123456789012")
LONG = 10_000
SHORT = "projects/billing-prod/zones/a/instanceGroups/g{}"
FULL = "https://www.googleapis.com/compute/v1/projects/billing-prod/zones/a/instanceGroups/g{}"


class Counted:
    """A function that counts its calls; a spy of ``mock`` takes longer for a call than the function does.

    Args:
        monkeypatch: puts it in the function's place.
        module: where the function is.
        name: its name there.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> None:
        self._function, self.calls = getattr(module, name), 0
        monkeypatch.setattr(module, name, self)

    def __call__(self, *args: Any, **more: Any) -> Any:
        self.calls += 1
        return self._function(*args, **more)


def compared(declared: Any, live: Any, asset_type: str = "") -> list[tuple[str, str]]:
    schema = default_catalogue().schema_for(asset_type) if asset_type else None
    return [(difference.path, difference.op) for difference in compare(declared, live, schema, own=OWN)]


@pytest.mark.parametrize("count", [3, 65, 1500, LONG])
def test_elements_are_found_by_a_reference_in_another_spelling_in_a_list_of_any_length(count: int) -> None:
    declared = {"backends": [{"group": SHORT.format(number), "balancingMode": "RATE"} for number in range(count)]}
    live = {"backends": [{"group": FULL.format(number), "balancingMode": "RATE"} for number in range(count)][::-1]}
    assert compared(declared, live, "compute.googleapis.com/BackendService") == []


@pytest.mark.parametrize("count", [3, 65, 1500, LONG])
def test_references_in_another_spelling_are_the_same_set_in_a_list_of_any_length(count: int) -> None:
    declared = {"instances": [SHORT.format(number) for number in range(count)]}
    live = {"instances": [FULL.format(number) for number in range(count)][::-1]}
    assert compared(declared, live, "compute.googleapis.com/TargetPool") == []
    live["instances"][0] = FULL.format("other")
    assert compared(declared, live, "compute.googleapis.com/TargetPool") == [("instances", "changed")]


def test_a_key_that_is_there_literally_is_not_given_to_another_spelling_of_it() -> None:
    declared = {"backends": [{"group": FULL.format(1), "x": "a"}, {"group": SHORT.format(1), "x": "b"}]}
    assert compared(declared, {"backends": [{"group": SHORT.format(1), "x": "b"}]}) == [
        (f"backends[group={FULL.format(1)}]", "missing")
    ]


@pytest.mark.parametrize(
    ("declared", "live"),
    [
        ([f"a{number}" for number in range(LONG)], [f"b{number}" for number in range(LONG)]),
        (
            [f"projects/p{number}/x/same" for number in range(LONG)],
            [f"projects/q{number}/x/same" for number in range(LONG)],
        ),
        (
            [{"name": f"projects/p{number}/x/same"} for number in range(LONG)],
            [{"name": f"projects/q{number}/x/same"} for number in range(LONG)],
        ),
        ([{"x": number} for number in range(LONG)], [{"x": -number - 1} for number in range(LONG)]),
        ([{"x": 1}] * LONG, [{"x": 2}] * LONG),
        ([{"x": number} for number in range(LONG)], [{"x": -number - 1} for number in range(64)]),
        ([{"x": number} for number in range(64)], [{"x": -number - 1} for number in range(LONG)]),
        ([[number] for number in range(LONG)], [[-number - 1] for number in range(LONG)]),
        (["ping"], [f"projects/p/healthChecks/c{number % 5000}" for number in range(LONG)]),
    ],
)
def test_a_long_list_takes_a_bounded_number_of_comparisons(
    monkeypatch: pytest.MonkeyPatch, declared: list[Any], live: list[Any]
) -> None:
    tried = Counted(monkeypatch, scalars, "equal")
    assert compare({"field": declared}, {"field": live}, own=OWN)
    assert tried.calls <= 3 * LONG


def test_whether_an_element_is_told_twice_is_not_asked_in_a_long_list(monkeypatch: pytest.MonkeyPatch) -> None:
    schema = default_catalogue().schema_for("compute.googleapis.com/TargetPool")
    first = [SHORT.format(number) for number in range(LONG // 2)]
    tried = Counted(monkeypatch, lists, "same")
    assert compare(
        {"instances": first},
        {"instances": first + [FULL.format(number) for number in range(LONG // 2)]},
        schema,
        own=OWN,
    )
    assert tried.calls == 0

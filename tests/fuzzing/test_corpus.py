"""What fuzzing has kept is read, or refused with an error of the product's own."""

from __future__ import annotations

import pytest

from fuzzing.targets import CORPUS, TARGETS, run

KEPT = sorted(file for file in CORPUS.glob("*/*") if file.parent.name in TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_the_first_input_of_a_reader_is_read(name: str) -> None:
    run(name, TARGETS[name][1])


@pytest.mark.parametrize("file", KEPT, ids=lambda file: f"{file.parent.name}/{file.name[:12]}")
def test_what_fuzzing_has_kept_is_read_or_refused(file) -> None:
    run(file.parent.name, file.read_bytes())

from __future__ import annotations

from pathlib import Path

import pytest

from setpoint_tools import types_page
from setpoint_tools.schemas import FOLDER, schemas, written

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = schemas()


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_that_of_the_models(name: str) -> None:
    published = (ROOT / FOLDER / name).read_text()
    assert published == written(SCHEMAS[name]), "run `make schemas` and look at what changes for consumers"


def test_no_published_schema_is_without_a_model() -> None:
    assert {file.name for file in (ROOT / FOLDER).glob("*.json")} == set(SCHEMAS)


def test_the_page_of_asset_types_is_that_of_the_tables() -> None:
    assert (ROOT / types_page.PAGE).read_text() == types_page.page(), "run `make typetable`"

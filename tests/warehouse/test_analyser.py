"""Every view as Google's own analyser reads it, where the package ``zetasql`` is installed (see CONTRIBUTING.md)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from setpoint.reporting.bigquery_schema import Column
from setpoint.reporting.tables import tables
from setpoint_tools.testing.warehouse import DATASET, PROJECT, view_names, view_sql

_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
_REFERENCE = re.compile(rf"`{PROJECT}\.{DATASET}\.(\w+)`")


@pytest.fixture(scope="module")
def analyser() -> Any:
    reason = "SKIPPED: zetasql is not installed, so that no view is analysed as BigQuery does; see CONTRIBUTING.md"
    pytest.importorskip("zetasql", reason=reason)
    from zetasql.api import Analyzer, CatalogBuilder  # noqa: PLC0415 - optional
    from zetasql.types import (  # noqa: PLC0415 - optional
        AnalyzerOptions,
        LanguageOptions,
        ZetaSQLBuiltinFunctionOptions,
    )

    language = LanguageOptions.maximum_features()
    functions = ZetaSQLBuiltinFunctionOptions(language_options=language)
    catalog = CatalogBuilder(PROJECT).with_builtin_functions(functions).build()
    return Analyzer(AnalyzerOptions(language_options=language), catalog)


def column_type(column: Column) -> str:
    """The type of a column in GoogleSQL."""
    if column["type"] == "RECORD":
        fields = (f"`{field['name']}` {column_type(field)}" for field in column["fields"])
        kind = f"STRUCT<{', '.join(fields)}>"
    else:
        kind = _TYPES.get(column["type"], column["type"])
    return f"ARRAY<{kind}>" if column["mode"] == "REPEATED" else kind


def relation(name: str) -> str:
    """A table or view as a subquery of its own, so that no catalogue of tables is needed."""
    if name in view_names():
        return f"({query(name)})"
    columns = (f"CAST(NULL AS {column_type(column)}) AS `{column['name']}`" for column in tables()[name].columns)
    return f"(SELECT {', '.join(columns)})"


def query(name: str) -> str:
    """A view with every table and view that it reads within it."""
    text = "\n".join(line.partition("-- ")[0] for line in view_sql(name).splitlines())
    return _REFERENCE.sub(lambda match: relation(match[1]), text)


@pytest.mark.parametrize("name", view_names())
def test_a_view_is_read_by_googles_analyser(analyser, name):
    statement = analyser.analyze_statement(query(name))
    assert len(statement.output_column_list) > 1


def test_the_analyser_refuses_a_column_that_is_not_there(analyser):
    with pytest.raises(Exception, match="no_such_column"):
        analyser.analyze_statement(query("open_drift").replace("first_seen", "no_such_column", 1))

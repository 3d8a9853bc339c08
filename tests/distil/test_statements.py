"""What descriptions state of absence, defaults, order and other names."""

from __future__ import annotations

from typing import Any

import pytest

from setpoint_tools.distil import statements

MODES = {"MODE_UNSPECIFIED": "", "FAST": "", "SLOW": ""}


@pytest.mark.parametrize(
    ("kind", "text", "default"),
    [
        ("boolean", "Whether it is on. Defaults to true.", True),
        ("boolean", "Whether it is on. If not set, the default value is `false`.", False),
        ("boolean", "False by default, making it opt-in.", False),
        ("int32", "The default is 443. Valid values are 1 through 65535.", 443),
        ("int32", "If unspecified, a default value of 1,000 would be used.", 1000),
        ("duration", "Defaults to 7 days. Cannot be more than 31 days.", "604800s"),
        ("enum", "The mode. If not specified, it defaults to FAST.", "FAST"),
        ("enum", "The mode. Default to Mode.SLOW.", "SLOW"),
        ("string", "The encoding. The default is UTF-8.", "UTF-8"),
        ("boolean", "The default is true for image versions prior to 3.1 and false for later ones.", None),
        ("string", "For most machine types, the default is SCSI.", None),
        ("int32", "Defaults to 0644 in octal.", None),
        ("int32", "A client TTL. If it is not specified, a default value (1 hour) will be used.", None),
        ("string", "The default processor version.", None),
    ],
)
def test_a_default_is_read_where_nothing_else_decides_it(kind: str, text: str, default: Any) -> None:
    assert statements.default("thing", kind, text, MODES if kind == "enum" else {}) == default


@pytest.mark.parametrize(
    ("kind", "text", "presence"),
    [
        ("message", "The policy. If not set, a default policy with a ttl of 31 days is used.", True),
        ("message", "Configuration of the load balancing controller.", False),
        ("message", "If not set, defaults to empty tags.", False),
        (
            "boolean",
            "If the value is true, it matches live objects; if the value is false, it matches archived ones.",
            True,
        ),
        ("boolean", "Whether logging is on.", False),
        ("int32", "If this value is less than 0, the request fails. If it is missing, there is no limit.", True),
        ("int32", "If unset or set to 0, the default of the service is used.", False),
        ("int32", "Number of things. If not specified, there are 10.", False),
    ],
)
def test_presence_is_read_where_absence_says_something_else_than_zero(kind: str, text: str, *, presence: bool) -> None:
    assert statements.has_presence(kind, text, None) is presence


@pytest.mark.parametrize(
    ("text", "ordered"),
    [
        ("The tasks are executed sequentially in the order specified.", True),
        ("If multiple rules match, the first one in the list will be used.", True),
        ("An ordered list of handlers.", True),
        ("The list of actions to run, in the order they are specified.", True),
        ("A list of clusters. The order is ignored.", False),
        ("The scopes to be requested in order to access the API.", False),
        ("The addresses must be in one of the listed subnets in order for this to match.", False),
        ("The properties MUST be lexicographically sorted by name.", False),
        ("A list of tags.", False),
    ],
)
def test_order_is_read_from_how_a_list_is_used(text: str, *, ordered: bool) -> None:
    assert statements.is_ordered(text) is ordered


def test_an_older_name_is_one_that_says_so_and_nothing_else() -> None:
    assert statements.renamed({"OLD": "Deprecated: Use NEW instead.", "NEW": ""}) == {"OLD": "NEW"}
    assert statements.renamed({"HDD": "An alias for STANDARD.", "STANDARD": ""}) == {"HDD": "STANDARD"}
    assert statements.renamed({"V3": "The same as V2, with the following change.", "V2": ""}) == {}
    assert statements.renamed({"P100": "Deprecated: Use T4 instead. It is being decommissioned.", "T4": ""}) == {}


def test_a_field_restricts_where_an_absent_one_means_all() -> None:
    assert statements.restricts("The clusters to route to. If left empty, all clusters are eligible.")
    assert not statements.restricts("The clusters to route to.")


def test_words_are_read_where_a_description_lists_them() -> None:
    assert statements.words("The format. Valid values are: CSV, AVRO or NEWLINE_DELIMITED_JSON.") == [
        "AVRO",
        "CSV",
        "NEWLINE_DELIMITED_JSON",
    ]
    assert statements.words("Either `fast-mode` or `slow-mode`.") == ["FAST_MODE", "SLOW_MODE"]
    assert statements.words("The name of the PROJECT_ID.") == []


@pytest.mark.parametrize(
    ("name", "text", "spelling"),
    [
        ("startTime", "Time within the maintenance window in 24-hour format HH:MM.", "clock"),
        ("recurrence", "An RRULE (https://tools.ietf.org/html/rfc5545) for how this recurs.", "recurrence"),
        ("domain", "The fully qualified domain name.", "trailing-dot"),
        ("description", "A domain name.", ""),
    ],
)
def test_a_spelling_is_read_from_what_a_field_holds(name: str, text: str, spelling: str) -> None:
    assert statements.spelling(name, text) == spelling

from __future__ import annotations

import pytest

from setpoint.model.codeowners import owners

TEXT = """\
# everybody
*            @acme/all
*.tf         @tina ops@example.com
/fleet/      @acme/shop  # the shop
docs/*       @dora
/a/**/b.yaml @deep
/fleet/open/
[Section][2] @acme/section
/sectioned/
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("README.md", ("@acme/all",)),
        ("modules/net/main.tf", ("@tina",)),
        ("fleet/x/y.yaml", ("@acme/shop",)),
        ("other/fleet/y.yaml", ("@acme/all",)),
        ("docs/a.md", ("@dora",)),
        ("docs/deep/a.md", ("@acme/all",)),
        ("a/x/y/b.yaml", ("@deep",)),
        ("a/b.yaml", ("@deep",)),
        ("fleet/open/x.yaml", ()),
        ("sectioned/x.yaml", ("@acme/section",)),
    ],
)
def test_the_last_pattern_that_matches_names_the_owners(path, expected):
    assert owners(TEXT, [path]) == expected


def test_the_owners_of_several_files_are_named_once():
    assert owners(TEXT, ["fleet/a", "fleet/b", "x.tf"]) == ("@acme/shop", "@tina")


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "glob", ["*a" * 12 + "*b", "**/a*/" * 12 + "b", "?*" * 200 + "b", "x" * 5_000, "*" * 3_000 + "/**"]
)
def test_a_hostile_pattern_costs_no_more_than_its_length(glob):
    """Anybody who may write to the repository writes the file."""
    paths = ["a" * 60, "a/" * 60 + "c", "fleet/a.yaml"]
    assert owners(f"* @everybody\n{glob} @nobody\n", paths)[0] in ("@everybody", "@nobody")


def test_a_pattern_that_is_too_long_leaves_the_others_in_force():
    text = f"* @everybody\n{'x' * 5_000} @nobody\n/fleet/ @platform\n"
    assert owners(text, ["fleet/a.yaml"]) == ("@platform",)

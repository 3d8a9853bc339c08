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

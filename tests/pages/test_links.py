"""Addresses of declarations, as hosts of repositories form them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.model.declaration import Source
from setpoint.model.declaration_links import declared_at


@pytest.mark.parametrize(
    ("repo", "expected"),
    [
        ("https://github.com/a/fleet", "https://github.com/a/fleet/blob/4f1c/prod/a.yaml#L7"),
        ("https://github.com/a/fleet.git", "https://github.com/a/fleet/blob/4f1c/prod/a.yaml#L7"),
        ("git@github.com:a/fleet.git", "https://github.com/a/fleet/blob/4f1c/prod/a.yaml#L7"),
        ("ssh://git@gitlab.example.com/g/s/fleet", "https://gitlab.example.com/g/s/fleet/-/blob/4f1c/prod/a.yaml#L7"),
        ("https://me:secret@gitlab.com/g/fleet", "https://gitlab.com/g/fleet/-/blob/4f1c/prod/a.yaml#L7"),
        ("https://bitbucket.org/a/fleet", "https://bitbucket.org/a/fleet/src/4f1c/prod/a.yaml#lines-7"),
        ("https://git.example.com/a/fleet", "https://git.example.com/a/fleet"),
        ("javascript:alert(1)//github.com/a", ""),
        ("https://github.com:x/a", ""),
        ("", ""),
    ],
)
def test_each_host_has_its_own_form_and_of_another_one_the_repository_is_linked(repo, expected):
    assert declared_at(Source("prod/a.yaml", 7, repo=repo, commit="4f1c")) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Source("/home/me/a.yaml", 1, repo="https://github.com/a/b", commit="4f1c"), "https://github.com/a/b"),
        (Source("../a.yaml", 1, repo="https://github.com/a/b", commit="4f1c"), "https://github.com/a/b"),
        (Source("a.yaml", 1, repo="https://github.com/a/b"), "https://github.com/a/b/blob/HEAD/a.yaml#L1"),
        (Source("", 0, repo="https://github.com/a/b", commit="4f1c"), "https://github.com/a/b"),
    ],
)
def test_a_file_outside_of_the_repository_links_to_the_repository_and_no_revision_to_the_newest(source, expected):
    assert declared_at(source) == expected


def test_odd_characters_in_a_file_are_escaped_and_no_line_is_no_anchor():
    source = Source('./a b/"x"#?.yaml', 0, repo="https://github.com/a/b", commit="main")
    assert declared_at(source) == "https://github.com/a/b/blob/main/a%20b/%22x%22%23%3F.yaml"


@given(st.text(), st.text(), st.text(), st.integers(0, 9))
def test_a_link_is_a_web_address_or_nothing_whatever_the_source_says(file, repo, commit, line):
    link = declared_at(Source(file, line, repo=repo, commit=commit))
    assert link == "" or (link.startswith("https://") and link.isprintable() and not set(link) & set(" \"'<>"))

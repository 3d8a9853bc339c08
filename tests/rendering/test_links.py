from __future__ import annotations

import pytest
from hypothesis import given

from rendering.strategies import sources
from setpoint.model.declaration import Source
from setpoint.model.declaration_links import declared_at

COMMIT = "1f3a9c0d"


@pytest.mark.parametrize(
    ("repo", "url"),
    [
        ("https://github.com/acme/fleet.git", "https://github.com/acme/fleet/blob/1f3a9c0d/a%20b/c.yaml#L7"),
        ("git@github.com:acme/fleet.git", "https://github.com/acme/fleet/blob/1f3a9c0d/a%20b/c.yaml#L7"),
        ("https://token:x@github.com/acme/fleet", "https://github.com/acme/fleet/blob/1f3a9c0d/a%20b/c.yaml#L7"),
        ("https://github.acme.example/o/r", "https://github.acme.example/o/r/blob/1f3a9c0d/a%20b/c.yaml#L7"),
        (
            "ssh://git@gitlab.example.com:2222/g/s/r.git",
            "https://gitlab.example.com/g/s/r/-/blob/1f3a9c0d/a%20b/c.yaml#L7",
        ),
        ("https://gitlab.com/g/r/", "https://gitlab.com/g/r/-/blob/1f3a9c0d/a%20b/c.yaml#L7"),
        ("git@bitbucket.org:o/r.git", "https://bitbucket.org/o/r/src/1f3a9c0d/a%20b/c.yaml#lines-7"),
        (
            "https://source.developers.google.com/p/proj/r/fleet",
            "https://source.cloud.google.com/proj/fleet/+/1f3a9c0d:a%20b/c.yaml;l=7",
        ),
        ("https://codeberg.org/o/r", "https://codeberg.org/o/r/src/commit/1f3a9c0d/a%20b/c.yaml#L7"),
        (
            "https://gitea.example.com:3000/o/r.git",
            "https://gitea.example.com:3000/o/r/src/commit/1f3a9c0d/a%20b/c.yaml#L7",
        ),
        (
            "https://dev.azure.com/o/p/_git/r",
            "https://dev.azure.com/o/p/_git/r?path=/a%20b/c.yaml&version=GC1f3a9c0d&line=7&lineEnd=7&lineStartColumn=1&lineEndColumn=1",
        ),
        ("https://git.example.com/o/r.git", "https://git.example.com/o/r"),
        ("https://notgithub.example/o/r", "https://notgithub.example/o/r"),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("gs://bucket/archive", ""),
        ("https://[bad/o/r", ""),
        ("", ""),
    ],
)
def test_each_host_shows_lines_in_its_own_way(repo, url):
    assert declared_at(Source("./a b/c.yaml", 7, repo=repo, commit=COMMIT)) == url


def test_without_a_revision_the_newest_is_shown():
    assert declared_at(Source("a.yaml", repo="https://github.com/o/r")) == "https://github.com/o/r/blob/HEAD/a.yaml"


@pytest.mark.parametrize("file", ["/abs/a.yaml", "../a.yaml", "x/../../a.yaml", "C:\\a.yaml", ""])
def test_a_file_that_is_not_in_the_repository_leads_to_the_repository(file):
    assert declared_at(Source(file, 7, repo="https://github.com/o/r")) == "https://github.com/o/r"


@given(sources)
def test_any_source_gives_a_web_address_or_none(source):
    url = declared_at(source)
    assert url == "" or (url.startswith("https://") and url.isprintable() and " " not in url)

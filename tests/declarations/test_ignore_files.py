from __future__ import annotations

from pathlib import Path

import pytest

from setpoint.declarations.readers.load import LoadResult, load
from setpoint.model import ignore_patterns

BUCKET = """\
apiVersion: setpoint.dev/v1
kind: Declaration
metadata: {{name: //storage.googleapis.com/{name}}}
spec:
  assetType: storage.googleapis.com/Bucket
  data: {{location: EU}}
  ignore: [labels.touched]
"""
SCOPE = """\
apiVersion: setpoint.dev/v1
kind: Scope
metadata: {name: shop}
spec: {projects: [shop], assetTypes: [storage.googleapis.com/Bucket]}
"""


def ignored(tmp_path: Path, rules: str, name: str = "shop-orders", folder: str = "") -> dict[str, str]:
    """What is ignored of a bucket, by rule: path → line of the rule."""
    place = tmp_path / folder
    place.mkdir(exist_ok=True, parents=True)
    (place / "bucket.yaml").write_text(BUCKET.format(name=name))
    (tmp_path / ".setpointignore").write_text(rules)
    result = load([str(tmp_path)])
    assert result.problems == []
    (declaration_,) = (declaration for desired in result.desired for declaration in desired.declarations)
    assert set(declaration_.ignored_by) == set(declaration_.ignore) - {"labels.touched"}
    return {path: rule.partition(".setpointignore:")[2] for path, rule in declaration_.ignored_by.items()}


@pytest.mark.parametrize(
    "pattern",
    [
        "//storage.googleapis.com/shop-orders",
        "storage.googleapis.com/shop-*",
        "shop-orders",
        "shop-*",
        "*",
        "**/shop-orders",
        "storage.googleapis.com/Bucket",
        "storage.googleapis.com/",
        r"\shop-orders",
    ],
)
def test_a_pattern_means_resources_by_name_by_part_of_a_name_and_by_type(tmp_path, pattern):
    assert ignored(tmp_path, pattern) == {ignore_patterns.ALL: f"1: {pattern}"}


@pytest.mark.parametrize(
    "pattern", ["//storage.googleapis.com/shop", "orders", "storage.googleapis.com/Buck", "shop-*/"]
)
def test_a_pattern_does_not_mean_what_only_resembles_it(tmp_path, pattern):
    assert ignored(tmp_path, pattern) == {}


def test_fields_behind_a_pattern_are_left_alone_and_no_others(tmp_path):
    assert ignored(tmp_path, 'shop-*  lifecycle.rule[*].condition  labels["a b"]\n') == {
        "lifecycle.rule[*].condition": '1: shop-* lifecycle.rule[*].condition labels["a b"]',
        'labels["a b"]': '1: shop-* lifecycle.rule[*].condition labels["a b"]',
    }


def test_the_last_line_that_matches_counts(tmp_path):
    rules = "# scratch\n\n*\n!shop-orders\nshop-*  labels versioning\n!shop-orders labels\n"
    assert ignored(tmp_path, rules) == {"versioning": "5: shop-* labels versioning"}


def test_a_line_that_takes_a_resource_back_takes_back_its_fields_too(tmp_path):
    assert ignored(tmp_path, "shop-* labels\n!shop-orders\n") == {}


def test_a_file_speaks_of_its_directory_and_below_and_a_deeper_one_has_the_last_word(tmp_path):
    (tmp_path / "a/deep").mkdir(parents=True)
    (tmp_path / "ab").mkdir()
    (tmp_path / "a/.setpointignore").write_text("*\n")
    (tmp_path / "a/deep/.setpointignore").write_text("!shop-2\n")
    for folder, name in (("a", "shop-1"), ("a/deep", "shop-2"), ("ab", "shop-3"), (".", "shop-4")):
        (tmp_path / folder / "bucket.yaml").write_text(BUCKET.format(name=name))

    result = load([str(tmp_path)])

    named = {wanted.declarations[0].key.name[-6:]: wanted.declarations[0].ignored_by for wanted in result.desired}
    assert {name for name, rules in named.items() if rules} == {"shop-1"}


def test_a_file_that_is_given_by_name_is_spoken_of_by_the_ignore_file_beside_it(tmp_path, monkeypatch):
    (tmp_path / "bucket.yaml").write_text(BUCKET.format(name="shop-1"))
    (tmp_path / ".setpointignore").write_text("shop-1\n")
    monkeypatch.chdir(tmp_path)

    for path in ("bucket.yaml", str(tmp_path / "bucket.yaml")):
        (wanted,) = load([path]).desired
        assert ignore_patterns.ALL in wanted.declarations[0].ignore


def test_paths_are_told_from_the_root_and_still_found(tmp_path):
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/bucket.yaml").write_text(BUCKET.format(name="shop-1"))
    (tmp_path / "fleet/.setpointignore").write_text("shop-1\n")

    (wanted,) = load([str(tmp_path)], root=str(tmp_path)).desired

    assert wanted.declarations[0].ignored_by == {ignore_patterns.ALL: "fleet/.setpointignore:1: shop-1"}


def test_a_bad_line_is_reported_and_the_others_count(tmp_path):
    (tmp_path / "bucket.yaml").write_text(BUCKET.format(name="shop-1"))
    bad = ("shop-1 labels[", "[", "shop-1 location", "/", '"', "x\\", "tmp-[9-0]", 'a "b')
    (tmp_path / ".setpointignore").write_text("\n".join(bad))

    result = load([str(tmp_path)])

    assert [(problem.line, problem.message) for problem in result.problems] == [
        (1, "`labels[` is not a field path: see character 7"),
        (2, "`[` is not a pattern as in .gitignore"),
        (4, "`/` is not a pattern as in .gitignore"),
        (5, "a quotation mark has no partner"),
        (6, "`x\\` is not a pattern as in .gitignore"),
        (7, "`tmp-[9-0]` is not a pattern as in .gitignore"),
        (8, "a quotation mark has no partner"),
    ]
    assert result.desired[0].declarations[0].ignore == ("labels.touched", "location")


def test_a_file_that_is_not_text_is_reported(tmp_path):
    (tmp_path / "bucket.yaml").write_text(BUCKET.format(name="shop-1"))
    (tmp_path / ".setpointignore").write_bytes(b"\xff\xfe")

    assert [problem.message for problem in load([str(tmp_path)]).problems] == ["cannot be read: is not UTF-8"]


def digests(result: LoadResult) -> set[str]:
    return {wanted.digest for wanted in result.desired}


def test_a_rule_that_moves_to_another_line_changes_nothing_and_another_rule_does(tmp_path):
    (tmp_path / "bucket.yaml").write_text(BUCKET.format(name="shop-1"))
    seen = []
    for rules in ("shop-1 labels\n", "# why\nshop-* labels\n", "shop-1 location\n"):
        (tmp_path / ".setpointignore").write_text(rules)
        seen.append(digests(load([str(tmp_path)])))

    assert seen[0] == seen[1] != seen[2]


def test_a_scope_knows_which_resources_are_left_alone_although_nobody_declares_them(tmp_path):
    (tmp_path / "scope.yaml").write_text(SCOPE)
    (tmp_path / ".setpointignore").write_text("scratch-*\n!scratch-9\n* labels\n")

    (scope,) = load([str(tmp_path)]).scopes

    def by(name: str) -> str:
        pattern = ignore_patterns.matching_rule(
            scope.ignores, f"//storage.googleapis.com/{name}", "storage.googleapis.com/Bucket"
        )
        return pattern.partition(".setpointignore:")[2]

    assert (by("scratch-1"), by("scratch-9"), by("shop")) == ("1: scratch-*", "", "")

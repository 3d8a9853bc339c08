from __future__ import annotations

import pytest

from setpoint.model.references import Project, looks_like_path, same, same_project

OWN = Project("billing-prod", "123456789012")
FULL = "projects/billing-prod/global/networks/main"


@pytest.mark.parametrize(
    "spelling",
    [
        "https://www.googleapis.com/compute/v1/projects/billing-prod/global/networks/main",
        "https://compute.googleapis.com/compute/beta/projects/billing-prod/global/networks/main",
        "//compute.googleapis.com/projects/billing-prod/global/networks/main",
        "projects/123456789012/global/networks/main",
        "global/networks/main",
        "networks/main",
        "main",
        "/projects/billing-prod/global/networks/main",
        "v1/projects/billing-prod/global/networks/main",
    ],
)
def test_every_spelling_of_a_reference_names_the_same_resource(spelling: str) -> None:
    assert same(FULL, spelling, OWN)
    assert same(spelling, FULL, OWN)


@pytest.mark.parametrize(
    ("first", "other"),
    [
        (FULL, "projects/billing-prod/global/networks/other"),
        (FULL, "projects/other-project/global/networks/main"),
        (FULL, "projects/999999999999/global/networks/main"),
        (FULL, "projects/billing-prod/global/firewalls/main"),
        ("main", "projects/other-project/global/networks/main"),
        ("regions/europe-west1/subnetworks/a", "regions/europe-west4/subnetworks/a"),
        ("projects/p/zones/a-b/disks/x", "projects/p/zones/a-c/disks/x"),
        ("zones/a/projects/p/x", "projects/p/x"),
        ("x" + FULL, FULL),
        ("", "main"),
        ("main", "remain"),
    ],
)
def test_two_resources_of_one_type_never_become_equal(first: str, other: str) -> None:
    assert not same(first, other, OWN)
    assert not same(other, first, OWN)


def test_a_controllers_blind_global_is_passed_over() -> None:
    assert same("projects/billing-prod/global/regions/us-west3", "projects/billing-prod/regions/us-west3", OWN)
    assert not same("projects/billing-prod/global/regions/us-west3", "projects/billing-prod/regions/us-west4", OWN)


def test_the_id_and_the_number_of_the_own_project_are_one() -> None:
    assert same_project("billing-prod", "123456789012", OWN)
    assert not same_project("billing-prod", "999999999999", OWN)
    assert not same_project("other", "123456789012", OWN)
    assert not same_project("billing-prod", "billing-dev", OWN)


def test_an_unknown_number_may_be_any_foreign_project() -> None:
    assert same("projects/host-net/global/networks/shared", "projects/555555555555/global/networks/shared", OWN)
    assert not same("projects/host-net/global/networks/shared", "projects/555555555555/global/networks/other", OWN)


def test_a_name_and_a_generated_id_may_be_one_resource_only_where_that_is_said() -> None:
    loose = OWN._replace(ids_for_names=True)
    assert same("shared", "projects/billing-prod/global/networks/4369126990761302802", loose)
    assert same("regions/us-west3/addresses/5107501028755620910", "regions/us-west3/addresses/nat-1", loose)
    assert not same("networks/4369126990761302802", "networks/5107501028755620910", loose)
    assert not same("zones/us-west3-a/disks/boot", "zones/us-west3-b/disks/4369126990761302802", loose)
    assert not same("shared", "projects/billing-prod/global/networks/4369126990761302802", OWN)


def test_another_id_of_the_own_project_is_that_project_and_no_other() -> None:
    own = OWN._replace(alias="billing-old")
    assert same("projects/billing-old/topics/t", "projects/123456789012/topics/t", own)
    assert same("billing-old", "projects/billing-prod", own)
    assert not same("projects/billing-old/topics/t", "projects/other/topics/t", own)


def test_a_bucket_is_named_by_its_last_part() -> None:
    assert same("//storage.googleapis.com/exports", "exports", OWN)
    assert same("https://www.googleapis.com/storage/v1/b/exports", "b/exports", OWN)


@pytest.mark.parametrize("text", ["a/b", "/healthz", "one, two / three", "text/html", "10.0.0.0/8", "main"])
def test_a_string_with_a_slash_is_not_a_path_for_that(text: str) -> None:
    assert not looks_like_path(text)

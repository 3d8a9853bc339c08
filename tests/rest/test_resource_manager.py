"""What Cloud Resource Manager says of a project's number, against the fake of Google's APIs."""

from __future__ import annotations

import pytest

from setpoint.adapters.google.resource_manager import ResourceManager
from setpoint.errors import Unavailable
from setpoint_tools.testing.google_apis import Fault

PROJECT = "https://cloudresourcemanager.googleapis.com/v3/projects/111111111111"


@pytest.fixture
def directory(google_rest):
    return ResourceManager(lambda: google_rest)


def test_a_project_is_named_by_its_number(google_apis, directory):
    google_apis.put(PROJECT, {"name": "projects/111111111111", "projectId": "shop-prod", "state": "ACTIVE"})

    assert directory.project_id("111111111111") == "shop-prod"
    assert google_apis.requests == ["GET cloudresourcemanager.googleapis.com/v3/projects/111111111111"]


def test_a_project_that_is_not_there_has_no_id(directory):
    assert directory.project_id("222222222222") == ""


def test_a_project_that_the_caller_may_not_see_has_no_id(google_apis, directory):
    google_apis.fail(Fault(status=403), verb="GET", times=-1)
    assert directory.project_id("111111111111") == ""


def test_no_answer_is_no_id_and_is_told(google_apis, directory):
    google_apis.fail(Fault(status=503), verb="GET", times=-1)
    with pytest.raises(Unavailable):
        directory.project_id("111111111111")


def test_google_s_apis_are_opened_with_the_first_question(google_apis, google_rest, mocker):
    google_apis.put(PROJECT, {"projectId": "shop-prod"})
    opened = mocker.Mock(return_value=google_rest)
    directory = ResourceManager(opened)
    assert not opened.called

    directory.project_id("111111111111")
    directory.project_id("111111111111")

    assert opened.call_count == 1

"""Every code host before its fake, in this process, with what is the same of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import pytest
import requests

from setpoint.adapters.repositories import github, gitlab
from setpoint.adapters.repositories.rest import Rest
from setpoint.ports.repositories import Repository
from setpoint_tools.testing import github as fake_github
from setpoint_tools.testing import gitlab as fake_gitlab
from setpoint_tools.testing.code_hosts import CodeHost, in_process

FILES = {"fleet/a.yaml": "a: 1\n", "fleet/b.yaml": "b: 1\n", "README.md": "hello\n"}


class Place(NamedTuple):
    """A repository, and the fake behind it."""

    repository: Repository
    host: CodeHost


def github_place(
    files: Mapping[str, str] = FILES, session: requests.Session | None = None, api: str = "", token: str = ""
) -> Place:
    host = fake_github.new_github(files)
    return Place(github_repository(host, session, api, token), host)


def github_repository(
    host: CodeHost, session: requests.Session | None = None, api: str = "", token: str = ""
) -> Repository:
    rest = Rest(
        "fleet",
        api or "https://api.github.example.com",
        session or in_process(host),
        github.headers(lambda: token or fake_github.TOKEN),
        clock=lambda: 1000.0,
        seconds=5,
    )
    return github.GitHubRepository("fleet", "https://github.example.com/acme/fleet", "acme/fleet", rest)


def gitlab_place(files: Mapping[str, str] = FILES) -> Place:
    host = fake_gitlab.new_gitlab(files)
    headers = gitlab.headers(lambda: fake_gitlab.TOKEN)
    rest = Rest("fleet", "https://gitlab.example.com", in_process(host), headers, clock=lambda: 1000.0, seconds=5)
    url = "https://gitlab.example.com/acme/fleet"
    return Place(gitlab.GitLabRepository("fleet", url, "acme/fleet", rest), host)


PLACES: dict[str, Callable[..., Place]] = {"github": github_place, "gitlab": gitlab_place}


@pytest.fixture(params=PLACES)
def new_place(request) -> Callable[..., Place]:
    """Makes repositories at one code host."""
    return PLACES[request.param]


@pytest.fixture
def place(new_place) -> Place:
    return new_place()

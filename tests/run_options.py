"""The options of a run, as a plugin of pytest: how much of it, and with which random choices.

``pytest`` leaves tests marked ``long`` out. ``pytest --long`` runs these alone, and at full size those that are marked
``thorough`` or search with Hypothesis. ``pytest --seed N`` makes the random choices of an earlier run again.
"""

from __future__ import annotations

import gc
import os
import random
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import core, is_hypothesis_test, settings

import sizes

LONG_SECONDS = 1200
_SEED_IN_CI = 20261129
_SEED: pytest.StashKey[int] = pytest.StashKey()
_DESELECTED: pytest.StashKey[int] = pytest.StashKey()

# Nothing is timed, and a build machine tries the same examples in every run; elsewhere Hypothesis goes on searching.
settings.register_profile("default", deadline=None, max_examples=15)
settings.register_profile("long", deadline=None, max_examples=100)
settings.register_profile("ci", deadline=None, max_examples=15, derandomize=True)
settings.register_profile("ci-long", deadline=None, max_examples=100, derandomize=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("setpoint")
    group.addoption("--long", action="store_true", help="run the long tests, and the thorough ones at full size")
    group.addoption("--seed", type=int, help="make the random choices of the run that printed this seed")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before any test is imported: its sizes, and what Hypothesis does."""
    is_long = config.getoption("long")
    sizes.choose(full=is_long)
    profile = "ci" if os.environ.get("CI") else "default"
    settings.load_profile({"default": "long", "ci": "ci-long"}[profile] if is_long else profile)
    config.stash[_SEED] = seed = _seed(config)
    if config.getoption("hypothesis_seed", None) is None:
        core.global_force_seed = seed


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """The workers of ``-n auto``: tests wait for servers and processes about half of their time."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep neighbouring tests in one worker, which prepares for a module once; who is done first takes from others."""
    from xdist.scheduler import WorkStealingScheduling  # noqa: PLC0415 - only where pytest-xdist is in use

    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None


def _seed(config: pytest.Config) -> int:
    """What was asked for; in a worker of pytest-xdist what the run has; the same in each run of CI; otherwise new."""
    asked: int | None = config.getoption("seed")
    if asked is not None:
        return asked
    given: int | None = getattr(config, "workerinput", {}).get("setpoint_seed")
    if given is not None:
        return given
    return _SEED_IN_CI if os.environ.get("CI") else secrets.randbelow(2**32)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """A worker of pytest-xdist makes the choices of the run."""
    node.workerinput["setpoint_seed"] = node.config.stash[_SEED]


def pytest_report_header(config: pytest.Config) -> str:
    return f"random seed: {config.stash[_SEED]} (again: pytest --seed {config.stash[_SEED]})"


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """The seed of this run, for tests that generate what they try."""
    return pytestconfig.stash[_SEED]


@pytest.fixture(autouse=True)
def _seeded(request: pytest.FixtureRequest, seed: int) -> None:
    """The same choices for a test, whatever ran before it."""
    random.seed(f"{seed}/{request.node.nodeid}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A failure says how to see it again."""
    report = yield
    if report.failed:
        report.sections.append(("random seed", f"pytest --seed {item.config.stash[_SEED]} '{item.nodeid}'"))
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this run is not about; a long test may take its time, but not for ever."""
    wanted = _is_in_a_long_run if config.getoption("long") else _is_in_a_usual_run
    left_out = [item for item in items if not wanted(item)]
    items[:] = [item for item in items if wanted(item)]
    config.stash[_DESELECTED] = len(left_out)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
    for item in items:
        if config.getoption("long") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect no garbage while tests are collected: hardly any of it is garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """Leave the collected tests, which live until the end, out of each later garbage collection.

    What is left is collected more rarely than usual: that took an eighth of the processor time of a run.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _is_in_a_usual_run(item: pytest.Item) -> bool:
    return item.get_closest_marker("long") is None


def _is_in_a_long_run(item: pytest.Item) -> bool:
    marked = any(item.get_closest_marker(name) for name in ("long", "thorough"))
    return marked or is_hypothesis_test(getattr(item, "obj", None))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    left_out = config.stash.get(_DESELECTED, 0)
    if left_out and not config.getoption("long"):
        terminalreporter.write_line(f"{left_out} long tests are left out: pytest --long")
    if terminalreporter.stats.get("failed") or terminalreporter.stats.get("error"):
        terminalreporter.write_line(f"random seed: {config.stash[_SEED]} (again: pytest --seed {config.stash[_SEED]})")

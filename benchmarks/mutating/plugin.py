"""A pytest plugin that tells coverage which test is running: `-p benchmarks.mutating.plugin`.

The lines run by a shared fixture are recorded for the fixture, and each test lists the shared
fixtures that it uses. A quick measurement leaves out costly tests, those on a server, and child
processes.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import coverage
import pytest
from benchmarks.mutating.hook.sitecustomize import CONFIGURATION, CONTEXT

COSTLY = Path("tests", "costly.txt")
WITHOUT_TEST = ""
"""The context of code that runs outside any test."""
TESTS_FOLDER = "MUTATION_TESTS"
"""The environment variable with the folder for the output, a file for each process that runs tests:
the duration and fixtures of each test.
"""
QUICK = "MUTATION_QUICK"
"""The environment variable that is set for a quick measurement."""

_seconds: dict[str, float] = defaultdict(float)
_fixtures: dict[str, list[str]] = {}


@contextmanager
def measured_for(context: str) -> Iterator[None]:
    """Records the lines run within the context for a test or a fixture, including those of child
    processes.
    """
    measuring = coverage.Coverage.current()
    assert measuring is not None, "the tests must be started with the hook on PYTHONPATH"
    before = os.environ.get(CONTEXT, WITHOUT_TEST)
    os.environ[CONTEXT] = context
    measuring.switch_context(context)
    try:
        yield
    finally:
        os.environ[CONTEXT] = before
        measuring.switch_context(before)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the processes that tests start from being measured, if these are not wanted."""
    is_controller = config.getoption("numprocesses", None) and not hasattr(config, "workerinput")
    if QUICK in os.environ and not is_controller:
        os.environ.pop(CONFIGURATION, None)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if QUICK not in os.environ:
        return
    costly = set(COSTLY.read_text("utf-8").split())
    quick = [
        item
        for item in items
        if item.nodeid.partition("[")[0] not in costly and "postgresql" not in item.nodeid
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(quick)])
    items[:] = quick


def name_of(fixture: pytest.FixtureDef[Any]) -> str:
    return f"fixture {fixture.baseid}::{fixture.argname}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Function) -> Generator[None, object, object]:
    shared = [
        name_of(fixture)
        for fixtures in item._fixtureinfo.name2fixturedefs.values()
        for fixture in fixtures
        if fixture.scope != "function"
    ]
    _fixtures[item.nodeid] = shared
    with measured_for(item.nodeid):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    if fixturedef.scope == "function":
        return (yield)
    with measured_for(name_of(fixturedef)):
        return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] += report.duration


def pytest_sessionfinish() -> None:
    if measuring := coverage.Coverage.current():
        measuring.save()  # a worker of xdist may be killed when it has reported
    tests = {
        name: {"seconds": round(_seconds[name], 3), "fixtures": fixtures}
        for name, fixtures in _fixtures.items()
    }
    Path(os.environ[TESTS_FOLDER], f"tests-{os.getpid()}.json").write_text(
        json.dumps(tests), "utf-8"
    )

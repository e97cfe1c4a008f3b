"""A pytest plugin that tells coverage which test is running: `-p benchmarks.mutating.plugin`.

The lines run by a shared fixture are recorded for the fixture, and each test lists the shared
fixtures that it uses.
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

CONTEXT = "MUTATION_CONTEXT"
WITHOUT_TEST = ""
"""The context of code that runs outside any test."""
TESTS_FILE = "MUTATION_TESTS"
"""The environment variable with the name of the output file: the duration and fixtures of each
test.
"""

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
    tests = {
        name: {"seconds": round(_seconds[name], 3), "fixtures": fixtures}
        for name, fixtures in _fixtures.items()
    }
    Path(os.environ[TESTS_FILE]).write_text(json.dumps(tests), "utf-8")

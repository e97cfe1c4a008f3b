"""Options of the whole test run."""

from __future__ import annotations

import compileall
from pathlib import Path

import pytest

import kodit


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the golden files anew from what the code does now; review them as a diff",
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Hundreds of tests start the command; each start would compile all that it imports where the
    environment keeps Python from writing that down."""
    if not hasattr(session.config, "workerinput"):
        compileall.compile_dir(Path(kodit.__file__).parent, quiet=2)


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written rather than compared."""
    return bool(request.config.getoption("--update-golden"))

"""Options of the whole test run."""

from __future__ import annotations

import compileall
import gc
import logging
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from tests.support.child_server import let_pools_fork
from tests.support.descriptors import folders_left_open, open_folders
from tests.support.parameters import no_parameter_without_use
from tests.support.stores import STORES, USUAL, using_store

import kodit

COSTLY = Path(__file__).with_name("costly.txt")
"""The names of the tests that take longer than half a second of processor time."""
DAYS_OF_COSTLY = 4
"""Within how many days all of them run."""
DAYS_OF_EVERY_STORE = 2
"""The same for those that run on each kind of database."""
RUNS_ALL = os.environ.get("KODIT_TEST_ALL", "0") == "1"

NEEDED_MEMORY_BYTES = 2 * 1024**3
"""What the whole run leaves behind at most, with room to spare."""

# How long an example takes, or the making of it, says how busy the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the golden files anew from what the code does now; review them as a diff",
    )


def pytest_configure() -> None:
    """Put the folders of tests into memory where there is room.

    Their databases and clones sync as often as a user's do, and the disk of a shared machine is
    slow at that. ``TMPDIR`` and ``--basetemp`` take precedence."""
    memory = Path("/dev/shm")  # noqa: S108 - pytest makes a private folder in it
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK):
        return
    if shutil.disk_usage(memory).free >= NEEDED_MEMORY_BYTES:
        os.environ["TMPDIR"] = str(memory)
        tempfile.tempdir = None  # it may be known already


def pytest_report_header() -> str:
    which = "all" if RUNS_ALL else f"part {_part_of_today()} of {DAYS_OF_COSTLY} of the"
    return f"{which} costly tests; KODIT_TEST_ALL=1 runs all of them"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the tests that take longer than half a second, a quarter runs each day, so that all run
    within four days; of those that run on each kind of database, half. Those of a part that is
    named always run."""
    if RUNS_ALL or not _are_all(config):
        return
    costly = set(COSTLY.read_text("utf-8").split())
    today = datetime.now(UTC).toordinal()
    left_out = {
        item.nodeid
        for item in items
        if (zlib.crc32(item.nodeid.encode()) - today) % _days_between(item, costly)
    }
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid in left_out])
    items[:] = [item for item in items if item.nodeid not in left_out]


def _are_all(config: pytest.Config) -> bool:
    """Whether no part of the tests is named."""
    return [Path(argument).name for argument in config.args] == ["tests"]


def _days_between(item: pytest.Item, costly: set[str]) -> int:
    """How many days there are between two runs of a test."""
    runs_on_each = item.get_closest_marker("every_store") is not None
    is_costly = item.nodeid.partition("[")[0] in costly
    if not is_costly:
        return 1
    return DAYS_OF_EVERY_STORE if runs_on_each else DAYS_OF_COSTLY


def _part_of_today() -> int:
    return datetime.now(UTC).toordinal() % DAYS_OF_COSTLY + 1


def pytest_sessionstart(session: pytest.Session) -> None:
    """Hundreds of tests start the command; each start would compile all that it imports where the
    environment keeps Python from writing that down."""
    if not hasattr(session.config, "workerinput"):
        compileall.compile_dir(Path(kodit.__file__).parent, quiet=2)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Every process of tests imports all of them, and most of that time pytest rewrites their
    assertions. Each process begins with a part of its own and writes it down for the others."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", False)
        _import_own_part(session)
        collected = yield
    if hasattr(session.config, "workerinput"):
        gc.freeze()  # the tests and their modules stay: no collection need look at them
    return collected


def _import_own_part(session: pytest.Session) -> None:
    worker: dict[str, Any] = getattr(session.config, "workerinput", {})
    if not worker or not _are_all(session.config):
        return
    own, processes = int(worker["workerid"].removeprefix("gw")), worker["workercount"]
    for path in sorted(Path(__file__).parent.rglob("test_*.py"))[own::processes]:
        with suppress(Exception, pytest.skip.Exception):  # it is raised again, and reported, later
            _ = pytest.Module.from_parent(session, path=path).obj


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_whoever_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither read nor write the folder in which a user keeps settings and bindings."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("user")))
        yield


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Runs the tests of a module with that mark once for each kind of database."""
    if metafunc.definition.get_closest_marker("every_store") is not None:
        metafunc.parametrize("store", STORES, indirect=True)


@pytest.fixture(scope="session", autouse=True)
def _usual_store() -> Iterator[None]:
    with using_store(USUAL):
        yield


@pytest.fixture(autouse=True, scope="module")
def _children(request: pytest.FixtureRequest) -> Iterator[None]:
    """Pools fork their children, which saves the imports, unless the module needs real ones."""
    let_pools_fork(request.node.get_closest_marker("real_children") is None)
    yield
    let_pools_fork(False)


@pytest.fixture(scope="session")
def until_the_end() -> Iterator[ExitStack]:
    """Closes at the end of all tests what fixtures have made for all of them."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(autouse=True)
def store(request: pytest.FixtureRequest) -> Iterator[str]:
    """The kind of database that the test's applications and commands use."""
    if not hasattr(request, "param"):
        yield USUAL
        return
    with using_store(request.param):
        yield request.param


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """A command configures the logs of its process, which may be this one: they are restored."""
    root, ours = logging.getLogger(), logging.getLogger("kodit")
    handlers, level, propagates = root.handlers[:], ours.level, ours.propagate
    yield
    root.handlers[:] = handlers
    ours.setLevel(level)
    ours.propagate = propagates


@pytest.fixture(autouse=True)
def _no_folder_stays_open() -> Iterator[None]:
    """What reads folders opens a descriptor for each: one that is not closed is lost each time."""
    before = open_folders()
    yield
    assert folders_left_open(before) == set()


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written rather than compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session", autouse=True)
def parameters_are_used() -> Iterator[None]:
    with no_parameter_without_use():
        yield

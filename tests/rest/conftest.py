"""The shop as a folder, index 1, and the bank as a git repository, index 2, behind REST: one server
for all read-only tests, and one without a worker for tests that change something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.browsing.conftest import BANK, SHOP, write_files
from tests.support.rest import Rest
from tests.support.serving import ServingKodit
from tests.support.sources import commit_all

from kodit.domain.caller import Caller
from kodit.domain.policy import CallerPolicy


class Indexed(NamedTuple):
    """The REST application, and the places of its sources."""

    rest: Rest
    shop: Path
    bank: Path


class Idle(NamedTuple):
    """A REST application over a queue without workers, and a caller who may add sources below a
    folder."""

    rest: Rest
    root: Path
    caller: Caller


@pytest.fixture(scope="session")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Indexed]:
    """Not to be changed by a test."""
    root = tmp_path_factory.mktemp("rest")
    write_files(root / "shop", SHOP)
    write_files(root / "bank", BANK)
    commit_all(root / "bank")
    with ServingKodit(root / "data") as serving:
        for source in (root / "shop", (root / "bank").as_uri()):
            serving.index(source)
        rest = Rest(serving)
        yield Indexed(rest, root / "shop", root / "bank")
        rest.close()


@pytest.fixture
def rest(indexed: Indexed) -> Rest:
    return indexed.rest


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[Idle]:
    with _idle(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Idle]:
    """One for all tests of a module that change nothing; with index 1 and its run 1."""
    with _idle(tmp_path_factory.mktemp("unchanged")) as made:
        made.rest.post("indexes", made.caller, source=str(made.root / "one"))
        (made.root / "out").symlink_to("/etc")
        yield made


@contextmanager
def _idle(folder: Path) -> Iterator[Idle]:
    root = folder / "sources"
    for name in ("one", "two"):
        write_files(root / name, {"code.py": f"{name} = 1\n"})
    with ServingKodit(folder / "data", is_serving=False) as serving:
        rest = Rest(serving)
        yield Idle(rest, root, Caller(CallerPolicy(allowed_roots=(root,))))
        rest.close()

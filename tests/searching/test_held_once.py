"""What the connections of a process hold together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from tests.support.sources import write_file, write_tree

from kodit import Kodit
from kodit.composition import Application
from kodit.domain.value_objects import SearchFilter
from kodit.settings import Settings

READERS = 3


@pytest.mark.parametrize("is_shared", [False, True])
def test_all_connections_hold_the_unused_versions_once(tmp_path: Path, *, is_shared: bool) -> None:
    """Also if another index has some of the versions."""
    write_tree(tmp_path / "one", files=3)
    if is_shared:
        write_tree(tmp_path / "two", files=3)
    with Kodit(tmp_path / "data") as kodit:
        for folder in ("one", "two") if is_shared else ("one",):
            kodit.index(tmp_path / folder)
        for path in sorted((tmp_path / "one").rglob("*.py")):
            write_file(path, f"def of_{path.stem}():\n    return {path.stem!r}\n")
        kodit.index(tmp_path / "one")
    with Application(Settings.load({}, data_dir=tmp_path / "data")) as application:
        are_all_there = Barrier(READERS)

        def hidden(_reader: int) -> frozenset[int]:
            with application.database.read() as transaction:
                are_all_there.wait()
                return frozenset(transaction.search.resolve(SearchFilter((1,))).hidden_file_ids)

        with ThreadPoolExecutor(READERS) as threads:
            first, *others = threads.map(hidden, range(READERS))
    assert first
    assert all(one is first for one in others)

"""What the connections of a process hold together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any
from weakref import WeakValueDictionary

import pytest
from tests.support.sources import write_file, write_tree

from kodit import Kodit
from kodit.composition import Application
from kodit.domain.value_objects import SearchFilter
from kodit.infrastructure.sql import membership
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


def test_threads_that_read_the_same_at_the_same_time_hold_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also if each looks before the other one has noted its own."""
    looking = Barrier(READERS)

    class Slow(WeakValueDictionary[int, frozenset[int]]):
        def get(self, key: int, default: object = None) -> Any:
            found = super().get(key, default)
            with suppress(BrokenBarrierError):  # one alone waits for no other
                looking.wait(0.2)
            return found

    monkeypatch.setattr(membership, "_held", Slow())
    with ThreadPoolExecutor(READERS) as threads:
        first, *others = threads.map(
            membership.held_once, [frozenset([number]) for number in [2**40] * READERS]
        )
    assert all(one is first for one in others)

"""Notifications of the system about folders, and their limits."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import shutil
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest
from tests.freshness.conftest import watching
from tests.support.command import PATIENCE_SECONDS
from tests.support.sources import write_file

from kodit.domain.ports.watching import FolderChanges
from kodit.infrastructure.inotify import Inotify
from kodit.infrastructure.watching.folder_watch import FolderWatch
from kodit.infrastructure.watching.watched_tree import WatchedTree
from kodit.infrastructure.watching.watches import WATCHES_EACH, PolledWatch, Watch, open_watch


@pytest.mark.parametrize("is_told", [True, False])
def test_a_name_that_is_not_valid_text(folder: Path, *, is_told: bool) -> None:
    """It is skipped. A watch that fails at it loses notifications about other files, so that the
    folder is compared."""
    if is_told and not WATCHES_EACH:
        pytest.skip("this system does not tell")

    def ask(folders: list[str]) -> Watch:
        return PolledWatch(folders, with_what_is_below=False)

    async def look() -> tuple[set[int], FolderChanges]:
        watch = FolderWatch(folder.with_name("marks"), open_watch if is_told else ask)
        await watch.follow([watching(folder)])
        try:
            await asyncio.to_thread(Path(os.fsdecode(os.fsencode(folder) + b"/\xff.py")).touch)
        except OSError:
            pytest.skip("this file system has no such names")
        missed: set[int] = set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_told and not missed:
                await watch.changes(1.0)
                missed = watch.missed()
            await asyncio.to_thread(write_file, folder / "a.py", "other")
            while not (found := await watch.changes(1.0)):
                pass
        missed = missed or watch.missed()
        await watch.aclose()
        return missed, found[1]

    missed, found = asyncio.run(look())
    assert missed == (set() if is_told else {1})
    assert found.files.keys() == {"a.py"}


@pytest.mark.skipif(not WATCHES_EACH, reason="other systems do not say what they lose")
def test_more_events_than_the_system_keeps(folder: Path) -> None:
    """A scan finds what was lost, and later changes are reported."""
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())

    def touch_in_turn() -> None:
        for number in range(most + 10):
            os.utime(folder / ("a.py", "deep/b.py")[number % 2])
        write_file(folder / "new" / "c.py", "c")

    async def look() -> FolderChanges:
        watch = FolderWatch(folder.with_name("marks"))
        await watch.follow([watching(folder)])
        await asyncio.to_thread(touch_in_turn)
        found = FolderChanges()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not found.needs_scan:
                found = (await watch.changes(1.0)).get(1, FolderChanges())
            await asyncio.to_thread(write_file, folder / "new" / "d.py", "d")
            while "new/d.py" not in found.files:
                found = (await watch.changes(1.0)).get(1, FolderChanges())
            assert watch.missed() == set()
        await watch.aclose()
        return found

    assert asyncio.run(look()).files.keys() >= {"new/d.py"}


class Waits:
    """The longest wait for events, each time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds: list[float] = []
        self.began = threading.Event()
        wait = Inotify.wait

        def note_and_wait(inotify: Inotify, seconds: float) -> bool:
            self.seconds.append(seconds)
            self.began.set()
            return wait(inotify, seconds)

        monkeypatch.setattr(Inotify, "wait", note_and_wait)

    def clear(self) -> None:
        self.seconds.clear()
        self.began.clear()


@pytest.mark.skipif(not WATCHES_EACH, reason="other systems are asked again and again")
def test_nobody_looks_for_events_again_and_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sleeping watcher, here for an hour, is woken by events. A mark is returned at once, as an
    answer waits for it, and files when no more of them change."""
    waits = Waits(monkeypatch)

    async def look() -> list[FolderChanges]:
        watch = FolderWatch(folder.with_name("marks"))
        await watch.follow([watching(folder)])
        found = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            for step in (watch.mark, lambda: write_file(folder / "a.py", "other")):
                waits.clear()
                waiting = asyncio.create_task(watch.changes(3600))
                await asyncio.to_thread(waits.began.wait)
                await asyncio.to_thread(step)
                found.append((await waiting).get(1, FolderChanges()))
                assert all(seconds > 3000 for seconds in waits.seconds) is (step == watch.mark)
                while await watch.changes(0.1):
                    pass  # what else has happened to the file
        await watch.aclose()
        return found

    assert [set(one.files) for one in asyncio.run(look())] == [set(), {"a.py"}]


@pytest.mark.skipif(not WATCHES_EACH, reason="other systems are asked again and again")
def test_the_end_wakes_who_waits_for_events(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = Waits(monkeypatch)

    async def look() -> dict[int, FolderChanges]:
        watch = FolderWatch(folder.with_name("marks"))
        await watch.follow([watching(folder)])
        waiting = asyncio.create_task(watch.changes(3600))
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.to_thread(waits.began.wait)
            await watch.aclose()
            return await waiting

    assert asyncio.run(look()) == {}


def test_folders_below_one_that_is_gone(folder: Path) -> None:
    """Nothing in them is watched any more; a folder with a similar name stays."""
    write_file(folder / "deep" / "er" / "c.py", "c")
    write_file(folder / "deeper" / "d.py", "d")
    tree = WatchedTree(watching(folder))
    tree.look()
    assert tree.prefixes() == {"", "deep/", "deep/er/", "deeper/"}
    tree.is_outdated = False
    shutil.rmtree(folder / "deep")
    tree.note(f"{folder}/deep")
    assert tree.prefixes() == {"", "deeper/"}
    assert tree.is_outdated
    assert tree.take() == FolderChanges({}, True)
    assert tree.take() == FolderChanges({}, False)


def test_marks_that_are_told_out_of_order(tmp_path: Path) -> None:
    watch = FolderWatch(tmp_path / "marks")
    for number in (2, 10, 9):
        watch._note({f"{tmp_path}/marks/{number}"})
    assert watch.seen_mark() == 10
    assert [watch.mark(), watch.mark()] == [1, 2]
    assert list((tmp_path / "marks").iterdir()) == []
    (tmp_path / "marks").rmdir()
    assert watch.mark() == 3, "whoever waits for it gives up"
    (tmp_path / "marks").mkdir()
    asyncio.run(watch.aclose())
    assert not (tmp_path / "marks").exists()


def test_an_end_while_new_watches_are_set_up(folder: Path) -> None:
    """They are ended too, although the former ones have already been ended."""

    async def run() -> None:
        def ended_watch(folders: list[str]) -> Watch:
            made = open_watch(folders)
            watch._end()
            return made

        watch = FolderWatch(folder.with_name("marks"), ended_watch)
        await watch.follow([watching(folder)])
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert await watch.changes(10 * PATIENCE_SECONDS) == {}
        await watch.aclose()

    asyncio.run(run())


def test_no_descriptor_is_left_where_there_are_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int) -> NoReturn:
        raise OSError(errno.EMFILE, "too many open files")

    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - of descriptors
    monkeypatch.setattr(os, "eventfd", refuse)
    with pytest.raises(OSError, match="too many open files"):
        Inotify()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208 - likewise


@pytest.mark.skipif(not WATCHES_EACH, reason="other systems do not watch each folder")
@pytest.mark.parametrize(
    ("number", "told"),
    [(errno.ENOSPC, "no more folders can be watched"), (errno.ENOENT, "No such file or directory")],
)
def test_why_a_folder_cannot_be_watched(
    folder: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    """The usual message about the limit of watches is about a full disk."""

    def refuse(*_: object) -> int:
        ctypes.set_errno(number)
        return -1

    inotify = Inotify()
    monkeypatch.setattr(inotify, "_library", SimpleNamespace(inotify_add_watch=refuse))
    with pytest.raises(OSError, match=told) as refused:
        inotify.add(str(folder), 0)
    inotify.close()
    assert (refused.value.errno, refused.value.filename) == (number, str(folder))

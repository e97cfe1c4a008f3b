"""The reported changes of a watched folder."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.freshness.conftest import watching
from tests.support.command import PATIENCE_SECONDS
from tests.support.sources import commit_all, git, write_file

from kodit.domain.ports.watching import FolderChanges
from kodit.domain.source import FileStamp, KnownFile
from kodit.infrastructure.folder.scan import RACY_NS
from kodit.infrastructure.watching.folder_lister import stamp_of
from kodit.infrastructure.watching.folder_watch import FolderWatch
from kodit.infrastructure.watching.watches import (
    Watch,
    open_watch,
)


def changes_after(
    folder: Path,
    *steps: Callable[[], object],
    ends_with: str = "last.py",
    exclude: tuple[str, ...] = (),
) -> FolderChanges:
    """The reported changes of a folder while the steps are done one after another, up to the file
    that is written last."""

    async def look() -> FolderChanges:
        watch = FolderWatch(folder.with_name(f"{folder.name}.marks"))
        files: dict[str, FileStamp | None] = {}
        needs_scan = False
        try:
            await watch.follow([watching(folder, exclude=exclude)])
            for step in (*steps, lambda: write_file(folder / ends_with, "last")):
                await asyncio.to_thread(step)
                if step in steps:
                    found = (await watch.changes(0.1)).get(1, FolderChanges())
                    files |= found.files
                    needs_scan |= found.needs_scan
            async with asyncio.timeout(PATIENCE_SECONDS):
                while ends_with not in files:
                    found = (await watch.changes(1.0)).get(1, FolderChanges())
                    files |= found.files
                    needs_scan |= found.needs_scan
        finally:
            await watch.aclose()
        del files[ends_with]
        return FolderChanges(files, needs_scan)

    return asyncio.run(look())


def test_files_that_were_saved_added_moved_and_removed(folder: Path) -> None:
    found = changes_after(
        folder,
        lambda: write_file(folder / "a.py", "other"),
        lambda: write_file(folder / "deep" / "new.py", "new"),
        lambda: (folder / "deep" / "b.py").rename(folder / "c.py"),
        (folder / "deep" / "new.py").unlink,
    )

    assert found.files.keys() == {"a.py", "deep/new.py", "deep/b.py", "c.py"}
    gone = {path for path, stamp in found.files.items() if stamp is None}
    assert gone == {"deep/new.py", "deep/b.py"}
    stamp = found.files["c.py"]
    assert stamp is not None
    assert stamp.ctime_ns == (folder / "c.py").stat().st_ctime_ns


def test_left_out_files_are_not_reported(folder: Path) -> None:
    """By ignore files, by name, by the index's own globs, and as git's own data."""
    git(folder, "init")
    found = changes_after(
        folder,
        lambda: write_file(folder / "build" / "more.py", "more"),
        lambda: write_file(folder / "deep" / "trace.log", "more"),
        (folder / "deep" / "trace.log").unlink,
        lambda: write_file(folder / "node_modules" / "x" / "index.js", "x"),
        lambda: write_file(folder / ".env", "KEY=1"),
        lambda: write_file(folder / "docs" / "page.py", "page"),
        lambda: (folder / "deep" / "link.py").symlink_to("b.py"),
        lambda: git(folder, "add", "."),
        lambda: shutil.rmtree(folder / "build"),
        exclude=("docs/",),
    )

    assert set(found.files) <= {"build"}  # whatever it was; the index holds no such file
    assert not found.needs_scan


def test_globs_that_are_others_from_now_on(folder: Path) -> None:
    """The index and its folder are the same."""

    async def look() -> set[str]:
        watch = FolderWatch(folder.with_name("marks"))
        try:
            await watch.follow([watching(folder)])
            await watch.follow([watching(folder, exclude=("docs/",))])
            write_file(folder / "docs" / "page.py", "page")
            write_file(folder / "last.py", "last")
            found: set[str] = set()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while "last.py" not in found:
                    found |= (await watch.changes(1.0)).get(1, FolderChanges()).files.keys()
            return found
        finally:
            await watch.aclose()

    assert asyncio.run(look()) == {"last.py"}


def test_events_may_be_missed_while_watches_are_broken(folder: Path) -> None:
    """So the folder has to be compared."""

    class Broken:
        def paths(self, _seconds: float, _is_urgent: Callable[[str], bool]) -> set[str]:
            raise OSError("out of order")

        def stop(self) -> None:
            """Nobody waits for it."""

        def close(self) -> None:
            """There is nothing to close."""

    watches: list[Watch] = [Broken()]

    async def look() -> list[set[int]]:
        marks = folder.with_name("marks")
        watch = FolderWatch(marks, lambda folders: (watches or [open_watch(folders)]).pop())
        try:
            await watch.follow([watching(folder)])
            before = watch.missed()
            await watch.changes(0.01)
            return [before, watch.missed(), watch.missed()]
        finally:
            await watch.aclose()

    assert asyncio.run(look()) == [set(), {1}, set()]


def test_the_pauses_between_watches_that_tell_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is twice as long as the one before, up to a minute."""
    pauses: list[float] = []

    class Broken:
        def paths(self, _seconds: float, _is_urgent: Callable[[str], bool]) -> set[str]:
            raise RuntimeError("out of order")

        def stop(self) -> None:
            """Nobody waits for it."""

        def close(self) -> None:
            """There is nothing to close."""

    watch = FolderWatch(folder.with_name("marks"), lambda _folders: Broken())
    monkeypatch.setattr(watch._stop, "wait", pauses.append)
    watch._follow([watching(folder)])
    for _ in range(12):
        watch._changes(0.0)
    asyncio.run(watch.aclose())
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-2:] == [60.0, 60.0]


def test_folders_that_appear_with_all_that_is_in_them(folder: Path, tmp_path: Path) -> None:
    write_file(tmp_path / "other" / "far" / "d.py", "d")
    found = changes_after(
        folder,
        lambda: (tmp_path / "other").rename(folder / "moved"),
        lambda: write_file(folder / "x" / "y" / "z" / "e.py", "e"),
        lambda: write_file(folder / "x" / "y" / "z" / "f.py", "f"),
        lambda: write_file(folder / "moved" / "far" / "g.py", "g"),
    )

    assert found.files.keys() == {
        "moved/far/d.py",
        "x/y/z/e.py",
        "x/y/z/f.py",
        "moved/far/g.py",
    }


def test_folders_that_appear_while_watches_are_set_up(folder: Path) -> None:
    """Files that appear in a new folder before it is watched are found, too."""

    def late_watch(folders: list[str]) -> Watch:
        if str(folder / "x") in folders:
            write_file(folder / "x" / "y" / "late.py", "late")
        return open_watch(folders)

    async def look() -> FolderChanges:
        watch = FolderWatch(folder.with_name("marks"), late_watch)
        await watch.follow([watching(folder)])
        await asyncio.to_thread((folder / "x").mkdir)
        found = FolderChanges()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "x/y/late.py" not in found.files:
                found = (await watch.changes(1.0)).get(1, FolderChanges())
        await watch.aclose()
        return found

    assert asyncio.run(look()).files.keys() == {"x/y/late.py"}


def test_folders_that_are_removed_or_replaced(folder: Path) -> None:
    def replace() -> None:
        shutil.rmtree(folder / "deep")
        write_file(folder / "deep" / "b.py", "again")

    found = changes_after(
        folder, replace, lambda: write_file(folder / "deep" / "h.py", "h"), ends_with="deep/i.py"
    )

    assert found.files.keys() == {"deep/b.py", "deep/h.py"}
    assert found.needs_scan


def test_a_folder_that_another_one_takes_the_place_of(folder: Path) -> None:
    def replace() -> None:
        shutil.rmtree(folder)
        write_file(folder / "other.py", "other")

    found = changes_after(folder, replace, ends_with="deep/last.py")

    assert found.needs_scan or "other.py" in found.files


@pytest.mark.parametrize("name", [".gitignore", "deep/.noindex"])
def test_rules_that_change(folder: Path, name: str) -> None:
    """They apply from then on."""
    found = changes_after(
        folder,
        lambda: write_file(folder / name, "build/\nlater/\n"),
        lambda: write_file(folder / "deep" / "later" / "j.py", "j"),
        exclude=(".gitignore", ".noindex"),
    )

    assert not found.files
    assert found.needs_scan


def test_a_commit_and_rules_outside_the_folder(folder: Path) -> None:
    """Authors come from the history; ignore files above the folder count, too."""
    git(folder, "init")
    assert changes_after(folder / "deep", lambda: commit_all(folder)).needs_scan
    outside = changes_after(
        folder / "deep",
        lambda: write_file(folder / ".gitignore", "k.py\n"),
        lambda: write_file(folder / "deep" / "k.py", "k"),
    )

    assert not outside.files
    assert outside.needs_scan


def test_what_is_compared(folder: Path) -> None:
    """Files by their stamps; changes shortly before the scan, and later commits, need a scan."""
    later = time.time_ns() + 10 * RACY_NS
    commit_all(folder)
    paths = (".gitignore", "a.py", "deep/b.py")

    def known() -> dict[str, KnownFile]:
        stamps = {path: (folder / path).stat() for path in paths}
        return {path: KnownFile("", *stamp_of(one).stored) for path, one in stamps.items()}

    async def compare(known: dict[str, KnownFile], scanned_at: int) -> FolderChanges:
        watch = FolderWatch(folder.with_name("marks"))
        await watch.follow([watching(folder)])
        try:
            return await watch.compare(1, known, scanned_at)
        finally:
            await watch.aclose()

    before = known()
    assert not asyncio.run(compare(before, later))
    assert asyncio.run(compare(before, later - 10 * RACY_NS)) == FolderChanges({}, needs_scan=True)
    write_file(folder / "a.py", "longer than before")
    write_file(folder / "new.py", "new")
    (folder / "deep" / "b.py").unlink()
    found = asyncio.run(compare(before, later))
    assert found.files.keys() == {"a.py", "new.py", "deep/b.py"}
    assert not found.needs_scan
    os.utime(folder / ".git" / "logs" / "HEAD", ns=(later, later))
    assert asyncio.run(compare(before, later)).needs_scan


def test_changes_while_git_is_running(folder: Path) -> None:
    git(folder, "init")

    async def look() -> list[bool]:
        watch = FolderWatch(folder.with_name("marks"))
        await watch.follow([watching(folder)])
        seen = [watch.is_changing(1)]
        (folder / ".git" / "index.lock").touch()
        seen.append(watch.is_changing(1))
        os.utime(folder / ".git" / "index.lock", (1, 1))  # of a git that was killed
        seen.append(watch.is_changing(1))
        await watch.aclose()
        return seen

    assert asyncio.run(look()) == [False, True, False]


def test_a_file_whose_time_was_set_back(folder: Path) -> None:
    """A program has set its time back; the system's change time counts."""
    known = {}
    for path in (".gitignore", "a.py", "deep/b.py"):
        os.utime(folder / path, (1, 1))
        one = (folder / path).stat()
        known[path] = KnownFile("", *stamp_of(one).stored)

    async def compare() -> FolderChanges:
        watch = FolderWatch(folder.with_name("marks"))
        await watch.follow([watching(folder)])
        try:
            return await watch.compare(1, known, time.time_ns())
        finally:
            await watch.aclose()

    assert asyncio.run(compare()) == FolderChanges({}, needs_scan=True)


def test_a_folder_that_comes_back(folder: Path, tmp_path: Path) -> None:
    """Nothing is missed, because it is compared then."""

    async def look() -> tuple[set[int], FolderChanges]:
        watch = FolderWatch(folder.with_name("marks"))
        await watch.follow([watching(tmp_path / "later")])
        await asyncio.to_thread(folder.rename, tmp_path / "later")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (appeared := watch.missed()):
                await watch.changes(0.01)
        compared = await watch.compare(1, {}, 0)
        await watch.aclose()
        return appeared, compared

    appeared, compared = asyncio.run(look())
    assert appeared == {1}
    assert compared.files.keys() == {".gitignore", "a.py", "deep/b.py"}


def test_watches_that_run_out(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The largest folder goes unwatched, which is reported once; as soon as more watches are free,
    it is watched."""
    has_more = False
    write_file(tmp_path / "small" / "a.py", "a")

    def few_watches(folders: list[str]) -> Watch:
        if not has_more and str(folder / "deep") in folders:
            raise OSError("OS file watch limit reached")
        return open_watch(folders)

    async def look() -> tuple[Sequence[int], Sequence[int], dict[int, FolderChanges]]:
        nonlocal has_more
        watch = FolderWatch(tmp_path / "marks", few_watches)
        folders = [watching(folder), watching(tmp_path / "small", 2)]
        await watch.follow(folders)
        await watch.follow(folders)
        unwatched = watch.unwatched()
        write_file(folder / "a.py", "unseen")
        write_file(tmp_path / "small" / "a.py", "seen")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (found := await watch.changes(1.0)):
                pass
        has_more = True
        await watch.follow(folders)
        left = watch.unwatched()
        await watch.aclose()
        return unwatched, left, found

    with caplog.at_level(logging.WARNING):
        unwatched, left, found = asyncio.run(look())
    assert (list(unwatched), list(left)) == ([1], [])
    assert found.keys() == {2}
    assert len(caplog.records) == 1

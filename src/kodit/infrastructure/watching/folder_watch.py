"""Watching folders through file system events."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from kodit.domain.ports.watching import FolderChanges, WatchedFolder
from kodit.domain.source import KnownFile
from kodit.infrastructure.watching.watched_tree import WatchedTree
from kodit.infrastructure.watching.watches import (
    WATCHES_EACH,
    EventsLostError,
    OpenWatch,
    Watch,
    open_watch,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_EVENTS = 10_000
"""A larger batch of events may be incomplete: the system queues 16,384 by default."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 60.0
"""The longest pause after an error; it doubles with each error that follows soon."""
LAST_LOOK_SECONDS = 0.05
MOST_FINAL_WAITS = 20
"""How many times to wait for pending events of previous watches."""
MOST_ROUNDS = 5
"""How many times to look for folders that appeared while watches were set up."""


class FolderWatch:
    """Works in a thread of its own, so that no number of events delays the event loop.

    On Linux only the folders that a scan enters are watched, each by itself: events in left-out
    folders, such as those of a build, cost nothing and cannot displace relevant ones.
    """

    def __init__(self, marks: Path, open_watch: OpenWatch = open_watch) -> None:
        """`marks` is a private folder. A file created and deleted there marks a point in time: its
        events arrive after all earlier ones.
        """
        self._marks = marks
        marks.mkdir(exist_ok=True)
        self._last_mark = 0
        self._seen_mark = 0
        self._open_watch = open_watch
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kodit-watching")
        self._stop = threading.Event()
        self._watch: Watch | None = None
        self._trees: dict[int, WatchedTree] = {}
        self._unwatched: set[int] = set()
        self._missing: set[int] = set()
        self._watched: dict[int, frozenset[str]] = {}
        self._missed: set[int] = set()
        self._errors = 0
        self._failed_at = -math.inf
        self._has_told = False

    async def follow(self, folders: Sequence[WatchedFolder]) -> None:
        await self._call(lambda: self._follow(folders))

    async def compare(
        self, index_id: int, known: Mapping[str, KnownFile], last_scan_ns: int
    ) -> FolderChanges:
        def compare() -> FolderChanges:
            tree = self._trees[index_id]
            changes = tree.look(known, last_scan_ns)
            self._set_up_if_outdated()
            return changes

        return await self._call(compare)

    async def changes(self, seconds: float) -> dict[int, FolderChanges]:
        return await self._call(lambda: self._changes(seconds))

    def mark(self) -> int:
        self._last_mark += 1
        path = self._marks / str(self._last_mark)
        with suppress(OSError):  # a full disk: the waiter for the mark times out
            path.touch()
            path.unlink()
        return self._last_mark

    def seen_mark(self) -> int:
        return self._seen_mark

    def missed(self) -> set[int]:
        missed, self._missed = self._missed, set()
        return missed

    def unwatched(self) -> Sequence[int]:
        return tuple(self._unwatched)

    def is_changing(self, index_id: int) -> bool:
        return self._trees[index_id].is_changing()

    async def aclose(self) -> None:
        self._end()
        await asyncio.to_thread(self._thread.shutdown)
        if self._watch is not None:
            self._watch.close()
        with suppress(OSError):
            await asyncio.to_thread(self._marks.rmdir)

    async def _call(self, work: Callable[[], T]) -> T:
        future = asyncio.get_running_loop().run_in_executor(self._thread, work)
        return await asyncio.shield(future)

    def _end(self) -> None:
        self._stop.set()
        watch = self._watch  # the thread may replace it at this moment, and notices the end then
        if watch is not None:
            watch.stop()

    # In the thread

    def _follow(self, folders: Sequence[WatchedFolder]) -> None:
        trees = {}
        for folder in folders:
            tree = self._trees.get(folder.index_id)
            if tree is None or tree.folder != folder:
                tree = WatchedTree(folder)
                tree.look()
            trees[folder.index_id] = tree
        self._trees = trees
        self._set_up()

    def _changes(self, seconds: float) -> dict[int, FolderChanges]:
        self._look_for_missing()
        self._note(self._events(seconds))
        for tree in self._trees.values():
            tree.catch_up()
        self._set_up_if_outdated()
        taken = {index_id: tree.take() for index_id, tree in self._trees.items()}
        return {index_id: changes for index_id, changes in taken.items() if changes}

    def _events(self, seconds: float) -> set[str]:
        if self._watch is None:
            self._stop.wait(seconds)
            return set()
        try:
            paths = self._watch.paths(seconds, self._is_mark)
        except EventsLostError:
            self._look_at_everything()
            return set()
        except (OSError, RuntimeError) as error:
            self._replace_watches(error)
            return set()
        if len(paths) > MOST_EVENTS:
            self._look_at_everything()
        return paths

    def _look_at_everything(self) -> None:
        for tree in self._trees.values():
            tree.need_scan()
            tree.look()

    def _is_mark(self, path: str) -> bool:
        return path.startswith(f"{self._marks}/")

    def _replace_watches(self, error: Exception) -> None:
        """Replace watches that no longer report events."""
        log.warning("folder watches were recreated", extra={"error": str(error)})
        now = time.monotonic()
        self._errors = self._errors + 1 if now - self._failed_at < 2 * LONGEST_PAUSE_SECONDS else 0
        self._stop.wait(
            min(FIRST_PAUSE_SECONDS * 2 ** min(self._errors, 10), LONGEST_PAUSE_SECONDS)
        )
        self._failed_at = time.monotonic()
        former, self._watch = self._watch, None
        if former is not None:
            former.close()
        self._set_up()
        self._missed.update(self._trees)

    def _note(self, paths: Set[str]) -> None:
        for path in paths:
            if self._is_mark(path):
                self._seen_mark = max(self._seen_mark, int(path.rpartition("/")[2]))
            else:
                for tree in self._trees.values():
                    tree.note(path)

    def _look_for_missing(self) -> None:
        for index_id in sorted(self._missing & self._trees.keys()):
            if Path(self._trees[index_id].root).is_dir():
                self._trees[index_id].look()
                self._missed.add(index_id)

    def _set_up_if_outdated(self) -> None:
        if any(tree.is_outdated for tree in self._trees.values()):
            self._set_up()

    def _set_up(self) -> None:
        """Watch the folders that exist now; events seen by the previous watches are kept."""
        for _ in range(MOST_ROUNDS):
            for tree in self._trees.values():
                tree.is_outdated = False
            former, self._watched = (
                self._watched,
                {index_id: tree.prefixes() for index_id, tree in self._trees.items()},
            )
            self._replace_watch()
            for index_id, tree in self._trees.items():
                if index_id in former:
                    tree.recheck(self._watched[index_id] - former[index_id])
            if not any(tree.is_outdated for tree in self._trees.values()):
                break
        self._missing = {key for key, tree in self._trees.items() if not tree.is_there}

    def _replace_watch(self) -> None:
        former, self._watch = self._watch, self._open()
        if self._stop.is_set() and self._watch is not None:
            self._watch.stop()  # stopping may have reached only the previous watch
        if former is None:
            return
        last = self.mark()
        for _ in range(MOST_FINAL_WAITS):
            try:
                self._note(former.paths(LAST_LOOK_SECONDS, self._is_mark))
            except (EventsLostError, OSError, RuntimeError):
                self._missed.update(self._trees)
                break
            if self._seen_mark >= last:
                break
        former.close()

    def _open(self) -> Watch | None:
        """Watches on as many folders as the system allows, small ones first."""
        self._unwatched.clear()
        while True:
            watched = {
                index_id: list(tree.places(each=WATCHES_EACH))
                for index_id, tree in self._trees.items()
                if tree.is_there and index_id not in self._unwatched
            }
            places = {place for several in watched.values() for place in several}
            if not places:
                return None
            places.add(str(self._marks))
            try:
                return self._open_watch([place for place in sorted(places) if Path(place).is_dir()])
            except FileNotFoundError:  # one has gone since
                continue
            except (OSError, RuntimeError) as error:
                largest = max(watched, key=lambda index_id: len(watched[index_id]))
                self._unwatched.add(largest)
                self._tell(error)

    def _tell(self, error: Exception) -> None:
        if not self._has_told:
            self._has_told = True
            log.warning(
                "the system cannot watch more folders; some are polled instead. "
                "On Linux, raise fs.inotify.max_user_watches",
                extra={"error": str(error)},
            )

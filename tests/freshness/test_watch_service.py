"""Changes in an indexed folder are indexed automatically, and answers say what they lack."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from tests.support.command import wait_until
from tests.support.serving import ServingKodit
from tests.support.sources import commit_all, git, python_function, write_file

from kodit.application.services import watch_service
from kodit.application.services.known_changes import Pending
from kodit.application.services.watch_service import WatchService
from kodit.application.views.search import SearchView
from kodit.composition import Application
from kodit.composition.watching import make_watching
from kodit.domain.caller import LOCAL_CALLER
from kodit.domain.entities import IndexRun
from kodit.domain.questions import SearchQuestion, Where
from kodit.domain.value_objects import RunState, SearchMode
from kodit.infrastructure.watching.folder_watch import FolderWatch
from kodit.infrastructure.watching.watches import Watch


class WatchedKodit:
    """A folder that is indexed and watched, with a worker."""

    def __init__(self, kodit: ServingKodit, source: Path) -> None:
        self.kodit = kodit
        self.source = source

    def save(self, path: str, name: str) -> None:
        """A file with one function."""
        write_file(self.source / path, python_function(name, ["cart", "price", "tax"]))

    def ask(self, name: str, wait: float = 0.0) -> SearchView:
        question = SearchQuestion(name, mode=SearchMode.KEYWORD, wait=wait)
        return self.kodit.call(
            lambda application: application.answers.search(LOCAL_CALLER, question)
        )

    def finds(self, name: str, wait: float = 0.0) -> bool:
        results = self.ask(name, wait).results
        return any(f"def {name}(" in result.text for result in results)

    def runs(self) -> list[IndexRun]:
        """Newest first."""
        return self.kodit.call(lambda application: application.queue.list_runs())

    def changed_files(self) -> int:
        return self.ask("anything").standing[0].changed_files

    def has_asked_for(self, index_id: int, path: str) -> bool:
        """Whether a run is requested that takes in a change of this file."""
        pending = self.kodit.application.known_changes.pending.get(index_id)
        return pending is not None and pending.is_requested and path in pending.files

    def rest(self) -> None:
        """Wait until all changes are indexed."""
        wait_until(lambda: not self.kodit.application.known_changes.pending)

    @contextmanager
    def watching(
        self, make: Callable[[Application], WatchService] = make_watching
    ) -> Iterator[None]:
        """Watch inside the block."""

        async def begin(application: Application) -> asyncio.Task[None]:
            return asyncio.create_task(make(application).run())

        async def end(_application: Application) -> None:
            task.cancel()
            await asyncio.wait({task})

        task = self.kodit.call(begin)
        try:
            wait_until(lambda: bool(self.kodit.application.known_changes.watched) or task.done())
            yield
        finally:
            self.kodit.call(end)
            assert task.cancelled(), task


@pytest.fixture(scope="module")
def unwatched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedKodit]:
    source = tmp_path_factory.mktemp("watched") / "source"
    with ServingKodit(tmp_path_factory.mktemp("data") / "data") as kodit:
        scene = WatchedKodit(kodit, source)
        write_file(source / ".gitignore", "build/\n")
        scene.save("first.py", "first_of_all")
        git(source, "init")
        assert kodit.index(source).state is RunState.SUCCEEDED
        yield scene


@pytest.fixture
def watched(unwatched: WatchedKodit) -> Iterator[WatchedKodit]:
    with unwatched.watching():
        unwatched.rest()
        yield unwatched


@contextmanager
def paused(kodit: ServingKodit) -> Iterator[None]:
    """Nothing is claimed inside the block."""
    kodit.call(lambda application: application.queue.pause())
    try:
        yield
    finally:
        kodit.call(lambda application: application.queue.resume())


def test_a_saved_file_is_found(watched: WatchedKodit) -> None:
    """By a run in the background, which overtakes no user's request."""
    watched.save("saved.py", "just_saved")
    wait_until(lambda: watched.finds("just_saved"))
    watched.rest()

    assert not watched.runs()[0].is_user_initiated
    assert watched.changed_files() == 0


def test_an_answer_waits_for_what_has_just_changed(watched: WatchedKodit) -> None:
    """The awaited run gets the priority of a user's request."""
    watched.save("waited.py", "waited_for")

    assert watched.finds("waited_for", wait=60.0)
    assert watched.runs()[0].is_user_initiated


def test_an_answer_that_cannot_wait_says_what_it_lacks(watched: WatchedKodit) -> None:
    with paused(watched.kodit):
        watched.save("late.py", "come_late")
        watched.save("later.py", "come_later")
        wait_until(lambda: watched.changed_files() == 2)

        assert not watched.finds("come_late", wait=0.1)
        assert watched.ask("come_late", wait=0.1).standing[0].changed_files == 2
    wait_until(lambda: watched.finds("come_later"))
    watched.rest()
    assert watched.changed_files() == 0


def test_no_answer_waits_for_a_run_without_a_worker(
    watched: WatchedKodit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that no worker starts, or that has failed. Once one succeeds, answers wait again."""
    monkeypatch.setattr(watch_service, "LONGEST_START_SECONDS", 0.0)
    changes = watched.kodit.application.known_changes
    with paused(watched.kodit):
        watched.save("stuck.py", "stuck_here")
        assert watched.kodit.call(lambda _application: changes.settle((), 3600.0))
        [pending] = changes.pending.values()
        assert pending.is_stuck
        [run] = watched.runs()[:1]
        watched.kodit.call(lambda application: application.queue.cancel(run.id))
    monkeypatch.undo()
    assert watched.kodit.call(lambda _application: changes.settle((), 3600.0))
    assert not watched.finds("stuck_here")
    watched.kodit.call(lambda application: application.queue.retry(run.id))
    watched.rest()
    assert watched.finds("stuck_here")


@pytest.mark.parametrize(
    ("files", "first_at", "last_at", "is_over"),
    [
        (1, 99.9, 99.9, False),
        (1, 99.7, 99.7, True),
        (20, 98.6, 99.9, False),
        (20, 98.4, 99.9, True),
        (21, 70.1, 99.9, False),
        (21, 69.9, 99.9, True),
        (21, 70.1, 99.7, True),
    ],
)
def test_when_changes_are_over(files: int, first_at: float, last_at: float, is_over: bool) -> None:
    """At 100 seconds: after a quiet moment, or else after a while, which is longer in a storm."""
    changed = dict.fromkeys(map(str, range(files)), 0)
    assert Pending(first_at, last_at, changed).is_over(100.0) == is_over


def test_a_storm_is_one_run(watched: WatchedKodit) -> None:
    """In new folders, too."""
    before = watched.runs()[0].id
    for number in range(300):
        write_file(watched.source / f"storm_{number % 7}" / f"part_{number}.txt", f"{number}\n")
    wait_until(lambda: watched.runs()[0].id > before)
    watched.rest()

    assert watched.runs()[0].id == before + 1
    assert watched.kodit.status()[0].files >= 300


def test_what_is_left_out_starts_no_run(watched: WatchedKodit) -> None:
    """Neither builds and git's own data, nor files that are created and removed."""
    before = watched.runs()[0].id
    write_file(watched.source / "build" / "made.py", "x = 1\n")
    git(watched.source, "add", ".")
    write_file(watched.source / "4913", "")
    (watched.source / "4913").unlink()
    shutil.rmtree(watched.source / "build")
    watched.ask("anything", wait=60.0)  # until all of that is known
    watched.rest()

    assert watched.runs()[0].id == before


def test_changes_during_a_run_are_one_follow_up(tmp_path: Path) -> None:
    """However often they happen."""
    with ServingKodit(tmp_path / "data", is_serving=False) as kodit:
        scene = WatchedKodit(kodit, tmp_path / "source")
        scene.save("first.py", "first_one")
        index_id = kodit.queue(scene.source).index_id
        assert index_id is not None
        task = kodit.call(lambda application: application.queue.claim("ada"))
        assert task is not None
        with scene.watching():
            for path in ("one.py", "two.py", "three.py"):
                scene.save(path, f"saved_in_{path[:-3]}")
                wait_until(partial(scene.has_asked_for, index_id, path))
            assert len(scene.runs()) == 2
            kodit.call(lambda application: application.queue.release(task.claim))
            kodit.serve()
            scene.rest()

            assert scene.finds("saved_in_three")
            assert len(scene.runs()) == 2


def test_a_running_git_is_waited_for(watched: WatchedKodit) -> None:
    """A checkout takes longer than the quiet period; its lock tells when it is over."""
    before = watched.runs()[0].id
    lock = watched.source / ".git" / "index.lock"
    lock.touch()
    watched.save("checked.py", "checked_out")
    wait_until(lambda: watched.changed_files() == 1)
    pending = watched.kodit.application.known_changes.pending[1]
    wait_until(lambda: asyncio_time(watched) > pending.last_at + 1.0)
    assert watched.runs()[0].id == before
    lock.unlink()

    wait_until(lambda: watched.finds("checked_out"))


def asyncio_time(watched: WatchedKodit) -> float:
    async def now(_application: Application) -> float:
        return asyncio.get_running_loop().time()

    return watched.kodit.call(now)


def test_what_happened_while_nobody_watched(unwatched: WatchedKodit) -> None:
    """It is indexed as soon as the folder is watched again."""
    unwatched.save("absent.py", "while_absent")
    with unwatched.watching():
        wait_until(lambda: unwatched.finds("while_absent"))
        unwatched.rest()
    (unwatched.source / "absent.py").unlink()
    with unwatched.watching():
        wait_until(lambda: not unwatched.finds("while_absent"))
        unwatched.rest()


def test_a_commit_is_known_of_files(watched: WatchedKodit) -> None:
    """It changes no file, but the authors."""
    question = SearchQuestion("first_of_all", where=Where(authors=("ada",)))

    def is_found() -> bool:
        view = watched.kodit.call(lambda app: app.answers.search(LOCAL_CALLER, question))
        return bool(view.results)

    assert not is_found()
    commit_all(watched.source)
    wait_until(is_found)


def test_folders_that_the_system_does_not_watch(unwatched: WatchedKodit) -> None:
    """They are compared from time to time."""

    def no_watch(_folders: list[str]) -> Watch:
        raise OSError("OS file watch limit reached")

    def make(application: Application) -> WatchService:
        return WatchService(
            database=application.database,
            queue=application.queue,
            watcher=FolderWatch(application.data_dir / "marks", no_watch),
            changes=application.known_changes,
            compare_seconds=0.01,
        )

    with unwatched.watching(make):
        unwatched.rest()
        unwatched.save("compared.py", "found_by_comparing")
        wait_until(lambda: unwatched.finds("found_by_comparing"))


def test_nothing_to_catch_up_with(unwatched: WatchedKodit) -> None:
    before = unwatched.runs()[0].id
    with unwatched.watching():
        unwatched.rest()
        assert unwatched.runs()[0].id - before <= 1  # a file saved just before the last scan


def test_folders_that_come_and_go(watched: WatchedKodit, tmp_path: Path) -> None:
    """They are watched from their first scan until they are deleted."""
    second = WatchedKodit(watched.kodit, tmp_path / "second")
    second.save("one.py", "second_one")
    run = watched.kodit.index(second.source)
    second.save("two.py", "second_two")
    wait_until(lambda: second.finds("second_two"))
    second.rest()
    index_id = run.index_id
    assert index_id is not None
    changes = watched.kodit.application.known_changes
    assert changes.is_watched(index_id)

    watched.kodit.call(lambda application: application.indexes.delete(index_id))
    wait_until(lambda: not changes.is_watched(index_id))

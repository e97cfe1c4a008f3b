"""Until an engine has the new snippets of a changed file, it answers from the old ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.faults import EMBED_TEXT, Faults, FaultyApplication
from tests.support.serving import ServingKodit
from tests.support.snapshot import read_rows
from tests.support.sources import python_function, write_file, write_tree

from kodit.domain.entities import IndexRun
from kodit.domain.errors import PermanentError
from kodit.domain.value_objects import SearchMode, TaskType

pytestmark = pytest.mark.every_store

WORDS = "quartz spindle marrow".split()
ENGINES = ("keyword", "code", "text")
OLD, NEW, NOTHING = {"former"}, {"present"}, set[str]()


def everywhere(symbols: set[str]) -> dict[str, set[str]]:
    """The same from every engine."""
    return dict.fromkeys(ENGINES, symbols)


class Changed:
    """An indexed folder in which `changing.py` defines `former`, then `present`; `leaving.py` is
    gone, and `arriving.py` new."""

    def __init__(self, folder: Path, serving: ServingKodit) -> None:
        self.folder = folder
        self.serving = serving
        assert isinstance(serving.application, FaultyApplication)
        self.faults: Faults = serving.application.faults
        write_tree(folder, files=10)
        write_file(folder / "changing.py", python_function("former", WORDS))
        write_file(folder / "leaving.py", python_function("leaving", WORDS))
        serving.index(folder)
        write_file(folder / "changing.py", python_function("present", WORDS))
        write_file(folder / "arriving.py", python_function("arriving", WORDS))
        (folder / "leaving.py").unlink()

    def stop_at(self, *stages: TaskType | str, after: int = 0) -> IndexRun:
        """Index until these stages fail, after this many batches, and no others."""
        for stage in (*TaskType, EMBED_TEXT):
            self.faults.repair(stage)
        for stage in stages:
            self.faults.fail(stage, lambda: PermanentError("out of order"), after=after)
        return self.serving.index(self.folder)

    def symbols(self, mode: str, path: str = "changing.py") -> set[str]:
        """The names that an engine finds in a file."""
        return {
            found.symbol or ""
            for found in self.serving.search("former present leaving arriving quartz spindle", mode)
            if found.path == path
        }

    def answers(self) -> dict[str, set[str]]:
        """What each engine finds in the changed file."""
        return {engine: self.symbols(engine) for engine in ENGINES}

    def check_deleted_and_hybrid(self) -> None:
        """A deleted file has disappeared everywhere; hybrid finds the newest version that an engine
        has, and never two versions of one file.
        """
        for mode in SearchMode:
            assert self.symbols(mode, "leaving.py") == NOTHING
        assert self.symbols("hybrid") == (NEW if NEW in self.answers().values() else OLD)


@pytest.fixture
def changed(tmp_path: Path) -> Iterator[Changed]:
    with ServingKodit(tmp_path / "data", FaultyApplication) as serving:
        yield Changed(tmp_path / "source", serving)


def test_each_engine_moves_to_the_new_snippets_with_its_own_stage(changed: Changed) -> None:
    """Stage by stage, the engines switch one after the other; a deleted file disappears at once,
    with SYNC.
    """
    changed.stop_at(TaskType.EXTRACT)
    assert changed.answers() == everywhere(OLD)
    changed.check_deleted_and_hybrid()

    changed.stop_at(TaskType.BM25_INDEX, TaskType.CODE_EMBEDDINGS)
    assert changed.answers() == everywhere(OLD)
    changed.check_deleted_and_hybrid()

    changed.stop_at(TaskType.CODE_EMBEDDINGS)
    assert changed.answers() == {"keyword": NEW, "code": OLD, "text": OLD}
    changed.check_deleted_and_hybrid()

    changed.stop_at(TaskType.ENRICH)
    assert changed.answers() == {"keyword": NEW, "code": NEW, "text": OLD}
    changed.check_deleted_and_hybrid()

    changed.stop_at(EMBED_TEXT)
    assert changed.answers() == {"keyword": NEW, "code": NEW, "text": OLD}
    changed.check_deleted_and_hybrid()

    changed.stop_at()
    assert changed.answers() == everywhere(NEW)
    changed.check_deleted_and_hybrid()
    assert changed.symbols("hybrid", "arriving.py") == {"arriving"}
    dead = "SELECT state, count(*) FROM snippets WHERE state <> 'live' GROUP BY state"
    assert read_rows(changed.serving.data_dir, dead) == []


def test_a_file_that_changes_again_before_an_engine_has_its_change(changed: Changed) -> None:
    """It answers from the snippets it has, and never from a version that it did not get
    completely.
    """
    changed.stop_at(TaskType.BM25_INDEX, TaskType.CODE_EMBEDDINGS)
    write_file(changed.folder / "changing.py", python_function("latest", WORDS))

    changed.stop_at(TaskType.BM25_INDEX, TaskType.CODE_EMBEDDINGS)
    assert changed.answers() == everywhere(OLD)

    changed.stop_at(TaskType.CODE_EMBEDDINGS)
    assert changed.answers() == {"keyword": {"latest"}, "code": OLD, "text": OLD}

    changed.stop_at()
    assert changed.answers() == everywhere({"latest"})


def test_a_change_that_is_reverted_between_two_stages(changed: Changed) -> None:
    """Engines that had switched switch back at once, as the former content is still there; the
    others never had.
    """
    changed.stop_at(TaskType.CODE_EMBEDDINGS)
    assert changed.symbols("keyword") == NEW
    write_file(changed.folder / "changing.py", python_function("former", WORDS))

    changed.stop_at(TaskType.BM25_INDEX, TaskType.CODE_EMBEDDINGS)
    assert changed.answers() == everywhere(OLD)

    changed.stop_at()
    assert changed.answers() == everywhere(OLD)
    dead = "SELECT state, count(*) FROM snippets WHERE state <> 'live' GROUP BY state"
    assert read_rows(changed.serving.data_dir, dead) == []


def test_a_file_that_became_empty_and_one_that_came_back(changed: Changed) -> None:
    """An emptied file answers no longer, as engines have nothing to do for it; a restored file is
    found again.
    """
    write_file(changed.folder / "changing.py", "")
    write_file(changed.folder / "leaving.py", python_function("returned", WORDS))

    changed.stop_at(TaskType.BM25_INDEX, TaskType.CODE_EMBEDDINGS)
    assert changed.answers() == everywhere(NOTHING)

    changed.stop_at()
    assert changed.answers() == everywhere(NOTHING)
    assert {mode: changed.symbols(mode, "leaving.py") for mode in ENGINES} == everywhere(
        {"returned"}
    )


def test_a_file_deleted_while_its_change_is_blocked(changed: Changed) -> None:
    """Neither its old nor its new snippets are found any more."""
    changed.stop_at(TaskType.CODE_EMBEDDINGS)
    (changed.folder / "changing.py").unlink()

    changed.stop_at(TaskType.EXTRACT)
    assert changed.answers() == everywhere(NOTHING)

    changed.stop_at()
    assert changed.answers() == everywhere(NOTHING)


@pytest.mark.parametrize("stage", [TaskType.CODE_EMBEDDINGS, EMBED_TEXT], ids=str)
def test_a_file_of_which_an_engine_has_only_a_part(changed: Changed, stage: TaskType | str) -> None:
    """A file of more than one batch, interrupted between two: the engine answers only from the old
    snippets, even if the file changes again then.
    """
    many = [python_function(f"many_{number}", WORDS) for number in range(300)]
    write_file(changed.folder / "changing.py", "\n\n".join(many))
    engine = "code" if stage is TaskType.CODE_EMBEDDINGS else "text"

    changed.stop_at(stage, after=1)
    assert changed.symbols(engine) == OLD

    write_file(changed.folder / "changing.py", python_function("latest", WORDS))
    changed.stop_at(stage)
    assert changed.symbols(engine) == OLD

    changed.stop_at()
    assert changed.answers() == everywhere({"latest"})

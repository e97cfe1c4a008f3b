"""A failing stage blocks those after it, loses nothing, and is resumed where it was."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.faults import EMBED_TEXT, MOST_FAILURES, FaultyApplication
from tests.support.files import of_files
from tests.support.serving import ServingKodit, failed_task, states, work_of
from tests.support.snapshot import read_rows, take_snapshot
from tests.support.sources import python_function, write_file, write_tree

from kodit import Kodit
from kodit.domain.entities import Index, IndexRun
from kodit.domain.errors import PermanentError, TransientError
from kodit.domain.value_objects import AttemptOutcome, RunState, TaskType

WORDS = "quartz spindle marrow".split()
DONE, FAILED, BLOCKED = "succeeded", "failed", "blocked"

AFTER_FAILURE_OF = {
    TaskType.SYNC: [FAILED, BLOCKED, BLOCKED, BLOCKED, BLOCKED],
    TaskType.EXTRACT: [DONE, FAILED, BLOCKED, BLOCKED, BLOCKED],
    TaskType.BM25_INDEX: [DONE, DONE, FAILED, DONE, BLOCKED],
    TaskType.CODE_EMBEDDINGS: [DONE, DONE, DONE, FAILED, BLOCKED],
    TaskType.ENRICH: [DONE, DONE, DONE, DONE, FAILED],
}


class Setting:
    """An indexed folder that has then changed: a file was added, changed and deleted."""

    def __init__(self, folder: Path, serving: ServingKodit) -> None:
        self.folder = folder
        self.serving = serving
        assert isinstance(serving.application, FaultyApplication)
        self.faults = serving.application.faults
        write_tree(folder, files=20)
        write_file(folder / "changing.py", python_function("former", WORDS))
        write_file(folder / "leaving.py", python_function("leaving", WORDS))
        serving.index(folder)
        self.completed_at = self.index.updated_at
        assert self.completed_at is not None
        write_file(folder / "changing.py", python_function("present", WORDS))
        write_file(folder / "arriving.py", python_function("arriving", WORDS))
        (folder / "leaving.py").unlink()

    @property
    def index(self) -> Index:
        (status,) = self.serving.status()
        return status.summary.index

    def attempts(self, run: IndexRun, stage: TaskType) -> list[AttemptOutcome | None]:
        """How the attempts of a stage ended."""
        _, attempts = self.serving.call(lambda application: application.queue.describe(run.id))
        (task,) = [task for task in run.tasks if task.type is stage]
        return [attempt.outcome for attempt in attempts.get(task.id, [])]

    def is_held_up(self, run: IndexRun, stage: TaskType, outcomes: list[AttemptOutcome]) -> None:
        """Assert that a stage has failed, and that nothing is reported as complete."""
        assert states(run) == AFTER_FAILURE_OF[stage]
        assert run.state is RunState.FAILED
        assert "out of order" in (failed_task(run).error or "")
        assert self.attempts(run, stage) == outcomes
        assert self.index.updated_at == self.completed_at
        if stage is not TaskType.SYNC:
            unclean = of_files("SELECT path, status FROM FILES WHERE status <> 'clean'")
            assert read_rows(self.serving.data_dir, unclean) == [
                ("arriving.py", "added"),
                ("changing.py", "modified"),
                ("leaving.py", "deleted"),
            ]
        for mode in ("hybrid", "keyword", "code", "text"):
            assert any(found.path == "changing.py" for found in self.serving.search("quartz", mode))

    def is_as_fresh(self) -> bool:
        """Whether the index equals a fresh one of the folder."""
        fresh = self.serving.data_dir.with_name("fresh")
        with Kodit(fresh) as kodit:
            kodit.index(self.folder)
        return take_snapshot(self.serving.data_dir) == take_snapshot(fresh)


@pytest.fixture
def setting(tmp_path: Path) -> Iterator[Setting]:
    with ServingKodit(tmp_path / "data", FaultyApplication) as serving:
        yield Setting(tmp_path / "source", serving)


@pytest.mark.parametrize("stage", list(TaskType), ids=lambda stage: stage.name)
def test_a_failing_stage_blocks_those_after_it_and_is_resumed(
    setting: Setting, stage: TaskType
) -> None:
    """Later stages stay blocked, nothing is reported complete, searches answer; a retry does only
    the rest. A transient error is retried first.
    """
    setting.faults.fail(stage, lambda: PermanentError("out of order"))
    run = setting.serving.index(setting.folder)
    outcomes = [AttemptOutcome.FAILED]
    setting.is_held_up(run, stage, outcomes)

    setting.faults.fail(stage, lambda: TransientError("out of order"))
    run = setting.serving.retry(run.id)
    outcomes += [AttemptOutcome.RETRIED] * (MOST_FAILURES - 1) + [AttemptOutcome.FAILED]
    setting.is_held_up(run, stage, outcomes)

    setting.faults.repair(stage)
    retried = setting.serving.retry(run.id)

    assert retried.id == run.id
    assert states(retried) == [DONE] * 5
    for other in TaskType:
        if AFTER_FAILURE_OF[stage][other - 1] == DONE:
            assert setting.attempts(retried, other) == [AttemptOutcome.SUCCEEDED]
    assert setting.attempts(retried, stage) == [*outcomes, AttemptOutcome.SUCCEEDED]
    assert setting.index.updated_at != setting.completed_at
    assert setting.is_as_fresh()


def test_a_transient_error_is_retried(setting: Setting) -> None:
    """Each stage fails once, is retried, and the run succeeds."""
    for stage in (*TaskType, EMBED_TEXT):
        setting.faults.fail(stage, lambda: TransientError("out of order"), times=1)

    run = setting.serving.index(setting.folder)

    assert states(run) == [DONE] * 5
    assert [len(setting.attempts(run, stage)) for stage in TaskType] == [2, 2, 2, 2, 3]
    assert setting.is_as_fresh()


def test_enrichments_survive_a_failure_to_embed_them(setting: Setting) -> None:
    """They may have cost money: the retry embeds them without generating them again."""
    setting.faults.fail(EMBED_TEXT, lambda: PermanentError("out of order"))
    run = setting.serving.index(setting.folder)
    assert states(run) == AFTER_FAILURE_OF[TaskType.ENRICH]
    assert setting.serving.work()["snippets_enriched"] > 0

    setting.faults.repair(EMBED_TEXT)
    setting.serving.retry(run.id)

    assert "snippets_enriched" not in setting.serving.work()
    assert setting.is_as_fresh()


@pytest.mark.parametrize("way", ["retry", "new run"])
def test_a_failing_extract_loses_no_file(setting: Setting, way: str) -> None:
    """Files extracted before the failure are kept, and the next run extracts the rest."""
    write_tree(setting.folder / "more", files=100, seed=2)
    setting.serving.work()
    setting.faults.fail(TaskType.EXTRACT, lambda: PermanentError("out of order"), after=1)
    run = setting.serving.index(setting.folder)
    assert states(run) == AFTER_FAILURE_OF[TaskType.EXTRACT]
    parsed = setting.serving.work()["files_parsed"]

    setting.faults.repair(TaskType.EXTRACT)
    if way == "retry":
        setting.serving.retry(run.id)
    else:
        setting.serving.index(setting.folder)

    assert 0 < parsed < 102
    assert setting.serving.work()["files_parsed"] == 102 - parsed
    assert setting.is_as_fresh()
    assert states(setting.serving.index(setting.folder))[1:] == ["skipped"] * 4


def test_a_failing_keyword_stage_keeps_what_it_has_committed(setting: Setting) -> None:
    """It works in batches too: those before the failure are kept and counted, and the retry does
    the rest.
    """
    functions = "\n\n".join(python_function(f"many_{number}", WORDS) for number in range(30))
    for number in range(150):
        write_file(setting.folder / "many" / f"module_{number}.py", functions)
    setting.faults.fail(TaskType.BM25_INDEX, lambda: PermanentError("out of order"), after=1)
    run = setting.serving.index(setting.folder)
    assert states(run) == AFTER_FAILURE_OF[TaskType.BM25_INDEX]
    committed = failed_task(run).work["keywords_indexed"]

    setting.faults.repair(TaskType.BM25_INDEX)
    run = setting.serving.retry(run.id)

    assert 0 < committed <= 4096
    assert work_of(run)["keywords_indexed"] == work_of(run)["snippets_written"]
    assert setting.is_as_fresh()


def test_a_file_that_comes_and_goes_between_failures(setting: Setting) -> None:
    """A deleted file whose removal was blocked, and that was restored and deleted again, is
    gone.
    """
    setting.faults.fail(TaskType.BM25_INDEX, lambda: PermanentError("out of order"))
    setting.serving.index(setting.folder)
    write_file(setting.folder / "leaving.py", python_function("leaving", WORDS))
    setting.faults.fail(TaskType.EXTRACT, lambda: PermanentError("out of order"))
    setting.serving.index(setting.folder)
    (setting.folder / "leaving.py").unlink()
    setting.faults.repair(TaskType.BM25_INDEX)
    setting.faults.repair(TaskType.EXTRACT)

    run = setting.serving.index(setting.folder)

    assert states(run) == [DONE] * 5, failed_task(run).error
    assert setting.is_as_fresh()

"""After an index is deleted nothing that only it used remains, and the source is untouched."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from tests.support.command import KoditCommand, finish, wait_until
from tests.support.crash import read_states
from tests.support.faults import DROP, EMBED_TEXT, Faults, FaultyApplication
from tests.support.serving import ServingKodit
from tests.support.snapshot import QUERIES, execute, read_rows, take_snapshot
from tests.support.sources import commit_all, listing, python_function, write_file, write_tree
from tests.support.stores import address_of

from kodit import Kodit
from kodit.application.services import index_removal
from kodit.composition import Application
from kodit.domain.entities import IndexRun
from kodit.domain.errors import TransientError
from kodit.domain.value_objects import Hit, QueuePriority, Scope, TaskType
from kodit.infrastructure.sqlalchemy.entities import METADATA
from kodit.infrastructure.vectors.pack_builder import refresh_pack
from kodit.settings import Settings

pytestmark = pytest.mark.every_store

WORDS = "quartz spindle marrow".split()
ROWS_PER_REMOVAL = 20
"""So few that every table of a small index is removed in several steps."""


class FaultyServing(ServingKodit):
    """Serving with faults."""

    @property
    def faults(self) -> Faults:
        assert isinstance(self.application, FaultyApplication)
        return self.application.faults


def keyword_search(serving: ServingKodit, terms: list[str], scope: Scope, limit: int) -> list[Hit]:
    """The content of the keyword index, whatever the database says."""
    return serving.application.engines.keyword_index.reader().search(terms, scope, limit)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[FaultyServing]:
    with FaultyServing(tmp_path / "data", FaultyApplication) as serving:
        yield serving


@pytest.fixture(params=["folder", "git"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A small source of either kind."""
    folder = tmp_path / "source"
    write_tree(folder, files=12)
    if request.param == "folder":
        return str(folder)
    commit_all(folder)
    return folder.as_uri()


def tables(data_dir: Path) -> list[str]:
    """The tables with any rows, except the record of deletions."""
    names = sorted(METADATA.tables.keys() - {"deleted_folders", "nodes", "workers"})
    return [name for name in names if read_rows(data_dir, f"SELECT 1 FROM {name}")]  # noqa: S608


def files_below(data_dir: Path, *folders: str) -> list[str]:
    """Files in the folders of the data directory, without locks."""
    return [
        str(path.relative_to(data_dir))
        for folder in folders
        for path in (data_dir / folder).rglob("*")
        if path.suffix != ".lock"
    ]


def is_clean(serving: ServingKodit, index_id: int) -> bool:
    """Whether nothing is left of the only index."""
    scope = Scope(frozenset({index_id}))
    assert tables(serving.data_dir) == []
    assert files_below(serving.data_dir, "clones", "credentials", "vectors") == []
    assert keyword_search(serving, ["lantern", "whisper"], scope, 1000) == []
    return True


def test_a_deleted_index_leaves_nothing_and_its_twin_intact(
    serving: FaultyServing, source: str, tmp_path: Path
) -> None:
    """Every table looks as if only the twin, a folder with the same content, had ever been indexed;
    the source has not changed by a byte or a second.
    """
    twin = tmp_path / "twin"
    shutil.copytree(tmp_path / "source", twin)
    write_file(tmp_path / "source" / "own.py", python_function("own", WORDS))
    if source.startswith("file:"):
        commit_all(tmp_path / "source")
    before = listing(tmp_path / "source")
    index_id = serving.index(source).index_id
    serving.index(twin)
    assert index_id is not None
    assert keyword_search(serving, ["spindl"], Scope(frozenset({index_id})), 1000)

    serving.call(lambda application: application.indexes.delete(index_id))

    with Kodit(tmp_path / "fresh") as fresh:
        fresh.index(twin)
    assert take_snapshot(serving.data_dir) == take_snapshot(tmp_path / "fresh")
    for count in ("files", "versions", "snippets", "embeddings", "enrichments", "vectors"):
        query = f"SELECT count(*) FROM {count}"  # noqa: S608
        assert read_rows(serving.data_dir, query) == read_rows(tmp_path / "fresh", query), count
    # What the twin has of the deleted one stays where it is, and only that.
    assert read_rows(serving.data_dir, "SELECT id FROM indexes WHERE deleted_at = 0") == [(2,)]
    for other in ("index_runs", "tasks", "pending_snippets", "keyword_changes"):
        query = f"SELECT count(*) FROM {other} WHERE index_id = {index_id}"  # noqa: S608
        assert read_rows(serving.data_dir, query) == [(0,)], other
    orphans = "SELECT count(*) FROM task_attempts WHERE task_id NOT IN (SELECT id FROM tasks)"
    assert read_rows(serving.data_dir, orphans) == [(0,)]
    assert files_below(serving.data_dir, "clones", "credentials", "vectors") == []
    scope = Scope(frozenset({index_id}))
    held = {hit.snippet_id for hit in keyword_search(serving, ["spindl", "lantern"], scope, 1000)}
    assert held <= {one for (one,) in read_rows(serving.data_dir, "SELECT id FROM snippets")}
    assert not any(one.path == "own.py" for one in serving.search("own"))
    assert all(serving.search(query) for query in QUERIES[:2])
    assert listing(tmp_path / "source") == before


@pytest.mark.parametrize("moment", ["git SYNC", *(stage.name for stage in TaskType), EMBED_TEXT])
def test_deleting_in_the_middle_of_a_stage(
    serving: FaultyServing, moment: str, tmp_path: Path
) -> None:
    """Another process deletes the index while a stage is running: the run ends, and the later
    writes of the stage are gone too.
    """
    write_tree(tmp_path / "source", files=12)
    source = str(tmp_path / "source")
    if moment.startswith("git"):
        commit_all(tmp_path / "source")
        source = (tmp_path / "source").as_uri()
    before = listing(tmp_path / "source")

    def delete() -> None:
        serving.faults.hooks.clear()
        with Kodit(serving.data_dir) as other:
            other.delete(source)

    serving.faults.hooks[moment.rpartition(" ")[2]] = delete
    run = serving.queue(source)

    wait_until(lambda: serving.wait_for_end(run.id) is None)  # it is cancelled before it is gone
    assert serving.faults.hooks == {}
    write_tree(tmp_path / "next", files=2)
    next_id = serving.index(tmp_path / "next").index_id
    assert next_id is not None
    serving.call(lambda application: application.indexes.delete(next_id))
    assert run.index_id is not None
    assert is_clean(serving, run.index_id)
    assert listing(tmp_path / "source") == before


def test_an_interrupted_deletion_is_finished_at_the_next_start(
    serving: FaultyServing, source: str, tmp_path: Path
) -> None:
    """The index is hidden at once, and removed when a worker runs again."""
    index_id = serving.index(source).index_id
    assert index_id is not None
    serving.faults.fail(DROP, lambda: TransientError("out of order"))
    with pytest.raises(TransientError):
        serving.call(lambda application: application.indexes.delete(index_id))
    assert serving.status() == []
    assert serving.search("lantern") == []

    write_tree(tmp_path / "next", files=2)
    with Kodit(serving.data_dir) as other:
        other.index(tmp_path / "next")
        other.delete(tmp_path / "next")

    assert is_clean(serving, index_id)


@pytest.mark.parametrize("stage", ["CODE_EMBEDDINGS", "ENRICH"])
def test_a_cache_entry_that_is_deleted_while_it_is_used(
    serving: FaultyServing, stage: str, tmp_path: Path
) -> None:
    """A batch relies on vectors and enrichments of an index that is deleted before the batch is
    stored: they are computed again.
    """
    for name in ("first", "second"):
        write_tree(tmp_path / name, files=6)
    serving.index(tmp_path / "first")
    # Something that is not in the cache, so that the models are asked.
    write_file(tmp_path / "second" / "own.py", python_function("own", WORDS))

    def delete() -> None:
        serving.faults.hooks.clear()
        with Kodit(serving.data_dir) as other:
            other.delete(tmp_path / "first")

    serving.faults.hooks[stage] = delete
    run = serving.index(tmp_path / "second")

    assert run.state == "succeeded", run
    assert serving.faults.hooks == {}
    with Kodit(tmp_path / "fresh") as fresh:
        fresh.index(tmp_path / "second")
    assert take_snapshot(serving.data_dir) == take_snapshot(tmp_path / "fresh")


def test_deleting_while_another_process_indexes(kodit: KoditCommand, tmp_path: Path) -> None:
    """`kodit index` says so in one sentence and fails; nothing is left."""
    write_tree(tmp_path / "source", files=300)
    before = listing(tmp_path / "source")
    process = kodit.start("index", tmp_path / "source")
    wait_until(lambda: read_states(kodit.data_dir).get("EXTRACT") in ("running", "succeeded"))
    with Kodit(kodit.data_dir) as other:
        other.delete(tmp_path / "source")
    outcome = finish(process)

    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.said[-1] == f"{tmp_path}/source was deleted while it was being indexed."
    assert tables(kodit.data_dir) == []
    assert files_below(kodit.data_dir, "clones", "credentials", "vectors") == []
    assert listing(tmp_path / "source") == before


def test_vectors_that_are_packed_too_late(kodit: KoditCommand, tmp_path: Path) -> None:
    """A worker that has not noticed that the index is being deleted leaves no pack behind."""
    write_tree(tmp_path / "source", files=500)
    with Kodit(kodit.data_dir) as api:
        api.index(tmp_path / "source")
    (pack,) = kodit.data_dir.glob("vectors/1-code.pack")
    pack.unlink()
    ((model,),) = read_rows(kodit.data_dir, "SELECT DISTINCT model FROM vectors")
    arguments = (address_of(kodit.data_dir), str(pack.parent), 1, "code", model)

    def ignore(*_: object) -> None:
        """Ignores reports."""

    assert refresh_pack(*arguments, report=ignore)
    assert pack.exists()
    pack.unlink()
    execute(kodit.data_dir, "UPDATE indexes SET deleted_at = 1")

    refresh_pack(*arguments, report=ignore)

    assert not pack.exists()


def test_much_is_deleted_in_short_transactions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has a limited number of rows, whatever the size of the index; and the deletion can be
    interrupted and continued after any of them.
    """
    monkeypatch.setattr(index_removal, "ROWS_PER_REMOVAL", ROWS_PER_REMOVAL)
    with Kodit(tmp_path / "data") as kodit:
        write_tree(tmp_path / "source", files=12)
        (status,) = kodit.index(tmp_path / "source")
    with Application(Settings.load({}, data_dir=tmp_path / "data")) as application:
        with application.database.write() as transaction:
            for _ in range(2 * ROWS_PER_REMOVAL // len(TaskType)):
                run = IndexRun.create(status.id, QueuePriority.BACKGROUND, application.clock.now())
                run.cancel(application.clock.now())
                transaction.tasks.add_run(run)
            transaction.indexes.mark_deleted(status.id, application.clock.now())
        left = [rows_in_all(tmp_path / "data")]

        async def finish_in_pieces() -> None:
            while await application.indexes.continue_deletions():
                left.append(rows_in_all(tmp_path / "data"))

        asyncio.run(finish_in_pieces())
    assert tables(tmp_path / "data") == []
    assert left[0] > 2 * ROWS_PER_REMOVAL
    assert max(before - after for before, after in pairwise(left)) <= ROWS_PER_REMOVAL


def rows_in_all(data_dir: Path) -> int:
    """The number of rows in all tables together."""
    counts = [
        read_rows(data_dir, f"SELECT count(*) FROM {name}")  # noqa: S608 - a table of ours
        for name in tables(data_dir)
    ]
    return sum(count for ((count,),) in counts)

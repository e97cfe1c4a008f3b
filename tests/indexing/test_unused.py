"""Unused embeddings and enrichments are kept for a while, and then removed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.faults import Faults, FaultyApplication
from tests.support.serving import ServingKodit, states
from tests.support.snapshot import execute, read_rows
from tests.support.sources import python_function, write_file
from tests.support.stores import DATABASES

from kodit.application.services.cache_service import CacheService
from kodit.domain.batches import MOST_PER_TRANSACTION
from kodit.domain.ports.database import Database
from kodit.domain.retention import UnusedRetention
from kodit.domain.value_objects import TaskType
from kodit.infrastructure.memory.clock import ManualClock
from kodit.settings import Settings

pytestmark = pytest.mark.every_store

WORDS = ["quartz", "spindle", "velvet", "walnut"]
DAY = 24 * 3600
MOST_PIECES = 50
CACHES = ("embeddings", "enrichments")
COUNTS = """
SELECT count(*), count(unused_since), sum(CASE WHEN unused_since > 0 THEN 1 ELSE 0 END) FROM {}
"""
UNMARKED = """
SELECT id FROM embeddings WHERE (unused_since IS NULL) <> (id IN (SELECT embedding_id FROM vectors))
UNION ALL
SELECT id FROM enrichments
WHERE (unused_since IS NULL) <> (id IN (SELECT enrichment_id FROM snippets))
"""


class TimedApplication(FaultyApplication):
    """The composition root with a manual clock. Contents that no file has any more are removed at
    once, so that what was made from them is unused.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.clock = ManualClock()

    @property
    def retention(self) -> UnusedRetention:
        return UnusedRetention(timedelta(0))


class Kept:
    """An indexed folder of two files, of which one changes."""

    def __init__(self, folder: Path, serving: ServingKodit) -> None:
        self.folder = folder
        self.serving = serving
        self.data_dir = serving.data_dir
        write_file(folder / "staying.py", python_function("staying", WORDS))
        self.write("former")
        self.index()

    @property
    def faults(self) -> Faults:
        assert isinstance(self.serving.application, TimedApplication)
        return self.serving.application.faults

    def write(self, name: str) -> None:
        write_file(self.folder / "changing.py", python_function(name, WORDS))

    def index(self) -> dict[str, int]:
        """Refresh the index; returns the work of parsers and models."""
        self.serving.work()
        assert "failed" not in states(self.serving.index(self.folder))
        assert read_rows(self.data_dir, UNMARKED) == []
        return dict(self.serving.work())

    def pass_by(self, seconds: float) -> None:
        clock = self.serving.application.clock
        assert isinstance(clock, ManualClock)
        clock.advance(seconds)

    def tidy(self, **retention: Any) -> int:
        """Remove unused rows, step by step; returns the number of steps."""
        application = self.serving.application
        service = CacheService(
            database=application.database,
            clock=application.clock,
            retention=UnusedRetention(**retention),
        )
        pieces = 0
        while self.serving.call(lambda _application: service.remove_some_unused()):
            pieces += 1
            assert pieces < MOST_PIECES, "there is no end to it"
        assert read_rows(self.data_dir, UNMARKED) == []
        return pieces

    def counts(self) -> list[tuple[int, ...]]:
        """The numbers of embeddings and enrichments: all, the unused, and the dated ones of
        those.
        """
        return [
            tuple(int(count or 0) for count in read_rows(self.data_dir, COUNTS.format(cache))[0])
            for cache in CACHES
        ]


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    with ServingKodit(tmp_path / "data", TimedApplication) as serving:
        yield Kept(tmp_path / "source", serving)


def test_a_revert_within_the_time_is_free_and_one_after_it_is_not(kept: Kept) -> None:
    """A result that is used again is not removed, however long it was unused."""
    assert kept.counts() == [(4, 0, 0), (2, 0, 0)]
    kept.write("present")
    kept.index()
    assert kept.counts() == [(6, 2, 0), (3, 1, 0)]
    assert kept.tidy() == 1, "its time begins"
    assert kept.counts() == [(6, 2, 2), (3, 1, 1)]

    kept.pass_by(7 * DAY - 1)
    assert kept.tidy() == 0
    kept.write("former")
    assert kept.index() == {"files_parsed": 1}
    assert kept.counts() == [(6, 2, 0), (3, 1, 0)]
    kept.tidy()
    kept.pass_by(7 * DAY)
    kept.tidy()
    assert kept.counts() == [(4, 0, 0), (2, 0, 0)]
    assert {found.path for found in kept.serving.search("quartz", "code")} == {
        "staying.py",
        "changing.py",
    }
    kept.write("present")
    assert kept.index() == {"files_parsed": 1, "texts_embedded": 2, "snippets_enriched": 1}


def test_what_is_kept_is_bounded_in_bytes(kept: Kept) -> None:
    """The oldest are removed first, and no more than necessary."""
    for name in ("second", "third", "fourth"):
        kept.write(name)
        kept.index()
        kept.tidy()
        kept.pass_by(DAY)
    unused = "SELECT unused_since, unused_bytes FROM {} WHERE unused_since IS NOT NULL"
    rows = sorted(row for cache in CACHES for row in read_rows(kept.data_dir, unused.format(cache)))
    assert len(rows) == 9
    sizes = [row[1] for row in rows]
    assert all(sizes)

    assert kept.tidy(most_bytes=sum(sizes)) == 0
    kept.tidy(most_bytes=sum(sizes) - 1)
    left = [row for cache in CACHES for row in read_rows(kept.data_dir, unused.format(cache))]
    assert len(left) == 8
    oldest = min(row[0] for row in rows)
    assert sum(row[0] == oldest for row in left) == 2

    kept.tidy(most_bytes=sum(row[1] for row in rows if row[0] != oldest))
    left = [row for cache in CACHES for row in read_rows(kept.data_dir, unused.format(cache))]
    assert sorted(left) == [row for row in rows if row[0] != oldest]
    kept.tidy(age=timedelta(days=100), most_bytes=1)
    assert kept.counts() == [(4, 0, 0), (2, 0, 0)]


def test_another_index_uses_it_and_a_deleted_one_leaves_it(kept: Kept, tmp_path: Path) -> None:
    """The last user counts; results made by a deleted index are removed with it, and those of
    another that it used are kept for their time.
    """
    fork = tmp_path / "fork"
    for name in ("changing.py", "staying.py"):
        write_file(fork / name, (kept.folder / name).read_bytes())
    assert dict(kept.serving.work()) == {}
    kept.serving.index(fork)
    assert kept.serving.work() == {}
    kept.write("present")
    kept.index()
    assert kept.counts() == [(6, 0, 0), (3, 0, 0)], "the fork still uses what was"

    kept.serving.call(lambda application: application.indexes.delete(2))
    assert read_rows(kept.data_dir, UNMARKED) == []
    assert kept.counts() == [(6, 2, 0), (3, 1, 0)]
    kept.serving.call(lambda application: application.indexes.delete(1))
    assert kept.counts() == [(0, 0, 0), (0, 0, 0)]


@pytest.mark.parametrize(
    ("stage", "embedded", "enriched"),
    [(TaskType.CODE_EMBEDDINGS, 1 + 2 + 2, 2), (TaskType.ENRICH, 1 + 2, 1 + 2)],
)
def test_a_result_removed_during_a_batch_is_computed_again(
    kept: Kept, stage: TaskType, embedded: int, enriched: int
) -> None:
    """Between the cache lookup and the commit."""
    kept.write("present")
    kept.index()
    kept.tidy()
    gone: list[Database] = []

    def remove() -> None:
        if not gone:
            gone.append(kept.serving.application.database)
            with gone[0].write() as transaction:
                while transaction.unused.remove(None, 10**9).rows:
                    pass

    # One that is known, and one that is not: only then is a model asked between the two.
    kept.write("former")
    write_file(kept.folder / "arriving.py", python_function("arriving", WORDS))
    kept.faults.hooks[stage.name] = remove

    done = kept.index()

    assert gone
    assert (done["texts_embedded"], done["snippets_enriched"]) == (embedded, enriched)
    assert kept.counts() == [(8, 2, 0), (4, 1, 0)]
    assert {found.symbol for found in kept.serving.search("quartz", "code")} == {
        "staying",
        "former",
        "arriving",
    }


def test_a_wrong_mark_removes_nothing_that_is_used(kept: Kept) -> None:
    """A removal checks again."""
    execute(kept.data_dir, "UPDATE embeddings SET unused_since = 1, unused_bytes = 1")
    execute(kept.data_dir, "UPDATE enrichments SET unused_since = 1, unused_bytes = 1")
    kept.tidy()
    assert kept.counts() == [(4, 0, 0), (2, 0, 0)]


MANY = """
INSERT INTO enrichments (index_id, key, text, unused_since, unused_bytes)
WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
SELECT 1, {}, 'text', 0, 4 FROM numbers
"""


def test_removal_is_done_in_steps(kept: Kept) -> None:
    """Each of no more rows than fit one transaction."""
    key = "convert_to('key' || n, 'UTF8')" if DATABASES.is_used else "'key' || n"
    execute(kept.data_dir, MANY.format(key), MOST_PER_TRANSACTION.rows + 1)
    assert kept.tidy() == 2
    assert kept.counts()[1] == (MOST_PER_TRANSACTION.rows + 3, *[MOST_PER_TRANSACTION.rows + 1] * 2)
    kept.pass_by(8 * DAY)
    assert kept.tidy() == 2
    assert kept.counts() == [(4, 0, 0), (2, 0, 0)]

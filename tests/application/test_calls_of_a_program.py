"""The methods of the class `Kodit`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.support.sources import python_function, write_file

from kodit import (
    IndexingError,
    InvalidQueryError,
    Kodit,
    KoditError,
    NotFoundError,
    RunState,
    SourceError,
    TaskState,
)


def write(folder: Path, name: str) -> Path:
    """A source with one function of this name."""
    write_file(folder / f"{name}.py", python_function(name, "shop cart price".split()))
    return folder


def found(kodit: Kodit, name: str, *source: Path | int, refresh: bool = False) -> set[str]:
    """The paths of what a search finds."""
    results = kodit.search(name, *source, refresh=refresh)
    return {result.snippet.path for result in results}


def test_a_search_takes_a_source_and_brings_it_up_to_date_on_request(tmp_path: Path) -> None:
    """By its path or its identifier; without `refresh` nothing is indexed."""
    first = write(tmp_path / "first", "add_price")
    second = write(tmp_path / "second", "sum_price")
    with Kodit(tmp_path / "data") as kodit:
        with pytest.raises(SourceError, match="not indexed"):
            kodit.search("price", first)
        assert found(kodit, "price", first, refresh=True) == {"add_price.py"}
        assert found(kodit, "price", second, refresh=True) == {"sum_price.py"}
        assert found(kodit, "price") == {"add_price.py", "sum_price.py"}
        assert found(kodit, "price", second) == found(kodit, "price", 2) == {"sum_price.py"}

        write(first, "new_price")
        write(second, "other_price")
        assert found(kodit, "price", first) == {"add_price.py"}
        assert found(kodit, "price", 1, refresh=True) == {"add_price.py", "new_price.py"}
        assert "other_price.py" not in found(kodit, "price")
        assert "other_price.py" in found(kodit, "price", refresh=True)


def test_a_refresh_that_cannot_be_done_raises_why(tmp_path: Path) -> None:
    """Without `refresh`, the indexed state still answers."""
    source = write(tmp_path / "source", "add_price")
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(source)
        kodit.pause()
        with pytest.raises(KoditError) as paused:
            kodit.search("price", source, refresh=True)
        assert paused.value.code == "queue_paused"
        kodit.resume()
        for path in source.iterdir():
            path.unlink()
        source.rmdir()
        with pytest.raises((SourceError, IndexingError)):
            kodit.search("price", source, refresh=True)
        assert found(kodit, "price", source) == {"add_price.py"}
        with pytest.raises(NotFoundError):
            kodit.search("price", 7)
        with pytest.raises(InvalidQueryError):
            kodit.search("price", mode="guess")


def test_the_queue_is_seen_and_steered(tmp_path: Path) -> None:
    """Runs are listed and shown, the queue is paused and resumed, and says why a task waits."""
    source = write(tmp_path / "source", "add_price")
    with Kodit(tmp_path / "data") as kodit:
        assert (kodit.pause(), kodit.pause()) == (True, False)
        (status,) = kodit.index(source, wait=False)
        assert status.run is not None
        run = kodit.run(status.run.id)
        assert run.state is RunState.QUEUED
        queue = kodit.queue()
        assert queue.paused_since is not None
        (ready,) = (task for task in run.tasks if task.state is TaskState.READY)
        assert list(queue.waiting) == [ready.id]
        assert queue.why(ready, run).code == "queue_paused"
        assert kodit.attempts(run.id) == []
        assert (kodit.resume(), kodit.resume()) == (True, False)
        assert kodit.queue().paused_since is None

        kodit.index(source)

        (done,) = kodit.runs(["succeeded"])
        attempts = kodit.attempts(done.id)
        assert [attempt.task_id for attempt in attempts] == [task.id for task in done.tasks]
        assert {attempt.outcome for attempt in attempts} == {"succeeded"}
        with pytest.raises(NotFoundError):
            kodit.run(done.id + 100)
        with pytest.raises(NotFoundError):
            kodit.attempts(done.id + 100)


def test_coroutines_call_it_in_threads(tmp_path: Path) -> None:
    """Many at once, beside an event loop that keeps running."""
    source = write(tmp_path / "source", "add_price")

    async def work(kodit: Kodit) -> list[set[str]]:
        await asyncio.to_thread(kodit.index, source)
        calls = [asyncio.to_thread(found, kodit, "price", source) for _ in range(8)]
        direct = found(kodit, "price", source)
        return [direct, *await asyncio.gather(*calls)]

    with Kodit(tmp_path / "data") as kodit:
        assert asyncio.run(work(kodit)) == [{"add_price.py"}] * 9

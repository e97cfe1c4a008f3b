"""While a file changes in one of two indexes that share it, each engine finds in each of them its
old or its new snippets, at every moment, and in the other one nothing changes at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.indexing.sharing import (
    LANTERN,
    NEWER,
    TREE,
    alone,
    index,
    not_had,
    problems,
    told,
    write,
)
from tests.support.answers import answers_of
from tests.support.faults import FaultyApplication
from tests.support.serving import ServingKodit
from tests.support.sources import write_file

from kodit.application.services.stage import Stage
from kodit.composition import Application
from kodit.domain.search import SearchFilter, SearchMode, SearchRequest
from kodit.domain.value_objects import TaskType

CHANGING = "lantern.py"
QUERY = "lantern"
"""All snippets of the file have it."""
ENGINE_OF_STAGE = {
    TaskType.BM25_INDEX: SearchMode.KEYWORD,
    TaskType.CODE_EMBEDDINGS: SearchMode.CODE,
    TaskType.ENRICH: SearchMode.TEXT,
}
OLD = frozenset({"light_lantern(lantern, oil):", "trim_wick(lantern, length):"})
NEW = frozenset({"light_lantern(lantern, oil, match):", "snuff_candle(candle):"})
ENGINES = tuple(ENGINE_OF_STAGE.values())
NAMES = ("light_lantern", "trim_wick", "snuff_candle")


def signatures(application: Application, index_id: int, mode: SearchMode) -> frozenset[str]:
    """What is found of the file that changes."""
    chosen = SearchFilter(index_ids=(index_id,))
    results = application.search.search(SearchRequest(QUERY, mode, chosen, limit=1000))
    return frozenset(
        line.removeprefix("def ")
        for one in results
        if one.snippet.path == CHANGING
        for line in one.snippet.text.splitlines()
        if line.startswith("def ")
    )


class Observer:
    """Looks at two indexes of which one changes."""

    def __init__(self, changing: int, staying: int) -> None:
        self._changing, self._staying = changing, staying
        self._expected: dict[str, Any] = {}
        self.seen: dict[SearchMode, list[frozenset[str]]] = {mode: [] for mode in ENGINES}
        self.failures: list[str] = []
        self.looks = 0

    async def expect(self, application: Application) -> None:
        self._expected = await self._told(application)

    async def look(self, application: Application) -> None:
        """Note what is found; what must not be is kept, since a stage would be retried."""
        self.looks += 1
        for mode, seen in self.seen.items():
            found = signatures(application, self._changing, mode)
            if found not in (OLD, NEW):
                self.failures.append(f"{mode}: {sorted(found)}")
            if not seen or seen[-1] != found:
                seen.append(found)
        if await self._told(application) != self._expected:
            self.failures.append("the other index answers otherwise")

    async def _told(self, application: Application) -> dict[str, Any]:
        return await answers_of(application, self._staying, (QUERY,), NAMES)


@contextmanager
def looking(
    serving: ServingKodit, observer: Observer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Before and after every commit of a stage, which is also after every one of the keyword index,
    and whenever a stage turns to a reader or a model."""
    application = serving.application
    assert isinstance(application, FaultyApplication)
    commit = Stage.commit

    async def watched(self: Stage, *arguments: Any, **options: Any) -> Any:
        await observer.look(application)
        try:
            return await commit(self, *arguments, **options)
        finally:
            await observer.look(application)

    serving.call(observer.expect)
    with monkeypatch.context() as patch:
        patch.setattr(Stage, "commit", watched)
        yield
    serving.call(observer.look)


@pytest.fixture
def serving(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServingKodit]:
    """Contents that are not used any more are removed at once, or are kept."""
    with ServingKodit(
        tmp_path / "data", FaultyApplication, keep_unused_days=request.param
    ) as serving:
        yield serving


def check(observer: Observer, *expected: frozenset[str]) -> None:
    assert observer.failures == []
    assert observer.looks > 2 * len(TaskType)
    assert list(observer.seen.values()) == [list(expected)] * len(ENGINES)


@pytest.mark.parametrize(("serving", "changed"), [(0, 0), (7, 1)], indirect=["serving"])
def test_a_file_changes_in_one(
    serving: ServingKodit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: int
) -> None:
    """And is as before later on."""
    trees = [write(tmp_path / "first"), write(tmp_path / "second")]
    ids = [index(serving, tree) for tree in trees]
    for text, before, after in ((NEWER, OLD, NEW), (LANTERN, NEW, OLD)):
        observer = Observer(ids[changed], ids[1 - changed])
        write_file(trees[changed] / CHANGING, text)
        with looking(serving, observer, monkeypatch):
            index(serving, trees[changed])
        check(observer, before, after)
        assert told(serving, ids[changed]) == alone(tmp_path, trees[changed])
        assert problems(serving) == []


@pytest.mark.parametrize(("serving", "changed"), [(0, 1), (7, 0)], indirect=["serving"])
def test_a_file_becomes_what_the_other_has(
    serving: ServingKodit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: int
) -> None:
    """Which is stored already."""
    trees = [write(tmp_path / "first"), write(tmp_path / "second")]
    write_file(trees[1 - changed] / CHANGING, NEWER)
    ids = [index(serving, tree) for tree in trees]
    observer = Observer(ids[changed], ids[1 - changed])
    write_file(trees[changed] / CHANGING, NEWER)
    with looking(serving, observer, monkeypatch):
        index(serving, trees[changed])
    check(observer, OLD, NEW)
    assert told(serving, ids[changed]) == alone(tmp_path, trees[changed])


class StoppedError(Exception):
    """A stage fails."""


@pytest.mark.parametrize(
    ("serving", "stage"),
    [(0, TaskType.BM25_INDEX), (7, TaskType.CODE_EMBEDDINGS), (0, TaskType.ENRICH)],
    indirect=["serving"],
)
def test_it_changes_again_before_an_engine_has_it(
    serving: ServingKodit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: TaskType
) -> None:
    """Then that engine goes on with what it had, and the others with what they have got since."""
    trees = [write(tmp_path / "first"), write(tmp_path / "second")]
    changing, staying = (index(serving, tree) for tree in trees)
    assert isinstance(serving.application, FaultyApplication)
    serving.application.faults.fail(stage, StoppedError)
    write_file(trees[0] / CHANGING, NEWER.replace("match", "spark"))
    assert serving.index(trees[0]).state.value == "failed"
    serving.application.faults.repair(stage)
    write_file(trees[0] / CHANGING, NEWER)
    observer = Observer(changing, staying)
    with looking(serving, observer, monkeypatch):
        index(serving, trees[0])
    assert [failure for failure in observer.failures if "spark" not in failure] == []
    between = frozenset(one.replace("match", "spark") for one in NEW)
    for mode, seen in observer.seen.items():
        assert seen in ([OLD, NEW], [between, NEW])
        assert seen[0] == OLD or mode is not ENGINE_OF_STAGE[stage]
    assert told(serving, changing) == alone(tmp_path, trees[0])
    assert problems(serving) == []


def test_the_first_is_deleted_while_the_second_is_added(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each of its stages' commits, one after the other."""
    trees = [write(tmp_path / "first"), write(tmp_path / "second", {**TREE, CHANGING: NEWER})]
    expected = alone(tmp_path, trees[1])
    commit = Stage.commit
    count = 0
    for moment in range(0, 24, 2):
        data = tmp_path / f"data-{moment}"
        with ServingKodit(data, FaultyApplication, keep_unused_days=0) as serving:
            first = index(serving, trees[0])
            count = 0

            async def counted(
                self: Stage,
                *arguments: Any,
                moment: int = moment,
                first: int = first,
                **options: Any,
            ) -> Any:
                nonlocal count
                done = await commit(self, *arguments, **options)
                count += 1
                if count == moment + 1:
                    await serving.application.indexes.delete(first)
                return done

            with monkeypatch.context() as patch:
                patch.setattr(Stage, "commit", counted)
                second = index(serving, trees[1])
            if count <= moment:
                break
            assert told(serving, second) == expected
            assert problems(serving) == []
            assert not_had(data) == {}
    assert count > len(TaskType)


def test_a_file_is_judged_by_what_the_keyword_index_searches(tmp_path: Path) -> None:
    """Which still holds the former snippets, as long as other engines search them."""
    tree = write(tmp_path / "tree")
    with ServingKodit(tmp_path / "data", FaultyApplication) as serving:
        index_id = index(serving, tree)
        assert isinstance(serving.application, FaultyApplication)
        serving.application.faults.fail(TaskType.CODE_EMBEDDINGS, StoppedError)
        write_file(tree / CHANGING, NEWER)
        assert serving.index(tree).state.value == "failed"

        async def judged(application: Application) -> list[tuple[str, float]]:
            chosen = SearchFilter(index_ids=(index_id,))
            results = application.search.search(SearchRequest("lantern that smokes", filter=chosen))
            [first, *_] = [one for one in results if one.snippet.path == CHANGING]
            return [
                (part.signal, part.value)
                for part in first.explanation
                if part.signal.startswith("keyword")
            ]

        meanwhile = serving.call(judged)
        serving.application.faults.repair(TaskType.CODE_EMBEDDINGS)
        index(serving, tree)
        assert meanwhile == serving.call(judged) != []

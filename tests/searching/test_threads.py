"""One application, searched by many threads, while another process writes."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest
from sqlalchemy import event
from tests.support.command import PATIENCE_SECONDS, KoditCommand, wait_until
from tests.support.sources import write_file

from kodit import Kodit
from kodit.application.services import snippet_memory
from kodit.application.services.search_service import SearchService
from kodit.application.services.symbol_service import SymbolService
from kodit.application.services.threads import Lane
from kodit.composition import Application
from kodit.domain.caller import LOCAL_CALLER
from kodit.domain.entities import SearchResult
from kodit.domain.grep import FoundLine
from kodit.domain.questions import FilesQuestion, GrepQuestion, SearchQuestion, SymbolsQuestion
from kodit.domain.symbols import SymbolAnswer, SymbolRequest
from kodit.domain.value_objects import SearchFilter, SearchMode, SearchRequest
from kodit.infrastructure.grep.line_searcher import PooledLineSearcher
from kodit.infrastructure.reading_gate import ReadingGate
from kodit.infrastructure.sqlalchemy.database import MOST_READERS
from kodit.settings import Settings

THREADS = 64
QUERIES = ("worker pool that runs jobs", "Ledger", "ring buffer push", "lend a book", "cache")
Answer = TypeVar("Answer")


@pytest.fixture
def application(data_dir: Path) -> Iterator[Application]:
    """A separate one over the corpus, which has nothing open yet."""
    with Application(Settings.load(data_dir=data_dir)) as application:
        yield application


def at_once(call: Callable[[int], Answer], threads: int = THREADS) -> list[Answer]:
    """The result of each thread. They start together."""
    barrier = threading.Barrier(threads)

    def run(number: int) -> Answer:
        barrier.wait()
        return call(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


def ask(application: Application, number: int) -> object:
    """One of all reading calls, chosen by the number."""
    query = QUERIES[number % len(QUERIES)]
    mode = list(SearchMode)[number % len(SearchMode)]
    calls: tuple[Callable[[], object], ...] = (
        lambda: application.search.search(SearchRequest(query)),
        lambda: application.search.search(SearchRequest(query, mode=mode)),
        lambda: application.symbols.find(SymbolRequest("Ledger")),
        lambda: application.related.find(1, "java/Ledger.java:12", SearchFilter(), 5),
        lambda: application.browse.list_files(SearchFilter()),
        lambda: application.browse.read_file(1, "java/Ledger.java:3-9"),
    )
    return calls[number % len(calls)]()


def test_many_threads_get_what_one_gets(application: Application, data_dir: Path) -> None:
    """The first call of all of them, before anything was opened."""
    together = at_once(lambda number: ask(application, number))

    with Application(Settings.load(data_dir=data_dir)) as alone:
        assert together == [ask(alone, number) for number in range(THREADS)]


def test_a_search_holds_one_connection(application: Application) -> None:
    """However many threads there are, there are no more connections than the limit of readers."""
    at_once(lambda number: [ask(application, number + turn) for turn in range(3)])

    assert application.database.engine.pool.checkedin() <= MOST_READERS  # type: ignore[attr-defined] # of a pool that has a size


def test_a_cache_may_be_cleared_by_another_thread(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No thread loses candidates that it has already looked up."""
    alone = [application.search.search(SearchRequest(query, limit=20)) for query in QUERIES]
    monkeypatch.setattr(snippet_memory, "MOST_REMEMBERED", 3)
    memory = snippet_memory.SnippetMemory()
    monkeypatch.setattr(application.search, "_memory", memory)

    def search(number: int) -> list[list[SearchResult]]:
        order = [(number + turn) % len(QUERIES) for turn in range(len(QUERIES))]
        found = {
            query: application.search.search(SearchRequest(QUERIES[query], limit=20))
            for query in order
        }
        return [found[query] for query in range(len(QUERIES))]

    for found in at_once(search, 8):
        assert found == alone
    assert len(memory._memory.snippets.values) <= 3


def test_cached_values_are_not_read_again(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The data that ranking reads about a snippet never changes; the same search reads less of it
    again, until what was not read lately is released.
    """
    monkeypatch.setattr(snippet_memory, "SECONDS_BETWEEN_AGES", 0.0)
    statements: list[str] = []

    @event.listens_for(application.database.engine, "checkout")
    def trace(driver: Any, *_others: object) -> None:
        driver.set_trace_callback(statements.append)

    application.database.close()  # the next search opens a connection
    counts = []
    for query, ages in (("ring buffer push", 0), ("Ledger", 0), ("Ledger", 1), ("Ledger", 2)):
        for _age in range(ages):
            application.search.release_memory()
        statements.clear()
        application.search.search(SearchRequest(query))
        counts.append(len(statements))
    assert counts[1] > counts[2] < counts[3]


def test_an_application_releases_what_was_not_searched_lately(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not searched for a minute or more: before, it is asked for again."""
    now = 1000.0
    monkeypatch.setattr(application.search, "_memory", snippet_memory.SnippetMemory(lambda: now))
    application.search.search(SearchRequest("Ledger"))
    memory = application.search._memory._memory.snippets
    for now, is_held in ((1059.0, True), (1060.0, True), (1119.0, True), (1120.0, False)):
        application.release_caches()
        assert bool(memory.values) is is_held, now


def test_a_thread_that_reads_is_refused_a_second_transaction(application: Application) -> None:
    """It would wait for itself. Its first one is not affected."""
    with application.database.read() as transaction:
        with (
            pytest.raises(RuntimeError, match="is reading the database already"),
            application.database.read(),
        ):
            pass
        assert transaction.indexes.get(1).id == 1
    with application.database.read() as transaction:
        assert transaction.indexes.get(1).id == 1


def test_many_searches_do_not_block_other_reads(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a few compute at once, and a mere read does not queue behind them."""
    computing, most = 0, 0
    started, may_end = threading.Semaphore(0), threading.Event()
    search = SearchService.search

    def wait_and_search(
        service: SearchService, request: SearchRequest, problems: list[str] | None = None
    ) -> list[SearchResult]:
        nonlocal computing, most
        computing += 1
        most = max(most, computing)
        started.release()
        may_end.wait(PATIENCE_SECONDS)
        computing -= 1
        return search(service, request, problems)

    async def play() -> None:
        question = SearchQuestion("cache", wait=0)
        searching = [
            asyncio.create_task(application.answers.search(LOCAL_CALLER, question))
            for _ in range(THREADS)
        ]
        try:
            _name, threads = Lane.SEARCHES.value
            for _ in range(threads):
                await asyncio.to_thread(started.acquire)
            async with asyncio.timeout(PATIENCE_SECONDS / 2):
                for _ in range(THREADS):
                    await application.answers.files(LOCAL_CALLER, FilesQuestion())
        finally:
            may_end.set()
        await asyncio.gather(*searching)
        assert most <= threads + 1  # and the warm one

    monkeypatch.setattr(SearchService, "search", wait_and_search)
    asyncio.run(play())


def test_many_lookups_of_names_do_not_block_searches(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are done one after the other, because each holds much memory."""
    looking, most = 0, 0
    started, may_end = threading.Event(), threading.Event()
    find = SymbolService.find

    def wait_and_find(service: SymbolService, request: SymbolRequest) -> SymbolAnswer:
        nonlocal looking, most
        looking += 1
        most = max(most, looking)
        started.set()
        may_end.wait(PATIENCE_SECONDS)
        looking -= 1
        return find(service, request)

    async def play() -> None:
        lookups = [
            asyncio.create_task(application.answers.symbols(LOCAL_CALLER, SymbolsQuestion("cache")))
            for _ in range(THREADS)
        ]
        try:
            await asyncio.to_thread(started.wait)
            async with asyncio.timeout(PATIENCE_SECONDS / 2):
                for _ in range(THREADS):
                    await application.answers.search(LOCAL_CALLER, SearchQuestion("cache", wait=0))
        finally:
            may_end.set()
        await asyncio.gather(*lookups)
        assert most == 1

    monkeypatch.setattr(SymbolService, "find", wait_and_find)
    asyncio.run(play())


def test_a_few_greps_hold_the_files_at_once(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as keep the child processes busy. The others wait, and are answered too."""
    looking, most = 0, 0
    find_lines = PooledLineSearcher.search

    async def play() -> None:
        may_look = asyncio.Event()

        async def wait_and_look(*given: Any, **asked: Any) -> list[tuple[int, FoundLine]]:
            nonlocal looking, most
            looking += 1
            most = max(most, looking)
            await may_look.wait()
            looking -= 1
            return await find_lines(*given, **asked)

        monkeypatch.setattr(PooledLineSearcher, "search", wait_and_look)
        at_once = application.pool.size + 1
        asked = [
            asyncio.create_task(application.answers.grep(LOCAL_CALLER, GrepQuestion("cache")))
            for _ in range(at_once + 3)
        ]
        await asyncio.to_thread(
            wait_until,
            lambda: looking == at_once and cast(Any, application.grep._turns)._waiters,
        )
        may_look.set()
        answers = await asyncio.gather(*asked)
        assert most == at_once
        assert all(one.matches for one in answers)

    asyncio.run(play())


def test_waiters_are_served_in_order() -> None:
    """The one that has waited longest is next, and none is overtaken."""
    gate = ReadingGate(1)
    order: list[int] = []

    def read(number: int) -> None:
        with gate.place():
            order.append(number)

    threads = [threading.Thread(target=read, args=(number,)) for number in range(5)]
    with gate.place():
        for waiting, thread in enumerate(threads, start=1):
            thread.start()
            while gate.waiting < waiting:
                thread.join(0.001)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


# While files change

VERSIONS = 3
FILES = 12


def source_of(file: int, version: int) -> str:
    """Functions that all name their version; with a different number of lines each time."""
    return "\n\n".join(
        f"def harvest_{number}(field):\n"
        + "".join(f"    apple_{line} = 'version {version}'\n" for line in range(2 + version))
        + f"    return field + 'orchard {file}'\n"
        for number in range(4)
    )


def write_version(tree: Path, version: int) -> None:
    for file in range(FILES):
        write_file(tree / f"module{file}.py", source_of(file, version))


def check(results: list[SearchResult]) -> None:
    """Every answer is of one version of each file, and matches it."""
    versions: dict[str, str] = {}
    places = [(one.snippet.path, one.snippet.start_line) for one in results]
    assert len(set(places)) == len(places)
    for result in results:
        snippet = result.snippet
        said = snippet.text.partition("version ")[2][:1]
        assert versions.setdefault(snippet.path, said) == said, "two versions of one file"
        file = int(snippet.path.removeprefix("module").removesuffix(".py"))
        lines = source_of(file, int(said)).split("\n")
        expected = "\n".join(lines[snippet.start_line - 1 : snippet.end_line])
        assert snippet.text.rstrip("\n") == expected.rstrip("\n")


def test_searching_while_files_change(tmp_path: Path) -> None:
    """Nothing disappears, nothing is duplicated, and no answer mixes two versions of a file."""
    tree, data_dir = tmp_path / "tree", tmp_path / "data"
    write_version(tree, 0)
    with Kodit(data_dir) as kodit:
        kodit.index(tree)
    is_over = threading.Event()

    def search(application: Application, number: int) -> int:
        searches = 0
        while not (is_over.is_set() and searches):
            mode = list(SearchMode)[(number + searches) % len(SearchMode)]
            request = SearchRequest("harvest the apple orchard", mode=mode, limit=20)
            results = application.search.search(request)
            if mode is SearchMode.HYBRID:
                assert len({one.snippet.path for one in results}) == FILES
            else:
                assert len(results) == 20, mode
            check(results)
            answer = application.symbols.find(SymbolRequest("harvest_1"))
            found = [one.snippet for one in answer.definitions]
            assert sorted(one.path for one in found) == sorted(
                f"module{file}.py" for file in range(FILES)
            )
            searches += 1
        return searches

    with (
        Application(Settings.load(data_dir=data_dir)) as application,
        ThreadPoolExecutor(8) as pool,
    ):
        try:
            searching = [pool.submit(search, application, number) for number in range(8)]
            for version in range(1, VERSIONS):
                write_version(tree, version)
                with Kodit(data_dir) as kodit:
                    kodit.index(tree)
        finally:
            is_over.set()
        assert all(one.result() for one in searching)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="asks Linux what is mapped")
def test_replaced_objects_are_freed(tmp_path: Path) -> None:
    """Without waiting for the garbage collector, which may run much later: a deleted file that is
    still mapped uses disk space.
    """
    tree, data_dir = tmp_path / "tree", tmp_path / "data"
    gc.disable()
    try:
        with Application(Settings.load(data_dir=data_dir)) as application:
            for version in range(2):
                write_version(tree, version)
                KoditCommand(data_dir).succeed("index", tree)
                for mode in SearchMode:
                    for index_ids in ((), (1,)):
                        only = SearchFilter(index_ids=index_ids)
                        request = SearchRequest("harvest the orchard", mode=mode, filter=only)
                        check(application.search.search(request))
                application.symbols.find(SymbolRequest("harvest_1"))
                application.related.find(1, "module1.py:1", SearchFilter(), 5)
            mapped = Path("/proc/self/maps").read_text().splitlines()
    finally:
        gc.enable()
    ours = [line for line in mapped if str(data_dir) in line]
    assert ours
    assert [line for line in ours if line.endswith("(deleted)")] == []

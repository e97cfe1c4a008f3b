"""The effect of each parameter of the class `Kodit`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

import pytest
from tests.browsing.conftest import Indexed
from tests.support.sources import write_file

from kodit import IndexingError, Kodit, RunState, SearchResult, SourceError
from kodit.application.services.left_out_service import LeftOutService
from kodit.composition import Application
from kodit.domain.caller import Caller
from kodit.domain.diagnosis import Diagnosis, Problem
from kodit.domain.questions import LeftOutQuestion, Where
from kodit.faces.python import client


def paths(results: Iterable[SearchResult]) -> set[str]:
    return {result.snippet.path for result in results}


def test_the_filters_of_a_search(indexed: Indexed) -> None:
    kodit = indexed.kodit

    def found(*source: int, query: str = "round_price", **asked: Any) -> set[str]:
        return paths(kodit.search(query, *source, **{"limit": 50, **asked}))

    both = {"shop/prices.py", "bank/money.py"}
    assert both <= found()
    assert "bank/money.py" not in found(index_ids=[1])
    assert found(2) == found(index_ids=[2]) <= {"bank/money.py", "bank/Account.java"}
    assert both <= found(1, index_ids=[2])
    assert found(languages=["java"]) == {"bank/Account.java"}
    assert found(paths=["/web/*.js"]) == {"web/basket.js"}
    assert found(authors=["ada"]) <= {"bank/money.py", "bank/Account.java"}
    assert found(authors=["nobody"]) == set()
    assert found(kinds=["class"]).isdisjoint(both)
    after, before = datetime(2000, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC)
    assert "bank/money.py" in found(created_after=after)
    assert found(created_after=after, created_before=before) == set()
    assert found(created_after=datetime(2999, 1, 1, tzinfo=UTC)) == set()


def test_how_much_a_search_gives(indexed: Indexed) -> None:
    kodit = indexed.kodit

    def places(**asked: Any) -> list[tuple[str, int]]:
        results = kodit.search("add an article", **asked)
        return [(one.snippet.path, one.snippet.start_line) for one in results]

    ten = places()
    assert 5 < len(ten) <= 10
    assert places(limit=2) == ten[:2]
    assert places(limit=2, offset=2) == ten[2:4]
    assert len(places(budget=40)) < 3
    assert {one.explanation != () for one in kodit.search("article", mode="keyword")} == {False}


def test_how_lines_are_looked_for(indexed: Indexed) -> None:
    kodit = indexed.kodit

    def lines(pattern: str, *source: int, **asked: Any) -> list[str]:
        answer = kodit.grep(pattern, *source, **asked)
        return [one.found.text.strip() for one in answer.matches]

    assert lines("^DEF parse") == []
    assert lines("^DEF parse", ignore_case=True) == ["def parse_price(text):"]
    assert lines("(article, count)", fixed_strings=True) == ["line = Line(article, count)"] * 2
    assert lines("articl", 1, whole_words=True) == []
    assert lines("def round_price", 2) == ["def round_price(amount):"]
    assert lines("balance", languages=["python"]) == []
    assert lines("round_price", paths=["/docs/**"]) == [
        "Call `round_price` before you show a price."
    ]
    assert len(lines("e", limit=3)) == 3
    [match] = kodit.grep("^def parse", context=2).matches
    assert (len(match.found.before), len(match.found.after)) == (2, 2)


def test_what_is_left_out_and_why(indexed: Indexed) -> None:
    every = [one.path for one in indexed.kodit.left_out(1)]
    assert {"ignored/", "key.txt", "logo.bin"} <= set(every)
    assert [one.path for one in indexed.kodit.left_out(1, paths=["*.bin"])] == ["logo.bin"]
    assert indexed.kodit.explain(indexed.shop, "key.txt").state == "left_out"
    assert indexed.kodit.explain(1, "shop/cart.py").state == "indexed"


def test_one_source_that_cannot_be_listed_is_an_error(
    indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of several it is a problem of the answer."""

    async def fail(*_asked: object) -> NoReturn:
        raise SourceError("it is gone")

    monkeypatch.setattr(LeftOutService, "find", fail)
    application, caller = indexed.kodit._application, Caller()
    one, every = (LeftOutQuestion(Where(sources)) for sources in (("1",), ()))
    with pytest.raises(SourceError, match="it is gone"):
        asyncio.run(application.left_out_answers.left_out(caller, one))
    view = asyncio.run(application.left_out_answers.left_out(caller, every))
    assert set(view.problems) == {"it is gone"}
    assert len(view.problems) > 1


def test_which_uses_of_a_name_are_told(indexed: Indexed) -> None:
    kodit = indexed.kodit
    every = kodit.symbols("round_price")
    uses = {one.use.value for one in every.references}
    assert {"call", "import"} <= uses
    callers = kodit.symbols("round_price", uses="callers")
    assert {one.use.value for one in callers.references} == {"call"}
    assert len(kodit.symbols("round_price", limit=1).definitions) == 1
    assert kodit.symbols("round_price", kinds=["class"]).definitions == ()
    assert {one.snippet.path for one in kodit.symbols("round_price", 2).definitions} == {
        "bank/money.py"
    }
    assert kodit.symbols("add", languages=["javascript"]).definitions[0].snippet.path.endswith("js")
    assert kodit.symbols("add", paths=["/shop/**"]).definitions[0].snippet.path == "shop/cart.py"


def test_an_outline_is_of_a_path_as_it_is(indexed: Indexed) -> None:
    """No part of it is parsed as lines."""
    names = [one.snippet.symbol for one in indexed.kodit.outline(1, "shop/prices.py").definitions]
    assert {"round_price", "parse_price"} <= set(names)
    assert indexed.kodit.outline(indexed.shop / "shop", "prices.py").path == "shop/prices.py"


def test_the_size_of_a_map(indexed: Indexed) -> None:
    def drawn(**asked: Any) -> list[str]:
        return [file.path for one in indexed.kodit.map(**asked) for file in one.files]

    assert len(drawn(budget=100)) < len(drawn(budget=4_000))
    assert drawn(source=2, languages=["java"]) == ["bank/Account.java"]
    assert set(drawn(paths=["/web/**"])) == {"web/basket.js", "web/wishlist.py"}


def test_where_similar_code_is_looked_for(indexed: Indexed) -> None:
    def like(**asked: Any) -> list[str]:
        found = indexed.kodit.related(1, "shop/cart.py:16", **asked)
        return [one.snippet.path for one in found]

    assert "bank/Account.java" not in like(limit=100)
    assert "bank/Account.java" in like(limit=100, everywhere=True)
    assert len(like(limit=1)) == 1
    assert set(like(languages=["javascript"])) == {"web/basket.js"}
    assert set(like(paths=["/web/*.py"])) == {"web/wishlist.py"}


def test_what_is_said_of_a_source_when_it_is_added(tmp_path: Path) -> None:
    """And it is kept until changed; no worker is needed."""
    folder = tmp_path / "shop"
    write_file(folder / "a.py", "x = 1\n")
    with Kodit(tmp_path / "data") as kodit:
        added = {"include": ["*.py"], "exclude": ["b*"], "submodules": True, "sync_every": "10m"}
        given: dict[str, Any] = added
        [status] = kodit.index(folder, wait=False, **given)
        index = status.summary.index
        assert (index.source.include, index.source.exclude) == (("*.py",), ("b*",))
        assert (index.source.submodules, index.sync_every) == (True, 600)
        [status] = kodit.index(folder, wait=False)
        assert status.summary.index == index
        [status] = kodit.index(folder, wait=False, include=[], exclude=[], sync_every=0)
        index = status.summary.index
        assert (index.source.include, index.source.exclude, index.sync_every) == ((), (), 0)
        [status] = kodit.index(1, wait=False, submodules=False)
        assert not status.summary.index.source.submodules
        assert [run.state for run in kodit.runs()] == [RunState.QUEUED]
        assert kodit.runs(["succeeded"]) == []
        write_file(tmp_path / "other/a.py", "x = 1\n")
        assert [one.id for one in kodit.index(tmp_path / "other", wait=False)] == [2]
        assert [run.index_id for run in kodit.runs(limit=1)] == [2]
        kodit.delete(folder)
        assert [one.id for one in kodit.status()] == [2]


def test_a_run_that_is_gone_or_failed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IndexingError) as gone:
        client._check_ended([], 1)
    assert gone.value.code == "index_deleted"
    client._check_ended([], 0)
    folder = tmp_path / "shop"
    write_file(folder / "a.py", "x = 1\n")
    with Kodit(tmp_path / "data") as kodit:
        [status] = kodit.index(folder, wait=False)
        assert status.run is not None
        kodit.cancel(status.run.id)
        with pytest.raises(IndexingError):
            client._check_ended([kodit.run(status.run.id)], 1)


def test_what_cannot_be_opened_is_closed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[bool] = []

    def fail(_application: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(Application, "open", fail)
    monkeypatch.setattr(Application, "close", lambda _application: closed.append(True))
    with pytest.raises(OSError, match="no room"):
        Kodit(tmp_path).status()
    assert closed == [True]


def test_a_part_of_an_index_is_not_deleted(indexed: Indexed) -> None:
    with pytest.raises(SourceError) as refused:
        indexed.kodit.delete(indexed.shop / "web")
    assert refused.value.code == "source_is_part"
    assert len(indexed.kodit.status()) == 2


def test_a_check_says_what_is_wrong_before_anything_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And repairs only on request."""
    data_dir = tmp_path / "data"
    with Kodit(data_dir) as kodit:
        asked: list[bool] = []
        examination = type(kodit._application.examination)
        check = examination.check

        async def note(self: Any, *, repair: bool) -> Diagnosis:
            asked.append(repair)
            return await check(self, repair=repair)

        monkeypatch.setattr(examination, "check", note)
        assert kodit.check().is_healthy
        assert kodit.check(repair=True).is_healthy
        assert asked == [False, True]
    (data_dir / "kodit.db").write_bytes(b"this is no database" * 100)
    [problem] = Kodit(data_dir).check().found
    assert isinstance(problem, Problem)

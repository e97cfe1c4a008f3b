"""Queries that are sent to an endpoint: no transaction waits for them, none is sent while nothing
may be sent, and all are on the bill.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.endpoints.stage_work import stage_work
from tests.support.model_server import Asked, ModelServer, Reply, error, model_server
from tests.support.serving import ServingKodit
from tests.support.snapshot import read_rows
from tests.support.sources import write_tree

from kodit.composition import Application
from kodit.domain.endpoints import Limits, Usage
from kodit.domain.errors import PausedError, PermanentError, TransientError
from kodit.domain.search import SearchRequest
from kodit.domain.value_objects import SearchMode
from kodit.infrastructure.endpoints.queries import MOST_KEPT, SECONDS_WITHOUT_QUERIES, Queries
from kodit.settings import Settings

HYBRID = SearchRequest("anchor basket")
BY_CODE = SearchRequest("anchor basket", mode=SearchMode.CODE)
OF_QUERIES = "SELECT calls, texts, input_tokens, cost FROM endpoint_bills WHERE run_id = 0"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data directory of a folder that is indexed with vectors of a server."""
    place = tmp_path_factory.mktemp("indexed")
    write_tree(place / "source", files=4)
    with model_server() as server, ServingKodit(place / "data", **server.settings()) as serving:
        serving.index(place / "source")
    return place / "data"


class Indexed:
    """A copy of it, which nothing else uses, and another server with the same model."""

    def __init__(self, data: Path, place: Path, server: ModelServer) -> None:
        self.server = server
        self.place = place
        self.settings: dict[str, Any] = server.settings(embedding_price=1.0)
        shutil.copytree(data, place / "data")

    def ask(self, request: SearchRequest, **settings: Any) -> tuple[int, list[str]]:
        """How many results a new process gets, and what it is told."""
        told: list[str] = []
        with self.opened(**settings) as application:
            return len(application.search.search(request, told)), told

    def opened(self, **settings: Any) -> Application:
        return Application(Settings(data_dir=self.place / "data", **self.settings, **settings))

    def write(self, statement: str, *parameters: object) -> None:
        with closing(sqlite3.connect(self.place / "data" / "kodit.db")) as connection:
            connection.execute(statement, parameters)
            connection.commit()


@pytest.fixture
def indexed(data: Path, tmp_path: Path, server: ModelServer) -> Indexed:
    return Indexed(data, tmp_path, server)


def test_no_transaction_is_open_while_a_query_is_sent(indexed: Indexed) -> None:
    """SQLite can reset its log, which any reader prevents."""
    seen: list[int] = []

    def script(_asked: Asked) -> Reply | None:
        path = indexed.place / "data" / "kodit.db"
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            connection.execute("UPDATE endpoints SET failed_at = failed_at")
            seen.append(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
        return None

    indexed.server.script = script
    found, told = indexed.ask(HYBRID)
    assert found
    assert told == []
    assert seen == [0]


def test_queries_are_on_the_bill(indexed: Indexed) -> None:
    """Each once, with its tokens and its cost, and apart from the runs."""
    indexed.server.count = lambda _text: 7
    with indexed.opened() as application:
        for request in (HYBRID, BY_CODE, SearchRequest("walnut")):
            assert application.search.search(request)
    assert read_rows(indexed.place / "data", OF_QUERIES) == [(2, 2, 14, 14)]
    assert len(indexed.server.asked) == 2


def test_a_search_goes_on_if_the_bill_cannot_be_written(indexed: Indexed) -> None:
    """As in a data directory that is read-only."""
    indexed.write("ALTER TABLE endpoint_bills RENAME TO other_bills")
    indexed.write("CREATE VIEW endpoint_bills AS SELECT * FROM other_bills")
    (indexed.place / "data" / "kodit.db").chmod(0o444)
    found, told = indexed.ask(HYBRID)
    assert (found > 0, told) == (True, [])


def test_nothing_is_sent_while_the_endpoint_is_paused(indexed: Indexed) -> None:
    """A search by keywords says so at once, and one by vectors fails."""
    indexed.write(
        "INSERT OR REPLACE INTO endpoints (name, requests_at, tokens_at, paused_until, reason, "
        "failures, failed_at) VALUES (?, 0, 0, CAST(strftime('%s') AS INTEGER) * 1000000 + "
        "600000000, 'it is at lunch', 1, 0)",
        f"embedding {indexed.server.url}",
    )
    found, told = indexed.ask(HYBRID)
    assert found
    [said] = told
    assert said.startswith(f"searched without vectors, because {indexed.server.url} is not used u")
    assert said.endswith(": it is at lunch")
    with pytest.raises(PausedError, match="it is at lunch"):
        indexed.ask(BY_CODE)
    assert indexed.server.asked == []


def test_nothing_is_sent_once_the_budget_of_the_month_is_spent(indexed: Indexed) -> None:
    """The budget of a run is for runs."""
    found, told = indexed.ask(HYBRID, budget_per_month=0.000001)
    assert found
    assert "searched without vectors, because" in told[0]
    assert "(KODIT_BUDGET_PER_MONTH)" in told[0]
    assert indexed.server.asked == []
    assert indexed.ask(HYBRID, budget_per_run=0.000001) == (found, [])


def test_queries_count_for_the_limits(tmp_path: Path, server: ModelServer) -> None:
    """They are sent at once, and stages later; too many of them are not sent at all."""
    with stage_work(tmp_path, server, endpoint={"limits": Limits(requests_per_minute=60)}) as work:
        sent = 0
        with pytest.raises(PausedError, match="more is sent than its requests or tokens per"):
            while sent < 100:
                work.gate.check_query(Usage(1, 1, 5))
                work.gate.pay_query(Usage(1, 1, 5), "m")
                sent += 1
        assert 10 <= sent <= 12
        before = work.clock.now()
        work.embed_code()
        waited = work.clock.now() - before
        assert waited >= timedelta(seconds=sent)
        work.gate.check_query(Usage(1, 1, 5))
        assert work.sql("SELECT calls FROM endpoint_bills WHERE run_id = 0") == [sent]


def test_tokens_of_queries_count_for_the_limits(tmp_path: Path, server: ModelServer) -> None:
    """Likewise."""
    with stage_work(tmp_path, server, endpoint={"limits": Limits(tokens_per_minute=60)}) as work:
        work.gate.check_query(Usage(1, 1, 5))
        work.gate.pay_query(Usage(1, 1, 30), "m")
        with pytest.raises(PausedError):
            work.gate.check_query(Usage(1, 1, 5))


def test_a_model_whose_dimensions_have_changed(indexed: Indexed) -> None:
    """The query's vector does not meet those that are stored."""
    indexed.server.dimensions = 64
    found, told = indexed.ask(HYBRID)
    assert found
    assert "now returns vectors of 64 dimensions, and those that are stored have 32" in told[0]
    with pytest.raises(PermanentError, match="64 dimensions"):
        indexed.ask(BY_CODE)


def test_a_failure_is_remembered_for_as_long_as_the_endpoint_asks() -> None:
    """And for five seconds if it does not."""
    now, sent = 100.0, list[str]()
    failure: Exception | None = None

    def send(text: str) -> tuple[float, ...]:
        sent.append(text)
        if failure is not None:
            raise failure
        return (float(len(sent)),)

    queries = Queries(send, lambda: now)
    assert queries.vector("a") == queries.vector("a") == (1.0,)
    for asked, lasts in ((None, SECONDS_WITHOUT_QUERIES), (60.0, 60.0), (1e9, 300.0)):
        failure = TransientError("at lunch", asked)
        with pytest.raises(TransientError):
            queries.vector("b")
        calls = len(sent)
        failure, now = None, now + lasts - 0.1
        with pytest.raises(TransientError, match="at lunch"):
            queries.vector("b")
        assert queries.vector("a") == (1.0,)
        assert len(sent) == calls
        now += 0.2
    for number in range(MOST_KEPT):
        queries.vector(f"q{number}")
    calls = len(sent)
    queries.vector("a")
    assert len(sent) == calls + 1


def test_the_endpoint_is_asked_again_after_a_failure(indexed: Indexed) -> None:
    """By another process, which has no reason to wait."""
    indexed.server.script = lambda _asked: error(503)
    assert "answered 503" in indexed.ask(HYBRID)[1][0]
    indexed.server.script = lambda _asked: None
    assert indexed.ask(HYBRID)[1] == []

"""What is sent again, cut, refused or told when a chat model does not answer as it should."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.endpoints.stage_work import TEXTS, StageWork, stage_work
from tests.support.model_server import Asked, ModelServer, Reply, error

from kodit.application.services.endpoint_gate import Settlement
from kodit.domain.endpoints import Limits, Usage
from kodit.domain.errors import PermanentError
from kodit.domain.value_objects import VectorKind
from kodit.infrastructure.endpoints.embedder import SHORTEST_TEXT
from kodit.infrastructure.endpoints.enricher import SHORTEST_CODE

OTHER_LIMIT = error(400, "'max_tokens' is not supported; use 'max_completion_tokens' instead")


@pytest.fixture
def work(tmp_path: Path, server: ModelServer) -> Iterator[StageWork]:
    """With one request at a time."""
    with stage_work(tmp_path, server, endpoint={"limits": Limits(1)}) as made:
        yield made


def asked_for_descriptions(server: ModelServer) -> list[Asked]:
    return [one for one in server.asked if "messages" in one.body]


def answering(script: Callable[[Asked], Reply | None]) -> Callable[[Asked], Reply | None]:
    """Texts are embedded on all days."""
    return lambda asked: script(asked) if "messages" in asked.body else None


def test_a_model_that_knows_only_the_newer_name_of_the_limit(
    work: StageWork, server: ModelServer
) -> None:
    """It is told the same number by that name, from then on."""
    server.script = answering(lambda asked: OTHER_LIMIT if "max_tokens" in asked.body else None)
    work.enrich()
    assert work.vectors(VectorKind.TEXT) == TEXTS
    first, *others = [
        {name: value for name, value in one.body.items() if name.startswith("max_")}
        for one in asked_for_descriptions(server)
    ]
    assert first == {"max_tokens": 100}
    assert others == [{"max_completion_tokens": 100}] * len(TEXTS)


@pytest.mark.parametrize(
    ("refusal", "requests"),
    [(OTHER_LIMIT, 2), (error(401), 1), (error(400, "messages must be an array"), 1)],
    ids=["either-limit", "401", "400"],
)
def test_a_refusal_of_every_request_is_an_error(
    work: StageWork, server: ModelServer, refusal: Reply, requests: int
) -> None:
    """Not of a snippet: it is told at once, and no more is sent."""
    server.script = answering(lambda _asked: refusal)
    with pytest.raises(PermanentError):
        work.enrich()
    assert len(asked_for_descriptions(server)) == requests
    assert work.sql("SELECT count(*) FROM refused_snippets") == [0]


def test_a_snippet_that_a_filter_refuses(work: StageWork, server: ModelServer) -> None:
    """It is not sent again, and reported with the reason; the others are described."""

    def script(asked: Asked) -> Reply | None:
        is_refused = "three" in asked.texts[0]
        return error(400, "rejected by our content management policy") if is_refused else None

    server.script = answering(script)
    done = work.enrich()
    assert done.work["snippets_refused"] == 1
    assert len(asked_for_descriptions(server)) == len(TEXTS)
    assert work.vectors(VectorKind.TEXT) == [TEXTS[0], TEXTS[1], TEXTS[3]]
    [reason] = work.sql("SELECT reason FROM refused_snippets")
    assert "content management policy" in reason


@pytest.mark.parametrize("most", [3 * SHORTEST_CODE, 0], ids=["cut", "refused"])
def test_code_that_is_too_long_for_a_model_is_cut(
    work: StageWork, server: ModelServer, most: int
) -> None:
    """To half of it again and again, until it is short; then it is refused."""
    long = "\n".join(f"line {number} of a long text" for number in range(2_000))
    work.fill(a=[long], b=[])

    def script(asked: Asked) -> Reply | None:
        return error(413) if len(asked.texts[0]) > most else None

    server.script = answering(script)
    done = work.enrich()
    sizes = [len(one.texts[0]) for one in asked_for_descriptions(server)]
    assert sizes == sorted(sizes, reverse=True)
    assert work.vectors(VectorKind.TEXT) == ([long] if most else [])
    assert done.work.get("snippets_refused", 0) == (0 if most else 1)
    if most:
        assert most < sizes[-2] < 2.2 * most
    else:
        assert sizes[-1] < 2 * SHORTEST_CODE < sizes[-3]
        assert work.sql("SELECT reason FROM refused_snippets") != [""]


def test_a_short_text_that_is_too_large_for_a_model_is_an_error(
    work: StageWork, server: ModelServer
) -> None:
    """Which would otherwise never have a vector."""
    work.embed_code()  # the model is known
    short, long = "x" * SHORTEST_TEXT, "y " * SHORTEST_TEXT
    work.fill(b=[short, long])
    server.asked.clear()
    server.script = lambda asked: error(413) if short in asked.texts else None
    with pytest.raises(PermanentError):
        work.embed_code()
    assert [short] in [one.texts for one in server.asked]


def test_what_needs_no_vector_any_more_gets_none(work: StageWork, server: ModelServer) -> None:
    """When the answer comes; the other texts of the same request get theirs."""
    work.embed_code()  # the model is known
    work.fill(b=["def five(): pass", "def six(): pass"])
    unneeded = (
        "SELECT snippets.id FROM snippets JOIN snippet_texts ON snippet_texts.id = text_id "
        "WHERE snippet_texts.text = 'def five(): pass'"
    )

    def script(asked: Asked) -> Reply | None:
        if "def five(): pass" in asked.texts:
            with work.database.write() as transaction:
                dropped = f"DELETE FROM pending_snippets WHERE snippet_id IN ({unneeded})"  # noqa: S608
                transaction.connection.exec_driver_sql(dropped)
        return None

    server.script = script
    work.embed_code()
    assert work.vectors() == [*TEXTS, "def six(): pass"]


class NameOfThread:
    """A request whose answer is the thread that sends it."""

    def send(self) -> str:
        return threading.current_thread().name

    def abort(self) -> None: ...


def test_requests_of_an_endpoint_have_threads_of_their_own(work: StageWork) -> None:
    """However long they take, others find a thread."""
    sending = work.gate.send(work.hold(), Usage(1, 1, 1), NameOfThread(), lambda: None)
    settlement = asyncio.run(sending)
    assert isinstance(settlement, Settlement)
    assert settlement.answer.startswith("kodit-endpoint")

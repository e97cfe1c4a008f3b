"""What is stored, sent again, and told when an endpoint does not answer as it should."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.endpoints.stage_work import TEXTS, StageWork, stage_work
from tests.support.model_server import Asked, ModelServer, Reply, error, first, vector_of

from kodit.domain.endpoints import Limits
from kodit.domain.errors import PausedError, PermanentError

KEY = "sk-test-key"


@pytest.fixture
def work(tmp_path: Path, server: ModelServer) -> Iterator[StageWork]:
    with stage_work(tmp_path, server, access={"seconds": 5.0}) as made:
        made.embed_code()  # the model is known
        server.asked.clear()
        made.fill(b=[f"{text} # again" for text in TEXTS])
        yield made


NEW = [f"{text} # again" for text in TEXTS]


def answer(asked: Asked, change: Any) -> bytes:
    data = [
        {"index": place, "embedding": vector_of(text)} for place, text in enumerate(asked.texts)
    ]
    return json.dumps({"data": change(data)}).encode()


def with_value(value: Any) -> Reply:
    """The first vector with a value that is no finite number."""

    def change(data: list[dict[str, Any]]) -> list[dict[str, Any]]:
        data[0]["embedding"][3] = value
        return data

    return Reply(body=lambda asked: answer(asked, change))


PASSING = {
    "429": error(429),
    "429-later": error(429, Retry_After="3"),
    "408": error(408),
    "500": error(500),
    "502-html": Reply(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"}),
    "503": error(503),
    "529": error(529),
    "breaks-in-body": Reply(body=b'{"data": [', breaks=True),
    "breaks-at-the-end": Reply(body=lambda asked: answer(asked, lambda data: data), breaks=True),
    "breaks-before-body": Reply(body=b"", breaks=True),
    "not-json": Reply(body=b'{"data": [{"embedding": [0.1'),
    "too-few": Reply(body=lambda asked: answer(asked, lambda data: data[:1])),
    "too-many": Reply(body=lambda asked: answer(asked, lambda data: [*data, data[0]])),
    "none": Reply(body=b'{"data": []}'),
    "same-index": Reply(
        body=lambda asked: answer(asked, lambda data: [{**one, "index": 0} for one in data])
    ),
    "nan": with_value(float("nan")),
    "infinity": with_value(float("inf")),
    "null": with_value(None),
    "word": with_value("large"),
    "nested": with_value([1.0]),
    "zero": Reply(
        body=lambda asked: answer(asked, lambda data: [{"embedding": [0.0] * 32} for _ in data])
    ),
    "uneven": Reply(
        body=lambda asked: answer(
            asked, lambda data: [data[0], {**data[1], "embedding": data[1]["embedding"][:16]}]
        )
    ),
}


@pytest.mark.parametrize("name", PASSING)
def test_a_failure_that_passes(work: StageWork, server: ModelServer, name: str) -> None:
    """The request is sent again after a pause, all others only once, and everything is stored."""
    server.script = first(1, PASSING[name])
    done = work.embed_code()
    assert work.vectors() == [*TEXTS, *NEW]
    assert sorted(Counter(work.sent()).values()) == [1, 1, 2, 2]
    assert done.work["texts_embedded"] == 4
    assert done.work["model_calls"] == 2  # an answer that cannot be used is not counted as one
    wanted = {"429-later": 3.0}.get(name, 0.25)
    assert wanted <= sum(work.slept) + 0.1
    assert work.states() == []


@pytest.mark.parametrize("stalls_after", [0, 12], ids=["before-body", "in-body"])
def test_an_endpoint_that_stalls(tmp_path: Path, server: ModelServer, stalls_after: int) -> None:
    """The request is ended when its time is over."""
    with stage_work(tmp_path, server, access={"seconds": 0.3}) as work:
        server.script = first(1, Reply(body=b'{"data": [  '[:stalls_after], stalls=True))
        work.embed_code()
        assert work.vectors() == TEXTS
        assert server.asked[0].texts == server.asked[1].texts


LASTING = {
    "401": (error(401, f"Incorrect API key provided: {KEY}"), "check KODIT_EMBEDDING_API_KEY"),
    "403": (error(403), "check KODIT_EMBEDDING_API_KEY"),
    "404": (error(404, "The model `m` does not exist"), "does not exist; check KODIT_EMBEDDING_M"),
    "400": (error(400, "input must be an array"), "input must be an array"),
    "web-page": (
        Reply(body=b"<!doctype html><title>Sign in</title>", headers={"Content-Type": "text/html"}),
        "answered with a web page; check that KODIT_EMBEDDING_BASE_URL",
    ),
    "another-api": (Reply(body=b'{"result": "ok"}'), "does not answer as /v1/embeddings does"),
    "a-list": (Reply(body=b"[]"), "does not answer as /v1/embeddings does"),
}


@pytest.mark.parametrize("name", LASTING)
def test_a_failure_that_lasts(work: StageWork, server: ModelServer, name: str) -> None:
    """It is told at once in a sentence without the key; nothing is sent again."""
    reply, told = LASTING[name]
    server.script = first(99, reply)
    with pytest.raises(PermanentError) as failure:
        work.embed_code()
    assert told in str(failure.value)
    assert "\n" not in str(failure.value)
    assert KEY not in str(failure.value)
    assert max(Counter(work.sent()).values()) == 1
    assert work.vectors() == TEXTS
    assert work.states() == []
    assert work.sql("SELECT count(*) FROM endpoint_places") == [0]


def test_a_redirect_is_not_followed(
    work: StageWork, server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The other host gets neither the key nor the code."""
    elsewhere = ModelServer()
    elsewhere.start()
    try:
        moved = Reply(307, headers={"Location": f"{elsewhere.url}/embeddings"})
        server.script = first(99, moved)
        with pytest.raises(PermanentError, match=r"redirects \(307\), which is not followed"):
            work.embed_code()
        assert elsewhere.asked == []
    finally:
        elsewhere.stop()


@pytest.mark.parametrize(
    "refusal",
    [error(413), error(400, "This model's maximum context length is 8192 tokens")],
    ids=["413", "400"],
)
def test_a_request_that_is_too_large_is_divided(
    work: StageWork, server: ModelServer, refusal: Reply
) -> None:
    """Until each text is alone; a text that is too large alone is cut."""
    work.gate.endpoint = replace(work.endpoint, limits=Limits(1))
    long = "\n".join(f"line {number} of a long text" for number in range(100))
    work.fill(b=[*NEW[:3], long])

    def script(asked: Asked) -> Reply | None:
        too_large = len(asked.texts) > 1 or len(asked.texts[0]) > 1000
        return refusal if too_large else None

    server.script = script
    work.embed_code()
    assert work.vectors() == [*TEXTS, *NEW[:3], long]
    answered = [one.texts[0] for one in server.asked if len(one.texts) == 1]
    cut = [text for text in answered if text.startswith("line 0") and len(text) <= 1000]
    assert len(cut) == 1
    assert long.startswith(f"{cut[0]}\n")


def test_what_was_answered_is_stored_though_another_request_fails(
    work: StageWork, server: ModelServer
) -> None:
    """A stage that ends with an error has stored all answers, and pays for none twice."""
    server.script = lambda asked: error(401) if NEW[2] in asked.texts else None
    with pytest.raises(PermanentError):
        work.embed_code()
    server.script = lambda _asked: None
    work.embed_code()
    assert Counter(work.sent()) == Counter([*NEW, *NEW[2:]])


def test_an_endpoint_that_is_down_is_paused(work: StageWork, server: ModelServer) -> None:
    """After a few tries the stage gives its place up, says why and until when, and is complete once
    the endpoint answers again.
    """
    server.script = first(99, error(503, "overloaded"))
    with pytest.raises(PausedError) as failure:
        work.embed_code()
    [state] = work.states()
    assert state.paused_until is not None
    assert state.paused_until > work.clock.now()
    until = state.paused_until.astimezone()
    assert f"waits until {until:%Y-%m-%d %H:%M:%S}: {server.url} answered 503" in str(failure.value)
    assert "overloaded" in str(failure.value)
    assert failure.value.code == "endpoint_paused"
    tries = len(server.asked)
    assert tries <= 12

    with pytest.raises(PausedError):
        work.embed_code()  # by another worker, or the same one
    assert len(server.asked) == tries

    server.script = lambda _asked: None
    work.clock.set(state.paused_until)
    work.embed_code()
    assert work.vectors() == [*TEXTS, *NEW]
    assert work.states() == []


def test_a_long_retry_after_is_honoured(work: StageWork, server: ModelServer) -> None:
    """As a pause, without another try."""
    server.script = first(99, error(429, Retry_After="120"))
    with pytest.raises(PausedError) as failure:
        work.embed_code()
    assert len(server.asked) <= 2  # those that were under way
    assert failure.value.retry_after_seconds == pytest.approx(120, abs=1)


def test_nobody_is_at_home(tmp_path: Path, server: ModelServer) -> None:
    """A refused connection is told with its reason, and waited for."""
    with stage_work(tmp_path, server, access={"base_url": "http://127.0.0.1:9/v1"}) as work:
        with pytest.raises(PausedError, match="Connection refused"):
            work.embed_code()
        assert work.vectors() == []


def test_an_outage_of_more_than_a_day_is_an_error(work: StageWork, server: ModelServer) -> None:
    """Which spends the tries of the task like any other."""
    server.script = first(999, error(503))
    with pytest.raises(PausedError):
        work.embed_code()
    work.clock.advance(2 * 86_400)
    with pytest.raises(Exception, match="answered 503") as failure:
        work.embed_code()
    assert not isinstance(failure.value, PausedError)


def test_another_number_of_dimensions_under_the_same_name(
    work: StageWork, server: ModelServer
) -> None:
    """Such vectors are not stored beside the others."""
    server.dimensions = 64
    with pytest.raises(PermanentError, match="now returns vectors of 64 dimensions, and those"):
        work.embed_code()
    assert work.vectors() == TEXTS


def test_dimensions_that_differ_from_the_start(tmp_path: Path, server: ModelServer) -> None:
    """Are told when the model is first used, and nothing is stored."""
    with stage_work(tmp_path, server) as work:

        def script(_asked: Asked) -> Reply | None:
            server.dimensions += 8
            return None

        server.script = script
        with pytest.raises(PermanentError, match="of different dimensions for the same model: 40 "):
            work.embed_code()
        assert work.vectors() == []
        assert work.sql("SELECT count(*) FROM embedding_models") == [0]


def test_answers_for_what_was_replaced_meanwhile_are_marked_as_unused(
    work: StageWork, server: ModelServer
) -> None:
    """They were stored before the stage ended with an error, and are removed after a while."""
    server.script = lambda asked: error(401) if NEW[2] in asked.texts else None
    with pytest.raises(PermanentError):
        work.embed_code()
    stored = "SELECT count(*) FROM embeddings WHERE unused_since IS NULL"
    [before] = work.sql(stored)
    work.fill(b=["another"])
    server.script = lambda _asked: None
    work.embed_code()
    work.enrich()
    unlinked = "SELECT count(*) FROM embeddings WHERE id NOT IN (SELECT embedding_id FROM vectors)"
    assert work.sql(unlinked) == [2]
    assert work.sql(f"{unlinked} AND unused_since IS NULL") == [0]
    assert before == 6

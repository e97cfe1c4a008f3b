"""Values of settings, of answers and of models, one by one."""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from tests.endpoints.stage_work import stage_work
from tests.support.model_server import ModelServer

from kodit.domain.endpoints import LONGEST_PAUSE_SECONDS
from kodit.domain.entities import StoredSnippet
from kodit.domain.errors import KoditError, PermanentError, SettingError, TransientError
from kodit.infrastructure.endpoints.connection import Access
from kodit.infrastructure.endpoints.embedder import EmbeddingOptions, EndpointEmbedder
from kodit.infrastructure.endpoints.failures import failure_of_status
from kodit.infrastructure.endpoints.secret import secret_of
from kodit.infrastructure.endpoints.settings import (
    LARGEST_AMOUNT,
    amount_in,
    endpoint_at,
    globs_in,
    headers_in,
    object_in,
)
from kodit.infrastructure.endpoints.vectors import (
    FEWEST_DIMENSIONS,
    MOST_DIMENSIONS,
    vectors_of,
)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (" https://api.openai.com/v1/ ", "https://api.openai.com/v1"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ("http+unix://%2Frun%2Fmodel.sock/v1", "http+unix://%2Frun%2Fmodel.sock/v1"),
        ("https://a/v1?api-version=1", "https://a/v1?api-version=1"),
        ("https://ada@a/v1", "must not have a user"),
        ("https://:secret@a/v1", "must not have a user"),
        ("ftp://a/v1", "must be an address"),
        ("a/v1", "must be an address"),
        ("https:///v1", "must be an address"),
        ("https://a/v1#b", "must be an address"),
        ("https://a:port/v1", "must be an address"),
        ("https://[a/v1", "must be an address"),
    ],
)
def test_an_address(text: str, url: str) -> None:
    if url.startswith("must"):
        with pytest.raises(SettingError, match=f"^NAME {url}") as refused:
            endpoint_at("NAME", text)
        assert "secret" not in str(refused.value)
    else:
        assert endpoint_at("NAME", text) == url


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (object_in, '{"a": 1}', {"a": 1}),
        (object_in, "[1]", None),
        (object_in, "{", None),
        (object_in, "[" * 100_000, None),
        (headers_in, '{"X-Key-2": "a b"}', {"X-Key-2": "a b"}),
        (headers_in, '{"X-Key": 1}', None),
        (headers_in, '{"X-Key": "\\u00e4"}', None),
        (headers_in, '{"X-Key": "a\\nb"}', None),
        (headers_in, '{"X Key": "a"}', None),
        (headers_in, '{"X-K\\u00e4y": "a"}', None),
        (headers_in, '{"": "a"}', None),
        (globs_in, "a, b/*\n\n,c,", ("a", "b/*", "c")),
        (amount_in, "0.02", 0.02),
        (amount_in, "0", 0.0),
        (amount_in, str(LARGEST_AMOUNT), LARGEST_AMOUNT),
        (amount_in, str(LARGEST_AMOUNT + 1), None),
        (amount_in, "-0.01", None),
        (amount_in, "nan", None),
        (amount_in, "much", None),
    ],
)
def test_values_of_settings(read: Callable[[str, str], object], text: str, value: object) -> None:
    if value is None:
        with pytest.raises(SettingError, match=r"^NAME must be a"):
            read("NAME", text)
    else:
        assert read("NAME", text) == value


def of(*embeddings: Any, **more: Any) -> dict[str, Any]:
    return {"data": [{"embedding": one, **more} for one in embeddings]}


PLAIN = [3.0, 4.0] * 4
PACKED = base64.b64encode(struct.pack("<8f", *PLAIN)).decode()


def test_vectors_as_numbers_and_as_bytes_are_the_same() -> None:
    """Of length one, in the order of their numbers."""
    found = vectors_of(of(PLAIN, PACKED), 2, "http://a")
    assert found.tolist() == [pytest.approx([0.3, 0.4] * 4)] * 2
    turned = {"data": [{"index": 1, "embedding": PLAIN}, {"index": 0, "embedding": PLAIN[::-1]}]}
    assert vectors_of(turned, 2, "http://a")[1].tolist() == pytest.approx([0.3, 0.4] * 4)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"data": ["x"]}, "in an unknown form"),
        (of("not base64!"), "in an unknown form"),
        (of(PACKED[:-5]), "in an unknown form"),
        (of([[1.0] * 8]), "in an unknown form"),
        (of(None), "in an unknown form"),
        (of(PLAIN, index=1), "whose numbers do not match"),
        (of(PLAIN, index=-1), "whose numbers do not match"),
        (of(PLAIN, index=True), "whose numbers do not match"),
        (of([1.0] * (FEWEST_DIMENSIONS - 1)), f"of {FEWEST_DIMENSIONS - 1} dimensions"),
        (of([1.0] * (MOST_DIMENSIONS + 1)), f"of {MOST_DIMENSIONS + 1} dimensions"),
        (of([0.0] * 8), "all zero"),
        (of([1e400] * 8), "values that are not numbers"),
    ],
    ids=str,
)
def test_vectors_that_cannot_be_used(answer: dict[str, Any], why: str) -> None:
    with pytest.raises(TransientError, match=f"^http://a returned vectors .*{why}") as wrong:
        vectors_of(answer, 1, "http://a")
    assert wrong.value.code == "endpoint_answer_invalid"


def test_the_extremes_of_dimensions() -> None:
    for dimensions in (FEWEST_DIMENSIONS, MOST_DIMENSIONS):
        assert vectors_of(of([1.0] * dimensions), 1, "http://a").shape == (1, dimensions)


def failure(status: int, content: bytes, **headers: str) -> KoditError:
    return failure_of_status(status, headers, content, address="http://a", hint="KODIT_X")


def test_who_has_to_pay_is_not_asked_again_soon() -> None:
    """However soon the endpoint says."""
    told = (
        b'{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}'
    )
    for content, seconds in ((told, LONGEST_PAUSE_SECONDS), (b"busy", 3.0)):
        error = failure(429, content, **{"retry-after": "3"})
        assert isinstance(error, TransientError)
        assert error.retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"error": {"message": "no such model"}}', "no such model"),
        (b'{"error": "no such model"}', "no such model"),
        (b'{"detail": [{"loc": "input"}]}', '[{"loc": "input"}]'),
        (b"no such\n model", "no such model"),
        (b"<html>no</html>", ""),
    ],
)
def test_the_words_of_an_endpoint(content: bytes, said: str) -> None:
    error = failure(404, content)
    assert isinstance(error, PermanentError)
    assert said in str(error)
    assert "<" not in str(error)


def test_a_key_in_a_file(tmp_path: Path) -> None:
    """Without the white space around it; an empty file holds none."""
    file = tmp_path / "key"
    for content, told in ((b" s3cret-12 \n", None), (b" \n", "is empty"), (b"\xff", "not text")):
        file.write_bytes(content)
        if told is None:
            assert secret_of("KODIT_X", f"file:{file}") == "s3cret-12"
        else:
            with pytest.raises(PermanentError, match=f"KODIT_X names .*{told}") as missing:
                secret_of("KODIT_X", f"file:{file}")
            assert missing.value.code == "endpoint_key_missing"


@pytest.mark.parametrize("options", [{}, {"dimensions": 12}, {"parameters": {"user": "a b"}}])
@pytest.mark.parametrize("name", ["small", "intfloat/e5 large", "a/b/c"])
def test_an_endpoint_is_asked_for_a_model_by_the_name_of_its_vectors(
    name: str, options: dict[str, Any]
) -> None:
    """If they were made with the same options."""

    def made(model: str, **chosen: Any) -> EndpointEmbedder:
        access = Access("KODIT_EMBEDDING", "http://a", "key")
        return EndpointEmbedder(model, access, EmbeddingOptions()._replace(**chosen), gate)

    gate = cast(Any, None)
    embedder = made("present", **options)
    former = embedder.of_model(made(name, **options).model)
    assert former is not None
    assert former.name == name
    assert former is embedder.of_model(former.model)
    assert embedder.of_model(made(name, query_instruction="query: ").model) is None


def test_single_snippets_are_described_outside_of_a_stage(
    tmp_path: Path, server: ModelServer
) -> None:
    """Which pays for nothing, and stores nothing."""
    snippet = StoredSnippet(
        *(1, 1, 1, "/shop", "cart.py", 1, 2, "python", "pay", None, "", "def pay(): ...")
    )
    with stage_work(tmp_path, server) as work:
        server.describe = lambda _text: "It pays."
        assert asyncio.run(work.enricher.enrich([snippet, snippet])) == ["It pays."] * 2
        server.describe = lambda _text: ""
        with pytest.raises(PermanentError, match=r"^c: the answer was empty") as empty:
            asyncio.run(work.enricher.enrich([snippet]))
        assert empty.value.code == "endpoint_answer_invalid"
        assert work.sql("SELECT count(*) FROM endpoint_bills") == [0]

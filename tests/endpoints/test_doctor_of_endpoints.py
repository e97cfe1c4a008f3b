"""`kodit doctor` tries the endpoints, and says what is wrong in a sentence."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from tests.support.certificates import server_context
from tests.support.model_server import KEY, ModelServer, Reply, error

from kodit.composition import Application
from kodit.domain.diagnosis import Area, Problem
from kodit.domain.ports.endpoints import ModelFacts
from kodit.settings import Settings


def problems_with(data_dir: Path, **settings: object) -> list[Problem]:
    with Application(Settings(data_dir=data_dir, **settings)) as application:  # type: ignore[arg-type]
        problems = asyncio.run(application.doctor.examine())
    return [problem for problem in problems if problem.area is Area.ENDPOINTS]


def test_endpoints_that_answer(tmp_path: Path, server: ModelServer) -> None:
    assert problems_with(tmp_path, **server.settings("embedding", "enrichment")) == []
    assert {one.path for one in server.asked} == {"/v1/embeddings", "/v1/chat/completions"}
    assert problems_with(tmp_path) == []


@pytest.mark.parametrize(
    ("reply", "what", "remedy"),
    [
        (error(401, f"wrong key {KEY}"), "answered 401 (Unauthorized)", "_API_KEY"),
        (error(404, "no such model"), "no such model", "_MODEL"),
        (Reply(body=b"<html>"), "answered with a web page", "_BASE_URL"),
        (error(503), "answered 503", "indexing waits for it"),
    ],
    ids=["key", "model", "address", "later"],
)
def test_what_is_wrong_with_an_endpoint(
    tmp_path: Path, server: ModelServer, reply: Reply, what: str, remedy: str
) -> None:
    server.script = lambda _asked: reply
    problems = problems_with(tmp_path, **server.settings("embedding", "enrichment"))
    assert len(problems) == 2
    for problem in problems:
        assert what in problem.what
        assert remedy in problem.remedy
        assert KEY not in problem.what + problem.remedy


def test_other_dimensions(tmp_path: Path, server: ModelServer) -> None:
    settings = server.settings()
    with Application(Settings(data_dir=tmp_path, **settings)) as application:
        model = application.engines.embedder.model
        with application.database.write() as transaction:
            facts = ModelFacts(768, (0.5, 0.1), (0.5, 0.1))
            transaction.endpoints.note_facts(model, facts)
    [problem] = problems_with(tmp_path, **settings)
    assert "returns vectors of 32 dimensions, and those that are stored have 768" in problem.what
    assert "KODIT_EMBEDDING_DIMENSIONS" in problem.remedy


def test_a_tokenizer_that_cannot_be_used(tmp_path: Path, server: ModelServer) -> None:
    """Of either model, before indexing needs it."""
    settings = server.settings("embedding", "enrichment")
    nowhere = str(tmp_path / "nowhere.json")
    problems = problems_with(
        tmp_path, **settings, embedding_tokenizer=nowhere, enrichment_tokenizer=nowhere
    )
    named = {re.search(r"KODIT_\w+_TOKENIZER", one.what + one.remedy) for one in problems}
    assert {one and one[0] for one in named} == {
        "KODIT_EMBEDDING_TOKENIZER",
        "KODIT_ENRICHMENT_TOKENIZER",
    }


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("env:KODIT_TEST_KEY", "the environment variable KODIT_TEST_KEY, which is not set"),
        ("file:/nowhere/key", "cannot be read: No such file or directory"),
        ("sk-\n", "holds characters that cannot be sent"),
    ],
    ids=["variable", "file", "line"],
)
def test_a_key_that_cannot_be_used(
    tmp_path: Path, server: ModelServer, key: str, what: str
) -> None:
    """Nothing is sent."""
    settings = server.settings(embedding_api_key=key)
    [problem] = problems_with(tmp_path, **settings)
    assert what in problem.what
    assert server.asked == []


def test_a_key_in_a_variable_or_a_file(
    tmp_path: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is read anew each time, and stored nowhere."""
    monkeypatch.setenv("KODIT_TEST_KEY", "from-a-variable")
    (tmp_path / "key").write_text("from-a-file\n")
    for key in ("env:KODIT_TEST_KEY", f"file:{tmp_path / 'key'}"):
        settings = server.settings(
            embedding_api_key=key, embedding_headers={"api-key": "env:KODIT_TEST_KEY"}
        )
        assert problems_with(tmp_path / "data", **settings) == []
    sent = [one.headers["authorization"] for one in server.asked]
    assert sent == ["Bearer from-a-variable", "Bearer from-a-file"]
    assert server.asked[0].headers["api-key"] == "from-a-variable"
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert not any(b"from-a-" in path.read_bytes() for path in files)


def test_a_certificate_of_an_unknown_authority(tmp_path: Path, server: ModelServer) -> None:
    """Is refused, unless a setting names the authority."""
    server.encrypt(server_context(tmp_path, "IP:127.0.0.1"))
    [problem] = problems_with(tmp_path / "data", **server.settings())
    assert "certificate of https://127.0.0.1" in problem.what
    assert "KODIT_MODEL_CA_FILE" in problem.remedy
    trusted = server.settings(model_ca_file=str(tmp_path / "cert.pem"))
    assert problems_with(tmp_path / "data", **trusted) == []
    (tmp_path / "none.pem").touch()
    nobody = server.settings(model_ca_file=str(tmp_path / "none.pem"))
    [problem] = problems_with(tmp_path / "data", **nobody)
    assert f"KODIT_MODEL_CA_FILE names {tmp_path}/none.pem, which holds no cert" in problem.what

"""Searching with vectors of an endpoint, of two models, and on its bad days."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support.model_server import Asked, ModelServer, Reply, error
from tests.support.serving import ServingKodit, states, work_of
from tests.support.snapshot import read_rows
from tests.support.sources import write_tree

from kodit.application.services import metered_stages
from kodit.domain.errors import TransientError
from kodit.domain.search import SearchFilter, SearchRequest
from kodit.domain.similarity import BUILT_IN, Scale, mapping
from kodit.domain.value_objects import VectorKind
from kodit.infrastructure.embedding.static_model import load_model
from kodit.infrastructure.endpoints.probes import PROBES
from kodit.infrastructure.endpoints.vectors import similarities

MODELS = "SELECT DISTINCT kind, model FROM vectors ORDER BY kind"


def models_of(serving: ServingKodit) -> set[str]:
    return {model for _kind, model in read_rows(serving.data_dir, MODELS)}


def test_another_model_replaces_the_old_one_when_it_is_complete(
    tmp_path: Path, server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then searches use the old one, of other dimensions; going back costs nothing."""
    monkeypatch.setattr(metered_stages, "SNIPPETS_PER_BATCH", 4)
    write_tree(tmp_path / "source", files=4)
    with ServingKodit(tmp_path / "data") as serving:
        built_in = serving.index(tmp_path / "source")
        [old] = models_of(serving)

    refuses = True

    def script(asked: Asked) -> Reply | None:
        is_last = any("walnut" in text and "def " in text for text in asked.texts)
        return error(401) if refuses and is_last and len(asked.texts) < 48 else None

    server.script = script
    settings = server.settings(embedding_batch=3)
    with ServingKodit(tmp_path / "data", **settings) as serving:
        half = serving.index(tmp_path / "source")
        assert "failed" in states(half)
        assert models_of(serving) == {old}
        found = serving.search("anchor basket", "code")
        assert found
        assert serving.search("anchor basket", "text")
        assert serving.search("anchor basket")

        refuses = False
        whole = serving.index(tmp_path / "source")
        assert states(whole) == ["succeeded"] * 5
        assert models_of(serving) == {"endpoint embedding-model/1.1"}
        assert len(serving.search("anchor basket", "code")) == len(found)
        assert max(Counter(server.texts).values()) <= 2  # of the request that was refused
        calls = len(server.asked)

    with ServingKodit(tmp_path / "data") as serving:
        back = serving.index(tmp_path / "source")
        assert work_of(back)["texts_embedded"] == 0
        assert models_of(serving) == {old}
    with ServingKodit(tmp_path / "data", **settings) as serving:
        again = serving.index(tmp_path / "source")
        assert states(again) == ["succeeded"] * 5
        assert work_of(again)["texts_cached"] > 0
    assert len(server.asked) == calls
    assert work_of(built_in)["texts_embedded"] > 0


def test_a_search_goes_on_without_an_endpoint(tmp_path: Path, server: ModelServer) -> None:
    """With the keywords, and says so; a search that needs vectors says what is wrong."""
    write_tree(tmp_path / "source", files=4)
    with ServingKodit(tmp_path / "data", **server.settings()) as serving:
        serving.index(tmp_path / "source")
        server.script = lambda _asked: error(503)
        problems: list[str] = []

        async def ask(application: Any) -> list[Any]:
            request = SearchRequest("anchor basket", filter=SearchFilter())
            found: list[Any] = application.search.search(request, problems)
            return found

        assert serving.call(ask)
        assert "searched without vectors, because" in problems[0]
        assert "answered 503" in problems[0]
        asked = len(server.asked)
        with pytest.raises(TransientError, match="answered 503"):
            serving.search("anchor basket", "code")
        assert len(server.asked) == asked  # nobody waits for it again so soon


def test_a_query_is_embedded_once(tmp_path: Path, server: ModelServer) -> None:
    """With the instruction for queries, and not that for documents."""
    write_tree(tmp_path / "source", files=2)
    settings = server.settings(
        embedding_query_instruction="query: ", embedding_document_instruction="passage: "
    )
    with ServingKodit(tmp_path / "data", **settings) as serving:
        serving.index(tmp_path / "source")
        for mode in ("hybrid", "code", "text", "keyword"):
            serving.search("anchor basket", mode)
    assert server.texts.count("query: anchor basket") == 1
    assert all(text.startswith(("query: ", "passage: ")) for text in server.texts)


def test_the_scale_of_the_built_in_model() -> None:
    """That other models are mapped to is its own."""
    model = load_model()
    queries = np.stack([model.embed_query(one.query) for one in PROBES])
    codes = similarities(queries, model.embed([one.code for one in PROBES]))
    texts = similarities(queries, model.embed([one.description for one in PROBES]))
    assert BUILT_IN[VectorKind.CODE] == pytest.approx(codes, abs=0.001)
    assert BUILT_IN[VectorKind.TEXT] == pytest.approx(texts, abs=0.001)


def test_similarities_of_other_models_are_mapped_to_that_scale() -> None:
    """Whether a model gives .8 and .7 or .4 and .0; one that knows nothing is not amplified."""
    wanted = BUILT_IN[VectorKind.CODE]
    narrow = mapping(VectorKind.CODE, Scale(0.8, 0.7))
    assert narrow(0.7) == pytest.approx(wanted.others)
    assert wanted.others < narrow(0.75) < narrow(0.8) <= wanted.own
    wide = mapping(VectorKind.CODE, Scale(0.9, 0.1))
    assert wide(0.9) == pytest.approx(wanted.own)
    assert wide(0.1) == pytest.approx(wanted.others)
    blind = mapping(VectorKind.CODE, Scale(0.501, 0.5))
    assert blind(0.6) - blind(0.5) == pytest.approx(0.1)
    assert narrow(0.0) == wanted.others  # of a text that was never sent

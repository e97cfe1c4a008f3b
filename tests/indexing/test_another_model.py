"""With another embedding model every vector is computed again, and nothing else."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from tests.support.serving import ServingKodit, states, work_of
from tests.support.snapshot import read_rows
from tests.support.sources import write_tree

from kodit.composition import Application, Engines
from kodit.domain.ports.engines import Embedder
from kodit.infrastructure.processes.pool import ProcessPool

pytestmark = pytest.mark.every_store

MODELS = "SELECT DISTINCT kind, model FROM vectors ORDER BY kind"


class RenamedEmbedder:
    """The embedder with the name of another model."""

    model = "another model/1"

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class OtherEngines(Engines):
    """The engines with another model."""

    @cached_property
    def embedder(self) -> Embedder:
        embedder: Any = RenamedEmbedder(super().embedder)
        return embedder  # type: ignore[no-any-return]


class OtherApplication(Application):
    """The composition root with another model."""

    def make_engines(self, pool: ProcessPool) -> Engines:
        return OtherEngines(self.settings, self.database, pool)


def test_another_model_embeds_what_lacks_it(tmp_path: Path) -> None:
    """Vectors of one model are never searched with another; a run without a change computes the new
    ones, and parses nothing.
    """
    write_tree(tmp_path / "source", files=8)
    with ServingKodit(tmp_path / "data") as serving:
        before = serving.index(tmp_path / "source")
        assert serving.search("anchor basket", "code")

    with ServingKodit(tmp_path / "data", OtherApplication) as serving:
        assert serving.search("anchor basket", "code") == []
        assert serving.search("anchor basket", "keyword")
        after = serving.index(tmp_path / "source")
        assert serving.search("anchor basket", "code")
        assert states(serving.index(tmp_path / "source"))[1:] == ["skipped"] * 4

    assert states(after) == ["succeeded"] * 5
    done = work_of(after)
    assert done["texts_embedded"] == work_of(before)["texts_embedded"] > 0
    assert done["files_parsed"] == done["snippets_enriched"] == done["keywords_indexed"] == 0
    model = RenamedEmbedder.model
    assert read_rows(tmp_path / "data", MODELS) == [("code", model), ("text", model)]

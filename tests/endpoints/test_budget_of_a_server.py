"""`kodit index --server URL` on a server whose budget is spent."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.support.model_server import ModelServer
from tests.support.rest import Rest
from tests.support.serving import ServingKodit
from tests.support.sources import write_tree

from kodit.application.services.source_service import IndexRequest
from kodit.domain.caller import LOCAL_CALLER
from kodit.faces.cli.remote import RemoteServer
from kodit.faces.cli.terminal.indexing import index_and_show


class Connection:
    """To the REST face in this process."""

    url = "http://127.0.0.1"

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def get(self, path: str, parameters: dict[str, Any] | None = None) -> Any:
        return self._rest.get(path.removeprefix("/"), LOCAL_CALLER, **(parameters or {})).json()

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._rest.post(path.removeprefix("/"), LOCAL_CALLER, **(body or {})).json()


def test_the_command_says_why_and_fails(
    tmp_path: Path, server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """As without a server; and again when it asks for another run, which waits for the first."""
    write_tree(tmp_path / "source", files=4)
    settings = server.settings(embedding_price=1.0, embedding_batch=2, embedding_concurrency=1)
    with ServingKodit(tmp_path / "data", **settings, budget_per_month=0.0035) as serving:
        rest = Rest(serving)
        remote = RemoteServer(cast(Any, Connection(rest)))
        session = cast(Any, SimpleNamespace(remote=remote))
        request = IndexRequest([str(tmp_path / "source")])
        for _ in range(2):
            assert not index_and_show(session, request, wait=None, as_json=False)
            said = capsys.readouterr().err
            assert "CODE_EMBEDDINGS waits until" in said
            assert "the budget of 0.0035 is spent" in said
            assert "--wait waits" in said
        rest.close()

"""`kill -9` while an endpoint is asked costs at most what was under way."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path

import pytest
from tests.support.command import PATIENCE_SECONDS, KoditCommand, finish, kill_group
from tests.support.crash import IMPATIENT
from tests.support.model_server import Asked, ModelServer, Reply
from tests.support.snapshot import read_rows
from tests.support.sources import write_tree

CONCURRENCY, BATCH = 2, 4


@pytest.mark.parametrize("path", ["/embeddings", "/chat/completions"])
def test_answers_are_not_lost_with_the_process(
    tmp_path: Path, server: ModelServer, path: str
) -> None:
    """Each that has arrived is stored: only the requests under way are sent again. The places that
    the dead process held are free at once.
    """
    write_tree(tmp_path / "source", files=6)
    settings = server.settings(
        "embedding",
        "enrichment",
        embedding_batch=BATCH,
        embedding_concurrency=CONCURRENCY,
        enrichment_concurrency=CONCURRENCY,
    )
    environment = {f"KODIT_{name.upper()}": str(value) for name, value in settings.items()}
    command = KoditCommand(tmp_path / "data", **IMPATIENT, **environment)
    reached, may_go_on = threading.Event(), threading.Event()
    lock = threading.Lock()
    asked_for = Counter[str]()

    def script(asked: Asked) -> Reply | None:
        with lock:
            is_source = any("entry[1]" in text for text in asked.texts)
            asked_for[asked.path] += is_source
            is_later = asked.path.endswith(path) and asked_for[asked.path] > 4
        if is_later and not may_go_on.is_set():
            reached.set()
            may_go_on.wait(PATIENCE_SECONDS)
        return None

    server.script = script
    process = command.start("index", tmp_path / "source")
    assert reached.wait(PATIENCE_SECONDS)
    kill_group(process)
    finish(process)
    may_go_on.set()
    outcome = command.run("index", tmp_path / "source")
    assert outcome.code == 0, outcome

    again = [text for text, times in Counter(server.texts).items() if times > 1]
    assert max(Counter(server.texts).values()) <= 2
    assert len(again) <= CONCURRENCY * (BATCH if path == "/embeddings" else 1)
    assert read_rows(command.data_dir, "SELECT count(*) FROM endpoint_places") == [(0,)]
    assert read_rows(command.data_dir, "SELECT count(*) FROM pending_snippets") == [(0,)]

"""A search node applies the logs of several indexes in one commit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.nodes.two_nodes import Installation, follow, following, installation
from tests.support.command import wait_until
from tests.support.serving import work_of
from tests.support.sources import write_file

from kodit.application.services import keyword_following, node_following
from kodit.composition import Application
from kodit.domain.value_objects import SearchMode, SearchRequest

NAMES = ("lantern", "harbour", "meadow")


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path / "nodes") as made:
        yield made


@pytest.mark.parametrize(("changes", "pieces"), [(2_048, 1), (2, 2), (1, 3)])
def test_few_changes_of_several_indexes_share_a_commit(
    nodes: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    changes: int,
    pieces: int,
) -> None:
    """However many fit into one, each is counted as the work of its own run."""
    for module in (node_following, keyword_following):
        monkeypatch.setattr(module, "CHANGES_PER_BATCH", changes)
    worker = nodes.node("first", searches=False)
    search = nodes.node("second", is_serving=False)
    follow(search)
    runs = []
    for name in NAMES:
        write_file(tmp_path / name / f"{name}.py", f"def light_{name}():\n    return '{name}'\n")
        runs.append(worker.queue(tmp_path / name))
    awaiting = worker.application.store.nodes
    assert awaiting is not None
    wait_until(lambda: len(awaiting.awaiting()) == len(NAMES))

    async def follow_in_pieces(application: Application) -> int:
        [chore] = [one for one in following(application) if one.name == "follow other nodes"]
        done = 0
        while await chore.do_piece():
            done += 1
        return done

    assert search.call(follow_in_pieces) == pieces
    for name, run in zip(NAMES, runs, strict=True):
        work = work_of(worker.wait_for(run.id))
        assert work["keywords_indexed"] == work["snippets_written"] > 0
        request = SearchRequest(f"light_{name}", mode=SearchMode.KEYWORD)
        [first, *_] = search.application.search.search(request)
        assert first.snippet.path == f"{name}.py"

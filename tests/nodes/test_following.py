"""What one node has indexed, another one finds, whatever it has seen before."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.indexing.sharing import NEWER, found, index, problems, write
from tests.nodes.two_nodes import Installation, follow, installation
from tests.support.sources import write_file


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Installation]:
    with installation(tmp_path / "nodes") as made:
        yield made


def test_a_new_node_finds_what_another_has_indexed(nodes: Installation, tmp_path: Path) -> None:
    first, second = nodes.node("first"), nodes.node("second", is_serving=False)
    tree = write(tmp_path / "tree")
    index_id = index(first, tree)
    wanted = found(first, index_id)
    assert found(second, index_id) != wanted
    follow(second)
    assert found(second, index_id) == wanted
    write_file(tree / "lantern.py", NEWER)
    index(first, tree)
    newer = found(first, index_id)
    assert newer != wanted
    follow(second)
    assert found(second, index_id) == newer


def test_a_node_that_is_behind_is_not_damaged(nodes: Installation, tmp_path: Path) -> None:
    """What it lacks is in the history of the log, as long as it has not followed."""
    first, second = nodes.node("first"), nodes.node("second", is_serving=False)
    tree = write(tmp_path / "tree")
    index(first, tree)
    follow(second)
    write_file(tree / "lantern.py", NEWER)
    index(first, tree)
    assert [problems(node) for node in (first, second)] == [[], []]
    follow(second)
    assert problems(second) == []


def test_a_lost_keyword_index_is_filled_anew(nodes: Installation, tmp_path: Path) -> None:
    """While other nodes go on."""
    first, second = nodes.node("first"), nodes.node("second", is_serving=False)
    tree = write(tmp_path / "tree")
    index_id = index(first, tree)
    follow(second)
    shutil.rmtree(second.data_dir / "keyword")
    write_file(tree / "lantern.py", NEWER)
    index(first, tree)
    follow(second)
    assert found(second, index_id) == found(first, index_id)


def test_an_index_that_is_gone_leaves_nothing_on_any_node(
    nodes: Installation, tmp_path: Path
) -> None:
    first, second = nodes.node("first"), nodes.node("second", is_serving=False)
    kept = index(first, write(tmp_path / "kept"))
    gone = index(first, write(tmp_path / "gone", {"gone.py": "def nobody_remembers(): pass\n"}))
    follow(second)
    assert second.application.engines.keyword_index.held() == {kept, gone}
    first.call(lambda application: application.indexes.delete(gone))
    follow(second)
    assert second.application.engines.keyword_index.held() == {kept}
    assert found(second, kept) == found(first, kept)


def test_a_removal_that_was_interrupted_is_completed(nodes: Installation, tmp_path: Path) -> None:
    """Whether the keyword index or the vectors are still there."""
    first, second = nodes.node("first"), nodes.node("second", is_serving=False)
    gone = index(first, write(tmp_path / "gone"))
    follow(second)
    first.call(lambda application: application.indexes.delete(gone))
    engines = second.application.engines
    vectors = second.data_dir / "vectors"
    vectors.mkdir(exist_ok=True)
    for kind in ("code", "text"):
        (vectors / f"{gone}-{kind}.pack").write_bytes(b"of the index")
    second.call(lambda _: engines.keyword_index.drop(gone, None))
    assert engines.keyword_index.held() == set()
    follow(second)
    assert list(vectors.glob("*.pack")) == []


def test_any_node_completes_what_another_has_started(nodes: Installation, tmp_path: Path) -> None:
    """Each has its own worker; in turn they index the same source."""
    first, second = nodes.node("first"), nodes.node("second")
    tree = write(tmp_path / "tree")
    index_id = index(first, tree)
    for round_no in range(4):
        write_file(tree / "lantern.py", f"{NEWER}\n\ndef round_{round_no}(): pass\n")
        index((first, second)[round_no % 2], tree)
    follow(first)
    follow(second)
    assert found(first, index_id) == found(second, index_id)
    with psycopg.connect(nodes.url) as connection:
        assert connection.execute(
            "SELECT (SELECT count(*) FROM keyword_changes), (SELECT count(*) FROM keyword_history),"
            " (SELECT count(*) FROM former_versions)"
        ).fetchone() == (0, 0, 0)


def test_what_is_packed_on_one_node_is_packed_on_the_other(
    nodes: Installation, tmp_path: Path
) -> None:
    first, second = nodes.node("first"), nodes.node("second", is_serving=False)
    lines = "".join(f"    total += {one}\n" for one in range(14))
    functions = [f"def function_{one}(total):\n{lines}    return total\n" for one in range(2_100)]
    index_id = index(first, write(tmp_path / "tree", {"many.py": "\n\n".join(functions)}))
    follow(second)
    for node in (first, second):
        assert sorted(path.name for path in (node.data_dir / "vectors").glob("*.pack")) == [
            f"{index_id}-code.pack",
            f"{index_id}-text.pack",
        ]
    assert found(second, index_id) == found(first, index_id)

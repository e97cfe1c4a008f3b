"""What one node has indexed, another one finds, whatever it has seen before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.indexing.sharing import NEWER, TREE, found, index, write
from tests.nodes.two_nodes import Installation, follow, installation
from tests.support.sources import write_file
from tests.support.stores import rows_of


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

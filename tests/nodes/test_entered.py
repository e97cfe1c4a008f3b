"""A data directory is known as a node from the moment that it is first opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.nodes.two_nodes import follow, installation


@pytest.mark.parametrize("searches", [True, False])
def test_a_node_is_listed_before_it_does_anything(tmp_path: Path, searches: bool) -> None:
    """By what it is going to do; it follows only when a process does so for it."""
    with installation(tmp_path / "nodes") as made:
        node = made.node("first", is_serving=False, searches=searches)
        nodes = node.application.store.nodes
        assert nodes is not None
        [one] = nodes.all()
        assert (one.location, one.searches) == (str(node.data_dir), searches)
        assert not one.follows
        if searches:
            follow(node)
            assert [one.follows for one in nodes.all()] == [True]

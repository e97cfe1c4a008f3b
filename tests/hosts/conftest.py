"""Nodes for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.git.conftest import make_repository, make_server
from tests.hosts.nodes import MakeNode, nodes_below

__all__ = ["make_repository", "make_server"]


@pytest.fixture
def make_node(tmp_path: Path) -> Iterator[MakeNode]:
    with nodes_below(tmp_path) as make:
        yield make

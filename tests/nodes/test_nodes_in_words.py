"""What people and agents are told about data directories that share a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.mcp.test_standing import standing

from kodit.application.views.nodes import NodeView
from kodit.domain.ports.nodes import Node
from kodit.faces.cli.terminal.tables import node_line
from kodit.faces.mcp.text.standing import missing_in

SEEN = datetime(2026, 1, 2, 3, tzinfo=UTC)
NODE = Node(
    name="n1",
    host="ada",
    location="/var/kodit",
    version="1.2",
    searches=True,
    works=False,
    follows=True,
    is_alive=True,
    seen_at=SEEN,
    behind=3,
    lacks=4,
)


@pytest.mark.parametrize(
    ("follows", "is_alive", "state"),
    [(True, True, "following"), (False, True, "idle"), (True, False, "gone")],
)
def test_the_state_of_a_node(follows: bool, is_alive: bool, state: str) -> None:
    node = replace(NODE, follows=follows, is_alive=is_alive)
    assert NodeView.of(node) == NodeView(
        name="n1",
        host="ada",
        location="/var/kodit",
        version="1.2",
        state=state,
        seen_at="2026-01-02T03:00:00Z",
        behind=3,
        lacks=4,
        roles=("search",),
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "following, searches"),
        ({"roles": ("work", "search")}, "following, works and searches"),
        ({"state": "idle", "roles": ("work",)}, "idle, works"),
        ({"state": "idle", "roles": ()}, "idle"),
        ({"behind": 1}, "following, searches, 1 change behind"),
        ({"behind": 2}, "following, searches, 2 changes behind"),
        ({"lacks": 1}, "following, searches, does not search 1 index by keyword yet"),
        (
            {"behind": 2, "lacks": 3},
            "following, searches, 2 changes behind, does not search 3 indexes by keyword yet",
        ),
    ],
)
def test_a_node_has_one_line(changes: dict[str, Any], told: str) -> None:
    view = NodeView.of(replace(NODE, behind=0, lacks=0))
    assert node_line(replace(view, **changes)) == f"node ada:/var/kodit: {told}"


def test_a_node_that_is_gone_was_seen_at_some_time() -> None:
    """What its host and folder are called does not write to a terminal."""
    seen_at = datetime.now(UTC) - timedelta(hours=2)
    gone = Node("n1", "a\x1bda", "/var/\x07", "1.2", True, False, True, False, seen_at, 0, 0)
    assert node_line(NodeView.of(gone)) == "node a\\x1bda:/var/\\x07: gone, seen 2 h ago"


@pytest.mark.parametrize(("behind", "what"), [(1, "1 change is"), (2, "2 changes are")])
def test_what_is_not_searched_yet(behind: int, what: str) -> None:
    told = f"{what} not searched on this machine yet; ask again"
    assert missing_in(standing(behind=behind)) == told
    assert missing_in(standing(behind=0)) is None

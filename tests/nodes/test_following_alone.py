"""One process at a time follows for a node, which a lock of the server tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.postgresql_databases import address_of, open_database, server_url

from kodit.domain.errors import TransientError
from kodit.infrastructure.postgresql.dedicated import STILL_HELD
from kodit.infrastructure.postgresql.nodes import ServerNodes
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase


def node(database: SqlDatabase, name: str) -> ServerNodes:
    address = address_of(server_url()).of_node("the test's URL", name)
    return ServerNodes(database, address, Path("/data"), "host")


def test_a_node_whose_lock_is_still_held_does_not_follow() -> None:
    """Until the server has noticed that the former process is gone; other nodes do not mind."""
    database = open_database(server_url())
    former, new, other = (node(database, name) for name in ("n1", "n1", "n2"))
    former.start_following()
    other.start_following()
    with pytest.raises(TransientError, match=STILL_HELD):
        new.start_following()
    former.stop_following()
    new.start_following()
    for one in (new, other):
        one.stop_following()
    database.close()

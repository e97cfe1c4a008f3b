"""A user of the database who may do what the page about PostgreSQL says, and nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.support.command import KoditCommand, succeeded
from tests.support.empty_databases import empty_server_database
from tests.support.server import RunningServer
from tests.support.sources import commit_all, write_file

PAGE = Path(__file__).parents[2] / "docs" / "postgresql.md"
PRICES = "def round_price(amount: float) -> float:\n    return round(amount, 2)\n"


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[KoditCommand]:
    """Who makes and migrates the tables."""
    with empty_server_database() as url:
        yield KoditCommand(tmp_path / "owner", KODIT_DATABASE_URL=url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP OWNED BY kodit_work")
            connection.execute("DROP ROLE kodit_work")


def worker_of(owner: KoditCommand, data_dir: Path) -> KoditCommand:
    """A user with the rights of the page."""
    url = owner.environment["KODIT_DATABASE_URL"]
    (block,) = re.findall(r"```sql\n([^`]*kodit_work[^`]*)```", PAGE.read_text())
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in block.split(";"):
            if statement.strip():
                connection.execute(statement.encode())
    return KoditCommand(data_dir, KODIT_DATABASE_URL=url.replace("kodit@", "kodit_work@"))


def test_the_rights_of_the_page_suffice(owner: KoditCommand, tmp_path: Path) -> None:
    """For everything but the tables themselves."""
    succeeded(owner.run("status"))
    worker = worker_of(owner, tmp_path / "data")
    write_file(tmp_path / "shop" / "prices.py", PRICES)
    write_file(tmp_path / "clone" / "prices.py", PRICES)
    commit_all(tmp_path / "clone")
    with RunningServer(worker, "--no-tcp", "--workers", "1"):
        worker.succeed("index", (tmp_path / "clone").as_uri(), tmp_path / "shop")
    write_file(tmp_path / "shop" / "prices.py", PRICES.replace("price", "cost"))
    worker.succeed("index", tmp_path / "shop")
    (found, *_others) = worker.ask("search", "round_cost", "--mode", "keyword")["results"]
    assert found["path"] == "prices.py"
    worker.succeed("queue", "pause")
    worker.succeed("queue", "resume")
    worker.succeed("delete", (tmp_path / "clone").as_uri())
    worker.succeed("doctor", "--repair")
    assert len(worker.ask("status")["indexes"]) == 1


def test_tables_that_are_missing_are_told(owner: KoditCommand, tmp_path: Path) -> None:
    """In one sentence; the owner makes them, and the rights are there for these too."""
    worker = worker_of(owner, tmp_path / "data")
    outcome = worker.run("status")
    assert outcome.code == 1
    (line,) = outcome.said
    assert "does not allow this user what Kodit needs (permission denied for schema" in line
    succeeded(owner.run("status"))
    assert worker.ask("status")["indexes"] == []

"""The command line over a database of a PostgreSQL server."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.permissions import lose_privileges, needs_permissions
from tests.support.postgresql_databases import server_url
from tests.support.sources import commit_all, write_file
from tests.support.stores import DATABASES

pytestmark = pytest.mark.parametrize("store", ["postgresql"], indirect=True)

PRICES = "def round_price(amount: float) -> float:\n    return round(amount, 2)\n"
PASSWORD = "hunter2x"  # noqa: S105 - a password that must not be shown


@pytest.fixture
def kodit(store: str, tmp_path: Path) -> KoditCommand:
    assert store == "postgresql"
    return KoditCommand(tmp_path / "data")


def test_every_command_answers(kodit: KoditCommand, tmp_path: Path) -> None:
    """From the server; the data directory holds only what is derived from it."""
    write_file(tmp_path / "shop" / "prices.py", PRICES)
    commit_all(tmp_path / "shop")
    kodit.succeed("index", (tmp_path / "shop").as_uri())
    index = kodit.status()
    assert (index["files"], index["snippets"], index["run"]["state"]) == (1, 1, "succeeded")
    for command, answers in (("search", "results"), ("grep", "matches")):
        (found,) = kodit.ask(command, "round_price")[answers]
        assert found["path"] == "prices.py"
    (definition,) = kodit.ask("symbols", "round_price")["definitions"]
    assert definition["path"] == "prices.py"
    assert [file["path"] for file in kodit.ask("ls")["files"]] == ["prices.py"]
    assert PRICES in kodit.succeed("read", "prices.py").out
    assert kodit.succeed("doctor").said == ["No problems were found."]
    assert not list(kodit.data_dir.glob("kodit.db*"))
    kodit.succeed("delete", (tmp_path / "shop").as_uri())
    assert kodit.ask("status")["indexes"] == []


def test_a_server_that_cannot_be_reached(kodit: KoditCommand, tmp_path: Path) -> None:
    """Is named in a sentence, without the password."""
    kodit.environment["KODIT_DATABASE_URL"] = (
        f"postgresql://kodit:{PASSWORD}@/kodit?host={tmp_path}"
    )
    for code, *command in ((2, "search", "a"), (1, "status"), (1, "index", "--no-wait", tmp_path)):
        outcome = kodit.run(*command)
        assert outcome.code == code
        (line,) = outcome.said
        assert line.startswith(f"kodit: the database postgresql://kodit@{tmp_path}/kodit cannot be")
        assert PASSWORD not in outcome.err


@pytest.mark.parametrize("url", ["mysql://db/kodit", "postgresql://kodit:p@ss/word@db/kodit"])
def test_an_address_that_cannot_be_used(kodit: KoditCommand, url: str) -> None:
    kodit.environment["KODIT_DATABASE_URL"] = url
    outcome = kodit.run("status")
    assert outcome.code == 2
    assert outcome.said[0].startswith("kodit: KODIT_DATABASE_URL ")
    assert "ss/word" not in outcome.err


def test_two_data_directories_share_the_server(kodit: KoditCommand, tmp_path: Path) -> None:
    """What one has queued, a worker of the other does."""
    write_file(tmp_path / "shop" / "prices.py", PRICES)
    kodit.succeed("index", "--no-wait", tmp_path / "shop")
    url = DATABASES.url_of(kodit.data_dir)
    assert url.partition("?")[2] == server_url().partition("?")[2]
    other = KoditCommand(tmp_path / "other", KODIT_DATABASE_URL=url)
    other.succeed("index", tmp_path / "shop")
    assert kodit.status()["run"]["state"] == "succeeded"


def test_a_data_directory_belongs_to_one_kind_of_database(
    kodit: KoditCommand, tmp_path: Path
) -> None:
    """Both number their indexes from 1."""
    kodit.succeed("status")
    url = kodit.environment.pop("KODIT_DATABASE_URL")
    write_file(tmp_path / "shop" / "prices.py", PRICES)
    for given in (("index", tmp_path / "shop"), ("serve", "--no-tcp")):
        outcome = kodit.run(*given)
        assert outcome.code == 2
        assert "belongs to a database on a server" in outcome.said[0]
    alone = KoditCommand(tmp_path / "alone", KODIT_DATABASE_URL="")
    alone.succeed("index", tmp_path / "shop")
    alone.environment["KODIT_DATABASE_URL"] = url
    before = sorted(alone.data_dir.rglob("*"))
    for command in (
        *(("status",), ("search", "price"), ("index", tmp_path / "shop")),
        ("serve", "--no-tcp"),
    ):
        outcome = alone.run(*command)
        assert outcome.code == 2
        assert "it holds a database of its own" in outcome.said[0]
    assert sorted(alone.data_dir.rglob("*")) == before


@needs_permissions
def test_a_data_directory_of_somebody_else(kodit: KoditCommand) -> None:
    kodit.data_dir.mkdir(mode=0)
    outcome = kodit.run("status", preexec_fn=lose_privileges)
    assert outcome.code == 2
    assert f"the data directory {kodit.data_dir} cannot be read" in outcome.said[0]

"""A pooler in session mode serves as well as the server; one in transaction mode is found out."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import KoditCommand
from tests.support.empty_databases import empty_server_database
from tests.support.pgbouncer import running_pgbouncer
from tests.support.postgresql_databases import address_of, open_database
from tests.support.server import RunningServer
from tests.support.sources import write_file

from kodit.infrastructure.doctor.database import DatabaseExaminer
from kodit.infrastructure.postgresql import poolers
from kodit.infrastructure.sqlalchemy.migrate import migrate

PRICES = "def round_price(amount: float) -> float:\n    return round(amount, 2)\n"


def test_a_pooler_in_session_mode_serves(tmp_path: Path) -> None:
    """A worker hears of what another process has queued."""
    write_file(tmp_path / "shop" / "prices.py", PRICES)
    with empty_server_database() as url, running_pgbouncer(url, "session") as pooled:
        assert poolers.hears_notifications(address_of(pooled).options)
        kodit = KoditCommand(tmp_path / "data", KODIT_DATABASE_URL=pooled)
        with RunningServer(kodit, "--no-tcp", "--workers", "1"):
            kodit.succeed("index", tmp_path / "shop")
        assert kodit.ask("search", "round price")["results"]
        assert kodit.succeed("doctor").said == ["No problems were found."]


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_another_mode_is_refused(tmp_path: Path, mode: str) -> None:
    """By every command, the server and workers, in one sentence."""
    with empty_server_database() as url, running_pgbouncer(url, mode) as pooled:
        assert not poolers.hears_notifications(address_of(pooled).options, 1.0)
        kodit = KoditCommand(tmp_path / "data", KODIT_DATABASE_URL=pooled)
        for command in (
            *(("status",), ("index", "--no-wait", str(tmp_path)), ("worker",)),
            *(("serve", "--no-tcp"), ("doctor",)),
        ):
            outcome = kodit.run(*command)
            assert outcome.code == 2
            told = [line for line in outcome.said if line.startswith("kodit: ")]
            assert len(told) == 1
            assert f"the database {pooled} is reached through a pooler in transaction" in told[0]


def test_the_doctor_tells_that_notifications_do_not_arrive(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where a pooler was not recognised at the beginning."""
    with empty_server_database() as url, running_pgbouncer(url, "transaction") as pooled:
        direct = open_database(url)
        migrate(direct)
        assert DatabaseExaminer(direct).examine() == []
        direct.close()
        monkeypatch.setattr(poolers, "_is_session_kept", lambda _options: True)
        database = open_database(pooled)
        (problem,) = DatabaseExaminer(database).examine()
        database.close()
    assert problem.what.startswith("notifications of the server do not arrive")
    assert problem.repair is None

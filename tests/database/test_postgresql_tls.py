"""A server over TLS, whose certificate is checked, and a password that is never shown."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.command import KoditCommand, wait_until
from tests.support.server import RunningServer
from tests.support.sources import write_file
from tests.support.tls_server import TlsServer, make_certificate, running_tls_server

SECRET = "hunter2secret"  # noqa: S105 - of no account
PRICES = "def round_price(amount: float) -> float:\n    return round(amount, 2)\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    with running_tls_server(tmp_path_factory.mktemp("certificates")) as running:
        running.execute(f"ALTER USER kodit PASSWORD '{SECRET}'")
        yield running


@pytest.fixture
def trusted(server: TlsServer) -> str:
    """What a careful user adds to the address."""
    return f"sslmode=verify-full&sslrootcert={server.authority}"


def command(tmp_path: Path, url: str, **environment: str) -> KoditCommand:
    return KoditCommand(tmp_path / "data", KODIT_DATABASE_URL=url, **environment)


def test_a_certificate_is_checked(server: TlsServer, trusted: str, tmp_path: Path) -> None:
    """The right host and authority are accepted, and the connection is encrypted."""
    kodit = command(tmp_path, server.url(trusted), PGPASSWORD=SECRET)
    with RunningServer(kodit):
        encrypted = server.execute(
            "SELECT DISTINCT pg_stat_ssl.ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
            "WHERE application_name LIKE 'kodit%'"
        )
        assert encrypted == [(True,)]
        assert kodit.ask("status")["indexes"] == []


def test_a_wrong_host_is_refused(server: TlsServer, trusted: str, tmp_path: Path) -> None:
    outcome = command(tmp_path, server.url(trusted, host="127.0.0.1"), PGPASSWORD=SECRET).run(
        "status"
    )
    assert outcome.code == 1
    (line,) = outcome.said
    assert line.startswith("kodit: the database postgresql://kodit@127.0.0.1:")
    assert ' is not trusted: server certificate for "localhost"' in line
    assert 'does not match host name "127.0.0.1"; sslrootcert= names' in line


@pytest.mark.parametrize("authority", ["other.pem", "missing.pem"])
def test_a_wrong_authority_is_refused(server: TlsServer, tmp_path: Path, authority: str) -> None:
    make_certificate(tmp_path, "other", "/CN=another authority")
    options = f"sslmode=verify-full&sslrootcert={tmp_path / authority}"
    outcome = command(tmp_path, server.url(options), PGPASSWORD=SECRET).run("status")
    assert outcome.code == 1
    (line,) = outcome.said
    assert " is not trusted: " in line
    assert ("certificate verify failed; " if authority == "other.pem" else "missing.pem") in line


def test_a_connection_without_tls_is_refused_by_the_server(
    server: TlsServer, tmp_path: Path
) -> None:
    outcome = command(tmp_path, server.url("sslmode=disable"), PGPASSWORD=SECRET).run("status")
    assert outcome.code == 1
    assert "does not let this user in: no pg_hba.conf entry" in outcome.said[0]


def test_a_mode_that_does_not_exist(server: TlsServer, tmp_path: Path) -> None:
    outcome = command(tmp_path, server.url("sslmode=verify-all")).run("status")
    assert outcome.code == 2
    assert "sslmode in KODIT_DATABASE_URL must be one of disable, " in outcome.said[0]


@pytest.mark.parametrize("where", ["address", "PGPASSWORD", "PGPASSFILE"])
def test_where_the_password_may_be(
    server: TlsServer, trusted: str, tmp_path: Path, where: str
) -> None:
    """As for the programs of PostgreSQL; a wrong one is told, and not shown."""
    for password, code in ((SECRET, 0), ("wrong" + SECRET, 1)):
        url, environment = server.url(trusted), {}
        if where == "address":
            url = server.url(f"{trusted}&password={password}")
        elif where == "PGPASSWORD":
            environment = {"PGPASSWORD": password}
        else:
            passwords = tmp_path / "passwords"
            passwords.write_text(f"localhost:{server.port}:*:kodit:{password}\n")
            passwords.chmod(0o600)
            environment = {"PGPASSFILE": str(passwords)}
        outcome = command(tmp_path, url, **environment).run("status")
        assert outcome.code == code, outcome
        assert SECRET not in outcome.out + outcome.err
    assert "does not let this user in: password authentication failed" in outcome.said[0]


def test_a_password_is_shown_nowhere(server: TlsServer, trusted: str, tmp_path: Path) -> None:
    """Not in a log, an answer, a file of the data directory, or the list of processes, while a
    server and its workers index, search, and lose the database."""
    write_file(tmp_path / "shop" / "prices.py", PRICES)
    url = server.url(f"{trusted}&password={SECRET}")
    kodit = command(tmp_path, url, KODIT_LOG_LEVEL="debug")
    shown: list[str] = []
    with RunningServer(kodit, "--port", "0", "--workers", "1") as running:
        shown += [str(kodit.run("index", tmp_path / "shop"))]
        shown += processes()
        for arguments in (("status",), ("doctor",), ("search", "price"), ("queue", "list")):
            shown += [str(kodit.run(*arguments)), str(kodit.run(*arguments, "--json"))]
        shown += [str(running.get(path)) for path in ("/metrics", "/readyz", "/api/v1/indexes")]
        server.execute("ALTER USER kodit PASSWORD 'changed'")
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'kodit%'"
        )
        try:
            wait_until(lambda: "does not let this user in" in running.log)
            shown += [str(running.get(path)) for path in ("/readyz", "/api/v1/indexes")]
            shown += [str(kodit.run("status")), str(kodit.run("index", tmp_path / "shop"))]
        finally:
            server.execute(f"ALTER USER kodit PASSWORD '{SECRET}'")
        shown.append(running.log)
    shown += [
        path.read_bytes().decode("utf-8", "replace")
        for path in kodit.data_dir.rglob("*")
        if path.is_file()
    ]
    assert any("does not let this user in" in text for text in shown)
    assert not [text for text in shown if SECRET in text]


def processes() -> list[str]:
    """The command lines of all processes of this machine."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            found.append((folder / "cmdline").read_text("utf-8", "replace"))
        except OSError:
            continue
    assert any(os.fsdecode("kodit") in line for line in found)
    return found

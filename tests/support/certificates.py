"""A certificate for a server of a test."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest


def server_context(folder: Path, name: str) -> ssl.SSLContext:
    """For a server with this subject alternative name, such as `DNS:example.org`; the certificate
    is `cert.pem` in the folder. The test is skipped without openssl."""
    try:
        made = subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", f"/CN={name.partition(':')[2]}", "-addext", f"subjectAltName={name}"),
                *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
            ],
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        made = None
    if made is None or made.returncode:
        pytest.skip("openssl is not installed")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context

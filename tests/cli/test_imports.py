"""A command imports what it needs, and nothing that only others need."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from tests.support.command import KoditCommand

GRAMMARS = "tree_sitter"
ALWAYS_UNUSED = {"wordllama", "torch", "transformers", "pandas", "requests", "hypothesis", "pytest"}

SERVING = {
    "fastapi",
    "starlette",
    "uvicorn",
    "mcp",
    "pydantic",
    "httpx",
    "h11",
    "watchfiles",
    "prometheus_client",
}

UNUSED = {
    "--help": {"sqlalchemy", "numpy", "tantivy", "tokenizers", "alembic", "asyncio", GRAMMARS},
    "version": {"sqlalchemy", "numpy", "tantivy", "tokenizers", "alembic", "asyncio", GRAMMARS},
    "search": {"alembic", GRAMMARS},
    "status": {"alembic", "tokenizers", GRAMMARS},
}


def imported(kodit: KoditCommand, *arguments: str) -> set[str]:
    """The top-level packages that a command has imported by its end, as Python itself tells."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "kodit", *arguments],
        capture_output=True,
        check=True,
        env=kodit.environment | {"PATH": os.environ["PATH"]},
        text=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.parametrize("command", UNUSED)
def test_what_a_command_does_without(command: str, indexed: KoditCommand) -> None:
    """Neither by name nor by the beginning of a name, as the grammars have."""
    arguments = [command, "quartz"] if command == "search" else [command]

    packages = imported(indexed, *arguments)

    assert "kodit" in packages
    unwanted = UNUSED[command] | ALWAYS_UNUSED | SERVING
    assert {name for name in packages if name.startswith(tuple(unwanted))} == set()

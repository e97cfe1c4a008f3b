"""A command imports only what it needs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.command import KoditCommand

GRAMMARS = "tree_sitter"
ALWAYS_UNUSED = {"torch", "scipy", "training", "hypothesis", "pytest"}

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

AT_ONCE = {"sqlalchemy", "numpy", "tantivy", "alembic", "asyncio", GRAMMARS}
AT_ONCE |= {"rich", "markdown_it", "pygments"}

UNUSED = {
    "--help": AT_ONCE | {"json"},
    "version": AT_ONCE,
    "status": AT_ONCE,
    "ls": AT_ONCE,
    "read": AT_ONCE,
    "queue": AT_ONCE,
    "symbols": AT_ONCE - {"tantivy", "numpy"},
    "search": (AT_ONCE - {"tantivy", "numpy"}) | {"hashlib", "secrets"},
    "related": AT_ONCE - {"numpy"},
    "grep": AT_ONCE,
}

ARGUMENTS = {
    "search": ["quartz", "--limit", "50"],  # no other page follows
    "read": ["--all", "deep/quartz.py"],
    "queue": ["list"],
    "symbols": ["--all", "quartz"],
    "related": ["--all", "deep/quartz.py:1"],
    "grep": ["--all", "quartz"],
}
"""What finds something."""

PARTS_UNUSED = {
    "--help": {"composition", "domain", "infrastructure", "application.services"},
    "version": {"composition", "domain", "infrastructure", "application.services"},
    "status": {
        *("infrastructure.slicing", "infrastructure.vectors", "infrastructure.git"),
        "domain.ranking",
    },
    "ls": {"infrastructure.keyword", "infrastructure.vectors", "infrastructure.embedding"},
    "read": {"infrastructure.keyword", "infrastructure.vectors", "infrastructure.slicing"},
    "queue": {"infrastructure.keyword", "infrastructure.sources", "infrastructure.folder"},
    "symbols": {"infrastructure.slicing", "infrastructure.sqlalchemy", "infrastructure.git"},
    "search": {
        *("infrastructure.slicing", "infrastructure.sqlalchemy", "infrastructure.git"),
        *("application.views.files", "application.views.runs", "domain.grep", "domain.symbols"),
        *("domain.ports.database", "domain.ports.engines", "domain.ports.repositories"),
    },
    "related": {"infrastructure.slicing", "infrastructure.sqlalchemy", "infrastructure.git"},
    "grep": {"infrastructure.slicing", "infrastructure.sqlalchemy", "infrastructure.keyword"},
}
"""What of Kodit itself a command does without."""
ALLOWED = {"kodit.domain", "kodit.domain.errors"}
"""Help ends with one of them where something is wrong."""


def imported(kodit: KoditCommand, *arguments: str) -> set[str]:
    """The modules imported by the end of a command, as Python reports them."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "kodit", *arguments],
        capture_output=True,
        check=True,
        env=kodit.environment | {"PATH": os.environ["PATH"]},
        text=True,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


AT_THE_END = """
import atexit, gc
from pathlib import Path
names = lambda: [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
own = lambda: [name for name in names() if "tantivy" not in name]
atexit.register(lambda: print(len(own()), gc.get_freeze_count() > 0))
from kodit.cli import main
main()
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are listed on Linux only")
def test_a_search_costs_no_threads_and_no_collection_at_its_end(indexed: KoditCommand) -> None:
    """One question needs neither more threads nor freed memory at the end."""
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_END, "search", "quartz"],
        capture_output=True,
        check=True,
        env=indexed.environment | {"PATH": os.environ["PATH"]},
        text=True,
    )

    assert done.stdout.splitlines()[-1] == "1 True"


@pytest.mark.parametrize("command", UNUSED)
def test_modules_that_a_command_does_not_import(command: str, indexed: KoditCommand) -> None:
    """By whole names and by prefixes, such as those of grammars."""
    modules = imported(indexed, command, *ARGUMENTS.get(command, []))

    packages = {name.partition(".")[0] for name in modules}
    assert "kodit" in packages
    unwanted = UNUSED[command] | ALWAYS_UNUSED | SERVING
    assert {name for name in packages if name.startswith(tuple(unwanted))} == set()
    parts = tuple(f"kodit.{part}." for part in PARTS_UNUSED[command])
    assert {name for name in modules if f"{name}.".startswith(parts)} - ALLOWED == set()

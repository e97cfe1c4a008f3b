"""A command that runs out of file descriptors says so."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest
from tests.support.command import KoditCommand

SENTENCE = (
    "kodit: no more files can be opened at once; raise the limit (`ulimit -n`) or lower "
    "KODIT_WORKER_SLOTS, and try again"
)


@pytest.mark.parametrize("limit", [5, 6, 7])
def test_too_few_descriptors_end_in_one_sentence(limit: int, indexed: KoditCommand) -> None:
    """At every step that needs one: opening the database, an event loop, the engines."""
    command = shlex.join([sys.executable, "-m", "kodit", "search", "quartz", "--all"])
    done = subprocess.run(
        ["sh", "-c", f"ulimit -n {limit}; exec {command}"],
        capture_output=True,
        check=False,
        env=indexed.environment | {"PATH": os.environ["PATH"]},
        text=True,
    )

    assert (done.stderr.splitlines(), done.stdout) == ([SENTENCE], "")
    assert done.returncode in (1, 2)

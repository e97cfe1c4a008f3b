"""Ctrl-C and SIGTERM end everything at once, and the next call resumes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.command import (
    KoditCommand,
    as_in_a_terminal,
    finish,
    processes_of_session,
)
from tests.support.crash import stopped_in
from tests.support.snapshot import read_rows, take_snapshot
from tests.support.sources import write_tree

from kodit import Kodit

OUTCOMES = "SELECT outcome, count(*) FROM task_attempts GROUP BY outcome"
FAILURES = "SELECT sum(failures) FROM tasks"


def interrupt(process: subprocess.Popen[str]) -> None:
    """Ctrl-C at a terminal: the whole foreground group gets the signal."""
    os.killpg(process.pid, signal.SIGINT)


def terminate(process: subprocess.Popen[str]) -> None:
    """What a service manager sends, to the main process."""
    process.terminate()


class Stop(NamedTuple):
    """A way to stop, during a stage, and the result."""

    stop: Callable[[subprocess.Popen[str]], None]
    stage: str
    code: int
    said: str


@pytest.mark.parametrize(
    "way",
    [
        Stop(interrupt, "EXTRACT", 130, "interrupted; run the same command again to continue"),
        Stop(terminate, "CODE_EMBEDDINGS", 1, "stopped; run the same command again to continue"),
    ],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_a_stop_leaves_no_process_and_is_resumed(
    way: Stop, kodit: KoditCommand, tmp_path: Path
) -> None:
    """The held tasks are released without a failure, and nothing is repeated."""
    write_tree(tmp_path / "source", files=300)
    process = stopped_in(
        way.stage,
        kodit,
        lambda: kodit.start("index", tmp_path / "source", preexec_fn=as_in_a_terminal),
    )
    way.stop(process)
    os.killpg(process.pid, signal.SIGCONT)
    outcome = finish(process)

    assert processes_of_session(process.pid) == []
    assert outcome.code == way.code, outcome
    (sentence,) = outcome.said
    assert way.said in sentence
    assert read_rows(kodit.data_dir, "SELECT 1 FROM tasks WHERE state = 'running'") == []
    assert list((kodit.data_dir / "workers").glob("*.lock")) == []

    kodit.succeed("index", tmp_path / "source")

    outcomes = dict(read_rows(kodit.data_dir, OUTCOMES))
    assert "lost" not in outcomes
    assert outcomes["released"] >= 1
    assert read_rows(kodit.data_dir, FAILURES) == [(0,)]
    assert 300 <= kodit.work()["files_parsed"] <= 364
    with Kodit(tmp_path / "fresh") as fresh:
        fresh.index(tmp_path / "source")
    assert take_snapshot(kodit.data_dir) == take_snapshot(tmp_path / "fresh")


def test_ctrl_c_in_a_program(kodit: KoditCommand, tmp_path: Path) -> None:
    """`Kodit.index` raises KeyboardInterrupt when all tasks are released, and no process is
    left.
    """
    write_tree(tmp_path / "source", files=300)
    program = (
        "import sys\n"
        "from kodit import Kodit\n"
        "try:\n"
        "    Kodit(sys.argv[1]).index(sys.argv[2])\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(99)\n"
    )

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", program, str(kodit.data_dir), str(tmp_path / "source")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=kodit.environment,
            start_new_session=True,
            preexec_fn=as_in_a_terminal,  # noqa: PLW1509 - it takes no lock
        )

    process = stopped_in("EXTRACT", kodit, start)
    interrupt(process)
    os.killpg(process.pid, signal.SIGCONT)
    outcome = finish(process)

    assert (outcome.code, outcome.said) == (99, [])
    assert processes_of_session(process.pid) == []
    assert read_rows(kodit.data_dir, "SELECT 1 FROM tasks WHERE state = 'running'") == []

"""Starts coverage in each Python process of a measured test run.

Python imports this module by its name if its folder is on `PYTHONPATH`. A child process is measured
for the test that its parent is running.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import Any

CONTEXT = "MUTATION_CONTEXT"
"""The environment variable that names the test, or fixture, that a process works for."""
CONFIGURATION = "MUTATION_COVERAGE"
"""The environment variable that names coverage's configuration file; if unset, this module does
nothing.
"""
SECONDS_TO_SAVE = 10.0


def measure(configuration: str) -> None:
    """Start coverage, and let an idle child process save its data before it is killed."""
    import coverage  # noqa: PLC0415 - only if needed

    measuring = coverage.Coverage(
        config_file=configuration, data_suffix=True, context=os.environ.get(CONTEXT)
    )
    # Side effects of coverage's own imports are irrelevant.
    measuring._warn_no_data = measuring._warn_unimported_source = False
    measuring._auto_save = True
    measuring.start()
    kill = subprocess.Popen.kill

    def save_and_die(process: subprocess.Popen[Any]) -> None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_SAVE)
        kill(process)

    setattr(subprocess.Popen, "kill", save_and_die)  # noqa: B010 - a method is replaced on purpose


if name := os.environ.get(CONFIGURATION):
    measure(name)

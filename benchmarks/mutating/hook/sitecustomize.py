"""What each Python process of a measured test run does first: it measures itself.

Python imports this module by its name where its folder is on `PYTHONPATH`. A process that is
started is measured for the test that is under way in the process that starts it.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from typing import Any

CONTEXT = "MUTATION_CONTEXT"
"""The environment variable that says for which test, or fixture, a process works."""
CONFIGURATION = "MUTATION_COVERAGE"
"""The environment variable that names coverage's configuration file; without it nothing is done."""
SECONDS_TO_SAVE = 10.0


def measure(configuration: str) -> None:
    """Start coverage, and let an idle child process save what it has seen before it is killed."""
    import coverage  # noqa: PLC0415 - only where it is wanted

    measuring = coverage.Coverage(
        config_file=configuration, data_suffix=True, context=os.environ.get(CONTEXT)
    )
    # What the imports of the measuring program itself leave behind is of no interest.
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

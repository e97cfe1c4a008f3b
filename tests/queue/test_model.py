"""The queue and a plain model of it, driven by the same random events, never differ."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.queue.databases import DATABASES
from tests.queue.machine import QueueMachine

DEPTH = int(os.environ.get("KODIT_TEST_DEPTH", "1"))
"""How many times as many examples as in the normal run, which repeats the same ones each time."""
EXAMPLES = {"postgresql": 15}
"""Fewer where a transaction takes ten times as long."""
SHRINKS = os.environ.get("KODIT_TEST_SHRINK", "1") == "1"
"""Whether a failure is made as short as it can be, which takes a while."""


@pytest.mark.slow
@pytest.mark.parametrize("name", DATABASES)
def test_queue_follows_its_model(name: str) -> None:
    """Random requests, work, failures, deaths, zombies and steering leave queue and model equal
    after every step, and every invariant true."""

    class Machine(QueueMachine):
        def __init__(self) -> None:
            super().__init__(DATABASES[name])

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES.get(name, 50) * DEPTH,
            phases=[phase for phase in Phase if SHRINKS or phase is not Phase.shrink],
            stateful_step_count=50,
            derandomize=DEPTH == 1,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )

"""Workers that are killed, stopped and resumed at random times leave nothing undone and repeat
nothing. `benchmarks/murder.py` is the long version.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.murder.massacre import Massacre

CYCLES = 16

pytestmark = [
    pytest.mark.every_store,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]


def test_every_run_ends_and_every_effect_happens_once(tmp_path: Path) -> None:
    """Zero duplicate, early, missing, zombie or overlapping effects over some deaths."""
    with Massacre(tmp_path) as massacre:
        massacre.request(6)
        for _ in range(CYCLES):
            massacre.cycle()
        massacre.request(2)
        massacre.wait_for_runs()
        massacre.dismiss()
        verdict = massacre.judge()
        assert verdict.violations == []
        assert set(verdict.runs) == {"succeeded"}
        assert verdict.claims["lost"] > 0
        assert massacre.survivors() == []

"""Common fixtures; the conftest.py of a folder names those it uses."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.command import KoditCommand


@pytest.fixture
def kodit(tmp_path: Path) -> KoditCommand:
    """The command line over an empty data directory."""
    return KoditCommand(tmp_path / "data")

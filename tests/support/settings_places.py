"""The places of settings, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from kodit.settings import Settings


class Places(NamedTuple):
    """The files that settings may come from."""

    user: Path
    data_dir: Path

    def load(self, environment: dict[str, str] | None = None, **options: object) -> Settings:
        given = {"KODIT_DATA_DIR": str(self.data_dir)} | (environment or {})
        return Settings.load(given, **options)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """A user's folder, a data directory, and a hostile current folder."""
    places = Places(tmp_path / "config" / "kodit" / ".env", tmp_path / "data")
    places.user.parent.mkdir(parents=True)
    places.data_dir.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    here = tmp_path / "here"
    here.mkdir()
    (here / ".env").write_text("KODIT_WORKER_SLOTS=9\nKODIT_DATA_DIR=.cache-data\n")
    monkeypatch.chdir(here)
    return places

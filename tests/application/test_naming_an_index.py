"""Names that stand for no index."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kodit import Kodit
from kodit.composition import Application
from kodit.domain.errors import MissingFolderError, NotFoundError
from kodit.settings import Settings


def test_a_number_that_no_index_can_have(tmp_path: Path) -> None:
    """Larger than the database's integers."""
    with Kodit(tmp_path) as kodit, pytest.raises(NotFoundError):
        kodit.delete("9" * 19)


def test_a_folder_that_is_not_there_cannot_be_brought_up_to_date(tmp_path: Path) -> None:
    """It says so, and takes it for no number of an index."""
    with Application(Settings.load(data_dir=tmp_path)) as application:
        with pytest.raises(MissingFolderError):
            asyncio.run(application.refreshing.refresh(str(tmp_path / "missing")))
        with pytest.raises(NotFoundError):
            asyncio.run(application.refreshing.refresh("7"))

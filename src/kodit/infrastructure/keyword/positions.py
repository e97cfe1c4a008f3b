"""The positions of the keyword index, for processes that do not search it: tantivy is not
loaded.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from kodit.domain.errors import PermanentError
from kodit.domain.keyword import KeywordPosition
from kodit.infrastructure.keyword.empty import EmptyReader
from kodit.infrastructure.keyword.standing import (
    NAME,
    DamagedIndexError,
    Standing,
    check_files,
    read_standing,
)
from kodit.infrastructure.keyword.version import SCHEMA_VERSION


class KeywordPositions:
    """The position up to which the keyword index in a folder has followed each index's log."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / SCHEMA_VERSION
        self._read: tuple[Stamps, PositionsReader] | None = None

    def reader(self) -> PositionsReader:
        """The current positions: the same object as before as long as nothing changed. A damaged
        index counts as empty. Raises PermanentError for one that cannot be read.
        """
        while self._read is None or self._read[0] != stamps_of(self._folder):
            stamps = stamps_of(self._folder)
            self._read = stamps, PositionsReader(self._standing())
        return self._read[1]

    def held(self) -> set[int]:
        """The indexes that it has a position of."""
        places = self._standing().places
        return {index_id for index_id, place in places.items() if not place.is_dropped}

    def _standing(self) -> Standing:
        try:
            standing = read_standing(self._folder)
            check_files(self._folder, standing)
        except (DamagedIndexError, FileNotFoundError):
            return Standing()
        except OSError as error:
            raise unreadable(self._folder) from error
        return standing


class PositionsReader(EmptyReader):
    """Has the positions of indexes, and finds nothing."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    def positions(self, index_ids: Iterable[int]) -> dict[int, KeywordPosition | None]:
        return {index_id: self._standing.position(index_id) for index_id in index_ids}


Stamps = tuple[tuple[int, int] | None, tuple[int, int] | None]
"""Stamps of the files that change whenever the index does."""


def stamps_of(folder: Path) -> Stamps:
    """The current stamps of these files."""
    # Every search does this twice; joining and asking through `Path` takes four times as long.
    return _stamp(f"{folder}/{NAME}"), _stamp(f"{folder}/meta.json")


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - see above
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino


def unreadable(folder: Path) -> PermanentError:
    """The error for an index that cannot be read."""
    return PermanentError(
        f"the keyword index {folder} cannot be read: it is damaged, or belongs to another user",
        code="keyword_index_unreadable",
        folder=str(folder),
    )

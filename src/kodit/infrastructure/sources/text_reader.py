"""The texts of indexed files, read from the source: a folder in place, a git source in its
clone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from kodit.domain.entities import Index
from kodit.domain.errors import TransientError
from kodit.domain.files import IndexedText
from kodit.infrastructure.decoding import decode
from kodit.infrastructure.folder.content import holds_secret
from kodit.infrastructure.folder.reading import read_files
from kodit.infrastructure.sources.attributes import FileMarks
from kodit.infrastructure.sources.location import Location
from kodit.infrastructure.sources.places import SourcePlaces


class FileToRead(NamedTuple):
    """A file by its path (folders) and its content hash (git sources)."""

    path: str
    content_hash: str


def read_texts(location: Location, files: Sequence[FileToRead]) -> list[str | None]:
    """The text of each file, in the order of `files`. None for one that is gone, or is now never
    shown: binary, a private key, reached through a symbolic link, over the size limit.

    Raises SourceError if the folder is gone and TransientError if a clone cannot be read.
    """
    if location.is_folder:
        contents = read_files(location.path, [file.path for file in files])
    else:
        contents = _read_clone(location, [file.content_hash for file in files])
    marks = FileMarks(location)
    return [
        None if data is None or holds_secret(data) else decode(data, marks.encoding(file.path))
        for file, data in zip(files, contents, strict=True)
    ]


def _read_clone(location: Location, blob_ids: Sequence[str]) -> list[bytes | None]:
    from kodit.infrastructure.git.errors import (  # noqa: PLC0415 - a folder is read without git
        DamagedCloneError,
    )
    from kodit.infrastructure.git.tree import (  # noqa: PLC0415 - likewise
        read_blobs,
        read_present_blobs,
    )

    try:
        if location.may_lack:
            contents = read_blobs(Path(location.path), blob_ids)
            if None in contents:
                raise TransientError(
                    f"{location.source} is being indexed, and the clone of this machine lacks the "
                    "earlier version of a file; read it again when the run has ended",
                    code="clone_behind",
                    source=str(location.source),
                )
            return contents
        return read_present_blobs(Path(location.path), blob_ids)
    except DamagedCloneError as error:
        raise DamagedCloneError(
            f"the clone of {location.source} is damaged; the next run clones it again",
            code="clone_damaged",
            source=str(location.source),
        ) from error


class StoredTextReader:
    """Reads files in this process."""

    def __init__(self, places: SourcePlaces) -> None:
        self._places = places

    def read(self, index: Index, file: IndexedText) -> str | None:
        location = self._places.to_read(index)
        (text,) = read_texts(location, [FileToRead(file.path, file.content_hash)])
        return text

"""Where the files of an index are, and which of them are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from kodit.domain.entities import Index
from kodit.domain.ports.versions import KnownVersion
from kodit.domain.value_objects import Source, SourceKind


class Location(NamedTuple):
    """A source, and the path of its files: the folder itself, or a bare clone. With `may_lack`, a
    sound clone may lack files, because another machine has read them."""

    source: Source
    path: str
    may_lack: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether the files are read in place."""
        return self.source.kind is SourceKind.FOLDER


class FileToExtract(NamedTuple):
    """A file by its identifier, path and content hash, and the stored versions that it may have."""

    id: int
    path: str
    content_hash: str
    known: Sequence[KnownVersion] = ()


class NetworkAccess(NamedTuple):
    """How git servers are reached: whether only at public addresses, and whether with the network
    settings of the user's git configuration.
    """

    is_confined: bool = False
    uses_user_configuration: bool = False


def clone_of(clones: Path, index_id: int) -> Path:
    """The path of an index's clone; `clones` is the folder of all clones."""
    return clones / f"{index_id}.git"


def location_of(index: Index, clones: Path) -> Location:
    """Where the files of an index are."""
    if index.source.kind is SourceKind.FOLDER:
        return Location(index.source, index.source.location)
    return Location(index.source, str(clone_of(clones, index.id)))

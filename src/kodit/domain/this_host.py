"""The machine of this process, as the database that it shares with other machines knows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from kodit.domain.errors import SourceError
from kodit.domain.source import Source, SourceKind


@dataclass(frozen=True, slots=True)
class ThisHost:
    """A host by its name, which is empty where the database belongs to one machine alone. What is
    below `shared_folders`, absolute paths, is the same on every host."""

    name: str = ""
    shared_folders: tuple[str, ...] = ()

    @property
    def is_one_of_several(self) -> bool:
        """Whether other machines may use the same database."""
        return bool(self.name)

    def of_folder(self, folder: str) -> str:
        """The host of a folder of this machine; empty if it is on every host."""
        place = PurePosixPath(folder)
        is_shared = any(place.is_relative_to(shared) for shared in self.shared_folders)
        return "" if is_shared else self.name

    def of_source(self, source: Source) -> Source:
        """A source that was named on this machine, with its host."""
        if source.kind is not SourceKind.FOLDER or not self.name:
            return source
        return replace(source, host=self.of_folder(source.location))

    def has(self, source: Source) -> bool:
        """Whether the files of a source can be read on this machine."""
        return not self.name or source.host in ("", self.name)

    def check(self, source: Source) -> None:
        """Raises SourceError for a folder of another machine."""
        if not self.has(source):
            raise elsewhere(source)


ON_ANOTHER_HOST = "source_on_another_host"
"""The code of the error for files of a folder of another machine."""
ALONE = ThisHost()
"""Where the database belongs to one machine."""


def elsewhere(source: Source) -> SourceError:
    """The error for files of a folder that is on another machine."""
    return SourceError(
        f"{source} is a folder of the host {source.host}, where alone its files can be read: by a "
        "command there, or through a server of that host",
        code=ON_ANOTHER_HOST,
        source=str(source),
        host=source.host,
    )

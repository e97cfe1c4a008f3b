"""Which files are never sent: by the user's setting, and by `.kodit-private` files in the source.

Such a file has patterns as `.gitignore` has, relative to its folder; an empty one stands for the
whole folder. The setting always holds, whatever the files say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

from kodit.application.services.threads import in_thread
from kodit.domain.entities import Index
from kodit.domain.errors import TransientError
from kodit.infrastructure.folder.patterns import Pattern, byte_text, parse_patterns
from kodit.infrastructure.sources.location import Location
from kodit.infrastructure.sources.places import SourcePlaces

FILE_NAME = ".kodit-private"
LARGEST_FILE_BYTES = 1_000_000
_EVERYTHING = b"*\n"


class PrivatePatterns:
    """The rules of one source."""

    def __init__(self, globs: Sequence[str], read: Callable[[str], bytes | None]) -> None:
        """`read` returns the content of `.kodit-private` in a folder, "" or with a trailing slash;
        None if there is none."""
        self._of_setting = _patterns("\n".join(globs).encode())
        self._of_folder = cache(lambda folder: _patterns(read(folder)))
        self._holds_folder = cache(self._is_private_folder)

    def holds(self, path: str) -> bool:
        """Whether the file may not be sent. Raises TransientError if the rules cannot be read."""
        folder, _, _name = path.rpartition("/")
        return self._holds_folder(folder) or self._says(path, is_folder=False)

    def _is_private_folder(self, folder: str) -> bool:
        if not folder:
            return False
        above, _, _name = folder.rpartition("/")
        return self._holds_folder(above) or self._says(folder, is_folder=True)

    def _says(self, path: str, *, is_folder: bool) -> bool:
        if _last(self._of_setting, path, path, is_folder):
            return True
        parts = path.split("/")
        verdict = False
        for depth in range(len(parts)):
            folder = "".join(f"{part}/" for part in parts[:depth])
            found = _last(self._of_folder(folder), path, path[len(folder) :], is_folder)
            verdict = verdict if found is None else found
        return verdict


def _patterns(content: bytes | None) -> tuple[Pattern, ...]:
    if content is None:
        return ()
    return parse_patterns(content)


def _last(patterns: Sequence[Pattern], path: str, below: str, is_folder: bool) -> bool | None:
    """What the last matching pattern says; None if none matches."""
    name, relative = byte_text(path.rpartition("/")[2]), byte_text(below)
    for pattern in reversed(patterns):
        if pattern.matches(name, relative, is_folder):
            return not pattern.negated
    return None


class PrivateFilesReader:
    """Reads the rules of sources."""

    def __init__(self, places: SourcePlaces, globs: Sequence[str]) -> None:
        self._places = places
        self._globs = tuple(globs)

    async def rules(self, index: Index) -> PrivatePatterns:
        """The rules of an index, as its source has them now."""
        location = await self._places.present(index)
        if location.is_folder:
            return PrivatePatterns(self._globs, lambda folder: _in_folder(location, folder))
        found = await in_thread(lambda: _in_clone(location, index.working_copy.commit))
        return PrivatePatterns(self._globs, found.get)


def _in_folder(location: Location, folder: str) -> bytes | None:
    path = Path(location.path) / folder / FILE_NAME
    try:
        if path.is_symlink():
            return _EVERYTHING  # it may lead anywhere, so it is not read
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise TransientError(
            f"{path} cannot be read, so nothing is sent to the endpoint: {error.strerror}",
            code="private_files_unreadable",
        ) from None
    return content if content.strip() else _EVERYTHING


def _in_clone(location: Location, commit: str | None) -> Mapping[str, bytes | None]:
    from kodit.infrastructure.git.errors import error_of_reading  # noqa: PLC0415 - only for clones
    from kodit.infrastructure.git.objects import list_tree, read_blobs  # noqa: PLC0415 - likewise
    from kodit.infrastructure.git.runner import GitError  # noqa: PLC0415 - likewise

    if commit is None:
        return {}
    clone = Path(location.path)
    try:
        found = {
            entry.path.removesuffix(FILE_NAME): entry
            for entry in list_tree(clone, commit)
            if entry.path == FILE_NAME or entry.path.endswith(f"/{FILE_NAME}")
        }
        contents = read_blobs(clone, [entry.blob_id for entry in found.values()])
    except GitError as error:
        raise error_of_reading(error, clone) from error
    return {
        folder: content if entry.is_regular_file and (content or b"").strip() else _EVERYTHING
        for (folder, entry), content in zip(found.items(), contents, strict=True)
    }

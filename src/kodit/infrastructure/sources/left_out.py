"""Finding the files left out of a source, in a child process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kodit.domain.entities import Index
from kodit.domain.left_out import LeftOut, LeftOutRequest, Presence, UnreadFile
from kodit.infrastructure.folder.content import generated_marker
from kodit.infrastructure.folder.globs import glob_matcher
from kodit.infrastructure.sources.location import Location
from kodit.infrastructure.sources.places import SourcePlaces

# Child processes are started when they are first needed.
if TYPE_CHECKING:
    from kodit.infrastructure.processes.pool import ProcessPool

STALL_SECONDS = 120.0
MOST_READ = 1_000
"""For this many files left out as generated, the line that marks them is looked up."""
MARKER_LENGTH = 100
"""Characters shown of such a line."""

_BY_CONTENT = {
    "binary": "its content: a NUL byte near the start",
    "secret": "its content: a private key or a password",
    "kept by git-lfs": "its content: a pointer of git-lfs",
}


class PooledLeftOutReader:
    """Reads folders in place, and git sources in their clones."""

    def __init__(self, places: SourcePlaces, pool: ProcessPool) -> None:
        self._places = places
        self._pool = pool

    async def find(
        self, index: Index, request: LeftOutRequest, unread: Sequence[UnreadFile]
    ) -> tuple[list[LeftOut], Presence]:
        found: tuple[list[LeftOut], Presence] = await self._pool.call(
            f"{__name__}:find_left_out",
            await self._places.present(index),
            index.working_copy.commit,
            request,
            tuple(unread),
            stall_seconds=STALL_SECONDS,
        )
        return found


def find_left_out(
    location: Location,
    commit: str | None,
    request: LeftOutRequest,
    unread: Sequence[UnreadFile],
    *,
    report: Any,
) -> tuple[list[LeftOut], Presence]:
    """The result of `LeftOutReader.find`."""
    report(0, None)
    found, presence = _by_rules(location, commit, request.only_path, report)
    by_rule = {one.path for one in found}
    is_meant = _request_filter(request)
    of_content = [one for one in unread if one.path not in by_rule and is_meant(one.path)]
    found = [one for one in found if is_meant(one.path)]
    found += _by_content(location, of_content)
    return sorted(found, key=lambda one: one.path), presence


def _by_rules(
    location: Location, commit: str | None, only_path: str | None, report: Any
) -> tuple[list[LeftOut], Presence]:
    if location.is_folder:
        from kodit.infrastructure.folder.left_out import left_out_of_folder  # noqa: PLC0415 - one

        return left_out_of_folder(location.source, only_path, report)
    if commit is None:
        return [], Presence.GONE
    from kodit.infrastructure.git.left_out import left_out_of_tree  # noqa: PLC0415 - of the two

    return left_out_of_tree(Path(location.path), commit, location.source, only_path)


def _request_filter(request: LeftOutRequest) -> Callable[[str], bool]:
    """A function that tells whether a path was requested. A left-out folder counts if it
    contains a requested path.
    """
    if request.only_path is not None:
        wanted = request.only_path.strip("/")
        return lambda path: (
            path.rstrip("/") == wanted
            or (path == "./" or (path.endswith("/") and f"{wanted}/".startswith(path)))
        )
    matches = glob_matcher(request.globs) if request.globs else None
    folders = [f"{folder}/" for folder in request.within]
    return lambda path: (
        (matches is None or matches(path))
        and (
            not folders
            or any(
                path.startswith(one) or (path.endswith("/") and one.startswith(path))
                for one in folders
            )
        )
    )


def _by_content(location: Location, unread: Sequence[UnreadFile]) -> list[LeftOut]:
    generated = [one for one in unread if one.reason == "generated"][:MOST_READ]
    markers = dict(zip((one.path for one in generated), _markers(location, generated), strict=True))
    return [
        LeftOut(
            one.path,
            one.reason,
            markers.get(one.path) or _BY_CONTENT.get(one.reason, f"its content: {one.reason}"),
        )
        for one in unread
    ]


def _markers(location: Location, files: Sequence[UnreadFile]) -> list[str]:
    """For each of these files, the line that marks it as generated."""
    if not files:
        return []
    contents: Sequence[bytes | None]
    if location.is_folder:
        from kodit.infrastructure.folder.reading import read_files  # noqa: PLC0415 - as above

        contents = read_files(location.path, [one.path for one in files])
    else:
        from kodit.infrastructure.git.tree import read_blobs  # noqa: PLC0415 - as above

        contents = read_blobs(Path(location.path), [one.content_hash for one in files])
    return [
        "" if data is None else _marker(one.path, data)
        for one, data in zip(files, contents, strict=True)
    ]


def _marker(path: str, data: bytes) -> str:
    marker = generated_marker(path, data)
    if marker is not None:
        number, line = marker
        return f"{path.rpartition('/')[2]}:{number}: {line[:MARKER_LENGTH]}"
    length = len(data) // (data.count(b"\n") + 1)
    return f"its content: minified, its lines have {length:,} bytes on average"

"""Lists and reads indexed files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kodit.application.services.folder_comparisons import file_no_longer_exists
from kodit.domain.entities import Index
from kodit.domain.errors import InvalidQueryError, NotFoundError
from kodit.domain.files import (
    WHOLE_LIST,
    FilePlace,
    FileText,
    IndexedText,
    ListedFile,
    readings_of,
    tidy_path,
)
from kodit.domain.near import did_you_mean, near_names
from kodit.domain.value_objects import SearchFilter

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.domain.ports.catalogue import Catalogue, OpenCatalogue
    from kodit.domain.ports.sources import TextReader
    from kodit.domain.symbols import FileOutline

MOST_SUGGESTIONS = 3


class BrowseService:
    """Synchronous: each call is one transaction and reads at most one file."""

    def __init__(self, *, catalogue: Catalogue, reader: TextReader) -> None:
        self._catalogue = catalogue
        self._reader = reader

    def list_files(self, search_filter: SearchFilter, page: slice = WHOLE_LIST) -> list[ListedFile]:
        """A page of the indexed files by index and path. Raises NotFoundError for an unknown
        index."""
        with self._catalogue.open() as catalogue:
            return catalogue.list_files(search_filter, page)

    def read_file(self, index_id: int, place: str | FilePlace) -> FileText:
        """The lines at `PATH`, `PATH:LINE`, `PATH:START-END` or `PATH:START-`, or at a place with
        the exact path of a file; an end past the last line means the last line.

        Raises NotFoundError for a missing file or start line, InvalidQueryError for an invalid line
        range, and SourceError if the source is gone.
        """
        with self._catalogue.open() as catalogue:
            index, file, start, end = _find(catalogue, index_id, place)
        return _excerpt(index, file, self._text(index, file), start, end)

    def outline(self, index_id: int, path: str) -> FileOutline:
        """The definitions in the file of this path. Raises NotFoundError."""
        from kodit.domain.symbols import (  # noqa: PLC0415 - neither `ls` nor `read` needs it
            FileOutline,
            outlined,
        )

        with self._catalogue.open() as catalogue:
            index, file = find_exactly(catalogue, index_id, path)
            snippets = catalogue.snippets_of_file(file.id)
        return FileOutline(
            index.id,
            str(index.source),
            file.path,
            file.language,
            max((one.end_line for one in snippets), default=0),
            outlined(snippets),
        )

    def _text(self, index: Index, file: IndexedText) -> str:
        text = self._reader.read(index, file)
        if text is None:
            raise file_no_longer_exists(str(index.source), file.path)
        return text


def _find(
    catalogue: OpenCatalogue, index_id: int, place: str | FilePlace
) -> tuple[Index, IndexedText, int | None, int | None]:
    """The file at a place, and the first and last line asked for."""
    if isinstance(place, FilePlace):
        index, exactly = find_exactly(catalogue, index_id, place.path)
        return index, exactly, place.start_line, place.end_line
    index, file, wanted = find_place(catalogue, index_id, place)
    return index, file, wanted.start_line, wanted.end_line


def find_place(
    catalogue: OpenCatalogue, index_id: int, place: str
) -> tuple[Index, IndexedText, FilePlace]:
    """The file at a place as typed, and the reading of the place that applies. Raises NotFoundError
    and InvalidQueryError."""
    for wanted in readings_of(place):
        index, file = catalogue.find_file(index_id, wanted.path)
        if file is not None:
            return index, file, wanted
    check_lines(catalogue, index_id, wanted.path)
    raise missing_file(catalogue, index, wanted.path)


def find_exactly(catalogue: OpenCatalogue, index_id: int, path: str) -> tuple[Index, IndexedText]:
    index, file = catalogue.find_file(index_id, path)
    if file is None:
        raise missing_file(catalogue, index, path)
    return index, file


def missing_file(catalogue: OpenCatalogue, index: Index, path: str) -> NotFoundError:
    """The error for a path that is not in an index: the file was left out, the index is not
    complete, other files have a similar name, or none of these."""
    alike = catalogue.named(index.id, path.rpartition("/")[2], MOST_SUGGESTIONS)
    sentence = f"the index of {index.source} has no file {path!r}"
    reason = catalogue.reason_left_out(index.id, path)
    if reason is not None:
        return NotFoundError(
            f"{sentence}: it is left out as {reason}",
            code="file_left_out",
            path=path,
            reason=reason,
        )
    paths = catalogue.paths(index.id)
    if path in ("", ".") or any(one.startswith(f"{path.rstrip('/')}/") for one in paths):
        return NotFoundError(
            f"{sentence}: that is a folder",
            code="file_not_found",
            index=index.id,
            path=path,
            folder="" if path in ("", ".") else tidy_path(path),
        )
    if alike:
        names = ", ".join(map(repr, alike))
        return NotFoundError(
            f"{sentence}; there is {names}", code="file_misnamed", path=path, there=alike[0]
        )
    if near := _near_paths(paths, path):
        return NotFoundError(f"{sentence}.{did_you_mean(near)}", code="file_misnamed", path=path)
    if index.updated_at is None:
        return NotFoundError(
            f"{sentence} yet: it is not complete",
            code="file_not_indexed_yet",
            index=index.id,
            path=path,
        )
    return NotFoundError(sentence, code="file_not_found", index=index.id, path=path)


def _near_paths(paths: Sequence[str], path: str) -> list[str]:
    """The paths most similar to one, ignoring extensions. If its folder exists, only the names of
    files are compared, because in a long path any two names in one folder would be similar; those
    in that folder come first, unless another one is more similar."""
    folder, slash, _name = path.rpartition("/")
    beside = [one for one in paths if one.rpartition("/")[0] == folder] if slash else []
    if beside:
        here, anywhere = _paths_by(beside, path, _stem), _paths_by(paths, path, _stem)
        if not here or not anywhere:
            return here or anywhere
        stem = _stem(path)
        is_nearer = near_names(stem, (_stem(here[0]), _stem(anywhere[0])), 1) != [_stem(here[0])]
        return list(dict.fromkeys([*anywhere[:1], *here]))[:MOST_SUGGESTIONS] if is_nearer else here
    near = _paths_by(paths, path, _without_extension) if slash else []
    return near or _paths_by(paths, path, _stem)


def _paths_by(paths: Sequence[str], path: str, name_of: Callable[[str], str]) -> list[str]:
    by_name: dict[str, list[str]] = {}
    for one in paths:
        by_name.setdefault(name_of(one), []).append(one)
    names = near_names(name_of(path), by_name, MOST_SUGGESTIONS)
    return [one for name in names for one in sorted(by_name[name])][:MOST_SUGGESTIONS]


def _stem(path: str) -> str:
    return _without_extension(path.rpartition("/")[2])


def _without_extension(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}{name.rpartition('.')[0] or name}"


def check_lines(catalogue: OpenCatalogue, index_id: int, path: str) -> None:
    """Raises InvalidQueryError for a text that is neither a file nor a file with a line range."""
    file_path, colon, lines = path.rpartition(":")
    if colon and catalogue.find_file(index_id, file_path)[1] is not None:
        raise InvalidQueryError(
            f"what follows the colon of {path!r} must be a line number, not {lines!r}",
            code="lines_invalid",
            lines=lines,
        )


def _excerpt(
    index: Index, file: IndexedText, text: str, start: int | None, end: int | None
) -> FileText:
    lines = text.removesuffix("\n").split("\n") if text else []
    first = 1 if start is None else start
    last = len(lines) if end is None else min(end, len(lines))
    if first > max(1, len(lines)) or (start is not None and not lines):
        raise InvalidQueryError(
            f"{file.path!r} has {len(lines)} lines; there is no line {first}",
            code="line_not_found",
            path=file.path,
            line=first,
        )
    return FileText(
        file.index_id,
        str(index.source),
        file.path,
        file.language,
        first,
        last,
        len(lines),
        "\n".join(lines[first - 1 : last]),
    )

"""What child processes do to read a source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from kodit.domain.batches import MOST_PER_READ, size_of
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.source import Credentials, KnownFile, SourceHistory
from kodit.domain.value_objects import Scan, SlicedFile, Source
from kodit.infrastructure.decoding import looks_binary
from kodit.infrastructure.folder.content import (
    blob_id,
    holds_secret,
    is_lfs_pointer,
    looks_generated,
)
from kodit.infrastructure.slicing import detect_language, extractor_version, slice_file
from kodit.infrastructure.sources.attributes import FileMarks
from kodit.infrastructure.sources.location import Location
from kodit.infrastructure.work_log import record_work

FILES_PER_LOOK = 32
"""How many files are read at once, before the first of them is cut."""


class NetworkAccess(NamedTuple):
    """How git servers are reached: only at public addresses, and with what the user's own git
    configuration says of the network, or not."""

    is_confined: bool = False
    hears_user: bool = False


ORDINARY = NetworkAccess()


class FileToExtract(NamedTuple):
    """A file by its identifier, path and content hash."""

    id: int
    path: str
    content_hash: str


def look_up(
    location: Location,
    credentials: Credentials | None,
    answer_seconds: float,
    access: NetworkAccess = ORDINARY,
    *,
    report: Any,
) -> str | None:
    """The commit a git source is at, None where its clone does not hold it; `answer_seconds` is
    how long its server may be silent."""
    from kodit.infrastructure.git.clone import stands_at
    from kodit.infrastructure.git.remote import look_up as ask
    from kodit.infrastructure.git.remote import was_deepened
    from kodit.infrastructure.git.runner import Limits
    from kodit.infrastructure.git.submodules import refusals
    from kodit.infrastructure.git.tree import was_listed_alike

    report(0, None)
    limits = Limits(answer_seconds, 1.5 * answer_seconds)
    with _network(location.source, access):
        commit = ask(location.source, credentials, limits=limits)
    clone = Path(location.path)
    if commit is None or not stands_at(clone, commit) or was_deepened(location.source, clone):
        return None
    if location.source.submodules and refusals(clone):
        return None  # to try again what could not be fetched
    return commit if was_listed_alike(clone) else None


def verify(
    source: Source,
    credentials: Credentials | None,
    answer_seconds: float,
    access: NetworkAccess = ORDINARY,
    *,
    report: Any,
) -> None:
    """See whether a git source is there, lets us in, and has what is wanted of it."""
    from kodit.infrastructure.git.remote import verify as ask
    from kodit.infrastructure.git.runner import Limits

    report(0, None)
    with _network(source, access):
        ask(source, credentials, limits=Limits(answer_seconds, 1.5 * answer_seconds))


def scan(
    location: Location,
    credentials: Credentials | None,
    known: Mapping[str, KnownFile],
    last_scan_ns: int,
    access: NetworkAccess = ORDINARY,
    *,
    report: Any,
) -> Scan:
    """Bring a clone up to date, or look at a folder, and compare with what is known."""
    source = location.source
    if location.is_folder:
        from kodit.infrastructure.folder.scan import scan_folder

        return scan_folder(
            location.path,
            known,
            last_scan_ns,
            source.include,
            source.exclude,
            report,
            submodules=source.submodules,
        )
    from kodit.infrastructure.git.clone import synchronise
    from kodit.infrastructure.git.tree import list_files, note_listing

    clone = Path(location.path)
    with _network(source, access):
        commit = synchronise(source, clone, credentials, report)
    _fetch_submodules(location, commit, credentials, access, report)
    found = list_files(
        clone, commit, known, source.include, source.exclude, submodules=source.submodules
    )
    note_listing(clone)
    return found


def _fetch_submodules(
    location: Location,
    commit: str | None,
    credentials: Credentials | None,
    access: NetworkAccess,
    report: Any,
) -> None:
    if not location.source.submodules or commit is None:
        return
    from kodit.infrastructure.sources.submodules import SubmoduleFetch

    fetch = SubmoduleFetch(
        location.source, Path(location.path), credentials, report, is_confined=access.is_confined
    )
    with _user_configuration(access):
        fetch.take_in(commit)


@contextmanager
def _network(source: Source, access: NetworkAccess) -> Iterator[None]:
    with ExitStack() as stack:
        if not source.location.startswith("file://"):
            stack.enter_context(_user_configuration(access))
        if access.is_confined:
            from kodit.infrastructure.git.confinement import confined_to_public_hosts

            stack.enter_context(confined_to_public_hosts(source))
        yield


def _user_configuration(access: NetworkAccess) -> AbstractContextManager[None]:
    if not access.hears_user:
        return nullcontext()
    from kodit.infrastructure.git.runner import CONFIGURATION
    from kodit.infrastructure.git.user_configuration import hearing_the_user

    return hearing_the_user(CONFIGURATION)


def read_history(
    location: Location,
    commit: str | None,
    known: str | None,
    unknown: Sequence[str],
    *,
    report: Any,
) -> SourceHistory | None:
    """Authors and dates that are not known yet, up to the known mark or of the unknown files."""
    from kodit.infrastructure.git.history import clone_history, folder_history

    if location.is_folder:
        return folder_history(location.path, known, unknown, report)
    if commit is None:
        return None
    from kodit.infrastructure.git.tree import reading

    clone = Path(location.path)
    with reading(clone):
        return clone_history(clone, commit, known, unknown, report)


def clone_from_scratch(
    location: Location,
    credentials: Credentials | None,
    access: NetworkAccess = ORDINARY,
    *,
    report: Any,
) -> None:
    """Replace a clone that is damaged."""
    from kodit.infrastructure.git.clone import synchronise

    with _network(location.source, access):
        commit = synchronise(
            location.source, Path(location.path), credentials, report, from_scratch=True
        )
    _fetch_submodules(location, commit, credentials, access, report)


def extract(
    location: Location, files: Sequence[FileToExtract], strict: bool = False, *, report: Any
) -> list[ExtractedFile]:
    """Read the files and cut them into snippets, until there is enough to be handed over. When
    `strict`, a clone that lacks one of them counts as damaged."""
    extracted: list[ExtractedFile] = []
    marks = FileMarks(location)
    rows = size = 0
    for done, (file, data) in enumerate(_contents(location, files, strict)):
        if data is not None:
            record_work("files_parsed", 1)
        report(done, len(files))
        extracted.append(one := extract_one(file, data, marks))
        if one.sliced is not None:
            rows += len(one.sliced.snippets)
            size += sum(size_of(snippet.text) for snippet in one.sliced.snippets)
        if rows >= MOST_PER_READ.rows or size >= MOST_PER_READ.size:
            break
    return extracted


def _contents(
    location: Location, files: Sequence[FileToExtract], strict: bool
) -> Iterator[tuple[FileToExtract, bytes | None]]:
    """A few at a time: a file of a folder may have become larger than was known of it."""
    for start in range(0, len(files), FILES_PER_LOOK):
        some = files[start : start + FILES_PER_LOOK]
        yield from zip(some, _read(location, some, strict), strict=True)


def _read(location: Location, files: Sequence[FileToExtract], strict: bool) -> list[bytes | None]:
    if location.is_folder:
        from kodit.infrastructure.folder.reading import read_files

        return read_files(location.path, [file.path for file in files])
    from kodit.infrastructure.git.tree import read_blobs, read_present_blobs

    blob_ids = [file.content_hash for file in files]
    if strict:
        return read_present_blobs(Path(location.path), blob_ids, verify=True)
    return read_blobs(Path(location.path), blob_ids)


def extract_one(
    file: FileToExtract, data: bytes | None, marks: FileMarks | None = None
) -> ExtractedFile:
    """The snippets of one file, whose bytes are None when it has vanished; `marks` are those of
    its source."""
    if data is None:
        return ExtractedFile(file.id, file.content_hash, "", None)
    encoding = None if marks is None else marks.encoding(file.path)
    problem = _reason_to_leave_out(file.path, data, encoding, marks)
    if problem is None:
        sliced = slice_file(file.path, data, encoding=encoding)
    else:
        sliced = SlicedFile(file.path, detect_language(file.path, data[:256]), (), problem)
    is_left_out = sliced.problem is not None and not sliced.snippets
    version = extractor_version(None if is_left_out else sliced.language)
    return ExtractedFile(file.id, blob_id(data), version, sliced)


def _reason_to_leave_out(
    path: str, data: bytes, encoding: str | None, marks: FileMarks | None
) -> str | None:
    """What only the content of a file can tell."""
    if encoding is None and looks_binary(data):
        return "binary"
    if holds_secret(data):
        return "secret"
    if is_lfs_pointer(data):
        return "kept by git-lfs"
    if looks_generated(path, data) and not (marks is not None and marks.is_own(path)):
        return "generated"
    return None

"""The functions that child processes run to read a source."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from kodit.domain.batches import MOST_PER_READ, size_of
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.ports.versions import KnownVersion
from kodit.domain.source import Credentials, KnownFile, SourceHistory
from kodit.domain.value_objects import Scan, SlicedFile, Source
from kodit.infrastructure.decoding import looks_binary
from kodit.infrastructure.folder.content import (
    blob_id,
    holds_secret,
    is_lfs_pointer,
    looks_generated,
)
from kodit.infrastructure.slicing.detection import detect_language
from kodit.infrastructure.slicing.slicer import DETECTION_BYTES, read_alike, slice_file
from kodit.infrastructure.slicing.version import extractor_version
from kodit.infrastructure.sources.attributes import FileMarks
from kodit.infrastructure.sources.location import FileToExtract, Location, NetworkAccess
from kodit.infrastructure.work_log import record_work

SHARING_DOMAIN = ""
FILES_PER_READ = 32
"""Files read at once, before the first of them is split."""


ORDINARY = NetworkAccess()


def look_up(
    location: Location,
    credentials: Credentials | None,
    answer_seconds: float,
    access: NetworkAccess = ORDINARY,
    *,
    report: Any,
) -> str | None:
    """The commit of a git source, or None if its clone does not hold it; `answer_seconds` is how
    long its server may be silent.
    """
    from kodit.infrastructure.git.clone import is_at_commit
    from kodit.infrastructure.git.remote import has_been_deepened
    from kodit.infrastructure.git.remote import look_up as ask
    from kodit.infrastructure.git.runner import Limits
    from kodit.infrastructure.git.submodules import refusals
    from kodit.infrastructure.git.tree import is_listing_current

    report(0, None)
    limits = Limits(answer_seconds, 1.5 * answer_seconds)
    with _network(location.source, access):
        commit = ask(location.source, credentials, limits=limits)
    clone = Path(location.path)
    if (
        commit is None
        or not is_at_commit(clone, commit)
        or has_been_deepened(location.source, clone)
    ):
        return None
    if location.source.submodules and refusals(clone):
        return None  # to try again what could not be fetched
    return commit if is_listing_current(clone) else None


def verify(
    source: Source,
    credentials: Credentials | None,
    answer_seconds: float,
    access: NetworkAccess = ORDINARY,
    *,
    report: Any,
) -> None:
    """Check that a git source exists, that access is granted, and that it has the ref. Raises the
    same errors as `look_up`.
    """
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
    """Update the clone, or scan the folder, and compare its files with those in `known`."""
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
    from kodit.infrastructure.git.tree import list_files, record_listing

    clone = Path(location.path)
    with _network(source, access):
        commit = synchronise(source, clone, credentials, report)
    _fetch_submodules(location, commit, credentials, access, report)
    found = list_files(
        clone, commit, known, source.include, source.exclude, submodules=source.submodules
    )
    record_listing(clone)
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
        fetch.fetch_pinned(commit)


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
    if not access.uses_user_configuration:
        return nullcontext()
    from kodit.infrastructure.git.runner import CONFIGURATION
    from kodit.infrastructure.git.user_configuration import with_user_configuration

    return with_user_configuration(CONFIGURATION)


def read_history(
    location: Location,
    commit: str | None,
    known: str | None,
    unknown: Sequence[str],
    repositories: Sequence[str] = (),
    *,
    report: Any,
) -> SourceHistory | None:
    """Authors and dates that are not known yet: since the known mark, or of the unknown files.
    `repositories` are those within a folder."""
    from kodit.infrastructure.git.nested_history import history_of_clone, history_of_folder

    if location.is_folder:
        return history_of_folder(location.path, repositories, known, unknown, report)
    if commit is None:
        return None
    from kodit.infrastructure.git.tree import reading

    clone = Path(location.path)
    with reading(clone):
        submodules = location.source.submodules
        return history_of_clone(clone, commit, known, unknown, report, submodules=submodules)


def clone_from_scratch(
    location: Location,
    credentials: Credentials | None,
    access: NetworkAccess = ORDINARY,
    *,
    report: Any,
) -> None:
    """Replace a damaged clone."""
    from kodit.infrastructure.git.clone import synchronise

    with _network(location.source, access):
        commit = synchronise(
            location.source, Path(location.path), credentials, report, from_scratch=True
        )
    _fetch_submodules(location, commit, credentials, access, report)


def hold_commit(
    location: Location,
    commit: str,
    credentials: Credentials | None,
    access: NetworkAccess = ORDINARY,
    from_scratch: bool = False,
    *,
    report: Any,
) -> None:
    """Bring a clone to a commit that another machine has read, with its submodules; with
    `from_scratch`, replace a damaged clone. Raises CommitGoneError if the source has it no more.
    """
    from kodit.infrastructure.git.clone import hold

    with _network(location.source, access):
        hold(
            location.source,
            commit,
            Path(location.path),
            credentials,
            report,
            from_scratch=from_scratch,
        )
    _fetch_submodules(location, commit, credentials, access, report)


def extract(
    location: Location, files: Sequence[FileToExtract], strict: bool = False, *, report: Any
) -> list[ExtractedFile]:
    """Read files and split them into snippets, until a batch is full. With `strict`, a clone that
    lacks one of them counts as damaged.
    """
    extracted: list[ExtractedFile] = []
    marks = FileMarks(location)
    rows = size = 0
    for done, (file, data) in enumerate(_contents(location, files, strict)):
        if data is not None and not file.known:
            record_work("files_parsed", 1)
        report(done, len(files))
        extracted.append(one := extract_one(file, data, marks))
        if data is not None and file.known and one.is_parsed:
            record_work("files_parsed", 1)
        if one.sliced is not None:
            rows += len(one.sliced.snippets)
            size += sum(size_of(snippet.text) for snippet in one.sliced.snippets)
        if rows >= MOST_PER_READ.rows or size >= MOST_PER_READ.size:
            break
    return extracted


def _contents(
    location: Location, files: Sequence[FileToExtract], strict: bool
) -> Iterator[tuple[FileToExtract, bytes | None]]:
    """The bytes of each file, read a few files at a time: a file in a folder may have grown since
    it was scanned.
    """
    for start in range(0, len(files), FILES_PER_READ):
        some = files[start : start + FILES_PER_READ]
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
    """The snippets of one file; `data` is None if it has vanished, and `marks` are those of its
    source.
    """
    if data is None:
        return ExtractedFile(file.id, file.content_hash, "", None)
    encoding = None if marks is None else marks.encoding(file.path)
    is_generated = looks_generated(file.path, data)
    is_own = is_generated and marks is not None and marks.is_own(file.path)
    key = content_key(file.path, data, encoding, is_own=is_own)
    is_derived = is_generated and not is_own
    for known in file.known:
        is_it = known.content_key == key
        if is_it or _is_alike(known, file.path, data, encoding, is_derived=is_derived):
            language = detect_language(file.path, data[:DETECTION_BYTES])
            version = extractor_version(None if known.is_left_out else language)
            found = SlicedFile(file.path, language, ())
            one = ExtractedFile(file.id, blob_id(data), version, found, key, size=len(data))
            return replace(one, version_id=known.id) if is_it else replace(one, alike=known)
    problem = _reason_to_leave_out(data, encoding, is_generated=is_derived)
    if problem is None:
        sliced = slice_file(file.path, data, encoding=encoding)
    else:
        sliced = SlicedFile(file.path, detect_language(file.path, data[:256]), (), problem)
    is_left_out = sliced.problem is not None and not sliced.snippets
    version = extractor_version(None if is_left_out else sliced.language)
    return ExtractedFile(file.id, blob_id(data), version, sliced, key)


def content_key(path: str, data: bytes, encoding: str | None, *, is_own: bool) -> bytes:
    """A hash of everything that the snippets of a file depend on, 32 bytes. `is_own` if the file
    looks generated but is marked as hand-written. Between two sharing domains nothing would be
    shared; there is one so far."""
    language = detect_language(path, data[:DETECTION_BYTES])
    parts = (SHARING_DOMAIN, path, encoding or "", str(is_own), extractor_version(language))
    hashed = hashlib.blake2b(digest_size=32)
    for part in parts:
        encoded = part.encode(errors="surrogatepass")
        hashed.update(b"%d:" % len(encoded) + encoded)
    hashed.update(data)
    return hashed.digest()


def _is_alike(
    known: KnownVersion, path: str, data: bytes, encoding: str | None, *, is_derived: bool
) -> bool:
    """Whether a version was made for another path from the same bytes, and has the snippets that
    they would have at this path. `is_derived` if they are left out because a program wrote them."""
    if known.path == path or not read_alike(path, known.path, data[:DETECTION_BYTES]):
        return False
    looks_derived = looks_generated(known.path, data)
    if is_derived and not looks_derived:
        return False
    is_own = looks_derived and not is_derived
    return known.content_key == content_key(known.path, data, encoding, is_own=is_own)


def _reason_to_leave_out(data: bytes, encoding: str | None, *, is_generated: bool) -> str | None:
    """The reason that only a file's content shows, or None."""
    if encoding is None and looks_binary(data):
        return "binary"
    if holds_secret(data):
        return "secret"
    if is_lfs_pointer(data):
        return "kept by git-lfs"
    if is_generated:
        return "generated"
    return None

"""Writing the keyword index: runs in a child process, one writer at a time.

Before it changes anything, a writer checks whether the files are those that the last one left. A
damaged index is removed: everything in it can be rebuilt from the database.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import tantivy

from kodit.domain.errors import TransientError
from kodit.domain.keyword import KeywordBatch, KeywordPosition
from kodit.infrastructure.files import make_private_folder, why_write_fails
from kodit.infrastructure.keyword.panics import is_panic
from kodit.infrastructure.keyword.schema import INDEX_ID, SNIPPET_ID, open_index, to_documents
from kodit.infrastructure.keyword.standing import (
    DamagedIndexError,
    Place,
    Standing,
    check_files,
    is_whole,
    read_standing,
    segment_files,
    write_standing,
)
from kodit.infrastructure.locks import file_lock

LOCK = "keyword.lock"
"""The lock of all writers, in the folder above the index."""
LOCK_TIMEOUT_SECONDS = 60.0
WRITER_HEAP_BYTES = 64_000_000
DOCUMENTS_PER_REPORT = 512


def apply_batch(folder: str, batch: KeywordBatch, *, report: Any) -> bool:
    """Delete, add and commit, unless the batch was applied before. Returns whether the batch is
    applied: it is refused if it does not follow the index's position. A batch without a predecessor
    replaces all documents of its index.
    """
    path = Path(folder)
    with locked(folder), _translated_errors(path):
        standing = _sound_standing(path)
        place = standing.places.get(batch.index_id)
        if place is not None and place.is_dropped:
            if place.position.generation == batch.generation:
                return True  # from a worker that does not know of the deletion yet
            place = None
        position = None if place is None else place.position
        if position == batch.reached:
            return True
        if not batch.continues(position):
            return False
        # A crash between the commit and recording the position makes the batch come again.
        with _writer(path, standing.places) as writer:
            if position is None or position.generation != batch.generation:
                writer.delete_documents_by_term(INDEX_ID, batch.index_id)
            for snippet_id in (*batch.deletions, *(snippet.id for snippet in batch.additions)):
                writer.delete_documents_by_term(SNIPPET_ID, snippet_id)
            for done in range(0, len(batch.additions), DOCUMENTS_PER_REPORT):
                report(done, len(batch.additions))
                for document in to_documents(batch.additions[done : done + DOCUMENTS_PER_REPORT]):
                    writer.add_document(document)
        places = {**standing.places, batch.index_id: Place(batch.reached)}
        write_standing(path, places, sealed=True)
    return True


def drop_index(folder: str, index_id: int, generation: str | None, *, report: Any) -> None:
    """Delete every document of an index, and refuse all later batches of its generation, which is
    None for an index that the database does not know.
    """
    path = Path(folder)
    with locked(folder), _translated_errors(path):
        standing = _sound_standing(path)
        places = dict(standing.places)
        held = places.pop(index_id, None)
        if generation is not None:
            at = KeywordPosition(generation, 0, 0) if held is None else held.position
            places[index_id] = Place(at, is_dropped=True)
        # Refused from here on, even if the deletion below is interrupted and repeated.
        if held is not None or generation is None:
            with _writer(path, places) as writer:
                writer.delete_documents_by_term(INDEX_ID, index_id)
        write_standing(path, places, sealed=True)
        report(1, 1)


@contextmanager
def _writer(folder: Path, places: Mapping[int, Place]) -> Iterator[tantivy.IndexWriter]:
    """Yields a writer whose changes are committed at the end of the block. Until the standing is
    written again, readers know that the files are changing.
    """
    write_standing(folder, places, sealed=False)
    writer = open_index(folder).writer(WRITER_HEAP_BYTES, 1)
    yield writer
    writer.commit()
    writer.wait_merging_threads()


def _sound_standing(folder: Path) -> Standing:
    """The standing of an index whose files are intact; of an empty one instead of any other."""
    _remove_leftovers(folder)
    try:
        standing = read_standing(folder)
        check_files(folder, standing)
    except DamagedIndexError:
        discard(folder)
        return Standing()
    return standing


def discard(folder: Path) -> None:
    """Remove the index, so that it is rebuilt from nothing; to be called with the lock held."""
    doomed = folder.with_name(f"{secrets.token_hex(8)}.tmp")
    folder.rename(doomed)
    make_private_folder(folder)
    shutil.rmtree(doomed, ignore_errors=True)


def leftovers(folder: Path) -> list[Path]:
    """The files of killed writers in a folder, ours and tantivy's; to be called while no writer is
    active.
    """
    return sorted([*folder.glob("*.tmp"), *folder.glob(".tmp*")])


def _remove_leftovers(folder: Path) -> None:
    for path in (*leftovers(folder), *leftovers(folder.parent)):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def _translated_errors(folder: Path) -> Iterator[None]:
    """Translates errors of tantivy, which raises ValueError for everything, including a full disk
    and a damaged file, or panics.
    """
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        if not (isinstance(error, ValueError) or is_panic(error)):
            raise
        why = why_write_fails(folder, WRITER_HEAP_BYTES)
        if why is not None:
            why = f"{why}; free some space and try again"
        elif _means_damage(error) or not all(map(is_whole, segment_files(folder))):
            discard(folder)
            why = "it was damaged and is rebuilt"
        else:
            why = " ".join(str(error).split())
        raise TransientError(f"the keyword index cannot be written: {why}") from None


def _means_damage(error: BaseException) -> bool:
    """Whether the message means that a file is missing or cannot be parsed."""
    told = str(error).lower()
    signs = ("corrupt", "deserializ", "does not exist", "invaliddata", "incompatible")
    return any(sign in told for sign in signs)


def locked(folder: str) -> AbstractContextManager[None]:
    """Holds the writers' lock of the index; its folder exists meanwhile."""
    path = Path(folder)
    make_private_folder(path)
    return file_lock(path.parent / LOCK, LOCK_TIMEOUT_SECONDS, "the keyword index")

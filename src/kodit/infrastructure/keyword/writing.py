"""Writing the keyword index: runs in a child process, one writer at a time.

Before a writer changes anything it looks whether the files are those that the last one has left.
An index that is damaged is removed: it holds nothing that the database does not.
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
from kodit.infrastructure.files import make_private_folder, why_no_room
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
"""The lock of all who write, in the folder above the index."""
LOCK_TIMEOUT_SECONDS = 60.0
WRITER_HEAP_BYTES = 64_000_000
DOCUMENTS_PER_REPORT = 512


def apply_batch(folder: str, batch: KeywordBatch, *, report: Any) -> bool:
    """Delete, add and commit; nothing where that was done before. Returns whether the batch is in:
    it is refused where it does not continue what the index holds. A batch that follows nothing
    replaces all that was held of its index."""
    path = Path(folder)
    with locked(folder), _translated_errors(path):
        standing = _sound_standing(path)
        place = standing.places.get(batch.index_id)
        if place is not None and place.is_dropped:
            if place.position.generation == batch.generation:
                return True  # of a worker that does not know of the deletion yet
            place = None
        position = None if place is None else place.position
        if position == batch.reached:
            return True
        if not batch.continues(position):
            return False
        # A crash between the commit and the position below makes the batch come again.
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
    None for an index that the database does not know."""
    path = Path(folder)
    with locked(folder), _translated_errors(path):
        standing = _sound_standing(path)
        places = dict(standing.places)
        held = places.pop(index_id, None)
        if generation is not None:
            at = KeywordPosition(generation, 0, 0) if held is None else held.position
            places[index_id] = Place(at, is_dropped=True)
        # Refused from here on, also when the deletion below is cut short and done again.
        if held is not None or generation is None:
            with _writer(path, places) as writer:
                writer.delete_documents_by_term(INDEX_ID, index_id)
        write_standing(path, places, sealed=True)
        report(1, 1)


@contextmanager
def _writer(folder: Path, places: Mapping[int, Place]) -> Iterator[tantivy.IndexWriter]:
    """Changes to the index, committed at the end of the block. Until the standing is written again,
    a reader knows that the files are being changed."""
    write_standing(folder, places, sealed=False)
    writer = open_index(folder).writer(WRITER_HEAP_BYTES, 1)
    yield writer
    writer.commit()
    writer.wait_merging_threads()


def _sound_standing(folder: Path) -> Standing:
    """The standing of an index that was found whole; of an empty one in place of any other."""
    _remove_leftovers(folder)
    try:
        standing = read_standing(folder)
        check_files(folder, standing)
    except DamagedIndexError:
        discard(folder)
        return Standing()
    return standing


def discard(folder: Path) -> None:
    """Remove the index, so that one is made from nothing; to be called while it is locked."""
    doomed = folder.with_name(f"{secrets.token_hex(8)}.tmp")
    folder.rename(doomed)
    make_private_folder(folder)
    shutil.rmtree(doomed, ignore_errors=True)


def leftovers(folder: Path) -> list[Path]:
    """What writers that were killed have left in a folder, ours and tantivy's; to be asked while
    nobody writes."""
    return sorted([*folder.glob("*.tmp"), *folder.glob(".tmp*")])


def _remove_leftovers(folder: Path) -> None:
    for path in (*leftovers(folder), *leftovers(folder.parent)):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def _translated_errors(folder: Path) -> Iterator[None]:
    """Whatever goes wrong inside tantivy is a ValueError, a full disk and a damaged file too, or a
    panic."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        if not (isinstance(error, ValueError) or is_panic(error)):
            raise
        why = why_no_room(folder, WRITER_HEAP_BYTES)
        if why is not None:
            why = f"{why}; free some space and try again"
        elif _speaks_of_damage(error) or not all(map(is_whole, segment_files(folder))):
            discard(folder)
            why = "it was damaged and is rebuilt"
        else:
            why = " ".join(str(error).split())
        raise TransientError(f"the keyword index cannot be written: {why}") from None


def _speaks_of_damage(error: BaseException) -> bool:
    """Whether tantivy could read a file and make nothing of it, or misses one."""
    told = str(error).lower()
    signs = ("corrupt", "deserializ", "does not exist", "invaliddata", "incompatible")
    return any(sign in told for sign in signs)


def locked(folder: str) -> AbstractContextManager[None]:
    """Nobody writes the index meanwhile; its folder is there."""
    path = Path(folder)
    make_private_folder(path)
    return file_lock(path.parent / LOCK, LOCK_TIMEOUT_SECONDS, "the keyword index")

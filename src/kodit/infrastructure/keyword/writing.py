"""Writing the keyword index: runs in a child process, one writer at a time.

Before it changes anything, a writer checks whether the files are those that the last one left. A
damaged index is removed: everything in it can be rebuilt from the database.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
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


def apply_batches(folder: str, batches: Sequence[KeywordBatch], *, report: Any) -> list[bool]:
    """Delete, add and commit the batches of different indexes at once, without those that were
    applied before. Returns for each whether it is applied: a batch is refused if it does not follow
    its index's position. One without a predecessor replaces all documents of its index.
    """
    path = Path(folder)
    with locked(folder), _translated_errors(path):
        standing = _sound_standing(path)
        todo = [batch for batch in batches if _continues(standing, batch)]
        if todo:
            # A crash between the commit and recording the positions makes the batches come again.
            with _writer(path, standing.places) as writer:
                _write(writer, standing, todo, report)
            reached = {batch.index_id: Place(batch.reached) for batch in todo}
            write_standing(path, {**standing.places, **reached}, sealed=True)
    return [batch in todo or _is_over(standing, batch) for batch in batches]


def _is_over(standing: Standing, batch: KeywordBatch) -> bool:
    """Whether the batch was applied, or comes from a worker that does not know yet that its index
    was deleted.
    """
    place = standing.places.get(batch.index_id)
    if place is None:
        return False
    if place.is_dropped:
        return place.position.generation == batch.generation
    return place.position == batch.reached


def _continues(standing: Standing, batch: KeywordBatch) -> bool:
    position = standing.position(batch.index_id)
    return not _is_over(standing, batch) and batch.continues(position)


def _write(
    writer: tantivy.IndexWriter, standing: Standing, batches: Sequence[KeywordBatch], report: Any
) -> None:
    for batch in batches:
        position = standing.position(batch.index_id)
        if position is None or batch.replaces or position.generation != batch.generation:
            writer.delete_documents_by_term(INDEX_ID, batch.index_id)
        for snippet_id in (*batch.deletions, *(snippet.id for snippet in batch.additions)):
            writer.delete_documents_by_term(SNIPPET_ID, snippet_id)
    additions = [snippet for batch in batches for snippet in batch.additions]
    for done in range(0, len(additions), DOCUMENTS_PER_REPORT):
        report(done, len(additions))
        for document in to_documents(additions[done : done + DOCUMENTS_PER_REPORT]):
            writer.add_document(document)


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

"""Writing the keyword index: runs in a child process, one writer at a time.

`positions.json` holds the last change that is in the index, by index identifier; null stands for
an index that was dropped. It is what makes a late or repeated batch harmless.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import tantivy

from kodit.domain.errors import TransientError
from kodit.domain.keyword import KeywordBatch
from kodit.infrastructure.files import make_private_folder, write_atomically
from kodit.infrastructure.keyword.schema import INDEX_ID, SNIPPET_ID, open_index, to_document
from kodit.infrastructure.locks import file_lock

LOCK_TIMEOUT_SECONDS = 60.0
WRITER_HEAP_BYTES = 64_000_000
DOCUMENTS_PER_REPORT = 512


def apply_batch(folder: str, batch: KeywordBatch, *, report: Any) -> None:
    """Delete, add and commit; nothing when the index is already past the batch."""
    with locked(folder), _translated_errors():
        positions = read_positions(folder)
        position = positions.get(str(batch.index_id), 0)
        if position is None or position >= batch.seq:
            return
        index = open_index(Path(folder))
        writer = index.writer(WRITER_HEAP_BYTES, 1)
        # A crash between the commit and the position below makes the batch come again.
        for snippet_id in (*batch.deletions, *(snippet.id for snippet in batch.additions)):
            writer.delete_documents_by_term(SNIPPET_ID, snippet_id)
        for done, snippet in enumerate(batch.additions):
            writer.add_document(to_document(snippet))
            if done % DOCUMENTS_PER_REPORT == 0:
                report(done, len(batch.additions))
        _commit(writer)
        _write_positions(folder, positions | {str(batch.index_id): batch.seq})


def drop_index(folder: str, index_id: int, *, report: Any) -> None:
    """Delete every document of an index and refuse all later batches for it."""
    with locked(folder), _translated_errors():
        positions = read_positions(folder)
        # Refused from here on: also when the deletion below is cut short and done again, and when
        # a worker that does not know of it yet is about to send the first batch.
        _write_positions(folder, positions | {str(index_id): None})
        if str(index_id) not in positions:
            return
        writer = open_index(Path(folder)).writer(WRITER_HEAP_BYTES, 1)
        writer.delete_documents_by_term(INDEX_ID, index_id)
        _commit(writer)
        report(1, 1)


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Whatever goes wrong inside tantivy is a ValueError, a full disk too."""
    try:
        yield
    except ValueError as error:
        raise TransientError(f"the keyword index cannot be written: {error}") from None


def _commit(writer: tantivy.IndexWriter) -> None:
    writer.commit()
    writer.wait_merging_threads()


def locked(folder: str) -> AbstractContextManager[None]:
    """Nobody writes the index meanwhile; its folder is there."""
    path = Path(folder)
    make_private_folder(path)
    return file_lock(path.parent / "keyword.lock", LOCK_TIMEOUT_SECONDS, "the keyword index")


def read_positions(folder: str) -> dict[str, int | None]:
    """The last change that is in the index, by index identifier; None for what was dropped."""
    path = Path(folder) / "positions.json"
    positions: dict[str, int | None] = json.loads(path.read_bytes()) if path.exists() else {}
    return positions


def _write_positions(folder: str, positions: dict[str, int | None]) -> None:
    write_atomically(Path(folder) / "positions.json", json.dumps(positions).encode())

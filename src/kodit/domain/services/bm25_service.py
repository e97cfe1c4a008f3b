"""Folds the changes of the log into batches for the keyword index."""

from __future__ import annotations

from kodit.domain.keyword import KeywordBatch, KeywordLog, KeywordOperation


class BM25DomainService:
    """Folds changes, so that a snippet that was added and removed between two batches costs
    nothing."""

    def fold(self, index_id: int, log: KeywordLog) -> KeywordBatch:
        """One batch for consecutive changes, at least one. Additions of snippets that have been
        retired since are left out, because the log contains their removal too."""
        changes = log.changes
        return KeywordBatch(
            index_id=index_id,
            seq=changes[-1].seq,
            deletions=[
                change.snippet_id
                for change in changes
                if change.operation is KeywordOperation.REMOVE
            ],
            additions=[
                change.snippet
                for change in changes
                if change.operation is KeywordOperation.ADD and change.snippet is not None
            ],
            generation=log.generation,
            follows=log.follows,
            tokens={change.seq: change.token for change in changes},
        )

"""The database's spelling of the task types."""

from __future__ import annotations

from enum import StrEnum


class TaskType(StrEnum):
    """The database's spelling of the task types."""

    SYNC = "SYNC"
    EXTRACT = "EXTRACT"
    BM25_INDEX = "BM25_INDEX"
    CODE_EMBEDDINGS = "CODE_EMBEDDINGS"
    ENRICH = "ENRICH"

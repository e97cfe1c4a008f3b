"""The task types as the database spells them."""

from __future__ import annotations

from enum import StrEnum


class TaskType(StrEnum):
    """The task types as the database spells them."""

    SYNC = "SYNC"
    EXTRACT = "EXTRACT"
    BM25_INDEX = "BM25_INDEX"
    CODE_EMBEDDINGS = "CODE_EMBEDDINGS"
    ENRICH = "ENRICH"

"""Words and numbers that are stored in databases and read by other programs: changing one takes a
migration, or a line in the change log."""

from __future__ import annotations

from enum import Enum

import pytest

from kodit.domain.claiming import QueueOrder
from kodit.domain.diagnosis import Area
from kodit.domain.keyword import KeywordOperation
from kodit.domain.progress import OperationState
from kodit.domain.search import VectorKind
from kodit.domain.task import PREDECESSORS, task_priority
from kodit.domain.value_objects import (
    AttemptOutcome,
    FileProcessingStatus,
    QueuePriority,
    RunState,
    SearchMode,
    SourceKind,
    SymbolKind,
    TaskState,
    TaskType,
    TrackableType,
)

WORDS: dict[type[Enum], str] = {
    Area: "database queue leftovers credentials files clones enrichments vectors keyword_index "
    "endpoints",
    AttemptOutcome: "succeeded failed retried released lost cancelled",
    FileProcessingStatus: "clean added modified deleted",
    KeywordOperation: "add remove",
    OperationState: "started in_progress completed skipped failed",
    QueueOrder: "priority run_first",
    QueuePriority: "10 50",
    RunState: "queued running succeeded failed cancelled superseded",
    SearchMode: "hybrid keyword code text",
    SourceKind: "git folder",
    SymbolKind: "function method class interface enum struct trait module type constant macro "
    "section property field event variable route target task table view procedure trigger index",
    TaskState: "blocked ready running succeeded failed skipped cancelled",
    TaskType: "1 2 3 4 5",
    TrackableType: "kodit.index kodit.task",
    VectorKind: "code text",
}


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: kind.__name__)
def test_words_are_as_they_are_stored(kind: type[Enum]) -> None:
    assert " ".join(str(one.value).replace(" ", "_") for one in kind) == WORDS[kind]


def test_stages_come_in_their_order() -> None:
    """Each with its priority by the kind of request, and its predecessors."""
    assert {
        stage.name: [task_priority(stage, base) for base in QueuePriority] for stage in TaskType
    } == {
        "SYNC": [50, 90],
        "EXTRACT": [40, 80],
        "BM25_INDEX": [30, 70],
        "CODE_EMBEDDINGS": [20, 60],
        "ENRICH": [10, 50],
    }
    assert {stage.name: [one.name for one in PREDECESSORS[stage]] for stage in TaskType} == {
        "SYNC": [],
        "EXTRACT": ["SYNC"],
        "BM25_INDEX": ["EXTRACT"],
        "CODE_EMBEDDINGS": ["EXTRACT"],
        "ENRICH": ["BM25_INDEX", "CODE_EMBEDDINGS"],
    }

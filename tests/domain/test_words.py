"""Words and numbers that are stored in databases and read by other programs: changing one takes a
migration, or a line in the change log."""

from __future__ import annotations

from enum import Enum, StrEnum
from importlib import import_module
from pkgutil import walk_packages

import pytest

from kodit import domain
from kodit.domain.claiming import QueueOrder
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.diagnosis import Area
from kodit.domain.endpoints import Purpose
from kodit.domain.keys import KeyScope
from kodit.domain.keyword import KeywordOperation
from kodit.domain.left_out import Presence
from kodit.domain.mentions import MentionKind
from kodit.domain.moving import MovePhase
from kodit.domain.progress import OperationState, TaskOperation
from kodit.domain.ranking.query import QueryKind
from kodit.domain.search import VectorKind
from kodit.domain.symbols import AskedUses, Use
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
    AskedUses: "callers callees implementations imports",
    AttemptOutcome: "succeeded failed retried released lost cancelled",
    DescriptionKind: "overview interface schema commit usage",
    FileProcessingStatus: "clean added modified deleted",
    KeywordOperation: "add remove",
    KeyScope: "read write",
    MentionKind: "call import inherits type write read",
    MovePhase: "copying ending",
    OperationState: "started in_progress completed skipped failed",
    Presence: "gone file folder",
    Purpose: "embedding enrichment",
    QueryKind: "symbol qualified_name path natural_language mixed",
    QueueOrder: "priority run_first",
    QueuePriority: "10 50",
    RunState: "queued running succeeded failed cancelled superseded",
    SearchMode: "hybrid keyword code text",
    SourceKind: "git folder",
    SymbolKind: "function method class interface enum struct trait module type constant macro "
    "section property field event variable route target task table view procedure trigger index",
    TaskOperation: "kodit.root kodit.index.refresh_working_copy kodit.index.delete_old_snippets "
    "kodit.index.extract_snippets kodit.index.create_bm25_index "
    "kodit.index.create_code_embeddings kodit.index.enrich_snippets "
    "kodit.index.create_text_embeddings kodit.index.update_index_timestamp "
    "kodit.index.clear_file_processing_statuses",
    TaskState: "blocked ready running succeeded failed skipped cancelled",
    TaskType: "1 2 3 4 5",
    TrackableType: "kodit.index kodit.task",
    Use: "call import inherits type write read text",
    VectorKind: "code text",
}


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: kind.__name__)
def test_words_are_as_they_are_stored(kind: type[Enum]) -> None:
    assert " ".join(str(one.value).replace(" ", "_") for one in kind) == WORDS[kind]


def test_all_words_of_the_domain_are_listed() -> None:
    modules = [import_module(one.name) for one in walk_packages(domain.__path__, "kodit.domain.")]
    kinds = {
        one
        for module in modules
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, StrEnum) and one is not StrEnum
    }
    assert kinds <= WORDS.keys()


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

"""The value objects of the domain, which have no identity, in one place to import from."""

from kodit.domain.progress import OperationState, TaskOperation, TrackableType
from kodit.domain.run import RunState
from kodit.domain.search import Hit, Scope, SearchFilter, SearchMode, SearchRequest, VectorKind
from kodit.domain.snippet import SlicedFile, Symbol, SymbolKind
from kodit.domain.source import (
    FileProcessingStatus,
    FileStamp,
    Scan,
    ScannedFile,
    Source,
    SourceKind,
)
from kodit.domain.task import (
    AttemptOutcome,
    Claim,
    ErrorAbout,
    QueuePriority,
    TaskProgress,
    TaskState,
    TaskType,
    task_priority,
)

__all__ = [
    "AttemptOutcome",
    "Claim",
    "ErrorAbout",
    "FileProcessingStatus",
    "FileStamp",
    "Hit",
    "OperationState",
    "QueuePriority",
    "RunState",
    "Scan",
    "ScannedFile",
    "Scope",
    "SearchFilter",
    "SearchMode",
    "SearchRequest",
    "SlicedFile",
    "Source",
    "SourceKind",
    "Symbol",
    "SymbolKind",
    "TaskOperation",
    "TaskProgress",
    "TaskState",
    "TaskType",
    "TrackableType",
    "VectorKind",
    "task_priority",
]

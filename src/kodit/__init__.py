"""Kodit: durable, incremental code search."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kodit.version import VERSION

if TYPE_CHECKING:
    from kodit.application.services.index_service import IndexStatus
    from kodit.application.services.queue_overview import QueueOverview, Reason
    from kodit.domain.descriptions.description import DescribedItem, DescribedPart, Description
    from kodit.domain.descriptions.kinds import DescriptionKind
    from kodit.domain.diagnosis import Area, Diagnosis, Problem
    from kodit.domain.entities import (
        Index,
        IndexRun,
        IndexSummary,
        RefusedSnippets,
        SearchResult,
        StoredSnippet,
        Task,
        TaskAttempt,
        WorkingCopy,
    )
    from kodit.domain.errors import (
        IndexingError,
        InvalidQueryError,
        KoditError,
        NotFoundError,
        SourceError,
        UserError,
    )
    from kodit.domain.files import FileText, ListedFile
    from kodit.domain.grep import FoundLine, GrepAnswer, GrepMatch
    from kodit.domain.left_out import Explanation, FileFacts, LeftOut, Presence, SnippetFacts
    from kodit.domain.repository_map import MappedDefinition, MappedFile, RepositoryMap
    from kodit.domain.search import CopyPlace, SignalPoints
    from kodit.domain.snippet import Extent, PlacedSymbol
    from kodit.domain.symbols import Definition, FileOutline, Reference, SymbolAnswer, Use
    from kodit.domain.value_objects import (
        AttemptOutcome,
        ErrorAbout,
        FileProcessingStatus,
        QueuePriority,
        RunState,
        SearchFilter,
        SearchMode,
        SearchRequest,
        Source,
        SourceKind,
        Symbol,
        SymbolKind,
        TaskProgress,
        TaskState,
        TaskType,
    )
    from kodit.faces.python.client import Kodit

__version__ = VERSION
__all__ = [
    "Area",
    "AttemptOutcome",
    "CopyPlace",
    "Definition",
    "DescribedItem",
    "DescribedPart",
    "Description",
    "DescriptionKind",
    "Diagnosis",
    "ErrorAbout",
    "Explanation",
    "Extent",
    "FileFacts",
    "FileOutline",
    "FileProcessingStatus",
    "FileText",
    "FoundLine",
    "GrepAnswer",
    "GrepMatch",
    "Index",
    "IndexRun",
    "IndexStatus",
    "IndexSummary",
    "IndexingError",
    "InvalidQueryError",
    "Kodit",
    "KoditError",
    "LeftOut",
    "ListedFile",
    "MappedDefinition",
    "MappedFile",
    "NotFoundError",
    "PlacedSymbol",
    "Presence",
    "Problem",
    "QueueOverview",
    "QueuePriority",
    "Reason",
    "Reference",
    "RefusedSnippets",
    "RepositoryMap",
    "RunState",
    "SearchFilter",
    "SearchMode",
    "SearchRequest",
    "SearchResult",
    "SignalPoints",
    "SnippetFacts",
    "Source",
    "SourceError",
    "SourceKind",
    "StoredSnippet",
    "Symbol",
    "SymbolAnswer",
    "SymbolKind",
    "Task",
    "TaskAttempt",
    "TaskProgress",
    "TaskState",
    "TaskType",
    "Use",
    "UserError",
    "WorkingCopy",
    "__version__",
]

_PLACES = {
    "kodit.application.services.index_service": "IndexStatus",
    "kodit.application.services.queue_overview": "QueueOverview Reason",
    "kodit.domain.descriptions.description": "DescribedItem DescribedPart Description",
    "kodit.domain.descriptions.kinds": "DescriptionKind",
    "kodit.domain.diagnosis": "Area Diagnosis Problem",
    "kodit.domain.entities": (
        "Index IndexRun IndexSummary RefusedSnippets SearchResult StoredSnippet Task TaskAttempt "
        "WorkingCopy"
    ),
    "kodit.domain.errors": (
        "IndexingError InvalidQueryError KoditError NotFoundError SourceError UserError"
    ),
    "kodit.domain.files": "FileText ListedFile",
    "kodit.domain.grep": "FoundLine GrepAnswer GrepMatch",
    "kodit.domain.left_out": "Explanation FileFacts LeftOut Presence SnippetFacts",
    "kodit.domain.search": "CopyPlace SignalPoints",
    "kodit.domain.snippet": "Extent PlacedSymbol",
    "kodit.domain.repository_map": "MappedDefinition MappedFile RepositoryMap",
    "kodit.domain.symbols": "Definition FileOutline Reference SymbolAnswer Use",
    "kodit.domain.value_objects": (
        "AttemptOutcome ErrorAbout FileProcessingStatus QueuePriority RunState SearchFilter "
        "SearchMode SearchRequest Source SourceKind Symbol SymbolKind TaskProgress TaskState "
        "TaskType"
    ),
    "kodit.faces.python.client": "Kodit",
}
"""The exported names, by the module that defines them."""
_MODULES = {name: module for module, names in _PLACES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    """Import on first use: `kodit --help` and child processes need none of these."""
    if name in _MODULES:
        return getattr(import_module(_MODULES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

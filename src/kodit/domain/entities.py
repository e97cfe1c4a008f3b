"""The entities of the domain, which change over time, in one place to import from."""

from kodit.domain.index import Index, IndexedFile, IndexSummary, RefusedSnippets, WorkingCopy
from kodit.domain.progress import ProgressTracker
from kodit.domain.run import IndexRun
from kodit.domain.search import SearchResult, StoredSnippet
from kodit.domain.snippet import Snippet
from kodit.domain.source import Source
from kodit.domain.task import Task, TaskAttempt

__all__ = [
    "Index",
    "IndexRun",
    "IndexSummary",
    "IndexedFile",
    "ProgressTracker",
    "RefusedSnippets",
    "SearchResult",
    "Snippet",
    "Source",
    "StoredSnippet",
    "Task",
    "TaskAttempt",
    "WorkingCopy",
]

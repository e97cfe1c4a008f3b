"""A tree of operations that reports its progress to subscribers."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from types import TracebackType
from typing import Self


class TaskOperation(StrEnum):
    """What a stage is doing."""

    ROOT = "kodit.root"
    REFRESH_WORKING_COPY = "kodit.index.refresh_working_copy"
    DELETE_OLD_SNIPPETS = "kodit.index.delete_old_snippets"
    EXTRACT_SNIPPETS = "kodit.index.extract_snippets"
    CREATE_BM25_INDEX = "kodit.index.create_bm25_index"
    CREATE_CODE_EMBEDDINGS = "kodit.index.create_code_embeddings"
    ENRICH_SNIPPETS = "kodit.index.enrich_snippets"
    CREATE_TEXT_EMBEDDINGS = "kodit.index.create_text_embeddings"
    UPDATE_INDEX_TIMESTAMP = "kodit.index.update_index_timestamp"
    CLEAR_FILE_PROCESSING_STATUSES = "kodit.index.clear_file_processing_statuses"


class TrackableType(StrEnum):
    """What an operation is about."""

    INDEX = "kodit.index"
    TASK = "kodit.task"


class OperationState(StrEnum):
    """The state of an operation."""

    STARTED = "started"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    FAILED = "failed"


class ProgressTracker:
    """One operation; its children are the operations it consists of.

    Used as a context manager, it is completed at the end of the block; an exception marks it failed
    and propagates. Every change is reported to the subscribers of the operation and of all
    operations above it.
    """

    def __init__(
        self,
        operation: TaskOperation = TaskOperation.ROOT,
        parent: ProgressTracker | None = None,
        trackable_type: TrackableType | None = None,
        trackable_id: int | None = None,
    ) -> None:
        self.operation = operation
        self.parent = parent
        if parent is not None:
            trackable_type = trackable_type or parent.trackable_type
            trackable_id = parent.trackable_id if trackable_id is None else trackable_id
        self.trackable_type: TrackableType | None = trackable_type
        self.trackable_id: int | None = trackable_id
        self.children: list[ProgressTracker] = []
        self.state = OperationState.STARTED
        self.current = 0
        self.total: int | None = None
        self.message: str | None = None
        self._subscribers: list[Callable[[ProgressTracker], None]] = []

    def create_child(
        self,
        operation: TaskOperation,
        trackable_type: TrackableType | None = None,
        trackable_id: int | None = None,
    ) -> ProgressTracker:
        """A child operation."""
        child = ProgressTracker(operation, self, trackable_type, trackable_id)
        self.children.append(child)
        child._notify()
        return child

    def subscribe(self, subscriber: Callable[[ProgressTracker], None]) -> None:
        """Call `subscriber` with each operation of this tree that changes."""
        self._subscribers.append(subscriber)

    def set_total(self, total: int | None) -> None:
        self.total = total
        self._notify()

    def set_current(self, current: int) -> None:
        self.current = current
        self.state = OperationState.IN_PROGRESS
        self._notify()

    def skip(self, reason: str) -> None:
        """Mark the operation as having nothing to do, for `reason`."""
        self._end(OperationState.SKIPPED, reason)

    def fail(self, error: str) -> None:
        self._end(OperationState.FAILED, error)

    def complete(self) -> None:
        """Mark the operation as done, unless it was skipped or has failed."""
        if self.state in (OperationState.STARTED, OperationState.IN_PROGRESS):
            self._end(OperationState.COMPLETED, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.complete()
        else:
            self.fail(str(error) or type(error).__name__)

    def _end(self, state: OperationState, message: str | None) -> None:
        self.state = state
        self.message = message
        self._notify()

    def _notify(self) -> None:
        node: ProgressTracker | None = self
        while node is not None:
            for subscriber in node._subscribers:
                subscriber(self)
            node = node.parent

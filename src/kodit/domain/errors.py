"""Errors that reach the user, each as one sentence that says what was wrong.

KoditError
├── UserError                 a mistake the user can correct; exit code 2
│   ├── SettingError          a setting that cannot be used
│   ├── SourceError           the source is missing, refused, or of the wrong kind
│   │   └── MissingFolderError   a folder that does not exist
│   ├── RefusedByPolicyError  a source or reference this caller may not name
│   ├── NotFoundError         no such index, run, task or file
│   ├── InvalidQueryError     a search that cannot be run as asked
│   └── DatabaseVersionError  the database was written by a newer Kodit
├── IndexingError             a run that was waited for did not succeed
├── PermanentError            a stage that will fail again in the same way
├── TransientError            a stage that may succeed when retried
│   ├── ConflictError         a transaction that another one got ahead of
│   ├── SecretElsewhereError  a source whose secret this machine does not have
│   ├── CommitGoneError       a source that no longer has the commit that was scanned
│   ├── StalledError          a child process made no progress within its limit
│   └── PausedError           a stage that has to wait for an endpoint or a budget
│       └── SearchNodeAwaitedError   a stage that has to wait for another machine
├── DatabaseReplacedError     the file was replaced or removed while a worker used it
│   └── DatabaseUpgradedError   another version has migrated the database
├── LeaseLost                 the task belongs to another claim now; change nothing
└── TaskCancelled             the user asked the running task to stop

Every error has a `code`, which programs may rely on, and `fields`, the values it is about. What to
do next differs between a shell and a program: each face says it in its own words, by the code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

Field = str | int | float | None
"""The type of a value in an error's `fields`."""
MOST_LISTED = 5
"""How many candidates the error about an ambiguous name lists."""


class KoditError(Exception):
    """Something went wrong in Kodit."""

    default_code: ClassVar[str] = "failed"

    def __init__(self, message: str = "", *, code: str | None = None, **fields: Field) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.fields = fields


class UserError(KoditError):
    """The request is not valid."""

    default_code = "request_invalid"


class SettingError(UserError):
    """A setting has a value that cannot be used, or is set where it may not be."""

    default_code = "setting_invalid"


class SourceError(UserError):
    """The source is missing, refused, or of the wrong kind."""

    default_code = "source_refused"


class MissingFolderError(SourceError):
    """The text can only be the path of a folder, and no such folder exists."""

    default_code = "folder_missing"


class RefusedByPolicyError(UserError):
    """This caller may not name the source or reference. Its fields are `what` (`folder`,
    `file_url`, `host` or `credentials`) and `value`, the refused text without secrets."""

    default_code = "refused_by_policy"


class NotFoundError(UserError):
    """No such index, run, task or file."""

    default_code = "not_found"


class InvalidQueryError(UserError):
    """The search cannot be run as asked."""

    default_code = "query_invalid"


class DatabaseVersionError(UserError):
    """The database was written by a newer Kodit; upgrade Kodit to use it."""

    default_code = "database_newer"


class IndexingError(KoditError):
    """A run did not succeed; the message names the stage and its error."""

    default_code = "indexing_failed"


class PermanentError(KoditError):
    """A retry would fail in the same way."""

    default_code = "stage_failed"


class TransientError(KoditError):
    """A later retry may succeed; `retry_after_seconds` is the wait that the other side asked
    for."""

    default_code = "unavailable"

    def __init__(
        self,
        message: str,
        retry_after_seconds: float | None = None,
        *,
        code: str | None = None,
        **fields: Field,
    ) -> None:
        super().__init__(message, code=code, **fields)
        self.retry_after_seconds = retry_after_seconds


class ConflictError(TransientError):
    """Another transaction has changed the same rows, so that this one was undone as a whole: it may
    be repeated at once."""


class SecretElsewhereError(TransientError):
    """This machine does not have the secret of a source, and another one may have it; `code` is
    that of the reason."""


class CommitGoneError(TransientError):
    """The source no longer has the commit that another machine has scanned, so that its files
    cannot be read here; the source has to be scanned again."""

    default_code = "commit_gone"


class StalledError(TransientError):
    """A child process made no progress within its limit and was ended."""

    default_code = "stalled"


class PausedError(TransientError):
    """A stage waits until an endpoint answers again, or for a budget. The stage has not failed, so
    its retry budget is not touched; its fields have `endpoint` and `until`, and `code` is
    `endpoint_paused` or `budget_spent`."""

    default_code = "endpoint_paused"


class SearchNodeAwaitedError(PausedError):
    """A stage waits until a search node has followed the log, or there is none any more."""

    default_code = "search_node_awaited"


class DatabaseReplacedError(KoditError):
    """The database file was replaced or removed while a worker used it, so no database knows the
    worker's tasks any more."""


class DatabaseUpgradedError(DatabaseReplacedError):
    """Another version of Kodit has migrated the database while this process used it."""

    default_code = "database_upgraded"


class LeaseLost(KoditError):  # noqa: N818 - the queue's own term for it
    """Another claim holds the task now; nothing that this one was about to write is stored."""

    default_code = "lease_lost"


class TaskCancelled(KoditError):  # noqa: N818 - an outcome that is raised as an exception
    """The task was asked to stop."""

    default_code = "cancelled"


def no_such_index(index_id: int | str) -> NotFoundError:
    """The error for an identifier that no index has."""
    return NotFoundError(f"there is no index {index_id}", code="index_not_found", index=index_id)


def ambiguous(name: str, named: Sequence[str]) -> SourceError:
    """The error for a name that matches several indexes, which it lists."""
    more = f" and {len(named) - MOST_LISTED} more" if len(named) > MOST_LISTED else ""
    return SourceError(
        f"{name!r} could be any of {', '.join(named[:MOST_LISTED])}{more}; name one of them",
        code="source_ambiguous",
        name=name,
    )


def part_of_index(name: str, index_id: int, source: str) -> SourceError:
    """The error for naming a part of an index where only the whole index can be used."""
    return SourceError(
        f"{name} is part of index {index_id}, {source}; name the index to act on all of it",
        code="source_is_part",
        source=source,
        index=index_id,
    )


def no_such_run(run_id: int) -> NotFoundError:
    """The error for an identifier that no run has."""
    return NotFoundError(f"there is no run {run_id}", code="run_not_found", run=run_id)


def no_such_task(task_id: int) -> NotFoundError:
    """The error for an identifier that no task has."""
    return NotFoundError(f"there is no task {task_id}", code="task_not_found", task=task_id)

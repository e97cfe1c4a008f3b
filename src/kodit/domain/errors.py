"""Errors that reach the user, each as one sentence that says what was wrong and what to do.

KoditError
├── UserError                 a mistake the user can correct; exit code 2
│   ├── SourceError           the source is missing, refused, or not what it should be
│   │   └── MissingFolderError   a folder that is not there
│   ├── NotFoundError         no such index, run or task
│   ├── InvalidQueryError     a search that cannot be run as asked
│   └── DatabaseVersionError  the database was written by a newer Kodit
├── IndexingError             a run that was waited for did not succeed
├── PermanentError            a stage that will fail again in the same way
├── TransientError            a stage that may succeed when tried again
│   └── StalledError          a child process made no progress within its limit
├── LeaseLost                 the task belongs to somebody else now; change nothing
└── TaskCancelled             the user asked the running task to stop
"""


class KoditError(Exception):
    """Something went wrong in Kodit."""


class UserError(KoditError):
    """The request cannot be met as it was made."""


class SourceError(UserError):
    """The source is missing, refused, or not what it should be."""


class MissingFolderError(SourceError):
    """What can only be the path of a folder, where there is none."""


class NotFoundError(UserError):
    """No such index, run or task."""


class InvalidQueryError(UserError):
    """The search cannot be run as asked."""


class DatabaseVersionError(UserError):
    """The database was written by a newer Kodit; upgrade Kodit to use it."""


class IndexingError(KoditError):
    """A run did not succeed; the message names the stage and its error."""


class PermanentError(KoditError):
    """Trying again would fail in the same way."""


class TransientError(KoditError):
    """Trying again later may succeed; `retry_after_seconds` is what the other side asked for."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class StalledError(TransientError):
    """A child process made no progress within its limit and was ended."""


class LeaseLost(KoditError):  # noqa: N818 - the queue's own term for it
    """The task is held by another claim now; whatever this one was about to write is dropped."""


class TaskCancelled(KoditError):  # noqa: N818 - an outcome that travels as an exception
    """The task was asked to stop."""

"""Two words after a command in the wrong order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn, TypeVar

from kodit.application.views.files import FilesView
from kodit.domain.errors import KoditError, NotFoundError, SourceError, UserError
from kodit.domain.questions import FilesQuestion, Where
from kodit.faces.cli.session import Session
from kodit.faces.cli.terminal.output import say

T = TypeVar("T")
_NO_SOURCE = frozenset(
    {"folder_missing", "index_not_found", "source_invalid", "source_not_indexed"}
)
"""The codes of errors about a word that means no index."""


def in_either_order(
    show: Callable[[str | None, str], T], source: str | None, subject: str, what: str
) -> T:
    """What `show` returns for a source and a subject in it; if there is no such source, or no such
    file in it, for the two words in the other order. `what` is what the subject is called. Raises
    the error about the words as typed, unless only the other order has a source."""
    try:
        return show(source, subject)
    except UserError as error:
        if source is None or error.code not in (*_NO_SOURCE, "file_not_found"):
            raise
        as_typed = error
    try:
        shown = show(subject, source)
    except KoditError as error:
        if error.code in _NO_SOURCE or as_typed.code not in _NO_SOURCE:
            raise as_typed from None
        raise
    say(f"The source comes first, then the {what}.")
    return shown


def as_subject_or_source(show: Callable[[str | None, str], T], word: str) -> T:
    """What `show` returns for one word: a subject or, if there is no such subject, a source. Raises
    the error about the subject if it is neither."""
    try:
        return show(None, word)
    except NotFoundError as error:
        as_subject = error
    try:
        return show(word, "")
    except KoditError:
        raise as_subject from None


def raise_with_order(
    session: Session, error: UserError, subject: str, sources: Sequence[str], what: str
) -> NoReturn:
    """Raise the error about a source; if the subject before it means an index instead, the error
    tells their order. `what` is what the subject is called."""
    is_of_source = len(sources) == 1 and error.code in _NO_SOURCE
    if is_of_source and subject and _is_source(session, subject):
        raise SourceError(f"{error}; the {what} comes first, then the source") from None
    raise error


def _is_source(session: Session, word: str) -> bool:
    try:
        session.ask(FilesQuestion(Where((word,)), limit=1), FilesView)
    except KoditError:
        return False
    return True

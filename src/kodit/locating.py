"""From what the user calls an index to the index: what the command line and `Kodit` share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kodit.composition import Application
from kodit.domain.entities import Index
from kodit.domain.errors import MissingFolderError, NotFoundError, SourceError
from kodit.infrastructure.sources.parsing import parse_source, without_secrets

LONGEST_IDENTIFIER = 18
"""Digits that fit into the database's integers, whatever they are."""


def locate(application: Application, name: str | Path | int) -> Index:
    """The index of an identifier, or of a source as it was indexed or as one may type it.

    Raises NotFoundError for an unknown identifier, and SourceError for a source that is none or
    is not indexed.
    """
    text = str(name)
    with application.database.read() as transaction:
        if text.isdecimal() and text.isascii():
            if len(text) > LONGEST_IDENTIFIER:
                raise NotFoundError(f"there is no index {text}; `kodit status` lists the indexes")
            return transaction.indexes.get(int(text))
        for index in transaction.indexes.list_all():
            if str(index.source) == text:
                return index
    try:
        source = parse_source(text).source
    except SourceError as error:
        gone = locate_gone(application, text)
        if gone is not None:
            return gone
        if isinstance(error, MissingFolderError):
            # The sentence that it comes with is for whoever meant a folder, not an index.
            raise SourceError(
                f"there is no index or folder {without_secrets(text)!r}; "
                "`kodit status` lists the indexes"
            ) from None
        raise
    with application.database.read() as transaction:
        found = transaction.indexes.find(source)
    if found is None:
        raise SourceError(f"{source} is not indexed; `kodit index {source}` adds it")
    return found


def locate_gone(application: Application, text: str) -> Index | None:
    """The index of a folder or a local repository that is no longer there, by the name it had or
    as it would be typed from here; None if there is no such index."""
    if not text.isprintable():
        return None
    names = _former_names(text)
    with application.database.read() as transaction:
        for index in transaction.indexes.list_all():
            if str(index.source) in names:
                return index
    return None


def _former_names(text: str) -> set[str]:
    """How the sources are stored that `text` may have meant while they were there."""
    path, at, ref = text.removeprefix("file://").partition("@")
    names = set()
    for name, suffix in ((path, at + ref), (path + at + ref, "")):
        place = Path(name).expanduser() if name.startswith("~") else Path(name)
        for real in (Path.cwd() / place, place.resolve()):
            names |= {f"{real}{suffix}", f"{real.as_uri()}{suffix}"}
    return names


def are_several(application: Application, index_ids: Sequence[int]) -> bool:
    """Whether more than one index is meant, so that a path alone does not say where it lies; no
    identifiers stand for every index."""
    if index_ids:
        return len(set(index_ids)) > 1
    with application.database.read() as transaction:
        return len(transaction.indexes.list_all()) > 1


def located_ids(application: Application, name: str | Path | int | None) -> tuple[int, ...]:
    """The identifier of the index, or none at all, which stands for every index."""
    return () if name is None else (locate(application, name).id,)

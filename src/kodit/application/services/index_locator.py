"""From what a caller calls an index to the index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kodit.domain.entities import Index
from kodit.domain.errors import MissingFolderError, SourceError, no_such_index
from kodit.domain.ports.database import Database
from kodit.domain.ports.sources import SourceParser

LONGEST_IDENTIFIER = 18
"""Digits that fit into the database's integers, whatever they are."""


class IndexLocator:
    """Synchronous: a look at the database and, for the path of a folder, at the file system."""

    def __init__(self, *, database: Database, parser: SourceParser) -> None:
        self._database = database
        self._parser = parser

    def locate(self, name: str | Path | int) -> Index:
        """The index of an identifier, or of a source as it was indexed or as one may type it.

        Raises NotFoundError for an unknown identifier, and SourceError for a source that is none
        or is not indexed.
        """
        text = str(name)
        with self._database.read() as transaction:
            if text.isdecimal() and text.isascii():
                if len(text) > LONGEST_IDENTIFIER:
                    raise no_such_index(text)
                return transaction.indexes.get(int(text))
            for index in transaction.indexes.list_all():
                if str(index.source) == text:
                    return index
        try:
            source = self._parser.parse(text).source
        except SourceError as error:
            gone = self.locate_gone(text)
            if gone is not None:
                return gone
            if isinstance(error, MissingFolderError):
                # The sentence that it comes with is for whoever meant a folder, not an index.
                shown = self._parser.without_secrets(text)
                raise SourceError(
                    f"there is no index or folder {shown!r}", code="index_not_found", index=shown
                ) from None
            raise
        with self._database.read() as transaction:
            found = transaction.indexes.find(source)
        if found is None:
            raise SourceError(
                f"{source} is not indexed", code="source_not_indexed", source=str(source)
            )
        return found

    def locate_gone(self, text: str) -> Index | None:
        """The index of a folder or a local repository that is no longer there, by the name it had
        or as it would be typed from here; None if there is no such index."""
        if not text.isprintable():
            return None
        names = self._parser.former_names(text)
        with self._database.read() as transaction:
            for index in transaction.indexes.list_all():
                if str(index.source) in names:
                    return index
        return None

    def ids(self, name: str | Path | int | None) -> tuple[int, ...]:
        """The identifier of the index, or none at all, which stands for every index."""
        return () if name is None else (self.locate(name).id,)

    def are_several(self, index_ids: Sequence[int]) -> bool:
        """Whether more than one index is meant, so that a path alone does not say where it lies;
        no identifiers stand for every index."""
        if index_ids:
            return len(set(index_ids)) > 1
        with self._database.read() as transaction:
            return len(transaction.indexes.list_all()) > 1

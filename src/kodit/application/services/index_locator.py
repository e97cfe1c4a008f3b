"""From what a caller calls an index to the index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath

from kodit.domain.caller import LOCAL_CALLER, Caller
from kodit.domain.entities import Index
from kodit.domain.errors import MissingFolderError, SourceError, no_such_index
from kodit.domain.naming import named
from kodit.domain.ports.database import Database
from kodit.domain.ports.sources import SourceParser
from kodit.domain.value_objects import Source, SourceKind

LONGEST_IDENTIFIER = 18
"""Digits that fit into the database's integers, whatever they are."""


def is_identifier(text: str) -> bool:
    """Whether what a caller names an index by can only be a number that Kodit gave it."""
    return text.isdecimal() and text.isascii()


def as_typed(name: str | Path | int) -> str:
    """What a caller would type: a path is never an identifier, whatever it is called."""
    text = str(name)
    return f"./{text}" if isinstance(name, Path) and is_identifier(text) else text


class IndexLocator:
    """Synchronous: a look at the database and, for the path of a folder, at the file system."""

    def __init__(self, *, database: Database, parser: SourceParser) -> None:
        self._database = database
        self._parser = parser

    def locate(self, name: str | Path | int, caller: Caller = LOCAL_CALLER) -> Index:
        """The index of an identifier, or of a source as it was indexed or as one may type it, or of
        the only source that ends in this name where no folder here is called so.

        Raises NotFoundError for an unknown identifier, SourceError for a source that is none or is
        not indexed, InvalidQueryError for the end of several sources, and RefusedByPolicyError for
        what the caller may not name.
        """
        index, source = self._look_for(as_typed(name), caller)
        if index is None:
            raise SourceError(
                f"{source} is not indexed", code="source_not_indexed", source=str(source)
            )
        return index

    def locate_part(self, name: str, caller: Caller = LOCAL_CALLER) -> tuple[Index, str]:
        """The same, and where a folder is named that lies in an indexed one, that index with the
        relative path of the folder, which is empty otherwise."""
        index, source = self._look_for(name, caller)
        if index is not None:
            return index, ""
        found = self.holding(source.location) if source.kind is SourceKind.FOLDER else None
        if found is None:
            raise SourceError(
                f"{source} is not indexed", code="source_not_indexed", source=str(source)
            )
        return found

    def holding(self, folder: str) -> tuple[Index, str] | None:
        """The index of the nearest indexed folder that holds this one, or is it, and the relative
        path from there, empty for the same; None where none does."""
        place = PurePath(folder)
        with self._database.read() as transaction:
            holding = [
                index
                for index in transaction.indexes.list_all()
                if index.source.kind is SourceKind.FOLDER
                and place.is_relative_to(index.source.location)
            ]
        if not holding:
            return None
        nearest = max(holding, key=lambda index: len(PurePath(index.source.location).parts))
        relative = place.relative_to(nearest.source.location).as_posix()
        return nearest, "" if relative == "." else relative

    def was_deleted(self, folder: str) -> bool:
        """Whether the index of this folder was deleted because somebody asked for it."""
        with self._database.read() as transaction:
            return transaction.indexes.was_deleted(folder)

    def all(self) -> Sequence[Index]:
        """Every index, by identifier."""
        with self._database.read() as transaction:
            return transaction.indexes.list_all()

    def _look_for(self, text: str, caller: Caller) -> tuple[Index | None, Source]:
        """The index, if there is one, and the source that is meant."""
        with self._database.read() as transaction:
            if is_identifier(text):
                if len(text) > LONGEST_IDENTIFIER:
                    raise no_such_index(text)
                index = transaction.indexes.get(int(text))
                return index, index.source
            indexes = transaction.indexes.list_all()
        for index in indexes:
            if str(index.source) == text:
                return index, index.source
        # Nobody far away stands in a folder, so that no path begins with a mere name.
        if not caller.is_local and (short := self._called(text, indexes)) is not None:
            return short, short.source
        try:
            source = self._parser.parse(text, caller).source
        except SourceError as error:
            gone = self.locate_gone(text, caller)
            if gone is not None:
                return gone, gone.source
            if isinstance(error, MissingFolderError):
                short = self._called(text, indexes)
                if short is not None:
                    return short, short.source
                # The sentence that it comes with is for whoever meant a folder, not an index.
                shown = self._parser.without_secrets(text)
                raise SourceError(
                    f"there is no index or folder {shown!r}", code="index_not_found", index=shown
                ) from None
            raise
        with self._database.read() as transaction:
            return transaction.indexes.find(source), source

    @staticmethod
    def _called(text: str, indexes: Sequence[Index]) -> Index | None:
        """The index whose source alone ends in this. Raises InvalidQueryError for several."""
        position = named(text, [str(index.source) for index in indexes])
        return None if position is None else indexes[position]

    def locate_gone(self, text: str, caller: Caller = LOCAL_CALLER) -> Index | None:
        """The index of a folder or a local repository that is no longer there, by the name it had
        or as it would be typed from where the caller stands; None if there is no such index."""
        if not text.isprintable() or not caller.is_local:
            return None
        names = self._parser.former_names(text, caller)
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

"""Resolves a caller's name for an index, or for a part of one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import TYPE_CHECKING

from kodit.domain.addresses import short_address
from kodit.domain.caller import LOCAL_CALLER, Caller
from kodit.domain.entities import Index
from kodit.domain.errors import (
    InvalidQueryError,
    MissingFolderError,
    RefusedByPolicyError,
    SourceError,
    UserError,
    ambiguous,
    no_such_index,
    part_of_index,
)
from kodit.domain.files import readings_of, tidy_path
from kodit.domain.naming import holding, match_name
from kodit.domain.policy import refused_folder
from kodit.domain.text import is_text
from kodit.domain.this_host import ALONE, ThisHost

# Imported where used, so that a command loads only what it needs.
if TYPE_CHECKING:
    from kodit.domain.ports.database import Database
    from kodit.domain.ports.sources import SourceParser

LONGEST_IDENTIFIER = 18
"""The number of digits that always fits into the database's integers."""


@dataclass(frozen=True, slots=True)
class Part:
    """An index, or the folder or file in it at a relative path; empty for the whole index."""

    index: Index
    path: str = ""


def is_identifier(text: str) -> bool:
    """Whether a name can only be the number of an index."""
    return text.isdecimal() and text.isascii()


def as_typed(name: str | Path | int) -> str:
    """The text that a caller would type: a path is never an identifier, whatever its name."""
    text = str(name)
    return f"./{text}" if isinstance(name, Path) and is_identifier(text) else text


class IndexLocator:
    """Synchronous: reads the database and, for the path of a folder, the file system."""

    def __init__(self, *, database: Database, parser: SourceParser, host: ThisHost = ALONE) -> None:
        """A path means a folder of `host`, this machine."""
        self._host = host
        self._database = database
        self._parser = parser

    def locate(self, name: str | Path | int, caller: Caller = LOCAL_CALLER) -> Index:
        """The index with an identifier, or of a source as it was indexed or as it may be typed; for
        a part, the index that holds it.

        Raises NotFoundError for an unknown identifier, SourceError for a source that is invalid or
        not indexed, and RefusedByPolicyError for a name that the caller may not use.
        """
        return self.locate_part(as_typed(name), caller).index

    def locate_whole(self, name: str | Path | int, caller: Caller = LOCAL_CALLER) -> Index:
        """The same for actions on a whole index: a part of one is refused, with a sentence that
        names its index."""
        part = self.locate_part(as_typed(name), caller)
        index = part.index
        if part.path:
            raise part_of_index(
                self._parser.without_secrets(str(name)), index.id, str(index.source)
            )
        return index

    def locate_part(self, name: str, caller: Caller = LOCAL_CALLER) -> Part:
        """The same, but for a folder or file inside an indexed source, the index with its relative
        path."""
        if is_identifier(name):
            if len(name) > LONGEST_IDENTIFIER:
                raise no_such_index(name)
            with self._database.read() as transaction:
                return Part(transaction.indexes.get(int(name)))
        for index in self._named((name,)):
            return Part(index)
        if not caller.is_local and (found := self._meant(name)) is not None:
            return found  # before it is refused as a path on this machine
        try:
            source = self._parser.parse(name, caller).source
        except SourceError as error:
            return self._of_no_source(name, caller, error)
        except RefusedByPolicyError as error:
            raise self._of_refused(name, error) from None
        with self._database.read() as transaction:
            whole = transaction.indexes.find(source)
        if whole is not None:
            return Part(whole)
        place = self._parser.place_of(name, caller)
        found = self._meant(name) if place is None else self.holding(place.path)
        if found is None and place is not None:  # a local repository may be indexed by its URL
            at_address = self.locate_missing(name, caller)
            found = None if at_address is None else Part(at_address)
        if place is None:
            found = found or self._from_top(name, caller)
        if found is not None:
            return found
        if place is None and caller.is_local and short_address(name) is not None:
            raise SourceError(
                f"there is no folder or index {name!r} here, and {source} is not indexed",
                code="index_not_found",
                index=name,
            )
        raise SourceError(f"{source} is not indexed", code="source_not_indexed", source=str(source))

    def find_part(self, name: str, caller: Caller = LOCAL_CALLER) -> Part | None:
        """The same, but None for a name that is neither an index nor a part of one. Raises
        SourceError for an ambiguous name."""
        try:
            return self.locate_part(name, caller)
        except SourceError as error:
            if error.code == "source_ambiguous":
                raise
            return None

    def _of_no_source(self, name: str, caller: Caller, error: SourceError) -> Part:
        """A name that is no source may be a file of one, a source that existed once, or a part of a
        source's name."""
        place = self._parser.place_of(name, caller)
        if place is not None:
            held = self.holding(place.path)
            if held is not None:
                return held
            raise SourceError(
                f"{place.path} is not indexed", code="source_not_indexed", source=place.folder
            )
        gone = self.locate_missing(name, caller)
        if gone is not None:
            return Part(gone)
        found = self._meant(name) or self._from_top(name, caller)
        if found is not None:
            return found
        if isinstance(error, MissingFolderError):
            # The error's own sentence is for a user who meant a folder, not an index.
            raise self._unknown(name) from None
        raise error

    def _of_refused(self, name: str, error: RefusedByPolicyError) -> UserError:
        """The error for a name that means no index, and that the caller may not add as a source. A
        relative path never names a source over the network: the caller is in no folder here."""
        if error.fields.get("what") != "folder":
            return error
        if not name.startswith("/"):
            return self._unknown(name)
        return refused_folder(name, f"{name} is not indexed and")

    def _unknown(self, name: str) -> SourceError:
        shown = self._parser.without_secrets(name)
        return SourceError(
            f"there is no index or folder {shown!r}", code="index_not_found", index=shown
        )

    def _meant(self, name: str) -> Part | None:
        """What the text of a name means among the indexes, first those of this machine."""
        others = self.all()
        indexes = self._here(others)
        found = match_name(name, [index.source for index in indexes])
        if not found and len(others) > len(indexes) and not name.startswith("/"):
            indexes = others
            found = match_name(name, [index.source for index in indexes])
        if len(found) > 1:
            several = (indexes[one.position] for one in found)
            raise ambiguous(name, [f"{one.source} ({one.id})" for one in several])
        return Part(indexes[found[0].position], found[0].part) if found else None

    def _from_top(self, name: str, caller: Caller) -> Part | None:
        """The part at this relative path of the index that holds the caller's folder; None if it
        has no such part."""
        path = tidy_path(name)
        here = self._parser.place_of(".", caller) if is_text(name) and caller.is_local else None
        held = None if here is None or path.startswith((".", "/")) else self.holding(here.path)
        part = None if held is None else Part(held.index, path)
        return part if part is not None and self.holds_files(part) else None

    def holding(self, path: str) -> Part | None:
        """The index of the nearest indexed folder that is or holds an absolute path, with the
        relative path from there; None if there is none."""
        place = PurePosixPath(normpath(path))
        indexes = self._at((str(place), *map(str, place.parents)))
        held = holding(path, [index.source for index in indexes])
        return None if held is None else Part(indexes[held.position], held.part)

    def holding_at(self, path: str, caller: Caller) -> Part | None:
        """The same for a path as typed; its symbolic links are resolved if the caller may read this
        machine's disk."""
        place = self._parser.place_of(path, caller)
        return self.holding(path if place is None else place.path)

    def absolute(self, place: str, caller: Caller) -> str | None:
        """The place of a file by an absolute path, if it exists relative to the caller's folder and
        lies in an index; None otherwise."""
        if caller.folder is None or not caller.is_local:
            return None
        with suppress(InvalidQueryError):
            for reading in readings_of(place):
                found = self._parser.place_of(reading.path, caller)
                if found is not None:
                    held = self.holding(found.path)
                    return None if held is None else str(replace(reading, path=found.path))
        return None

    def was_deleted(self, folder: str) -> bool:
        """Whether the index of this folder was deleted on request."""
        with self._database.read() as transaction:
            return transaction.indexes.was_deleted(folder, self._host.of_folder(folder))

    def all(self) -> Sequence[Index]:
        """Every index, by identifier."""
        with self._database.read() as transaction:
            return transaction.indexes.list_all()

    def _here(self, indexes: Sequence[Index]) -> Sequence[Index]:
        """Those without the folders of other machines."""
        if not self._host.is_one_of_several:
            return indexes
        return [index for index in indexes if self._host.has(index.source)]

    def holds_files(self, part: Part) -> bool:
        """Whether the index knows a file in this part of it."""
        with self._database.read() as transaction:
            return transaction.indexes.has_files(part.index.id, part.path)

    def locate_missing(self, text: str, caller: Caller = LOCAL_CALLER) -> Index | None:
        """The index of a folder or local repository that no longer exists, by its stored name or as
        typed from the caller's folder; None if there is no such index."""
        if not text.isprintable() or not caller.is_local:
            return None
        return next(iter(self._named(self._parser.former_names(text, caller))), None)

    def _named(self, names: Collection[str]) -> Sequence[Index]:
        """The indexes of this machine whose sources are written like this."""
        # Any @ may be the one before the ref.
        locations = {
            "@".join(parts[:count])
            for parts in (name.split("@") for name in names)
            for count in range(1, len(parts) + 1)
        }
        return [index for index in self._at(locations) if str(index.source) in names]

    def _at(self, locations: Iterable[str]) -> Sequence[Index]:
        """The indexes of this machine whose sources are at these folders or addresses. There may be
        thousands of others, which are not read."""
        storable = [location for location in locations if is_text(location)]
        with self._database.read() as transaction:
            return self._here(transaction.indexes.at_locations(storable))

    def are_several(self, index_ids: Sequence[int]) -> bool:
        """Whether more than one index is selected, so that a path alone is ambiguous; empty means
        every index."""
        if index_ids:
            return len(set(index_ids)) > 1
        with self._database.read() as transaction:
            return transaction.indexes.are_several()

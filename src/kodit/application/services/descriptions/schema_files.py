"""The files of an index that may define tables, with their texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from kodit.domain.descriptions.schema.candidates import HINTS, may_say_something
from kodit.domain.ports.descriptions import SchemaFile
from kodit.domain.ranking.paths import is_of_program

if TYPE_CHECKING:
    from kodit.domain.ports.catalogue import OpenCatalogue

MOST_FILES = 5_000
MOST_CHARACTERS = 20_000_000
"""How much text is read for one schema."""


class NamedFile(Protocol):
    """A file by its identifier, path and language."""

    @property
    def id(self) -> int: ...
    @property
    def path(self) -> str: ...
    @property
    def language(self) -> str: ...


F = TypeVar("F", bound=NamedFile)


def candidates(catalogue: OpenCatalogue, files: Sequence[F]) -> list[F]:
    """The files of the program that may define tables."""
    own = [file for file in files if is_of_program(file.path)]
    sure = {file.id for file in own if may_say_something(file.path, file.language)}
    python = [file.id for file in own if file.language == "python" and file.id not in sure]
    hinting = catalogue.hinting(python, HINTS) | sure
    return [file for file in own if file.id in hinting]


def schema_files(catalogue: OpenCatalogue, files: Sequence[NamedFile]) -> list[SchemaFile]:
    """The candidates with their texts."""
    found = []
    size = 0
    for file in candidates(catalogue, files)[:MOST_FILES]:
        text = _text_of(catalogue, file)
        size += len(text)
        if size > MOST_CHARACTERS:
            break
        found.append(SchemaFile(file.path, file.language, text))
    return found


def _text_of(catalogue: OpenCatalogue, file: NamedFile) -> str:
    """The text of a file from its snippets, each line at its number."""
    pieces: list[str] = []
    reached = 0
    for one in catalogue.snippets_of_file(file.id):
        pieces += [""] * (one.start_line - reached - 1)
        pieces.append(one.text)
        reached = max(reached, one.end_line)
    return "\n".join(pieces)

"""Describes the tables of a database, as models, migrations and SQL define them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kodit.application.services.descriptions.code import read_code
from kodit.application.services.threads import Lane, in_thread
from kodit.domain.descriptions.description import Description, DescriptionKind
from kodit.domain.descriptions.schema.describing import part_of
from kodit.domain.descriptions.schema.merging import merged
from kodit.domain.descriptions.schema.reading import HINTS, fragment_of, may_say_something
from kodit.domain.errors import NotFoundError
from kodit.domain.near import did_you_mean, near_names
from kodit.domain.ranking.paths import path_facts

if TYPE_CHECKING:
    from kodit.domain.descriptions.schema.tables import SchemaFragment, Table
    from kodit.domain.files import IndexedFiles, IndexedText
    from kodit.domain.ports.catalogue import Catalogue, OpenCatalogue

MOST_FILES = 5_000


class SchemaDescriber:
    """Reads every file that may define tables; a subject is a table, a model, or a folder."""

    async def describe(
        self, catalogue: Catalogue, indexed: IndexedFiles, subject: str, characters: int
    ) -> Description:
        return await in_thread(
            lambda: self.describe_now(catalogue, indexed, subject, characters), Lane.SEARCHES
        )

    def describe_now(
        self, catalogue: Catalogue, indexed: IndexedFiles, subject: str, characters: int
    ) -> Description:
        """The same, blocking."""
        del characters  # which table is the last one is known only in the end
        with catalogue.open() as opened:
            tables = merged(read_fragments(opened, indexed))
        if subject:
            tables = _chosen(tables, subject, indexed)
        count = f"{len(tables)} table{'s' * (len(tables) != 1)}"
        return Description(
            indexed.index.id,
            str(indexed.index.source),
            DescriptionKind.SCHEMA,
            subject,
            f"Database schema of {indexed.index.source}: {count}",
            parts=tuple(map(part_of, tables)),
        )


def read_fragments(catalogue: OpenCatalogue, indexed: IndexedFiles) -> dict[str, SchemaFragment]:
    """What each file says about tables, by path; files that say nothing are left out."""
    fragments = {}
    for file in candidates(catalogue, indexed.files)[:MOST_FILES]:
        fragment = fragment_of(file.path, file.language, read_code(catalogue, file).text)
        if not fragment.is_empty:
            fragments[file.path] = fragment
    return fragments


def candidates(catalogue: OpenCatalogue, files: Sequence[IndexedText]) -> list[IndexedText]:
    """The files of the program that may define tables."""
    own = [file for file in files if _is_own(file.path)]
    python = [file.id for file in own if file.language == "python"]
    hinting = catalogue.hinting(python, HINTS)
    return [
        file for file in own if file.id in hinting or may_say_something(file.path, file.language)
    ]


def _is_own(path: str) -> bool:
    facts = path_facts(path)
    return not (facts.is_test or facts.is_example or facts.is_derived)


def _chosen(tables: Sequence[Table], subject: str, indexed: IndexedFiles) -> list[Table]:
    wanted = subject.lower()
    found = [
        one
        for one in tables
        if wanted in {one.name.lower(), one.name.rpartition(".")[2].lower(), one.model.lower()}
    ]
    place = subject.strip("/")
    found = found or [
        one for one in tables if one.path == place or one.path.startswith(f"{place}/")
    ]
    if found:
        return found
    names = [one.name for one in tables] + [one.model for one in tables if one.model]
    raise NotFoundError(
        f"the index of {indexed.index.source} has no table or model {subject!r}."
        f"{did_you_mean(near_names(subject, names, 3))}".removesuffix("."),
        code="name_not_found",
        name=subject,
    )

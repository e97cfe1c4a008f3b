"""Describes the tables of a database, as models, migrations and SQL define them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kodit.application.services.descriptions.schema_files import schema_files
from kodit.application.services.threads import Lane, in_thread
from kodit.domain.descriptions.description import Description
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.descriptions.schema.describing import part_of
from kodit.domain.descriptions.schema.merging import merged
from kodit.domain.descriptions.schema.reading import fragment_of
from kodit.domain.errors import NotFoundError
from kodit.domain.near import did_you_mean, near_names

if TYPE_CHECKING:
    from kodit.domain.descriptions.schema.tables import SchemaFragment, Table
    from kodit.domain.files import IndexedFiles
    from kodit.domain.ports.catalogue import Catalogue, OpenCatalogue


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
            tables = merged(_fragments(opened, indexed))
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


def _fragments(catalogue: OpenCatalogue, indexed: IndexedFiles) -> dict[str, SchemaFragment]:
    """What each file says about tables, by path; files that say nothing are left out."""
    fragments = {}
    for file in schema_files(catalogue, indexed.files):
        fragment = fragment_of(file.path, file.language, file.text)
        if not fragment.is_empty:
            fragments[file.path] = fragment
    return fragments


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

"""The part of the last stage that stores what searches find in descriptions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

from kodit.application.services.descriptions.schema_files import schema_files
from kodit.application.services.stage import Stage
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.descriptions.schema.candidates import READER_VERSION
from kodit.domain.descriptions.stored import (
    MOST_COMMITS,
    STORED_VERSION,
    StoredDescription,
    of_commits,
    of_files,
    of_tables,
    said_by_files,
)
from kodit.domain.entities import ProgressTracker
from kodit.domain.ports.catalogue import Catalogue
from kodit.domain.ports.commits import CommitReader
from kodit.domain.ports.database import Transaction
from kodit.domain.ports.descriptions import SchemaFile, SchemaReader
from kodit.domain.value_objects import SearchFilter

ROWS_PER_COMMIT = 256
MOST_DIFFERING = 1_000
"""If more files differ, all that may define tables are read."""
_SCHEMA = DescriptionKind.SCHEMA
_COMMIT = DescriptionKind.COMMIT
MARK = StoredDescription("", f"version {STORED_VERSION}.{READER_VERSION}", ())
"""Is stored with a schema, so that it is made again by a newer version."""


class DescriptionStage:
    """Stores only what has changed: commits that are not stored yet, and the schema when a file
    says something else about tables."""

    def __init__(
        self,
        *,
        kinds: Collection[DescriptionKind],
        catalogue: Catalogue,
        commits: CommitReader,
        schemas: SchemaReader,
    ) -> None:
        self._kinds = kinds
        self._catalogue = catalogue
        self._commits = commits
        self._schemas = schemas

    async def describe(self, stage: Stage, step: ProgressTracker) -> None:
        """Bring the stored descriptions up to date with the snippets."""
        if _SCHEMA in self._kinds and await self._is_outdated(stage):
            described = await self._of_another(stage) or await self._read_all(stage)
            await self._store(stage, step, _SCHEMA, described)
        if _COMMIT in self._kinds:
            await self._describe_commits(stage, step)

    async def _describe_commits(self, stage: Stage, step: ProgressTracker) -> None:
        index = await stage.read(lambda transaction: transaction.indexes.get(stage.index_id))
        stored = await stage.read(
            lambda transaction: transaction.descriptions.stored(stage.index_id, _COMMIT)
        )
        commits = await self._commits.recent(index, MOST_COMMITS, known=frozenset(stored))
        if commits is not None:
            await self._store(stage, step, _COMMIT, of_commits(commits))

    async def _is_outdated(self, stage: Stage) -> bool:
        """Whether a changed file says something else about tables than before, or nothing was
        stored by this version."""
        changed = await stage.read(partial(self._changed, stage.index_id))
        if changed is None:
            return True
        files, before = changed
        return await self._said(files) != before

    async def _said(self, files: Sequence[SchemaFile]) -> Mapping[str, str]:
        """A hash of what each file says about tables; no child process is started for none."""
        return await self._schemas.said(files) if files else {}

    def _changed(
        self, index_id: int, transaction: Transaction
    ) -> tuple[list[SchemaFile], Mapping[str, str]] | None:
        """The changed files that may say something now, and the hashes of what changed files said
        before; None if nothing was stored by this version."""
        if transaction.descriptions.stored(index_id, _SCHEMA).get("") != MARK.key:
            return None
        changed = transaction.descriptions.changed_files(index_id)
        said = said_by_files(transaction.descriptions.read(index_id, _SCHEMA)) if changed else {}
        present = [one for one in changed if not one.is_deleted]
        return (
            schema_files(self._catalogue.within(transaction), present),
            {one.path: said[one.path] for one in changed if one.path in said},
        )

    async def _read_all(self, stage: Stage) -> Sequence[StoredDescription]:
        files = await stage.read(partial(self._schema_files, stage.index_id))
        if not files:
            return [MARK]
        reading = await self._schemas.read(files)
        return [*of_tables(reading.tables), *of_files(reading.said), MARK]

    async def _of_another(self, stage: Stage) -> Sequence[StoredDescription]:
        """The stored schema of an index that differs only in files that say the same about tables,
        as most worktrees of a repository do; nothing if there is none."""
        found = await stage.read(partial(self._differing, stage.index_id))
        if found is None:
            return ()
        described, files, others = found
        return described if await self._said(files) == await self._said(others) else ()

    def _differing(
        self, index_id: int, transaction: Transaction
    ) -> tuple[Sequence[StoredDescription], list[SchemaFile], list[SchemaFile]] | None:
        """What is stored of the index that is most alike; and the files that may define tables
        which it lacks, and those which only it has."""
        like = transaction.descriptions.most_alike(index_id)
        if like is None or len(like.lacking) + len(like.further) > MOST_DIFFERING:
            return None
        described = transaction.descriptions.read(like.id, _SCHEMA)
        if MARK not in described:
            return None
        catalogue = self._catalogue.within(transaction)
        return (
            described,
            schema_files(catalogue, like.lacking),
            schema_files(catalogue, like.further),
        )

    def _schema_files(self, index_id: int, transaction: Transaction) -> list[SchemaFile]:
        catalogue = self._catalogue.within(transaction)
        return [
            file
            for one in catalogue.files(SearchFilter((index_id,)))
            for file in schema_files(catalogue, one.files)
        ]

    async def _store(
        self,
        stage: Stage,
        step: ProgressTracker,
        kind: DescriptionKind,
        descriptions: Sequence[StoredDescription],
    ) -> None:
        """Write what differs from what is stored; the mark of a schema comes last."""
        stored = await stage.read(
            lambda transaction: transaction.descriptions.stored(stage.index_id, kind)
        )
        changed = [one for one in descriptions if stored.get(one.subject) != one.key]
        gone = sorted(stored.keys() - {one.subject for one in descriptions})
        for start in range(0, len(gone), ROWS_PER_COMMIT):
            some = gone[start : start + ROWS_PER_COMMIT]
            await stage.commit(partial(_drop, stage.index_id, kind, some), step)
        for start in range(0, len(changed), ROWS_PER_COMMIT):
            few = changed[start : start + ROWS_PER_COMMIT]
            await stage.commit(partial(_put, stage.index_id, kind, few), step)


def _drop(
    index_id: int, kind: DescriptionKind, subjects: Sequence[str], transaction: Transaction
) -> tuple[None, dict[str, int]]:
    transaction.descriptions.drop(index_id, kind, subjects)
    return None, {}


def _put(
    index_id: int,
    kind: DescriptionKind,
    descriptions: Sequence[StoredDescription],
    transaction: Transaction,
) -> tuple[None, dict[str, int]]:
    transaction.descriptions.put(index_id, kind, descriptions)
    return None, {}

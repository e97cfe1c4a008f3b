"""Storing what was extracted from files, and retiring what they had before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Connection

from kodit.domain.keyword import KeywordOperation
from kodit.domain.ports.repositories import (
    ExtractedFile,
    SnippetCounts,
)
from kodit.domain.value_objects import TaskType
from kodit.infrastructure.mappers.symbols import extents_to_text, placed_to_text
from kodit.infrastructure.sqlalchemy.entities import EMBEDDINGS
from kodit.infrastructure.sqlalchemy.file_statements import SETTLE_FILES
from kodit.infrastructure.sqlalchemy.keyword_log import new_token, next_change_set
from kodit.infrastructure.sqlalchemy.keyword_log_statements import LOG_CHANGE
from kodit.infrastructure.sqlalchemy.known_versions import StoredVersion, stored_versions
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.sqlalchemy.refusals import SqlRefusalRepository
from kodit.infrastructure.sqlalchemy.snippet_statements import (
    ADD_SNIPPET,
    COPY_SNIPPETS,
    DROP_VECTORS,
    DROP_VECTORS_OF_KIND,
    DROP_VERSION,
    FORGET_PENDING,
    KINDS_OF_VECTORS,
    LOG_LIVE_OF_VERSIONS,
    NOTE_DELETION,
    NOTE_EXTRACTION,
    PEND_LIVE_OF_VERSIONS,
    SET_STATE,
)
from kodit.infrastructure.sqlalchemy.snippet_texts import add_texts
from kodit.infrastructure.sqlalchemy.unused import release
from kodit.infrastructure.sqlalchemy.version_statements import (
    DROP_EMPTY_VERSIONS,
    HIDE_VERSIONS,
    KEEP_VERSION,
    OLD_OF_FILES,
)
from kodit.infrastructure.sqlalchemy.versions import (
    CurrentVersion,
    SqlVersionRepository,
)

_STAGES = (TaskType.CODE_EMBEDDINGS, TaskType.ENRICH)


class _OldSnippet(NamedTuple):
    id: int
    file_id: int
    state: str
    version_id: int


class ExtractedContents:
    """The contents of files over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._driver = Driver(connection)
        self._refusals = SqlRefusalRepository(connection)
        self._versions = SqlVersionRepository(connection)

    def replace(
        self, index_id: int, files: Sequence[ExtractedFile], *, keeps_former: bool = False
    ) -> SnippetCounts:
        linked, alike = stored_versions(self._driver, files)
        # The others stay stale: the version that they were found to have is gone.
        files = [
            file
            for file in files
            if (file.version_id is None and file.alike is None)
            or file.file_id in linked
            or file.file_id in alike
        ]
        sliced = [file for file in files if file.sliced is not None and file.file_id not in linked]
        current = self._versions.of_files(index_id, [file.file_id for file in files])
        change_set, token = next_change_set(self._driver, index_id), new_token()
        shared = self._versions.shared(
            sorted({version.id for version in current.values() if version.id is not None})
        )
        # The snippets of these stay as they are: others have them, or the change cannot be one
        # change set of the store's log, or an engine still searches those of the version before.
        unsettled = self._versions.unsettled(index_id, sorted(current))
        kept = {
            file_id: version_id
            for file_id, version_id in self._lost(files, linked, current).items()
            if keeps_former
            or version_id in shared
            or file_id in linked
            or file_id in unsettled
            or current[file_id].store_id != index_id
        }
        unchanged = {
            file_id for file_id, version in linked.items() if version.id == current[file_id].id
        }
        replaced = kept.keys() | unchanged
        made = {
            file.file_id: self._add(
                index_id, current[file.file_id].path, file, alike.get(file.file_id)
            )
            # In the same order in every transaction: each waits for one that brings the same.
            for file in sorted(sliced, key=attrgetter("content_key"))
        }
        removed = self._retire(
            index_id,
            (change_set, token),
            {file.file_id: file.sliced is None for file in files if file.file_id not in replaced},
            current,
        ) + self._versions.count_live(kept.values())
        gone = [file.file_id for file in files if file.sliced is None]
        self._remove_superseded(index_id, [file_id for file_id in gone if file_id in kept])
        added = [
            (made[file.file_id], snippet)
            for file in sliced
            if file.sliced is not None
            for snippet in file.sliced.snippets
        ]
        text_ids = add_texts(self._driver, (snippet for _version_id, snippet in added))
        rows = [
            {
                "index_id": index_id,
                "version_id": version_id,
                "state": "live",
                "start_line": snippet.start_line,
                "end_line": snippet.end_line,
                "language": snippet.language,
                "symbol": snippet.symbol.name if snippet.symbol else None,
                "kind": snippet.symbol.kind.value if snippet.symbol else None,
                "scope": snippet.symbol.scope if snippet.symbol else "",
                "content_hash": snippet.content_hash,
                "text": "",
                "text_id": text_ids[snippet.content_hash],
                "also_defines": placed_to_text(snippet.also_defines, minor=False),
                "minor_symbols": placed_to_text(snippet.also_defines, minor=True),
                "mentions": snippet.mentions or None,
                "extents": extents_to_text(snippet.extents),
            }
            for version_id, snippet in added
        ]
        ADD_SNIPPET.run_many(self._driver, rows)
        self._note_new(change_set, token, sorted(made.values()))
        upcoming = made | {file_id: version.id for file_id, version in linked.items()}
        self._note_extraction(index_id, files, upcoming, {**linked, **alike}, kept)
        self._versions.use(index_id, (version.id for version in linked.values()))
        self._versions.replaced(index_id, kept, upcoming)
        if upcoming or kept:
            shares = any(version.store_id != index_id for version in linked.values()) or any(
                current[file_id].store_id == index_id and version_id in shared
                for file_id, version_id in kept.items()
            )
            self._versions.note_change(index_id, shares=shares)
        DROP_EMPTY_VERSIONS.run(
            self._driver, sorted({version.id for version in current.values() if version.id})
        )
        return SnippetCounts(
            written=len(rows) + sum(file.alike.snippets for file in sliced if file.alike),
            removed=removed,
            parsed=sum(file.is_parsed for file in files),
            reused=sum(not file.is_parsed and file.sliced is not None for file in files),
        )

    def _add(
        self, index_id: int, path: str, file: ExtractedFile, alike: StoredVersion | None
    ) -> int:
        """A new version of a file, perhaps with copies of snippets: before those are retired."""
        if alike is None:
            problem = None if file.sliced is None else file.sliced.problem
            return self._versions.add(index_id, path, file, _spoken(file), problem)
        made = self._versions.add(index_id, path, file, alike.language, alike.problem)
        copied = {"of_index": index_id, "of_version": made, "alike": alike.id}
        COPY_SNIPPETS.run(self._driver, copied)
        return made

    def _lost(
        self,
        files: Sequence[ExtractedFile],
        linked: Mapping[int, StoredVersion],
        current: Mapping[int, CurrentVersion],
    ) -> dict[int, int]:
        """By file, the versions that files lose."""
        lost: dict[int, int] = {}
        for file in files:
            version_id = current[file.file_id].id
            upcoming = linked.get(file.file_id)
            if version_id is not None and (upcoming is None or upcoming.id != version_id):
                lost[file.file_id] = version_id
        return lost

    def held(self, index_id: int, file_ids: Sequence[int]) -> dict[int, int]:
        return dict(Counter(row.file_id for row in self._old_snippets(index_id, file_ids)))

    def _old_snippets(self, index_id: int, file_ids: Sequence[int]) -> list[_OldSnippet]:
        """Those of former versions first."""
        return [
            _OldSnippet(*row)
            for old_of_files in OLD_OF_FILES
            for row in old_of_files.run(self._driver, file_ids, {"of_index": index_id})
        ]

    def _retire(
        self,
        index_id: int,
        change: tuple[int, int],
        files: Mapping[int, bool],
        current: Mapping[int, CurrentVersion],
    ) -> int:
        """Supersede the snippets of changed files and remove those of deleted files; `files` says
        which are deleted, and `change` are the change set and its token."""
        change_set, token = change
        gone = {file_id for file_id, is_gone in files.items() if is_gone}
        of_gone = {version for file_id in gone if (version := current[file_id].id) is not None}
        old = self._old_snippets(index_id, sorted(files))
        live = [row for row in old if row.state == "live"]
        superseded_files = {row.file_id for row in old if row.state == "superseded"}
        for state, ids in (
            ("removed", [row.id for row in old if row.file_id in gone]),
            ("superseded", [row.id for row in live if row.file_id not in gone]),
        ):
            SET_STATE.run(self._driver, ids, {"new_state": state})
        left = sorted({(row.file_id, row.version_id) for row in live if row.file_id not in gone})
        HIDE_VERSIONS.run(self._driver, sorted({row.version_id for row in live} | of_gone))
        KEEP_VERSION.run_many(
            self._driver,
            (
                {"index_id": index_id, "path_id": file_id, "version_id": version_id}
                for file_id, version_id in left
            ),
        )
        FORGET_PENDING.run(self._driver, [row.id for row in live])
        self._refusals.forget(index_id, [row.id for row in live])
        self._drop_vectors([row.id for row in old if row.file_id in gone])
        # If a file changes again before an engine had its last change, only the oldest snippets,
        # which the engine holds, are searched.
        for file_id in superseded_files - gone:
            self._drop_vectors_beside_older(
                [row.id for row in live if row.file_id == file_id],
                [row.id for row in old if row.file_id == file_id and row.state == "superseded"],
            )
        LOG_CHANGE.run_many(
            self._driver,
            (
                {
                    "index_id": index_id,
                    "version_id": row.version_id,
                    "change_set": change_set,
                    "snippet_id": row.id,
                    "op": KeywordOperation.REMOVE.value,
                    "token": token,
                }
                for row in live
            ),
        )
        return len(live)

    def _remove_superseded(self, index_id: int, file_ids: Sequence[int]) -> None:
        """Remove what is left of the versions before those that deleted files have lost."""
        old = [
            row.id for row in self._old_snippets(index_id, file_ids) if row.state == "superseded"
        ]
        SET_STATE.run(self._driver, old, {"new_state": "removed"})
        self._drop_vectors(old)

    def _drop_vectors(self, snippet_ids: Sequence[int]) -> None:
        dropped = DROP_VECTORS.run(self._driver, snippet_ids)
        release(self._driver, EMBEDDINGS, (row[0] for row in dropped))

    def _drop_vectors_beside_older(
        self, snippet_ids: Sequence[int], older_ids: Sequence[int]
    ) -> None:
        """`snippet_ids` are all snippets of a file that were live until now."""
        if not snippet_ids:
            return
        kinds = sorted({row[0] for row in KINDS_OF_VECTORS.run(self._driver, older_ids)})
        for kind in kinds:
            dropped = DROP_VECTORS_OF_KIND.run(self._driver, snippet_ids, {"of_kind": kind})
            release(self._driver, EMBEDDINGS, (row[0] for row in dropped))

    def _note_new(self, change_set: int, token: int, version_ids: Sequence[int]) -> None:
        """Let the later stages know of the snippets of new versions."""
        LOG_LIVE_OF_VERSIONS.run(
            self._driver, version_ids, {"of_change_set": change_set, "with_token": token}
        )
        for stage in _STAGES:
            PEND_LIVE_OF_VERSIONS.run(self._driver, version_ids, {"of_stage": stage.name})

    def _note_extraction(
        self,
        index_id: int,
        files: Sequence[ExtractedFile],
        upcoming: Mapping[int, int],
        linked: Mapping[int, StoredVersion],
        kept: Collection[int],
    ) -> None:
        """`upcoming` are the new versions by file, and `linked` those that were stored before, also
        with another path. Deleted files in `kept` lose their versions at once."""
        of_index = {"of_index": index_id}
        gone = [file.file_id for file in files if file.sliced is None]
        NOTE_DELETION.run(self._driver, gone, of_index)
        DROP_VERSION.run(self._driver, [one for one in gone if one in kept], of_index)
        NOTE_EXTRACTION.run_many(
            self._driver,
            (
                {
                    "of_index": index_id,
                    "at": file.file_id,
                    "what": file.sliced.problem if stored is None else stored.problem,
                    "made": upcoming[file.file_id],
                }
                for file in files
                if file.sliced is not None
                for stored in (linked.get(file.file_id),)
            ),
        )
        SETTLE_FILES.run(self._driver, [file.file_id for file in files], of_index)


def _spoken(file: ExtractedFile) -> str | None:
    """The language of a sliced file; a file without one is not read at all."""
    if file.sliced is None or (file.sliced.problem is not None and not file.sliced.snippets):
        return None
    return file.sliced.language

"""Which files have which versions, and which versions nobody has any more."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from kodit.domain.batches import MOST_PER_TRANSACTION, Weight, first_batch
from kodit.domain.entities import IndexedFile
from kodit.domain.keyword import KeywordOperation
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.ports.versions import KnownVersion
from kodit.infrastructure.mappers.moments import to_microseconds
from kodit.infrastructure.sqlalchemy.entities import EMBEDDINGS
from kodit.infrastructure.sqlalchemy.keyword_log import new_token, next_change_set
from kodit.infrastructure.sqlalchemy.keyword_log_statements import LOG_CHANGE
from kodit.infrastructure.sqlalchemy.known_versions import digest_of, known_versions
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.sqlalchemy.refusals import SqlRefusalRepository
from kodit.infrastructure.sqlalchemy.snippet_statements import (
    DROP_VECTORS,
    FORGET_PENDING,
    SET_STATE,
)
from kodit.infrastructure.sqlalchemy.unused import release
from kodit.infrastructure.sqlalchemy.version_statements import (
    ADD_VERSION,
    ANY_UNFINISHED,
    COUNT_LIVE_OF_VERSIONS,
    DATE_VERSIONS,
    DROP_EMPTY_VERSIONS,
    DROP_FORMER,
    EMPTY_STORES,
    EXPIRE_VERSIONS_OF_STORE,
    FORMER_USERS,
    GIVE_UP_STORES,
    HIDE_STORE,
    INCOMPLETE_VERSIONS,
    KEEP_VERSION,
    LIVE_FORMER,
    LIVE_FORMER_OF_FILES,
    LIVE_OF_VERSIONS,
    LONG_AGO,
    NOTE_MEMBERS,
    NOTE_SHARING,
    RELEASE_FOR_GOOD,
    RELEASE_VERSIONS,
    REMOVE_RESULTS,
    RETIRE_VERSIONS,
    SHARES,
    STORES,
    STORES_WITH_REMOVED,
    UNDATED,
    UNUSED_TEXT_BYTES,
    UNUSED_VERSIONS,
    USE_VERSIONS,
    USED_BY_OTHERS,
    USERS_OF_VERSIONS,
    VERSIONS_OF_FILES,
    WAITING_VERSIONS,
    WITH_FORMER_VERSIONS,
)

_ANY_TIME = (1 << 63) - 1


class CurrentVersion(NamedTuple):
    """The version of a file, the file's path, and the version's store."""

    id: int | None
    path: str
    store_id: int | None


class SqlVersionRepository:
    """The versions over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._driver = Driver(connection)
        self._refusals = SqlRefusalRepository(connection)

    # Reading

    def known(self, files: Sequence[IndexedFile]) -> dict[int, list[KnownVersion]]:
        return known_versions(self._driver, files)

    def of_files(self, index_id: int, file_ids: Sequence[int]) -> dict[int, CurrentVersion]:
        """By file of an index, its version."""
        rows = VERSIONS_OF_FILES.run(self._driver, file_ids, {"of_index": index_id})
        return {row[0]: CurrentVersion(*row[1:]) for row in rows}

    def stores(self, index_id: int) -> list[int]:
        """The stores of an index's versions, its own first."""
        [(shares,)] = SHARES.run(self._driver, {"of_index": index_id}) or [(False,)]
        if not shares:
            return [index_id]
        others = {row[0] for row in STORES.run(self._driver, {"of_index": index_id})}
        return [index_id, *sorted(others - {index_id})]

    def shared(self, version_ids: Sequence[int]) -> set[int]:
        """Those that more than one file has, or that an engine may still search for another
        file."""
        counts = USERS_OF_VERSIONS.run(self._driver, version_ids)
        former = {row[0] for row in FORMER_USERS.run(self._driver, version_ids)}
        return {version_id for version_id, count in counts if count > 1} | former

    def count_live(self, version_ids: Iterable[int]) -> int:
        """How many snippets they have."""
        return sum(self._count_live(version_ids).values())

    def _count_live(self, version_ids: Iterable[int]) -> dict[int, int]:
        """By version, how many snippets it has, without those that have none."""
        rows = COUNT_LIVE_OF_VERSIONS.run(self._driver, sorted(set(version_ids)))
        return {row[0]: row[1] for row in rows}

    def incomplete(self, version_ids: Sequence[int]) -> set[int]:
        """Those that some engine has not stored completely."""
        if not version_ids or not ANY_UNFINISHED.run(self._driver):
            return set()
        return {row[0] for row in INCOMPLETE_VERSIONS.run(self._driver, version_ids)}

    # Files get and lose versions

    def add(
        self, index_id: int, path: str, file: ExtractedFile, language: str | None, what: str | None
    ) -> int:
        """A new version of a file, in the store of its index, with a language and a problem."""
        values = {
            "of_index": index_id,
            "at": path,
            "by_digest": digest_of(file.content_hash) if file.content_key else None,
            "key": file.content_key or None,
            "spoken": language,
            "what": what,
            "hash": file.content_hash,
            "extractor": file.extractor_version,
        }
        [(version_id,)] = ADD_VERSION.run(self._driver, values)
        return int(version_id)

    def use(self, index_id: int, version_ids: Iterable[int]) -> None:
        """Files of an index have these versions now. If one was unused, the index that brought it
        does not have all versions of its store."""
        rows = USE_VERSIONS.run(self._driver, sorted(set(version_ids)))
        for store_id in {row[0] for row in rows} - {index_id}:
            self.note_change(store_id, shares=True)

    def replaced(
        self, index_id: int, former: Mapping[int, int], upcoming: Mapping[int, int]
    ) -> None:
        """Files have lost the versions in `former`, whose snippets stay as they are, and got those
        in `upcoming`, unless they are gone. As long as an engine has not stored a new version
        completely, it searches the former one, if that has any snippets."""
        waiting = self.incomplete(sorted({upcoming[one] for one in former if one in upcoming}))
        replaced = {
            file_id: version_id
            for file_id, version_id in former.items()
            if upcoming.get(file_id) in waiting
        }
        searched = self._count_live(replaced.values())
        kept = [
            (file_id, version_id)
            for file_id, version_id in sorted(replaced.items())
            if version_id in searched
        ]
        settled = former.keys() - {file_id for file_id, _ in kept}
        lost = set(former.values())
        settled_before: set[int] = set()
        for file_id, version_id in LIVE_FORMER_OF_FILES.run(
            self._driver, sorted(former), {"of_index": index_id}
        ):
            # A file may come back to a version before the engines have it completely.
            if version_id == upcoming.get(file_id):
                self._drop_former(index_id, file_id, version_id)
            elif file_id in settled:
                self._drop_former(index_id, file_id, version_id)
                settled_before.add(version_id)
        KEEP_VERSION.run_many(
            self._driver,
            (
                {"index_id": index_id, "path_id": file_id, "version_id": version_id}
                for file_id, version_id in kept
            ),
        )
        self.release(lost | settled_before)
        if self._are_had(settled_before):
            self.note_change(index_id, shares=True)

    def _drop_former(self, index_id: int, file_id: int, version_id: int) -> None:
        of_file = {"of_index": index_id, "of_file": file_id, "former": version_id}
        DROP_FORMER.run(self._driver, of_file)

    def unsettled(self, index_id: int, file_ids: Sequence[int]) -> set[int]:
        """The files with former versions whose snippets are still there."""
        of_index = {"of_index": index_id}
        return {row[0] for row in LIVE_FORMER_OF_FILES.run(self._driver, file_ids, of_index)}

    def has_former(self, index_id: int) -> bool:
        return bool(LIVE_FORMER.run(self._driver, {"of_index": index_id, "most": 1}))

    def having_former(self) -> list[int]:
        return [row[0] for row in WITH_FORMER_VERSIONS.run(self._driver)]

    def settle(self, index_id: int, limit: int) -> int:
        """Forget former versions of files whose new ones every engine has; returns how many."""
        rows = LIVE_FORMER.run(self._driver, {"of_index": index_id, "most": limit})
        waiting = self.incomplete(sorted({row[2] for row in rows if row[2] is not None}))
        settled = [row for row in rows if row[2] not in waiting]
        for file_id, former, _upcoming in settled:
            self._drop_former(index_id, file_id, former)
        self.release({row[1] for row in settled})
        if settled:
            # Another index may have taken one while it was a former version here.
            shares = self._are_had({version_id for _file_id, version_id, _upcoming in settled})
            self.note_change(index_id, shares=shares)
        return len(settled)

    def release(self, version_ids: Collection[int], *, for_good: bool = False) -> None:
        """Mark those of these versions as unused that no file has any more; with `for_good`, they
        are not kept any longer."""
        if for_good:
            RELEASE_FOR_GOOD.run(self._driver, sorted(version_ids))
        else:
            RELEASE_VERSIONS.run(self._driver, sorted(version_ids), {"since": UNDATED})

    def _are_had(self, version_ids: Collection[int]) -> bool:
        """Whether any file has one of these versions."""
        return bool(USERS_OF_VERSIONS.run(self._driver, sorted(version_ids)))

    def note_change(self, index_id: int, *, shares: bool = False) -> None:
        """Other versions belong to an index than before; with `shares`, not only those of its
        store, or not all of these."""
        NOTE_MEMBERS.run(self._driver, {"of_index": index_id})
        if shares:
            NOTE_SHARING.run(self._driver, {"of_index": index_id})

    # Removing

    def is_waiting(self, before: datetime, most_bytes: int) -> bool:
        at = {"before": to_microseconds(before)}
        if WAITING_VERSIONS.run(self._driver, at) or EMPTY_STORES.run(self._driver):
            return True
        return self._unused_bytes() > most_bytes or bool(self.stores_with_removed())

    def date(self, now: datetime) -> None:
        DATE_VERSIONS.run(self._driver, {"now": to_microseconds(now)})

    def remove(self, before: datetime, limit: int) -> set[int]:
        return self._remove_oldest(to_microseconds(before), limit)

    def remove_beyond(self, most_bytes: int, limit: int) -> set[int]:
        return self._remove_oldest(_ANY_TIME, limit) if self._unused_bytes() > most_bytes else set()

    def stores_with_removed(self) -> set[int]:
        return {row[0] for row in STORES_WITH_REMOVED.run(self._driver)}

    def remove_results(self, store_id: int, limit: int) -> int:
        removed = 0
        for remove in REMOVE_RESULTS:
            rows = remove.run(self._driver, {"of_index": store_id, "most": limit})
            removed += len(rows)
        return removed

    def _unused_bytes(self) -> int:
        [(size,)] = UNUSED_TEXT_BYTES.run(self._driver)
        return int(size or 0)

    def _remove_oldest(self, before: int, limit: int) -> set[int]:
        rows = UNUSED_VERSIONS.run(self._driver, {"before": before, "most": limit})
        counts = self._count_live(row[0] for row in rows)
        rows = first_batch(rows, MOST_PER_TRANSACTION, lambda row: Weight(counts.get(row[0], 0)))
        self.retire({row[0] for row in rows})
        self.give_up_stores()
        return {row[1] for row in rows}

    def keep_store(self, index_id: int) -> bool:
        """Whether files have versions in the store of an index that is being deleted; the unused
        ones are not kept any longer."""
        of_index = {"of_index": index_id}
        EXPIRE_VERSIONS_OF_STORE.run(self._driver, {**of_index, "long_ago": LONG_AGO})
        if USED_BY_OTHERS.run(self._driver, of_index):
            return True
        HIDE_STORE.run(self._driver, of_index)  # nobody gets one from now on
        return False

    def give_up_stores(self) -> None:
        """Let the deletion of indexes continue in whose stores no version is left."""
        empty = [row[0] for row in EMPTY_STORES.run(self._driver)]
        GIVE_UP_STORES.run(self._driver, empty)

    def retire(self, version_ids: Collection[int]) -> None:
        """Start to remove versions that no file has."""
        ids = sorted(version_ids)
        RETIRE_VERSIONS.run(self._driver, ids)
        rows = LIVE_OF_VERSIONS.run(self._driver, ids)
        snippet_ids = [row[0] for row in rows]
        SET_STATE.run(self._driver, snippet_ids, {"new_state": "removed"})
        FORGET_PENDING.run(self._driver, snippet_ids)
        dropped = DROP_VECTORS.run(self._driver, snippet_ids)
        release(self._driver, EMBEDDINGS, (row[0] for row in dropped))
        by_store: dict[int, list[tuple[int, int]]] = {}
        for snippet_id, version_id, store_id in rows:
            by_store.setdefault(store_id, []).append((snippet_id, version_id))
        for store_id, some in sorted(by_store.items()):
            self._refusals.forget(store_id, [snippet_id for snippet_id, _ in some])
            self._log_removal(store_id, some)
        DROP_EMPTY_VERSIONS.run(self._driver, ids)

    def _log_removal(self, store_id: int, snippets: Sequence[tuple[int, int]]) -> None:
        change_set, token = next_change_set(self._driver, store_id), new_token()
        LOG_CHANGE.run_many(
            self._driver,
            (
                {
                    "index_id": store_id,
                    "version_id": version_id,
                    "change_set": change_set,
                    "snippet_id": snippet_id,
                    "op": KeywordOperation.REMOVE.value,
                    "token": token,
                }
                for snippet_id, version_id in snippets
            ),
        )

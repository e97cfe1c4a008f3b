"""Which stored versions files may have, and have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from operator import itemgetter
from typing import NamedTuple

from kodit.domain.entities import IndexedFile
from kodit.domain.ports.repositories import ExtractedFile
from kodit.domain.ports.versions import KnownVersion
from kodit.infrastructure.sqlalchemy.prepared import Driver, Row
from kodit.infrastructure.sqlalchemy.version_statements import (
    COUNT_LIVE_OF_VERSIONS,
    VERSIONS_BY_DIGEST,
)

MOST_ALIKE = 4
"""How many versions with the bytes of a file are looked at, if the files have other names."""


class StoredVersion(NamedTuple):
    """A version, its store, and what it says about its files."""

    id: int
    store_id: int
    language: str | None
    problem: str | None


class StoredVersions(NamedTuple):
    """By file, the version that it gets, or else the one whose snippets it gets copies of."""

    linked: Mapping[int, StoredVersion]
    alike: Mapping[int, StoredVersion]


def known_versions(driver: Driver, files: Sequence[IndexedFile]) -> dict[int, list[KnownVersion]]:
    """By file, the stored versions that it may have, by its path and blob id."""
    digests = {file.id: digest_of(file.content_hash) for file in files}
    rows = sorted(VERSIONS_BY_DIGEST.run(driver, sorted(set(digests.values()))), key=itemgetter(2))
    places = {(digests[file.id], file.path): file.id for file in files}
    known: dict[int, list[KnownVersion]] = {}
    for row in rows:
        # Hundreds of files may be empty, or have the same licence.
        if (file_id := places.get((row[0], row[1]))) is not None:
            known.setdefault(file_id, []).append(_to_known(row))
    others = [file for file in files if file.id not in known]
    return known | _alike(driver, others, digests, rows) if others else known


def _alike(
    driver: Driver, files: Sequence[IndexedFile], digests: Mapping[int, int], rows: Sequence[Row]
) -> dict[int, list[KnownVersion]]:
    """By file, the versions that were made for other paths."""
    wanted = {digests[file.id] for file in files}
    by_name: dict[int, dict[str, KnownVersion]] = {}
    for row in rows:
        if row[0] in wanted:
            by_name.setdefault(row[0], {}).setdefault(_name_of(row[1]), _to_known(row))
    alike = {
        file.id: _likeliest(by_name[digests[file.id]], file.path)
        for file in files
        if digests[file.id] in by_name
    }
    ids = {one.id for some in alike.values() for one in some if not one.is_left_out}
    counts = dict(map(tuple, COUNT_LIVE_OF_VERSIONS.run(driver, sorted(ids))))
    return {
        file_id: [one._replace(snippets=counts.get(one.id, 0)) for one in some]
        for file_id, some in alike.items()
    }


def stored_versions(driver: Driver, files: Iterable[ExtractedFile]) -> StoredVersions:
    """The stored versions of files: those that they were found to have, if these are still
    there, or that another index has stored while a file was sliced."""
    keyed = [file for file in files if file.content_key and file.sliced is not None]
    digests = sorted({digest_of(file.content_hash) for file in keyed})
    by_key = {
        bytes(row[3]): StoredVersion(row[2], row[5], row[6], row[7])
        for row in sorted(VERSIONS_BY_DIGEST.run(driver, digests), key=itemgetter(2), reverse=True)
    }
    linked = {
        file.file_id: by_key[file.content_key] for file in keyed if file.content_key in by_key
    }
    alike = {
        file.file_id: by_key[file.alike.content_key]
        for file in keyed
        if file.alike is not None
        and file.file_id not in linked
        and file.alike.content_key in by_key
    }
    return StoredVersions(linked, alike)


def _to_known(row: Row) -> KnownVersion:
    """A row of `VERSIONS_BY_DIGEST`."""
    return KnownVersion(row[2], bytes(row[3]), bool(row[4]), row[1])


def _name_of(path: str) -> str:
    return path.rpartition("/")[2]


def _likeliest(by_name: Mapping[str, KnownVersion], path: str) -> list[KnownVersion]:
    """The versions that may be like that of a file at a path, given by their files' names, without
    those that are less likely."""
    name = _name_of(path)
    if name in by_name:
        return [by_name[name]]
    extension = name.rpartition(".")[2]
    likely = sorted(by_name.values(), key=lambda one: (not one.path.endswith(extension), one.id))
    return likely[:MOST_ALIKE]


def digest_of(content_hash: str) -> int:
    """A signed number of 64 bits for a blob id."""
    digest = blake2b(content_hash.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)

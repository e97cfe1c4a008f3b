"""What is stored of descriptions, so that searches find what no snippet says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.ranking.terms import terms

if TYPE_CHECKING:
    from kodit.domain.descriptions.commits import Commit
    from kodit.domain.descriptions.schema.tables import Table

STORED_VERSION = 2
"""Raised whenever something else is stored of the same content."""
MOST_COMMITS = 50
"""How many commits are stored, the latest ones."""
MOST_TABLES = 2_000
_FILE = "file "
MOST_WORDS = 400


@dataclass(frozen=True, slots=True)
class StoredDescription:
    """A subject of a kind, a line about it, where it is, and the search terms of its description.
    `path` is empty and `line` 0 if it is at no place."""

    subject: str
    title: str
    words: tuple[str, ...]
    path: str = ""
    line: int = 0

    @property
    def key(self) -> bytes:
        """A hash of its content: a description with the same key is not stored again."""
        parts = (self.title, self.path, str(self.line), *self.words)
        return hashlib.blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class FoundDescription:
    """A stored description that has words of a query which no snippet has."""

    index_id: int
    source: str
    kind: DescriptionKind
    subject: str
    title: str
    path: str
    line: int


def of_tables(tables: Iterable[Table]) -> list[StoredDescription]:
    """The tables of a database, by name."""
    found = []
    for table in list(tables)[:MOST_TABLES]:
        names = [table.name, *(one.name for one in table.columns)]
        names += [index.name for index in table.indexes]
        kind = "view" if table.is_view else "table"
        title = f"{kind} {table.name}" + (f" (model {table.model})" if table.model else "")
        found.append(StoredDescription(table.name, title, _words(names), table.path, table.line))
    return found


def of_files(said: Mapping[str, str]) -> list[StoredDescription]:
    """Files that say something about tables, with a hash of that: no search finds them, but when
    one of them says something else, the tables are read again."""
    return [StoredDescription(f"{_FILE}{path}", said[path], (), path) for path in said]


def said_by_files(schema: Iterable[StoredDescription]) -> dict[str, str]:
    """Those hashes by path, from all that is stored of a schema."""
    return {one.path: one.title for one in schema if one.subject == f"{_FILE}{one.path}"}


def of_commits(commits: Iterable[Commit]) -> list[StoredDescription]:
    """Commits, newest first, with the words of their messages and of the paths that they
    changed."""
    from kodit.domain.descriptions.commits import title_of  # noqa: PLC0415 - searches do without

    return [
        StoredDescription(
            one.id,
            f"commit {title_of(one)}: {one.message.partition(chr(10))[0]}"[:300],
            _words([one.message, *(file.path for file in one.files)]),
        )
        for one in list(commits)[:MOST_COMMITS]
    ]


def words_match(words: str, commit: Commit) -> bool:
    """Whether all words occur in the message, the author's name, or a changed path."""
    wanted = set(terms(words))
    paths = " ".join(file.path for file in commit.files)
    return bool(wanted) and wanted <= set(terms(f"{commit.message} {commit.author} {paths}"))


def _words(texts: Iterable[str]) -> tuple[str, ...]:
    found = dict.fromkeys(term for text in texts for term in terms(text))
    return tuple(list(found)[:MOST_WORDS])

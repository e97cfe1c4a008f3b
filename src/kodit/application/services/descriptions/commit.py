"""Describes what a commit changed: its message, files, and definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kodit.domain.descriptions.commits import parts_of as parts_of_commit
from kodit.domain.descriptions.commits import title_of
from kodit.domain.descriptions.description import DescribedItem, DescribedPart, Description
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.descriptions.stored import words_match
from kodit.domain.errors import NotFoundError

if TYPE_CHECKING:
    from kodit.domain.descriptions.commits import Commit
    from kodit.domain.files import IndexedFiles
    from kodit.domain.ports.catalogue import Catalogue
    from kodit.domain.ports.commits import CommitReader

MOST_LISTED = 30
"""Commits that are listed for words of their messages."""


class CommitDescriber:
    """Reads the history of the source. The subject is a commit, by default the indexed one, or
    words that occur in the messages of recent commits: several such commits are listed."""

    def __init__(self, commits: CommitReader) -> None:
        self._commits = commits

    async def describe(
        self, catalogue: Catalogue, indexed: IndexedFiles, subject: str, characters: int
    ) -> Description:
        del catalogue, characters
        index = indexed.index
        commit = await self._commits.read(index, subject)
        if commit is not None:
            return _description(indexed, subject, commit)
        if not subject:
            raise NotFoundError(
                f"{index.source} has no history that can be read",
                code="name_not_found",
                name=subject,
            )
        recent = await self._commits.recent(index) or ()
        found = [one for one in recent if words_match(subject, one)]
        if len(found) == 1 and (one := await self._commits.read(index, found[0].id)) is not None:
            return _description(indexed, subject, one)
        if not found:
            raise NotFoundError(
                f"{index.source} has no commit {subject!r}, and none of its latest {len(recent)} "
                "has these words in its message",
                code="name_not_found",
                name=subject,
            )
        return _list(indexed, subject, found)


def _description(indexed: IndexedFiles, subject: str, commit: Commit) -> Description:
    index = indexed.index
    return Description(
        index.id,
        str(index.source),
        DescriptionKind.COMMIT,
        subject,
        title_of(commit),
        "\n".join(filter(None, (commit.message, commit.problem))),
        tuple(parts_of_commit(commit)),
    )


def _list(indexed: IndexedFiles, subject: str, found: list[Commit]) -> Description:
    index = indexed.index
    items = tuple(
        DescribedItem(one.id, "commit", title_of(one), one.message.partition("\n")[0])
        for one in found[:MOST_LISTED]
    )
    part = DescribedPart(
        "Latest first; name one of them to see what it changed",
        items=items,
        left_out=max(0, len(found) - MOST_LISTED),
    )
    return Description(
        index.id,
        str(index.source),
        DescriptionKind.COMMIT,
        subject,
        f"{len(found)} commits whose messages have {subject!r}",
        parts=(part,),
    )

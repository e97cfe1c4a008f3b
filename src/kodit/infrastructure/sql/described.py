"""Looks stored descriptions up by their search terms."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.descriptions.stored import FoundDescription
from kodit.infrastructure.sql.statements import Cursors, Parameters, Statement, containing
from kodit.infrastructure.sql.stored_snippets import to_source_text

MOST_ROWS = 200


def find_described(
    driver: Cursors,
    index_ids: Collection[int],
    kinds: Sequence[DescriptionKind],
    terms: Sequence[str],
) -> list[tuple[FoundDescription, Sequence[str]]]:
    """The descriptions that have any of the terms, newer ones first."""
    if not index_ids or not kinds or not terms:
        return []
    values = Parameters()
    having = " OR ".join(
        f"descriptions.words LIKE {values.of(f'% {containing(term)} %')} ESCAPE '/'"
        for term in terms
    )
    statement = Statement(
        "SELECT descriptions.index_id, indexes.location, indexes.ref, descriptions.kind, "
        "descriptions.subject, descriptions.title, descriptions.path, descriptions.line, "
        "descriptions.words FROM descriptions JOIN indexes ON indexes.id = descriptions.index_id "
        f"WHERE descriptions.index_id IN {values.of_all(sorted(index_ids))} "
        f"AND descriptions.kind IN {values.of_all(kind.value for kind in kinds)} "
        f"AND ({having}) ORDER BY descriptions.id DESC LIMIT {MOST_ROWS}"
    )
    return [
        (
            FoundDescription(
                row[0],
                to_source_text(row[1], row[2]),
                DescriptionKind(row[3]),
                row[4],
                row[5],
                row[6],
                row[7],
            ),
            row[8].split(),
        )
        for row in statement.run(driver, values.values)
    ]

"""The files that a filter chooses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kodit.infrastructure.mappers.moments import to_microseconds
from kodit.infrastructure.sql.statements import Parameters, Statement, containing, lowered
from kodit.infrastructure.sql.stored_snippets import CONTENT_ID

if TYPE_CHECKING:
    from kodit.domain.value_objects import SearchFilter


def select_files(
    index_ids: set[int], search_filter: SearchFilter, patterns: Sequence[str]
) -> tuple[Statement, Parameters]:
    """The files that pass a filter, and possibly some that its globs do not match: their content,
    index and, if there are patterns, path."""
    values = Parameters()
    chosen = f"SELECT {CONTENT_ID}, files.index_id"
    joined = ""
    conditions = [f"files.index_id IN {values.of_all(sorted(index_ids))}"]
    if search_filter.languages:
        joined += " JOIN versions ON versions.id = files.version_id"
        conditions.append(f"versions.language IN {values.of_all(search_filter.languages)}")
    if search_filter.authors or search_filter.created_after or search_filter.created_before:
        joined += (
            " JOIN file_histories ON file_histories.path_id = files.path_id "
            "AND file_histories.number = files.history"
        )
    if search_filter.authors:
        form = "lower(file_histories.author) LIKE '%' || {} || '%' ESCAPE '/'"
        alike = [
            form.format(values.of(containing(lowered(name)))) for name in search_filter.authors
        ]
        conditions.append(f"({' OR '.join(alike)})")
    for comparison, moment in (
        (">=", search_filter.created_after),
        ("<", search_filter.created_before),
    ):
        if moment is not None:
            created = values.of(to_microseconds(moment))
            conditions.append(f"file_histories.created_at {comparison} {created}")
    conditions += _within(search_filter.within, values)
    if patterns:
        chosen += ", paths.path"
        joined += " JOIN paths ON paths.id = files.path_id"
        alike = [f"paths.path LIKE {values.of(pattern)} ESCAPE '~'" for pattern in patterns]
        conditions.append(f"({' OR '.join(alike)})")
    return Statement(f"{chosen} FROM files{joined} WHERE {' AND '.join(conditions)}"), values


def _within(within: Sequence[tuple[int, str]], values: Parameters) -> list[str]:
    """A condition that a file is one of the listed files, or in one of the folders, of its
    index.
    """
    folders: dict[int, list[str]] = {}
    for index_id, folder in within:
        folders.setdefault(index_id, []).append(folder)
    return [
        f"(files.index_id <> {values.of(index_id)} OR files.path_id IN "
        f"(SELECT paths.id FROM paths WHERE "
        f"{' OR '.join(is_within(some, values) for some in of_index)}))"
        for index_id, of_index in folders.items()
    ]


def is_within(part: str, values: Parameters) -> str:
    """The condition that a path is below a folder, both relative to the source, or is equal."""
    # Text sorts by code points: `a/` before everything in `a`, and `a0` after it.
    return (
        f"paths.path = {values.of(part)} OR "
        f"paths.path > {values.of(f'{part}/')} AND paths.path < {values.of(f'{part}0')}"
    )

"""Splitting rows into chunks of one transaction."""

from __future__ import annotations

from sqlalchemy import Connection, Select

from kodit.domain.batches import MOST_PER_TRANSACTION, Weight, first_batch


def some_of(connection: Connection, query: Select[int, int | None]) -> list[int]:
    """The ids from a query whose rows are an id and its size in bytes, up to the amount for one
    transaction: the rows after that are not read.
    """
    with connection.execute(query, execution_options={"stream_results": True}) as rows:
        weighed = ((row[0], Weight(1, row[1] or 0)) for row in rows)
        batch = first_batch(weighed, MOST_PER_TRANSACTION, lambda pair: pair[1])
    return [key for key, _weight in batch]

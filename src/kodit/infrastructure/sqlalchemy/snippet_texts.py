"""The texts of snippets, each of which is stored once, however many versions of files have it."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import delete, exists, select

from kodit.domain.entities import Snippet
from kodit.infrastructure.sqlalchemy.entities import SNIPPET_TEXTS, SNIPPETS
from kodit.infrastructure.sqlalchemy.prepared import (
    Driver,
    InsertNew,
    PreparedForMany,
    insert_columns,
)

_ADD = insert_columns(SNIPPET_TEXTS, "key", "text", kind=InsertNew)
_IDS = PreparedForMany(
    lambda keys: (
        select(SNIPPET_TEXTS.c.key, SNIPPET_TEXTS.c.id)
        .where(SNIPPET_TEXTS.c.key.in_(keys))
        .order_by(SNIPPET_TEXTS.c.id)
        .with_for_update(read=True, key_share=True)
    )
)
"""On a server, nobody removes these rows before the transaction ends."""
_HOLD = PreparedForMany(
    lambda ids: (
        select(SNIPPET_TEXTS.c.id)
        .where(SNIPPET_TEXTS.c.id.in_(ids))
        .order_by(SNIPPET_TEXTS.c.id)
        .with_for_update()
    )
)
_REMOVE_UNUSED = PreparedForMany(
    lambda ids: delete(SNIPPET_TEXTS).where(
        SNIPPET_TEXTS.c.id.in_(ids), ~exists().where(SNIPPETS.c.text_id == SNIPPET_TEXTS.c.id)
    )
)


def add_texts(driver: Driver, snippets: Iterable[Snippet]) -> dict[str, int]:
    """The ids of the texts of these snippets, by their hash; those that are new are stored."""
    texts = {snippet.content_hash: snippet.text for snippet in snippets}
    ids: dict[str, int] = {}
    while len(ids) < len(texts):  # another transaction may remove one before it is held
        # In the same order in every transaction: each waits for one that brings the same.
        missing = {bytes.fromhex(one): texts[one] for one in sorted(texts.keys() - ids.keys())}
        _ADD.run_many(driver, ({"key": key, "text": text} for key, text in missing.items()))
        ids |= {bytes(key).hex(): text_id for key, text_id in _IDS.run(driver, list(missing))}
    return ids


def forget_texts(driver: Driver, ids: Iterable[int | None]) -> None:
    """Remove those of these texts that no snippet has any more."""
    lost = sorted({text_id for text_id in ids if text_id is not None})
    if driver.is_concurrent:
        _HOLD.run(driver, lost)  # what is read afterwards shows who has them now
    _REMOVE_UNUSED.run(driver, lost)

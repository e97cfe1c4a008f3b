"""The packed vectors compared with the database that they were copied from."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from kodit.application.services.threads import in_thread
from kodit.domain.diagnosis import Area, Problem
from kodit.domain.value_objects import VectorKind
from kodit.infrastructure.sql.chunks import in_chunks
from kodit.infrastructure.sql.followed_log import NODE_PACK
from kodit.infrastructure.sqlalchemy.entities import EMBEDDINGS, INDEXES, VECTORS
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.sqlalchemy.sql_database import SqlDatabase
from kodit.infrastructure.vectors.pack_file import Pack, open_pack

_NAME = re.compile(r"(?P<index>\d+)-(?P<kind>code|text)\.pack")
_SCALE_BYTES = 4


class PackExaminer:
    """A pack may lack new rows and still have deleted ones; rows in both must be equal."""

    area = Area.VECTORS

    def __init__(self, database: SqlDatabase, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def examine(self) -> list[Problem]:
        problems = []
        for path in sorted(self._folder.glob("*.pack")):
            match = _NAME.fullmatch(path.name)
            pack = open_pack(path)
            if match is None or pack is None:
                continue
            index_id, kind = int(match["index"]), match["kind"]
            with self._database.read() as transaction:
                connection = transaction.connection
                what = None
                if not _is_noted(connection, pack, index_id, kind):
                    what = f"{path.name} was not made from this database"
                elif differing := _count_differing(connection, pack, index_id, kind):
                    what = f"{differing} vectors in {path.name} differ from the database"
            if what is not None:
                problems.append(
                    Problem(
                        self.area,
                        what,
                        "removes the file and writes it again",
                        index_id,
                        partial(in_thread, partial(path.unlink, missing_ok=True)),
                        refresh=frozenset([index_id]),
                    )
                )
        return problems


def _is_noted(connection: Connection, pack: Pack, index_id: int, kind: str) -> bool:
    driver = Driver(connection)
    if driver.is_concurrent:
        for (token,) in NODE_PACK.run(driver, {"of_index": index_id, "of_kind": kind}):
            return bool(token == pack.token)
    column = INDEXES.c.code_pack if kind == VectorKind.CODE else INDEXES.c.text_pack
    noted = connection.execute(select(column).where(INDEXES.c.id == index_id)).scalar()
    return noted == pack.token


def _count_differing(connection: Connection, pack: Pack, index_id: int, kind: str) -> int:
    positions = {snippet_id: row for row, snippet_id in enumerate(pack.snippet_ids.tolist())}
    query = (
        select(VECTORS.c.snippet_id, VECTORS.c.version_id, EMBEDDINGS.c.code, EMBEDDINGS.c.vector)
        .join(EMBEDDINGS, EMBEDDINGS.c.id == VECTORS.c.embedding_id)
        .where(
            VECTORS.c.index_id == index_id, VECTORS.c.kind == kind, VECTORS.c.model == pack.model
        )
    )
    differing = 0
    for some in in_chunks(list(positions)):
        rows = connection.execute(query.where(VECTORS.c.snippet_id.in_(some))).all()
        differing += _differing(pack, [positions[row[0]] for row in rows], rows)
    return differing


def _differing(pack: Pack, places: list[int], rows: Any) -> int:
    if not places:
        return 0
    rows_there: NDArray[np.intp] = np.asarray(places)
    size = pack.values.shape[1] + _SCALE_BYTES
    if any(len(row[3]) != size or len(row[2]) * 8 != pack.values.shape[1] for row in rows):
        return len(rows)
    vectors = np.frombuffer(b"".join(row[3] for row in rows), np.int8).reshape(len(rows), -1)
    scales = vectors[:, -_SCALE_BYTES:].copy().view("<f4")[:, 0]
    codes = np.frombuffer(b"".join(row[2] for row in rows), "<u8").reshape(len(rows), -1)
    wrong = (pack.values[rows_there] != vectors[:, :-_SCALE_BYTES]).any(axis=1)
    wrong |= pack.scales[rows_there] != scales
    wrong |= (codes != pack.codes[:, rows_there].T).any(axis=1)
    wrong |= pack.file_ids[rows_there] != np.array([row[1] for row in rows])
    return int(wrong.sum())

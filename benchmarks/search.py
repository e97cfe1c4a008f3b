"""Latency of a search, and memory of serving, at growing sizes.

    python benchmarks/search.py [--snippets 34000 200000 1000000] [--folder DIR] [--cache DIR]

The corpus is generated: the folder (by default Python's own library) is indexed, and its rows are
then multiplied up to the requested number of snippets. A copy's vectors are moved at random,
because equal ones would tie; its words are those of the original, so that their distribution stays
that of code. Prints milliseconds of CPU in this process: of a hybrid search without a filter and
with a narrow one, and of the modes that use a single engine; the recall of the 1-bit candidates,
and the proportional set size.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sqlite3
import statistics
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from kodit import Kodit
from kodit.composition import Application
from kodit.domain.value_objects import Scope, SearchFilter, SearchMode, SearchRequest, VectorKind
from kodit.infrastructure.keyword.schema import open_index, to_documents
from kodit.infrastructure.keyword.standing import read_standing, write_standing
from kodit.infrastructure.keyword.version import SCHEMA_VERSION
from kodit.infrastructure.sql.stored_snippets import SELECT_STORED, to_stored
from kodit.infrastructure.vectors.pack_builder import pack_path
from kodit.infrastructure.vectors.pack_file import open_pack
from kodit.settings import Settings

QUERIES = (
    "parse command line arguments",
    "where are temporary files removed",
    "open a socket with a timeout",
    "compile a regular expression",
    "decode base64",
    "how does the event loop run callbacks",
    "json encoder for custom types",
    "read a zip archive member",
    "thread pool shutdown",
    "format a date and time",
    "HTTPConnection",
    "Path.resolve",
    "OrderedDict",
    "unittest mock patch",
    "walk a directory tree",
    "escape html",
    "send an email message",
    "logging handler rotation",
    "compute a checksum",
    "get set default value of the name",
)
ALONE = (SearchMode.KEYWORD, SearchMode.CODE, SearchMode.TEXT)
DOCUMENTS_AT_ONCE = 512
NOISE = 0.35
"""Standard deviation of the noise added to a copy's vector, relative to that of a component."""
ROWS_PER_STATEMENT = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--snippets", type=int, nargs="+", default=[34_000, 200_000, 1_000_000])
    parser.add_argument("--folder", default=sysconfig.get_paths()["stdlib"])
    parser.add_argument("--cache", type=Path, help="keep the corpora in this folder")
    arguments = parser.parse_args()
    work = arguments.cache or Path(tempfile.mkdtemp(prefix="kodit-search-"))
    try:
        base = work / "base"
        if not (base / "kodit.db").exists():
            with Kodit(base) as kodit:
                kodit.index(arguments.folder, exclude=("test/", "tests/", "idlelib/"))
        columns = ("snippets", "p50 ms", "p95 ms", "narrow p50", *(f"{one} p50" for one in ALONE))
        columns = (*columns, "recall@10", "PSS MB")
        print("".join(f"{column:>12}" for column in columns))
        for size in arguments.snippets:
            folder = work / str(size)
            if not (folder / "done").exists():
                shutil.rmtree(folder, ignore_errors=True)
                if not take_part(base, folder, size):
                    shutil.copytree(base, folder)
                    grow(folder, size)
                (folder / "done").touch()
            print(measure(folder, size), flush=True)
    finally:
        if arguments.cache is None:
            shutil.rmtree(work)


def take_part(base: Path, folder: Path, size: int) -> bool:
    """Index some of the base's files, chosen at random, that have `size` snippets together. False
    if it has no more than that.
    """
    connection = sqlite3.connect(base / "kodit.db")
    source = Path(connection.execute("SELECT location FROM indexes").fetchone()[0])
    files = connection.execute(
        "SELECT path, count(*) FROM versions JOIN snippets ON versions.id = snippets.version_id "
        "GROUP BY versions.id ORDER BY path"
    ).fetchall()
    connection.close()
    if sum(count for _path, count in files) <= size:
        return False
    random.Random(0).shuffle(files)  # noqa: S311 - repeatable
    part = folder / "source"
    for path, count in files:
        if size > 0:
            size -= count
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, part / path)
    with Kodit(folder) as kodit:
        kodit.index(part)
    return True


def grow(folder: Path, size: int) -> None:
    """Multiply every row of the index until it has `size` snippets."""
    rng = np.random.default_rng(0)
    connection = sqlite3.connect(folder / "kodit.db", isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA foreign_keys = OFF")
    have, last_snippet, last_version, last_path = (
        connection.execute(query).fetchone()[0]
        for query in (
            "SELECT count(*) FROM snippets",
            "SELECT max(id) FROM snippets",
            "SELECT max(id) FROM versions",
            "SELECT max(id) FROM paths",
        )
    )
    application = Application(Settings.load(data_dir=folder))
    application.open()
    with application.database.read() as transaction:
        rows = transaction.connection.exec_driver_sql(SELECT_STORED)
        stored = [to_stored(tuple(row)) for row in rows]
    writer = open_index(folder / "keyword" / SCHEMA_VERSION).writer(200_000_000, 2)
    for copy in range(1, -(-size // have)):
        connection.execute("BEGIN")
        wanted = min(have, size - copy * have)
        of_path, of_version = copy * last_path, copy * last_version
        _copy_rows(connection, "paths", {"id": of_path}, f"copy{copy}/")
        _copy_rows(connection, "versions", {"id": of_version}, f"copy{copy}/")
        _copy_rows(connection, "files", {"path_id": of_path, "version_id": of_version})
        _copy_rows(
            connection,
            "snippets",
            {"id": copy * last_snippet, "version_id": of_version},
            limit=wanted,
        )
        _copy_vectors(connection, rng, copy, (last_snippet, last_version))
        connection.execute("COMMIT")
        moved = (
            replace(
                snippet,
                id=copy * last_snippet + snippet.id,
                file_id=copy * last_version + snippet.file_id,
            )
            for snippet in stored[:wanted]
        )
        while some := list(islice(moved, DOCUMENTS_AT_ONCE)):
            for document in to_documents(some):
                writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()
    # What is not recorded is taken for damage.
    keyword = folder / "keyword" / SCHEMA_VERSION
    write_standing(keyword, read_standing(keyword).places, sealed=True)
    connection.execute("ANALYZE")
    connection.close()
    for kind in VectorKind:
        engines = application.engines
        token = asyncio.run(engines.vector_index.refresh(1, kind, engines.embedder.model))
        if token is not None:
            # A pack that the database does not name is not trusted.
            with application.database.write() as transaction:
                transaction.embeddings.note_pack(1, kind, token)
    application.close()


def _copy_rows(
    connection: sqlite3.Connection,
    table: str,
    offsets: dict[str, int],
    path_prefix: str = "",
    limit: int = -1,
) -> None:
    """Copy the original rows of a table, with new ids; the first offset is that of its key."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    expressions = []
    for column in columns:
        if column in offsets:
            expressions.append(f'"{column}" + {offsets[column]}')
        elif column == "path":
            expressions.append(f"'{path_prefix}' || path")
        elif column == "content_key":  # no two versions have the same
            expressions.append("CASE WHEN content_key NOTNULL THEN randomblob(32) END")
        else:
            expressions.append(f'"{column}"')
    key = next(iter(offsets))
    names = ", ".join(f'"{column}"' for column in columns)
    connection.execute(
        f"INSERT INTO {table} ({names}) SELECT {', '.join(expressions)} FROM {table} "  # noqa: S608 - our own names
        f"WHERE {key} <= ? ORDER BY {key} LIMIT ?",
        (_original(connection, table, key), limit),
    )


def _original(connection: sqlite3.Connection, table: str, column: str) -> int:
    """The largest key among the original rows."""
    key = f"last_{table}"
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS originals (name TEXT PRIMARY KEY, id INT)")
    row = connection.execute("SELECT id FROM originals WHERE name = ?", (key,)).fetchone()
    if row is None:
        row = connection.execute(f"SELECT max({column}) FROM {table}").fetchone()  # noqa: S608 - likewise
        connection.execute("INSERT INTO originals VALUES (?, ?)", (key, row[0]))
    return int(row[0])


def _copy_vectors(
    connection: sqlite3.Connection,
    rng: np.random.Generator,
    copy: int,
    last: tuple[int, int],
) -> None:
    last_snippet, last_version = last
    rows = connection.execute(
        "SELECT v.kind, v.snippet_id, v.version_id, v.model, e.vector FROM vectors v "
        "JOIN embeddings e ON e.id = v.embedding_id WHERE v.snippet_id <= ? "
        "AND v.snippet_id + ? IN (SELECT id FROM snippets)",
        (last_snippet, copy * last_snippet),
    ).fetchall()
    next_embedding = connection.execute("SELECT max(id) FROM embeddings").fetchone()[0] + 1
    for start in range(0, len(rows), ROWS_PER_STATEMENT):
        some = rows[start : start + ROWS_PER_STATEMENT]
        raw = np.frombuffer(b"".join(row[4] for row in some), np.int8).reshape(len(some), -1)
        values = raw[:, :-4].astype(np.float32)
        values += rng.normal(0, NOISE, values.shape).astype(np.float32) * values.std(
            1, keepdims=True
        )
        values = np.clip(np.rint(values), -127, 127).astype(np.int8)
        codes = np.packbits(values > 0, axis=1)
        embeddings, vectors = [], []
        for row, value, code, scale in zip(some, values, codes, raw[:, -4:], strict=True):
            packed = code.tobytes()
            embeddings.append(
                (next_embedding, 1, rng.bytes(16), packed, value.tobytes() + scale.tobytes())
            )
            vectors.append(
                (
                    1,
                    row[0],
                    row[1] + copy * last_snippet,
                    row[2] + copy * last_version,
                    next_embedding,
                    row[3],
                    packed,
                )
            )
            next_embedding += 1
        connection.executemany(
            "INSERT INTO embeddings (id, index_id, key, code, vector) VALUES (?, ?, ?, ?, ?)",
            embeddings,
        )
        connection.executemany(
            "INSERT INTO vectors "
            "(index_id, kind, snippet_id, version_id, embedding_id, model, code) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            vectors,
        )


def measure(folder: Path, size: int) -> str:
    """One line of the table."""
    application = Application(Settings.load(data_dir=folder))
    application.open()
    search = application.search
    requests = [SearchRequest(query) for query in QUERIES]
    narrow = [
        SearchRequest(query, filter=SearchFilter(paths=("/asyncio/**", "/email/**")))
        for query in QUERIES
    ]
    for request in requests[:5]:
        search.search(request)
    wide_times = _times(search, requests)
    narrow_times = _times(search, narrow)
    alone = [
        statistics.median(_times(search, [SearchRequest(query, mode) for query in QUERIES]))
        for mode in ALONE
    ]
    serving = _pss()
    figures = (
        statistics.median(wide_times),
        sorted(wide_times)[int(0.95 * len(wide_times))],
        statistics.median(narrow_times),
        *alone,
        _recall(application),
        serving,
    )
    line = f"{size:>12}" + "".join(f"{figure:>12.3f}" for figure in figures)
    application.close()
    return line


def _times(search: Any, requests: Sequence[SearchRequest]) -> list[float]:
    times = []
    for request in [*requests, *requests, *requests]:
        start = time.process_time()
        search.search(request)
        times.append((time.process_time() - start) * 1e3)
    return times


def _recall(application: Application) -> float:
    """The share of the ten nearest, by a scan of every stored vector, that the index finds."""
    model = application.engines.embedder.model
    scope = Scope(frozenset([1]))
    pack = open_pack(pack_path(application.data_dir / "vectors", 1, VectorKind.CODE.value))
    if pack is None:
        return float("nan")
    found = []
    for query in QUERIES:
        vector = application.engines.embedder.embed_query(query)
        with application.database.read() as transaction:
            reader = application.engines.vector_index.reader(transaction)
            hits = reader.search(VectorKind.CODE, model, vector, scope, 10)
        scores = np.concatenate(
            [
                pack.rescore(
                    np.arange(start, min(start + 50_000, len(pack))), np.asarray(vector, np.float32)
                )
                for start in range(0, len(pack), 50_000)
            ]
        )
        edge = np.partition(scores, -10)[-10]
        found.append(sum(hit.score >= edge - 1e-6 for hit in hits) / 10)
    return float(statistics.mean(found))


def _pss() -> float:
    """Proportional set size of this process in MB (Linux)."""
    path = Path("/proc/self/smaps_rollup")
    if not path.exists():
        return float("nan")
    for line in path.read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return float("nan")


if __name__ == "__main__":
    main()

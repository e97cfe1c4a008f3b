"""Ways to damage a data directory, each with the area that must notice it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import tantivy
from tests.doctor.place import Place

from kodit.domain.diagnosis import Area
from kodit.infrastructure.keyword.schema import SNIPPET_ID, open_index
from kodit.infrastructure.keyword.standing import read_standing, write_standing
from kodit.infrastructure.vectors.pack_file import write_pack

LONG_AGO = 7200

Damage = Callable[[Place], None]
DAMAGES: list[tuple[Area, Damage]] = []


def noticed_by(area: Area) -> Callable[[Damage], Damage]:
    def register(damage: Damage) -> Damage:
        DAMAGES.append((area, damage))
        return damage

    return register


def _age(path: Path) -> None:
    then = time.time() - LONG_AGO
    os.utime(path, (then, then))


# The database


@noticed_by(Area.DATABASE)
def an_index_of_the_database_is_dropped(place: Place) -> None:
    place.sql("DROP INDEX snippets_of_file")


@noticed_by(Area.DATABASE)
def an_index_of_the_database_lacks_a_row(place: Place) -> None:
    (definition,) = place.sql("SELECT sql FROM sqlite_master WHERE name = 'vectors_of_embedding'")
    with closing(sqlite3.connect(place.data_dir / "kodit.db")) as connection:
        connection.execute("DROP INDEX vectors_of_embedding")
        connection.execute(f"{definition[0]} WHERE snippet_id > 3")
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = ? WHERE name = 'vectors_of_embedding'", definition
        )
        connection.commit()


@noticed_by(Area.DATABASE)
def snippets_lose_their_file(place: Place) -> None:
    place.sql(
        "INSERT INTO snippets (index_id, version_id, state, start_line, end_line, language, scope, "
        "content_hash, text) VALUES (1, 99999, 'removed', 1, 2, 'python', '', 'x', 'lost')"
    )


@noticed_by(Area.DATABASE)
def a_task_loses_its_run(place: Place) -> None:
    place.sql("PRAGMA foreign_keys = OFF")
    place.sql("UPDATE tasks SET run_id = 99999 WHERE id = (SELECT max(id) FROM tasks)")


# The queue


@noticed_by(Area.QUEUE)
def a_run_has_nothing_that_could_be_worked_on(place: Place) -> None:
    place.sql("UPDATE index_runs SET state = 'running', finished_at = NULL WHERE index_id = 1")
    place.sql("UPDATE tasks SET state = 'blocked' WHERE index_id = 1 AND type <> 'SYNC'")


@noticed_by(Area.QUEUE)
def a_follow_up_waits_for_nothing(place: Place) -> None:
    place.sql("UPDATE index_runs SET state = 'queued', is_follow_up = true WHERE index_id = 1")
    place.sql("UPDATE tasks SET state = 'blocked' WHERE index_id = 1")


@noticed_by(Area.QUEUE)
def a_run_has_ended_without_one_of_its_tasks(place: Place) -> None:
    place.sql("UPDATE tasks SET state = 'ready' WHERE index_id = 1 AND type = 'ENRICH'")


@noticed_by(Area.QUEUE)
def a_task_is_held_by_a_worker_that_died(place: Place) -> None:
    place.sql("UPDATE index_runs SET state = 'running', finished_at = NULL WHERE index_id = 1")
    place.sql(
        "UPDATE tasks SET state = 'running', worker = 'nobody-1-abc', lease_expires_at = ? "
        "WHERE index_id = 1 AND type = 'ENRICH'",
        int((time.time() + 3600) * 1_000_000),
    )


# Files and snippets


@noticed_by(Area.FILES)
def a_changed_file_is_not_marked_as_stale(place: Place) -> None:
    place.sql("UPDATE files SET version_id = NULL WHERE index_id = 1 AND path_id = 1")


@noticed_by(Area.FILES)
def a_file_holds_a_snippet_twice(place: Place) -> None:
    place.sql(
        "INSERT INTO snippets (index_id, version_id, state, start_line, end_line, language, "
        "symbol, kind, scope, content_hash, enrichment_id, text, text_id) SELECT index_id, "
        "version_id, state, start_line, end_line, language, symbol, kind, scope, content_hash, "
        "enrichment_id, text, text_id FROM snippets WHERE state = 'live' LIMIT 1"
    )


@noticed_by(Area.FILES)
def the_text_of_snippets_is_lost(place: Place) -> None:
    place.sql("DELETE FROM snippet_texts WHERE id = 1")


@noticed_by(Area.FILES)
def a_snippet_says_it_belongs_to_another_index(place: Place) -> None:
    place.sql(
        "INSERT INTO snippets (index_id, version_id, state, start_line, end_line, language, scope, "
        "content_hash, text) SELECT 2, version_id, 'removed', 1, 2, 'python', '', 'x', 'stray' "
        "FROM files WHERE index_id = 1 LIMIT 1"
    )


@noticed_by(Area.FILES)
def work_is_noted_for_a_snippet_that_is_gone(place: Place) -> None:
    place.sql("INSERT INTO pending_snippets VALUES (1, 'ENRICH', 99999)")


# Clones


@noticed_by(Area.CLONES)
def a_clone_is_removed(place: Place) -> None:
    shutil.rmtree(place.data_dir / "clones" / "2.git")


@noticed_by(Area.CLONES)
def a_clone_loses_its_objects(place: Place) -> None:
    for path in (place.data_dir / "clones" / "2.git" / "objects").glob("??"):
        shutil.rmtree(path)
    for path in (place.data_dir / "clones" / "2.git" / "objects" / "pack").iterdir():
        path.unlink()


@noticed_by(Area.CLONES)
def a_clone_of_no_index_is_left(place: Place) -> None:
    shutil.copytree(place.data_dir / "clones" / "2.git", place.data_dir / "clones" / "77.git")
    place.skip_numbers(77)


@noticed_by(Area.CLONES)
def an_interrupted_transfer_is_left(place: Place) -> None:
    (place.data_dir / "clones" / ".2.git.0123456789abcdef.tmp" / "objects").mkdir(parents=True)


# Enrichments and vectors


@noticed_by(Area.ENRICHMENTS)
def an_enrichment_that_is_used_is_marked_as_unused(place: Place) -> None:
    place.sql("UPDATE enrichments SET unused_since = 1, unused_bytes = 1 WHERE id = 1")


@noticed_by(Area.VECTORS)
def an_embedding_that_nothing_uses_is_not_marked(place: Place) -> None:
    place.sql(
        "INSERT INTO embeddings (index_id, key, code, vector) "
        "SELECT index_id, 'a key', code, vector FROM embeddings WHERE id = 1"
    )


@noticed_by(Area.ENRICHMENTS)
def an_enrichment_is_removed(place: Place) -> None:
    place.sql("DELETE FROM enrichments WHERE id = (SELECT min(enrichment_id) FROM snippets)")


@noticed_by(Area.VECTORS)
def code_vectors_are_removed(place: Place) -> None:
    place.sql("DELETE FROM vectors WHERE kind = 'code' AND snippet_id % 3 = 0")


@noticed_by(Area.VECTORS)
def text_vectors_are_of_another_model(place: Place) -> None:
    place.sql("UPDATE vectors SET model = 'former/1' WHERE kind = 'text' AND index_id = 2")


@noticed_by(Area.VECTORS)
def a_code_loses_its_bits(place: Place) -> None:
    place.sql("UPDATE embeddings SET code = ? WHERE id = 3", place.no_bits())


@noticed_by(Area.VECTORS)
def a_vector_is_cut_short(place: Place) -> None:
    place.sql("UPDATE embeddings SET vector = substr(vector, 1, 100) WHERE id = 4")


@noticed_by(Area.VECTORS)
def the_copy_of_a_code_is_another(place: Place) -> None:
    place.sql("UPDATE vectors SET code = ? WHERE snippet_id = 5", place.no_bits())


@noticed_by(Area.VECTORS)
def an_embedding_is_removed(place: Place) -> None:
    place.sql("DELETE FROM embeddings WHERE id = 6")


@noticed_by(Area.VECTORS)
def a_vector_is_of_no_snippet(place: Place) -> None:
    place.sql(
        "INSERT INTO vectors SELECT index_id, kind, 99999, version_id, embedding_id, model, code "
        "FROM vectors LIMIT 1"
    )


@noticed_by(Area.VECTORS)
def packed_vectors_are_others(place: Place) -> None:
    rows = place.sql(
        "SELECT snippet_id, version_id, vector.code, embedding.vector FROM vectors AS vector "
        "JOIN embeddings AS embedding ON embedding.id = embedding_id "
        "WHERE vector.index_id = 1 AND kind = 'code' ORDER BY snippet_id"
    )
    others = [(*row[:3], rows[0][3]) for row in rows]
    ((model,),) = place.sql("SELECT DISTINCT model FROM vectors")
    token = write_pack(place.data_dir / "vectors" / "1-code.pack", model, others)
    place.sql("UPDATE indexes SET code_pack = ? WHERE id = 1", token)


@noticed_by(Area.VECTORS)
def packed_vectors_are_of_another_database(place: Place) -> None:
    packed_vectors_are_others(place)
    place.sql("UPDATE indexes SET code_pack = NULL WHERE id = 1")


# The keyword index


def _rewrite(place: Place, change: Callable[[tantivy.IndexWriter], object]) -> None:
    writer = open_index(place.keyword).writer(15_000_000, 1)
    change(writer)
    writer.commit()
    writer.wait_merging_threads()
    write_standing(place.keyword, read_standing(place.keyword).places, sealed=True)


def _move(place: Place, index_id: int, **change: Any) -> None:
    places = dict(read_standing(place.keyword).places)
    places[index_id] = places[index_id]._replace(**change)
    write_standing(place.keyword, places, sealed=True)


@noticed_by(Area.KEYWORD)
def the_keyword_index_is_removed(place: Place) -> None:
    shutil.rmtree(place.keyword)


@noticed_by(Area.KEYWORD)
def the_keyword_index_loses_snippets(place: Place) -> None:
    def remove(writer: tantivy.IndexWriter) -> None:
        for snippet_id in (2, 5, 9):
            writer.delete_documents_by_term(SNIPPET_ID, snippet_id)

    _rewrite(place, remove)


def _document(snippet_id: int, index_id: int) -> tantivy.Document:
    return tantivy.Document(
        snippet_id=snippet_id, index_id=index_id, file_id=1, terms="anchor basket", name="anchor"
    )


@noticed_by(Area.KEYWORD)
def the_keyword_index_keeps_a_dead_snippet(place: Place) -> None:
    _rewrite(place, lambda writer: writer.add_document(_document(99999, 1)))


@noticed_by(Area.KEYWORD)
def the_keyword_index_has_a_snippet_twice(place: Place) -> None:
    _rewrite(place, lambda writer: writer.add_document(_document(7, 1)))


@noticed_by(Area.KEYWORD)
def the_keyword_index_has_a_snippet_of_an_unknown_index(place: Place) -> None:
    _rewrite(place, lambda writer: writer.add_document(_document(99999, 44)))


@noticed_by(Area.KEYWORD)
def a_file_of_the_keyword_index_is_damaged(place: Place) -> None:
    path = max(place.keyword.glob("*.term"), key=lambda one: one.stat().st_size)
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path.write_bytes(data)


@noticed_by(Area.KEYWORD)
def a_file_of_the_keyword_index_is_cut_short(place: Place) -> None:
    path = max(place.keyword.glob("*.idx"), key=lambda one: one.stat().st_size)
    path.write_bytes(path.read_bytes()[:40])


@noticed_by(Area.KEYWORD)
def the_positions_are_not_json(place: Place) -> None:
    (place.keyword / "positions.json").write_bytes(b'{"1": ')


@noticed_by(Area.KEYWORD)
def the_positions_are_ahead_of_the_log(place: Place) -> None:
    position = read_standing(place.keyword).position(1)
    assert position is not None
    _move(place, 1, position=position._replace(seq=10**9))


@noticed_by(Area.KEYWORD)
def the_positions_refuse_an_index(place: Place) -> None:
    _move(place, 2, is_dropped=True)


@noticed_by(Area.KEYWORD)
def the_positions_are_removed(place: Place) -> None:
    (place.keyword / "positions.json").unlink()


# Leftovers


@noticed_by(Area.LEFTOVERS)
def a_deletion_is_not_finished(place: Place) -> None:
    place.sql(
        "INSERT INTO indexes (kind, location, ref, include, exclude, scanned_at_ns, skipped, "
        "created_at, deleted_at) VALUES ('folder', '/gone', '', '[]', '[]', 0, '{}', 1, 2)"
    )


@noticed_by(Area.LEFTOVERS)
def rows_are_left_of_an_index(place: Place) -> None:
    place.sql(
        "INSERT INTO embeddings (index_id, key, code, vector) VALUES (55, ?, 'c', 'v')",
        os.urandom(16),
    )
    place.sql("INSERT INTO pending_snippets VALUES (56, 'ENRICH', 1)")


@noticed_by(Area.LEFTOVERS)
def a_writer_of_the_keyword_index_was_killed(place: Place) -> None:
    (place.keyword / ".tmpAbCdEf").write_bytes(b"half")
    (place.keyword / "positions.json.4711.tmp").write_bytes(b"{}")
    (place.data_dir / "keyword" / "0123456789abcdef.tmp").mkdir()


@noticed_by(Area.LEFTOVERS)
def a_writer_of_packed_vectors_was_killed(place: Place) -> None:
    (place.data_dir / "vectors").mkdir(exist_ok=True)
    with subprocess.Popen(["true"]) as process:
        process.wait()
    (place.data_dir / "vectors" / f"1-code.pack.{process.pid}.0a1b2c3d.tmp").write_bytes(b"half")


@noticed_by(Area.LEFTOVERS)
def a_former_keyword_index_is_left(place: Place) -> None:
    path = place.data_dir / "keyword" / "0"
    path.mkdir()
    (path / "meta.json").write_bytes(b"{}")
    _age(path)


@noticed_by(Area.LEFTOVERS)
def a_worker_died(place: Place) -> None:
    (place.data_dir / "workers").mkdir(exist_ok=True)
    (place.data_dir / "workers" / "host-1-abcd.lock").touch()


@noticed_by(Area.LEFTOVERS)
def credentials_are_of_no_index(place: Place) -> None:
    (place.data_dir / "credentials").mkdir(exist_ok=True)
    path = place.data_dir / "credentials" / ("ab" * 16)
    path.write_text('{"username": "ada", "password": "secret"}')
    _age(path)


@noticed_by(Area.LEFTOVERS)
def packed_vectors_are_of_no_index(place: Place) -> None:
    (place.data_dir / "vectors").mkdir(exist_ok=True)
    (place.data_dir / "vectors" / "88-code.pack").write_bytes(b"")

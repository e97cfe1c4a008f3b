"""A pack makes a search cheaper, and does not change the results."""

from __future__ import annotations

import gc
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.searching.test_golden_rankings import QUESTIONS
from tests.support.faults import FaultyApplication
from tests.support.memory import mapped_bytes
from tests.support.serving import ServingKodit
from tests.support.sources import write_tree
from tests.support.stores import address_of, copy_data_directory, rows_of

from kodit import Kodit
from kodit.composition import Application
from kodit.domain.entities import SearchResult
from kodit.domain.value_objects import SearchMode, SearchRequest, TaskType, VectorKind
from kodit.infrastructure.vectors import pack_builder, vector_set
from kodit.infrastructure.vectors.pack_builder import extend_pack, pack_path, refresh_pack
from kodit.infrastructure.vectors.pack_file import Pack, open_pack, write_pack
from kodit.settings import Settings

Row = tuple[int, int, bytes, bytes]
GONE = 0
"""A snippet that is in no database."""


def ignore(*_: object) -> None:
    """Ignores reports."""


@pytest.fixture
def place(data_dir: Path, tmp_path: Path) -> Path:
    """A copy of the corpus's data directory, without packs."""
    copy_data_directory(data_dir, tmp_path / "data")
    shutil.rmtree(tmp_path / "data" / "vectors", ignore_errors=True)
    return tmp_path / "data"


def stored_rows(place: Path, kind: VectorKind) -> tuple[str, list[Row]]:
    """The model, and all vectors of a kind."""
    with rows_of(place) as connection:
        rows = connection.execute(
            "SELECT v.model, v.snippet_id, v.version_id, v.code, e.vector FROM vectors v "
            "JOIN embeddings e ON e.id = v.embedding_id WHERE v.kind = ? ORDER BY v.snippet_id",
            (kind.value,),
        ).fetchall()
    return rows[0][0], [row[1:] for row in rows]


def note(place: Path, kind: str, token: str | None) -> None:
    """Record in the database that a pack was made from it, as a stage does."""
    with rows_of(place) as connection:
        connection.execute(f"UPDATE indexes SET {kind}_pack = ?", (token,))  # noqa: S608 - of ours


def put_pack(place: Path, kind: str, model: str, rows: list[Row]) -> None:
    note(place, kind, write_pack(pack_path(place / "vectors", 1, kind), model, rows))


def write_packs(place: Path, share: float, *, gone: int = 0) -> None:
    """Pack a share of the vectors, preceded by some copies for deleted snippets."""
    for kind in VectorKind:
        model, rows = stored_rows(place, kind)
        copies = [(GONE - gone + number, *rows[number][1:]) for number in range(gone)]
        put_pack(place, kind.value, model, [*copies, *rows[: int(share * len(rows))]])


def answers(place: Path) -> list[list[SearchResult]]:
    with Application(Settings.load(data_dir=place)) as application:
        return [
            application.search.search(SearchRequest(question, mode=mode, limit=20))
            for question in QUESTIONS
            for mode in (SearchMode.HYBRID, SearchMode.CODE, SearchMode.TEXT)
        ]


@pytest.mark.parametrize(("share", "gone"), [(1.0, 0), (0.999, 0), (1.0, 30), (0.4, 60)])
def test_a_search_finds_the_same_with_and_without_a_pack(
    share: float, gone: int, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last digit of every score; even if so few candidates are rescored that deleted ones
    would displace others.
    """
    monkeypatch.setattr(vector_set, "FEWEST_CANDIDATES", 5)
    monkeypatch.setattr(vector_set, "CANDIDATES_PER_RESULT", 1)
    expected = answers(place)

    write_packs(place, share, gone=gone)

    assert answers(place) == expected


def test_a_search_reads_an_existing_pack(place: Path) -> None:
    """Here it holds the vector of another snippet for each, and the answers show that."""
    expected = answers(place)
    model, rows = stored_rows(place, VectorKind.CODE)
    others = reversed(rows)

    put_pack(
        place,
        "code",
        model,
        [(*row[:2], *other[2:]) for row, other in zip(rows, others, strict=True)],
    )

    assert answers(place) != expected


def test_a_pack_that_is_replaced_during_a_search(place: Path) -> None:
    """It may lack rows of the search's transaction, and is not used by it."""
    model, rows = stored_rows(place, VectorKind.CODE)
    request = SearchRequest("lend a book")
    with Application(Settings.load(data_dir=place)) as application:
        vector = application.engines.embedder.embed_query(request.query)
        with application.database.read() as transaction:
            scope = transaction.search.resolve(request.filter)
            put_pack(place, "code", model, rows[-1:])
            reader = application.engines.vector_index.reader(transaction)
            hits = reader.search(VectorKind.CODE, model, vector, scope, 1000)
            known = {1: [row[0] for row in rows]}
            scores = {hit.snippet_id: hit.score for hit in hits}
            assert scores == reader.score(VectorKind.CODE, model, vector, known)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert {hit.snippet_id for hit in hits} == {row[0] for row in rows}


def same(one: Pack | None, other: Pack | None) -> bool:
    assert one is not None
    assert other is not None
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("snippet_ids", "file_ids", "codes", "scales", "values")
    )


def test_a_pack_that_grows_is_one_that_was_made_at_once(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_builder, "FEWEST_CHANGES", 20)
    model, rows = stored_rows(place, VectorKind.CODE)
    path = pack_path(place / "vectors", 1, "code")
    arguments = (address_of(place), str(path.parent), 1, "code", model)
    put_pack(place, "code", model, rows[: len(rows) // 2])

    note(place, "code", extend_pack(*arguments, report=ignore))

    write_pack(path.with_name("whole.pack"), model, rows)
    assert same(open_pack(path), open_pack(path.with_name("whole.pack")))
    assert not extend_pack(*arguments, report=ignore)
    path.unlink()
    assert extend_pack(*arguments, report=ignore)
    assert same(open_pack(path), open_pack(path.with_name("whole.pack")))


def test_a_pack_is_extended_from_one_snapshot_of_the_database(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever others write between two of its queries."""
    monkeypatch.setattr(pack_builder, "FEWEST_CHANGES", 20)
    model, rows = stored_rows(place, VectorKind.CODE)
    path = pack_path(place / "vectors", 1, "code")
    put_pack(place, "code", model, rows[: len(rows) // 2])
    own_pack = pack_builder._own_pack

    def own_pack_before_all_is_deleted(*arguments: object) -> Pack | None:
        pack = own_pack(*arguments)  # type: ignore[arg-type] # passed on as they came
        with rows_of(place) as connection:
            connection.execute("DELETE FROM vectors")
        return pack

    monkeypatch.setattr(pack_builder, "_own_pack", own_pack_before_all_is_deleted)
    assert extend_pack(address_of(place), str(path.parent), 1, "code", model, report=ignore)
    pack = open_pack(path)
    assert pack is not None
    assert len(pack) == len(rows)


def test_what_is_left_at_the_end_of_a_stage_is_packed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_builder, "FEWEST_AT_END", 10)
    model, rows = stored_rows(place, VectorKind.TEXT)
    path = pack_path(place / "vectors", 1, "text")
    arguments = (address_of(place), str(path.parent), 1, "text", model)
    put_pack(place, "text", model, rows[:-9])
    assert not refresh_pack(*arguments, report=ignore)
    put_pack(place, "text", model, rows[:-10])
    assert refresh_pack(*arguments, report=ignore)
    pack = open_pack(path)
    assert pack is not None
    assert len(pack) == len(rows)


def test_packs_grow_while_a_stage_is_running(tmp_path: Path) -> None:
    """A search never reads more than a few thousand vectors from the database."""
    write_tree(tmp_path / "source", files=700)
    seen: list[int] = []
    with ServingKodit(tmp_path / "data", FaultyApplication) as serving:
        application = serving.application
        assert isinstance(application, FaultyApplication)

        def look() -> None:
            pack = open_pack(pack_path(tmp_path / "data" / "vectors", 1, "code"))
            stored = stored_count(tmp_path / "data")
            seen.append(stored - (0 if pack is None else len(pack)))

        application.faults.hooks[TaskType.CODE_EMBEDDINGS.name] = look
        serving.index(tmp_path / "source")
    assert max(seen) < pack_builder.FEWEST_CHANGES + 512
    assert stored_count(tmp_path / "data") > 1.1 * pack_builder.FEWEST_CHANGES


def stored_count(place: Path) -> int:
    with rows_of(place) as connection:
        query = "SELECT count(*) FROM vectors WHERE kind = 'code'"
        return int(connection.execute(query).fetchone()[0])


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_pack_of_an_index_that_another_process_deletes_is_let_go(
    place: Path, tmp_path: Path
) -> None:
    for kind in VectorKind:
        put_pack(place, kind.value, *stored_rows(place, kind))
    write_tree(tmp_path / "other", files=2)
    with Kodit(place) as kodit:
        kodit.index(tmp_path / "other")
        kodit.search("anchor")
        assert is_mapped(place / "vectors" / "1-code.pack")
        with Kodit(place) as another:
            another.delete(1)
        kodit.search("anchor")
        gc.collect()
        assert not is_mapped(place / "vectors" / "1-code.pack")


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_process_that_only_indexes_lets_go_of_packs_as_well(place: Path) -> None:
    for kind in VectorKind:
        put_pack(place, kind.value, *stored_rows(place, kind))
    application = Application(Settings.load(data_dir=place))
    application.open()
    try:
        engines = application.engines
        model = engines.embedder.model
        assert engines.vector_index.is_prepared(1, VectorKind.CODE, model)
        assert is_mapped(place / "vectors" / "1-code.pack")
        (place / "vectors" / "1-code.pack").unlink()
        engines.vector_index.is_prepared(2, VectorKind.CODE, model)
        gc.collect()
        assert not is_mapped(place / "vectors" / "1-code.pack")
    finally:
        application.close()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_pack_is_unmapped_once_it_is_replaced(place: Path) -> None:
    """Not before the database says so: a search of an earlier state still reads it."""
    path = pack_path(place / "vectors", 1, "code")
    model, rows = stored_rows(place, VectorKind.CODE)
    put_pack(place, "code", model, rows)
    with Application(Settings.load(data_dir=place)) as application:
        for mapped, change in (
            (0, lambda: None),
            (1, lambda: write_pack(path, model, rows)),
            (0, lambda: put_pack(place, "code", model, rows)),
        ):
            change()
            application.search.search(SearchRequest("anchor", mode=SearchMode.CODE))
            gc.collect()
            maps = Path("/proc/self/maps").read_text("utf-8").splitlines()
            removed = [one for one in maps if one.endswith(f"{path} (deleted)")]
            assert len(removed) == mapped


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_an_idle_process_releases_the_pages_of_packs(place: Path) -> None:
    """Also those of a former pack, which a search of an earlier state has read."""
    path = pack_path(place / "vectors", 1, "code")
    model, rows = stored_rows(place, VectorKind.CODE)
    put_pack(place, "code", model, rows)
    question = SearchRequest("anchor", mode=SearchMode.CODE)
    with Application(Settings.load(data_dir=place)) as application:
        application.release_files()
        assert "vector_index" not in vars(application.engines), "it is not made for this"
        found = application.search.search(question)
        for change in (lambda: None, lambda: write_pack(path, model, rows)):
            change()
            assert application.search.search(question) == found
            assert mapped_bytes(path)
            application.release_files()
            assert not mapped_bytes(path)


def is_mapped(path: Path) -> bool:
    """Whether this process has mapped a file, even if it was removed since."""
    return str(path) in Path("/proc/self/maps").read_text("utf-8")

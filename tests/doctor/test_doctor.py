"""`kodit doctor` as a command, beside a worker, and without its sources."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tests.doctor.damage import (
    a_code_loses_its_bits,
    code_vectors_are_removed,
    the_keyword_index_is_removed,
)
from tests.doctor.place import Answer, Place
from tests.support.command import KoditCommand, finish
from tests.support.snapshot import take_snapshot
from tests.support.sources import listing, write_file, write_tree

from kodit import Kodit
from kodit.composition import Application
from kodit.domain.diagnosis import Area, Diagnosis
from kodit.settings import Settings


@pytest.fixture
def command(place: Place) -> KoditCommand:
    return KoditCommand(place.data_dir)


def test_exit_codes_and_json_tell_scripts_what_is_wrong(
    place: Place, command: KoditCommand
) -> None:
    healthy = command.run("doctor", "--json")
    assert (healthy.code, healthy.json()) == (
        0,
        {"healthy": True, "problems": [], "remaining": [], "freeable_bytes": 0},
    )

    code_vectors_are_removed(place)
    damaged = command.run("doctor", "--json")
    problem, *_ = damaged.json()["problems"]
    assert damaged.code == 1
    assert not damaged.json()["healthy"]
    assert problem["area"] == "vectors"
    assert problem["problem"].endswith("snippets have no code vector from the current model")
    assert problem["repair"] == "marks them as pending and embeds them again"

    repaired = command.run("doctor", "--repair", "--json")
    assert repaired.code == 0
    assert repaired.json()["problems"] == damaged.json()["problems"]
    assert repaired.json()["remaining"] == []


def test_each_problem_takes_one_line_with_what_a_repair_would_do(
    place: Place, command: KoditCommand
) -> None:
    the_keyword_index_is_removed(place)
    lines = command.run("doctor").out.splitlines()
    assert lines == [
        f"keyword index, index {index_id}: its contents for this index do not match the log of "
        "the database → "
        "logs every snippet again and follows the log"
        for index_id in (1, 2)
    ]


def test_a_data_directory_that_is_not_there_is_left_so(tmp_path: Path) -> None:
    command = KoditCommand(tmp_path / "data")

    outcome = command.run("doctor", "--repair")

    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.said == [f"kodit: the data directory {command.data_dir} does not exist"]
    assert not command.data_dir.exists()


def test_a_folder_without_a_database_is_left_so(tmp_path: Path) -> None:
    command = KoditCommand(tmp_path / "data")
    write_tree(command.data_dir, files=2)
    before = listing(command.data_dir)

    outcome = command.run("doctor", "--repair")

    assert outcome.code == 2
    assert "holds no database" in outcome.said[0]
    assert listing(command.data_dir) == before


@pytest.mark.parametrize("way", ["missing", "empty"])
def test_a_database_that_is_lost_costs_nothing_else(
    way: str, place: Place, command: KoditCommand
) -> None:
    """Without it everything else would look like leftovers."""
    for path in place.data_dir.glob("kodit.db*"):
        path.unlink()
    if way == "empty":
        (place.data_dir / "kodit.db").touch()
    before = listing(place.data_dir)

    outcome = command.run("doctor", "--repair")

    assert outcome.code == 1
    assert outcome.out.startswith(
        f"database: {place.data_dir}/kodit.db is {way}; its indexes have left "
    )
    assert listing(place.data_dir) == before
    assert [problem.area for problem in place.check(repair=True).remaining] == [Area.DATABASE]
    assert listing(place.data_dir) == before


def test_a_clone_of_a_database_that_is_lost_is_not_removed(
    place: Place, command: KoditCommand
) -> None:
    """A new database in its place has never had the index."""
    for path in place.data_dir.glob("kodit.db*"):
        path.unlink()
    write_file(place.data_dir / "credentials" / ("0" * 32), "{}")
    os.utime(place.data_dir / "credentials" / ("0" * 32), (0, 0))
    command.succeed("status")

    outcome = command.run("doctor", "--repair")

    assert outcome.code == 1
    assert "2.git belongs to an index that this database never had" in outcome.out
    assert (place.data_dir / "clones" / "2.git" / "HEAD").exists()
    assert (place.data_dir / "credentials" / ("0" * 32)).exists()


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    command = KoditCommand(tmp_path / "data")
    command.data_dir.mkdir()
    (command.data_dir / "kodit.db").write_bytes(b"this is not a database " * 100)
    outcome = command.run("doctor", "--repair", "--json")
    assert outcome.code == 1
    (problem,) = outcome.json()["problems"]
    assert "file is not a database" in problem["problem"]
    assert problem["repair"] is None
    assert "index again" in problem["advice"]


def test_a_fatal_problem_is_reported_before_opening(tmp_path: Path) -> None:
    """To every face by one use case, and nothing is created in the data directory."""
    data_dir = tmp_path / "data"
    (data_dir / "clones" / "1.git").mkdir(parents=True)
    before = listing(data_dir)
    examination = Application(Settings(data_dir=data_dir)).examination
    told = examination.before_opening()
    assert told is not None
    assert not examination.has_database()
    assert Kodit(data_dir).check() == told
    said = KoditCommand(data_dir).run("doctor", "--json").json()["problems"]
    assert [problem["problem"] for problem in said] == [told.found[0].what]
    assert listing(data_dir) == before
    with Application(Settings(data_dir=tmp_path / "other")) as application:
        assert application.examination.before_opening() is None
        assert application.examination.has_database()


def test_a_search_finds_all_again_though_the_source_is_gone(
    place: Place, answers: list[Answer], tmp_path: Path
) -> None:
    the_keyword_index_is_removed(place)
    away = place.folder.rename(tmp_path / "away")
    try:
        assert place.check(repair=True).remaining == ()
        assert place.search() == answers
    finally:
        away.rename(place.folder)


def test_what_needs_the_source_that_is_gone_is_left_to_do(place: Place, tmp_path: Path) -> None:
    a_code_loses_its_bits(place)
    away = place.folder.rename(tmp_path / "away")
    try:
        assert place.check(repair=True).remaining == ()  # pending is not forgotten
    finally:
        away.rename(place.folder)
    with Kodit(place.data_dir) as kodit:
        kodit.index(place.folder)
    assert place.check().found == ()
    assert place.sql("SELECT count(*) FROM pending_snippets") == [(0,)]


def test_nothing_is_found_wrong_or_harmed_while_a_worker_works(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    write_tree(tree, 160, seed=3)
    alone, beside = KoditCommand(tmp_path / "alone"), KoditCommand(tmp_path / "beside")
    alone.succeed("index", tree)

    worker = beside.start("index", tree)
    diagnoses: list[Diagnosis] = []
    with Kodit(beside.data_dir) as kodit:
        while worker.poll() is None:
            diagnoses.append(kodit.check(repair=True))
    assert finish(worker).code == 0

    assert len(diagnoses) > 1
    assert [one for one in diagnoses if one.found] == []
    assert take_snapshot(beside.data_dir) == take_snapshot(alone.data_dir)


def test_a_keyword_index_that_vanishes_beneath_a_reader_is_found_again(
    place: Place, answers: list[Answer]
) -> None:
    with Kodit(place.data_dir) as reader:
        before = reader.search("lantern", mode="keyword")
        assert before
        shutil.rmtree(place.keyword)
        assert reader.search("lantern", mode="keyword") == []
        assert Area.KEYWORD in {problem.area for problem in place.check(repair=True).found}
        assert reader.search("lantern", mode="keyword") == before

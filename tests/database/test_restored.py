"""An older copy replaces the database or derived data, or either has lost its last writes: searches
do not return wrong results, and the next run restores the state of a fresh index.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.command import KoditCommand
from tests.support.snapshot import take_snapshot
from tests.support.sources import write_file, write_tree

from kodit import Kodit
from kodit.composition import Application
from kodit.domain.questions import IndexesQuestion
from kodit.settings import Settings

FILES = 560
"""Enough for packs."""
QUERIES = ("zeppelin", "quagga", "ocelot", "narwhal", "anchor basket")


@dataclass(frozen=True)
class Histories:
    """A data directory, older copies of it, and its source, in which one file was added, one
    changed and one deleted after the first copy. After a restore others are, so that all ids are
    assigned again for something else.
    """

    data_dir: Path
    copy: Path
    source: Path

    def at(self, root: Path) -> Histories:
        """The same at another path."""
        moved = Histories(root / "data", root / "copy", root / "source")
        shutil.copytree(self.data_dir.parent, root, dirs_exist_ok=True)
        with closing(sqlite3.connect(moved.data_dir / "kodit.db")) as connection, connection:
            connection.execute("UPDATE indexes SET location = ?", (str(moved.source),))
        with closing(sqlite3.connect(moved.copy / "kodit.db")) as connection, connection:
            connection.execute("UPDATE indexes SET location = ?", (str(moved.source),))
        return moved

    def change(self, name: str, word: str, *, first: int) -> None:
        """One file is added, one changes and one is deleted."""
        write_file(self.source / f"{name}.py", f"def {word}_new():\n    return '{word}'\n")
        changed, gone = sorted(self.source.rglob("*_*.py"))[first : first + 2]
        write_file(changed, f"def {word}_changed():\n    return '{word} {word}'\n")
        gone.unlink()

    def index(self) -> None:
        with Kodit(self.data_dir) as kodit:
            kodit.index(self.source)

    def assert_no_wrong_answer(self) -> None:
        """Every result for a word contains it, and vectors find the same as without packs."""
        with Kodit(self.data_dir) as kodit:
            for word in ("zeppelin", "quagga"):
                for result in kodit.search(word, mode="keyword", limit=50):
                    assert word in result.snippet.text
        found = nearest(self.data_dir)
        (self.data_dir / "vectors").rename(self.data_dir.with_name("aside"))
        assert found == nearest(self.data_dir)
        self.data_dir.with_name("aside").rename(self.data_dir / "vectors")

    def state(self) -> tuple[dict[str, Any], list[Any]]:
        """Everything in the data directory, after checking that it is sound."""
        assert len(list(self.data_dir.glob("vectors/*.pack"))) == 2
        with Kodit(self.data_dir) as kodit:
            assert kodit.check().found == ()
        return take_snapshot(self.data_dir, QUERIES), nearest(self.data_dir)


def nearest(data_dir: Path) -> list[Any]:
    """The results of the vectors, with the scores."""
    with Kodit(data_dir) as kodit:
        return [
            sorted((round(one.score, 5), one.snippet.path, one.snippet.start_line) for one in found)
            for mode in ("code", "text")
            for found in [kodit.search("candle for a dragon", mode=mode, limit=30)]
        ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Histories:
    """Never to be changed: `histories` gives copies of it."""
    root = tmp_path_factory.mktemp("histories")
    histories = Histories(root / "data", root / "copy", root / "source")
    write_tree(histories.source, files=FILES, seed=1)
    histories.index()
    shutil.copytree(histories.data_dir, histories.copy)
    shutil.rmtree(histories.data_dir / "vectors")  # so that packs are written of what comes now
    histories.change("later", "zeppelin", first=0)
    (histories.source / "docs").rename(histories.source / "papers")
    histories.index()
    return histories


@pytest.fixture
def histories(made: Histories, tmp_path: Path) -> Histories:
    return made.at(tmp_path / "histories")


def database_alone(histories: Histories) -> None:
    shutil.copy(histories.copy / "kodit.db", histories.data_dir / "kodit.db")


def database_by_the_backup_of_sqlite(histories: Histories) -> None:
    with (
        closing(sqlite3.connect(histories.copy / "kodit.db")) as old,
        closing(sqlite3.connect(histories.data_dir / "kodit.db")) as now,
    ):
        old.backup(now)


def keyword_index(histories: Histories) -> None:
    shutil.rmtree(histories.data_dir / "keyword")
    shutil.copytree(histories.copy / "keyword", histories.data_dir / "keyword")


def no_keyword_index(histories: Histories) -> None:
    shutil.rmtree(histories.data_dir / "keyword")


def packs(histories: Histories) -> None:
    shutil.rmtree(histories.data_dir / "vectors")
    shutil.copytree(histories.copy / "vectors", histories.data_dir / "vectors")


def pack_of_the_other_kind(histories: Histories) -> None:
    folder = histories.data_dir / "vectors"
    shutil.copy(folder / "1-text.pack", folder / "1-code.pack")


def everything(histories: Histories) -> None:
    shutil.rmtree(histories.data_dir)
    shutil.copytree(histories.copy, histories.data_dir)


RESTORED = (
    database_alone,
    database_by_the_backup_of_sqlite,
    keyword_index,
    no_keyword_index,
    packs,
    pack_of_the_other_kind,
    everything,
)


@pytest.fixture(scope="module")
def fresh(made: Histories, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Any]:
    """The state that a run must restore, by whether the source has changed since: that of a fresh
    index, or the one before.
    """
    root = tmp_path_factory.mktemp("fresh")
    one = Histories(root / "data", root / "copy", root / "source")
    shutil.copytree(made.source, one.source)
    one.change("other", "narwhal", first=2)
    one.index()
    return {True: one.state(), False: made.at(root / "unchanged").state()}


@pytest.mark.parametrize(
    ("restore", "moves"),
    [
        *((restore, True) for restore in RESTORED),
        *((restore, False) for restore in (database_alone, no_keyword_index, packs)),
    ],
)
def test_an_older_copy_is_restored(
    restore: Callable[[Histories], None],
    moves: bool,
    histories: Histories,
    fresh: dict[bool, Any],
) -> None:
    """If the source has not changed, only the engines themselves show that to the run."""
    restore(histories)
    histories.assert_no_wrong_answer()
    if moves:
        histories.change("other", "narwhal", first=2)
    histories.index()
    assert histories.state() == fresh[moves]


def test_the_database_has_lost_its_last_commits(tmp_path: Path) -> None:
    """As after a power failure: the database lacks its last commits, the keyword index and the
    packs have them. Each commit is tried as the last one kept.
    """
    source, data_dir, kept = tmp_path / "source", tmp_path / "data", tmp_path / "kept"
    write_tree(source, files=6, seed=1)
    with Kodit(data_dir) as kodit:
        kodit.index(source)
    write_file(source / "later.py", "def zeppelin_later():\n    return 'zeppelin'\n")
    copies = commits_of(data_dir, lambda: index(data_dir, source))
    shutil.copytree(data_dir, kept)
    (source / "later.py").unlink()
    write_file(source / "other.py", "def narwhal_other():\n    return 'narwhal'\n")
    index(tmp_path / "fresh", source)
    fresh = take_snapshot(tmp_path / "fresh", QUERIES)

    assert len(copies) > 10
    for number, copy in list(enumerate(copies))[:: max(1, len(copies) // 5)]:
        shutil.rmtree(data_dir)
        shutil.copytree(kept, data_dir)
        (data_dir / "kodit.db").write_bytes(copy)
        index(data_dir, source)
        assert take_snapshot(data_dir, QUERIES) == fresh, number


def index(data_dir: Path, source: Path) -> None:
    with Kodit(data_dir) as kodit:
        kodit.index(source)


def commits_of(data_dir: Path, work: Callable[[], None]) -> list[bytes]:
    """The database after each commit: the file before it, and the frames of the log that each
    commit added.
    """
    path, log = data_dir / "kodit.db", data_dir / "kodit.db-wal"
    with closing(sqlite3.connect(path)) as connection:
        # Somebody who reads keeps the frames from being written into the file.
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        before = path.read_bytes()
        work()
        assert path.read_bytes() == before
        frames = log.read_bytes()
    page_size = int.from_bytes(frames[8:12], "big")
    pages = {
        number: before[number * page_size :][:page_size]
        for number in range(len(before) // page_size)
    }
    states = [before]
    for start in range(32, len(frames) - 24 - page_size + 1, 24 + page_size):
        header, page = frames[start : start + 24], frames[start + 24 : start + 24 + page_size]
        if header[8:16] != frames[16:24]:
            break  # of a log before this one
        pages[int.from_bytes(header[:4], "big") - 1] = page
        if size := int.from_bytes(header[4:8], "big"):
            states.append(b"".join(pages[number] for number in range(size)))
    return states


@pytest.mark.parametrize("loss", ["an older database", "no keyword index", "a damaged one"])
def test_an_unsearched_index_is_not_called_complete(tmp_path: Path, loss: str) -> None:
    """In no report of its state, until the next run."""
    source, data_dir = tmp_path / "source", tmp_path / "data"
    write_tree(source, files=4, seed=1)
    kodit = KoditCommand(data_dir)
    index(data_dir, source)
    assert "unsearched" not in kodit.ask("status")["indexes"][0]
    shutil.copyfile(data_dir / "kodit.db", tmp_path / "kodit.db")
    write_file(source / "later.py", "def zeppelin():\n    return 1\n")
    index(data_dir, source)
    if loss == "an older database":
        for path in data_dir.glob("kodit.db*"):
            path.unlink()
        shutil.copyfile(tmp_path / "kodit.db", data_dir / "kodit.db")
    elif loss == "no keyword index":
        shutil.rmtree(data_dir / "keyword")
    else:
        for path in data_dir.glob("keyword/*/meta.json"):
            path.write_text("{")

    assert kodit.ask("status")["indexes"][0]["unsearched"] == ["keyword"]
    line = "its keyword index does not match the database and is not searched"
    assert line in kodit.run("status").out
    with Application(Settings.load({}, data_dir=data_dir)) as application:
        page = asyncio.run(application.index_answers.list_indexes(IndexesQuestion()))
        shown = asyncio.run(application.index_answers.show(1))
    assert page.standing == shown.standing
    assert page.standing[0].unsearched == ("keyword",)

    index(data_dir, source)
    assert "unsearched" not in kodit.ask("status")["indexes"][0]
    assert line not in kodit.run("status").out


def test_two_data_directories_change_their_keyword_indexes(tmp_path: Path) -> None:
    """Both have an index 1, each of another source."""
    for name, word in (("one", "zeppelin"), ("two", "narwhal")):
        write_tree(tmp_path / name / "source", files=4, seed=len(word))
        write_file(tmp_path / name / "source" / "own.py", f"def {word}():\n    return 1\n")
        index(tmp_path / name / "data", tmp_path / name / "source")
    before = {name: take_snapshot(tmp_path / name / "data", QUERIES) for name in ("one", "two")}
    (tmp_path / "one" / "data" / "keyword").rename(tmp_path / "aside")
    (tmp_path / "two" / "data" / "keyword").rename(tmp_path / "one" / "data" / "keyword")
    (tmp_path / "aside").rename(tmp_path / "two" / "data" / "keyword")

    for name in ("one", "two"):
        with Kodit(tmp_path / name / "data") as kodit:
            assert kodit.search("zeppelin", mode="keyword") == []
        index(tmp_path / name / "data", tmp_path / name / "source")
        assert take_snapshot(tmp_path / name / "data", QUERIES) == before[name]


def test_a_copy_of_a_data_directory_is_independent(tmp_path: Path) -> None:
    """Both work, and neither knows of the other."""
    source = tmp_path / "source"
    write_tree(source, files=4, seed=1)
    index(tmp_path / "one", source)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    write_file(source / "later.py", "def zeppelin():\n    return 1\n")
    index(tmp_path / "one", source)
    write_file(source / "later.py", "def narwhal():\n    return 1\n")
    index(tmp_path / "two", source)
    index(tmp_path / "one", source)

    assert take_snapshot(tmp_path / "one", QUERIES) == take_snapshot(tmp_path / "two", QUERIES)


def test_a_search_says_that_it_does_without_the_keyword_index(
    histories: Histories, caplog: pytest.LogCaptureFixture
) -> None:
    database_alone(histories)
    # A command that ran in this process may have asked for errors alone.
    with caplog.at_level("WARNING", "kodit"), Kodit(histories.data_dir) as kodit:
        assert kodit.search("anchor", mode="keyword") == []
        assert kodit.search("anchor", mode="hybrid")
        assert not kodit.symbols("anchor").is_complete
    said = [record for record in caplog.records if record.levelname == "WARNING"]
    assert {record.getMessage().split(":")[0] for record in said} == {
        "the keyword index does not match the database"
    }


def test_the_command_line_says_it_in_a_sentence(
    histories: Histories,
) -> None:
    """On standard error, so that JSON stays JSON."""
    kodit = KoditCommand(histories.data_dir)
    assert "keyword index" not in kodit.run_here("search", "anchor", "--all").err
    database_alone(histories)
    sentence = (
        "The keyword index does not match the database, so index 1 was searched without it; "
        "`kodit index SOURCE` rebuilds it, or `kodit doctor --repair`.\n"
    )
    assert sentence in kodit.run_here("search", "anchor", "--all", "--json").err
    assert sentence in kodit.run_here("symbols", "anchor", "--all").err
    kodit.run_here("index", histories.source)
    assert "keyword index" not in kodit.run_here("search", "anchor", "--all").err

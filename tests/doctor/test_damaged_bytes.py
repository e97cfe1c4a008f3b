"""Bytes of derived files are flipped or cut off."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from tests.doctor.place import Place
from tests.support.sources import write_file, write_tree

from kodit import Kodit
from kodit.domain.errors import PermanentError

Damage = Callable[[Path, random.Random], None]
T = TypeVar("T")


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A data directory with packs of both kinds."""
    root = tmp_path_factory.mktemp("packed")
    write_tree(root / "folder", files=480, seed=1)
    with Kodit(root / "data") as kodit:
        kodit.index(root / "folder")
    assert len(list((root / "data" / "vectors").glob("*.pack"))) == 2
    return Place(root / "data", root / "folder", root / "folder")


def derived_files(data_dir: Path) -> list[Path]:
    """Every file that can be rebuilt from the database, except empty ones."""
    found = [*(data_dir / "keyword").rglob("*"), *(data_dir / "vectors").rglob("*")]
    return sorted(path for path in found if path.is_file() and path.stat().st_size)


def flip(path: Path, choice: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[choice.randrange(len(data))] ^= choice.randrange(1, 256)
    path.write_bytes(data)


def cut(path: Path, choice: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: choice.randrange(path.stat().st_size)])


def empty(path: Path, _choice: random.Random) -> None:
    path.write_bytes(b"")


def fill(path: Path, choice: random.Random) -> None:
    path.write_bytes(choice.randbytes(path.stat().st_size))


def remove(path: Path, _choice: random.Random) -> None:
    path.unlink()


def grow(path: Path, choice: random.Random) -> None:
    with path.open("ab") as file:
        file.write(choice.randbytes(100))


def one_of_each_kind(data_dir: Path) -> list[Path]:
    """Derived files, one for each suffix: an index has several segments of equal kinds."""
    return list({path.suffix: path for path in derived_files(data_dir)}.values())


DAMAGES = (flip, cut, empty, fill, remove, grow, flip)
ROUNDS = int(os.environ.get("KODIT_TEST_DAMAGE_ROUNDS", "1"))
DAMAGES_PER_RUN = 3


def test_no_damage_makes_an_answer_wrong(packed: Place) -> None:
    """Whatever file it is, and whatever else is damaged: a search answers from the intact data, or
    says what to do; the next run restores everything.
    """
    choice = random.Random(ROUNDS)  # noqa: S311 - to be repeated, not to be secret
    right = packed.search()
    kinds = [path.suffix for path in one_of_each_kind(packed.data_dir)]
    said = []
    for number, kind in enumerate(kinds * ROUNDS, 1):
        files = {path.suffix: path for path in one_of_each_kind(packed.data_dir)}
        damage = DAMAGES[number % len(DAMAGES)]
        said.append((files[kind].name, damage.__name__))
        damage(files[kind], choice)

        with Kodit(packed.data_dir) as kodit:
            found = answer(lambda: kodit.search("anchor basket whisper", limit=50))
            assert all(math.isfinite(result.score) for result in found), said
        for given, wanted in zip(answer(packed.search), right, strict=False):
            assert set(given) <= set(wanted), said
        if number % DAMAGES_PER_RUN == 0 or number == len(kinds) * ROUNDS:
            with Kodit(packed.data_dir) as kodit:
                kodit.index(packed.folder)
            assert packed.search() == right, said
            said.clear()


@pytest.mark.parametrize(
    "damage", [(b'"index_format_v', b'"index_format_w'), (b'_version":', b'_version":9')], ids=repr
)
def test_a_run_repairs_a_file_whose_end_is_damaged(
    damage: tuple[bytes, bytes], tmp_path: Path
) -> None:
    """Its content is unchanged: only tantivy's footer differs."""
    folder, data_dir = tmp_path / "folder", tmp_path / "data"
    write_tree(folder, files=3, seed=1)
    with Kodit(data_dir) as kodit:
        kodit.index(folder)
        for path in derived_files(data_dir):
            if path.suffix in (".fast", ".idx", ".term"):
                path.write_bytes(path.read_bytes().replace(*damage))
        write_file(folder / "added.py", "def zeppelin():\n    return 1\n")
        kodit.index(folder)
        found = kodit.search("zeppelin", mode="keyword")
        assert [result.snippet.path for result in found] == ["added.py"]
        assert kodit.search("anchor", mode="keyword")


def answer(search: Callable[[], list[T]]) -> list[T]:
    """The results of a search; empty if it says that only a repair helps."""
    try:
        return search()
    except PermanentError as error:
        assert "kodit doctor" in str(error)
        return []

"""Listing and reading indexed files."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.browsing.conftest import BANK, SHOP, Indexed, write_files
from tests.support.sources import commit_all, write_file

from kodit import Kodit
from kodit.domain.errors import InvalidQueryError, NotFoundError, SourceError
from kodit.domain.files import FilePlace, parse_place


def test_the_listing_has_what_is_indexed_and_nothing_else(indexed: Indexed) -> None:
    """No ignored, binary or secret file; by index and path."""
    files = indexed.kodit.list_files()
    assert [(file.index_id, file.path) for file in files] == [
        (1, ".gitignore"),
        (1, "docs/guide.md"),
        (1, "empty.py"),
        (1, "shop/cart.py"),
        (1, "shop/prices.py"),
        (1, "tests/test_prices.py"),
        (1, "web/basket.js"),
        (1, "web/wishlist.py"),
        (2, "bank/Account.java"),
        (2, "bank/money.py"),
    ]


def test_a_listed_file_says_what_it_is(indexed: Indexed) -> None:
    """Language, bytes, lines and snippets."""
    (cart,) = indexed.kodit.list_files(1, paths=["cart.py"])
    text = str(SHOP["shop/cart.py"])
    assert (cart.language, cart.size, cart.lines) == ("python", len(text), text.count("\n"))
    assert cart.source == str(indexed.shop)
    assert cart.snippets > 2
    (empty,) = indexed.kodit.list_files(paths=["empty.py"])
    assert (empty.size, empty.lines, empty.snippets) == (0, 0, 0)


def test_a_listing_is_narrowed_by_glob_language_and_index(indexed: Indexed) -> None:
    """All at once, too."""
    kodit = indexed.kodit
    assert [file.path for file in kodit.list_files(2)] == ["bank/Account.java", "bank/money.py"]
    assert [file.path for file in kodit.list_files(languages=["java", "javascript"])] == [
        "web/basket.js",
        "bank/Account.java",
    ]
    assert [file.path for file in kodit.list_files(1, paths=["shop/*.py", "*.js"])] == [
        "shop/cart.py",
        "shop/prices.py",
        "web/basket.js",
    ]
    assert kodit.list_files(paths=["nothing/**"]) == []
    with pytest.raises(NotFoundError):
        kodit.list_files(99)


@pytest.mark.parametrize("index_id", [1, 2])
def test_a_file_is_read_whole_or_in_lines(index_id: int, indexed: Indexed) -> None:
    """Of a folder and of a git repository alike."""
    path = "shop/prices.py" if index_id == 1 else "bank/money.py"
    lines = str({**SHOP, **BANK}[path]).splitlines()
    for place, start, end in [
        (path, 1, len(lines)),
        (f"./{path}", 1, len(lines)),
        (f"{path}:4", 4, 4),
        (f"{path}:4-6", 4, 6),
        (f"{path}:4-", 4, len(lines)),
        (f"{path}:2-99999", 2, len(lines)),
        (f"{path}:{len(lines)}", len(lines), len(lines)),
    ]:
        read = indexed.kodit.read(index_id, place)
        assert (read.path, read.language, read.lines) == (path, "python", len(lines))
        assert (read.start_line, read.end_line) == (start, end)
        assert read.text.split("\n") == lines[start - 1 : end]


def test_an_empty_file_has_no_lines(indexed: Indexed) -> None:
    """It can be read; a line of it does not exist."""
    empty = indexed.kodit.read(1, "empty.py")
    assert (empty.start_line, empty.end_line, empty.lines, empty.text) == (1, 0, 0, "")
    with pytest.raises(InvalidQueryError, match="has 0 lines"):
        indexed.kodit.read(1, "empty.py:1")


@pytest.mark.parametrize(
    "place",
    [
        "ignored/secret_plan.py",
        "key.txt",
        "logo.bin",
        "../bank/bank/money.py",
        "shop/../shop/prices.py",
        "/etc/passwd",
        "shop",
        "",
        "nothing.py:3",
    ],
)
def test_what_is_not_in_the_index_is_not_read(place: str, indexed: Indexed) -> None:
    """Whether it lies outside, is left out, or does not exist."""
    with pytest.raises(NotFoundError, match="has no file"):
        indexed.kodit.read(1, place)


def test_a_wrong_folder_is_put_right(indexed: Indexed) -> None:
    """The error names the files of that name."""
    with pytest.raises(NotFoundError, match=r"there is .shop/prices\.py."):
        indexed.kodit.read(1, "prices.py")


@pytest.mark.parametrize("lines", ["0", "9-3", "0-4"])
def test_invalid_lines_are_user_errors(lines: str, indexed: Indexed) -> None:
    """They count from 1, and do not go backwards."""
    with pytest.raises(InvalidQueryError, match="invalid line range"):
        indexed.kodit.read(1, f"shop/prices.py:{lines}")
    with pytest.raises(InvalidQueryError, match=r"prices.py. has 13 lines; there is no line 14"):
        indexed.kodit.read(1, "shop/prices.py:14")


def test_a_path_that_ends_like_lines_is_a_path(tmp_path: Path) -> None:
    """If such a file exists."""
    write_files(tmp_path / "folder", {"a:1": "first\nsecond\n", "a": "other\n"})
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "folder")
        assert kodit.read(1, "a:1").text == "first\nsecond"
        assert kodit.read(1, "a:1:2").text == "second"
        assert kodit.read(1, "a").text == "other"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.py", FilePlace("a.py")),
        ("a.py:7", FilePlace("a.py", 7, 7)),
        ("a.py:7-9", FilePlace("a.py", 7, 9)),
        ("a.py:7-", FilePlace("a.py", 7)),
        ("a:b.py", FilePlace("a:b.py")),
        ("a:1:2", FilePlace("a", 1, 1)),
        (":3", FilePlace(":3")),
        ("a.py:-3", FilePlace("a.py:-3")),
    ],
)
def test_places_are_understood(text: str, expected: FilePlace) -> None:
    """A path followed by lines."""
    assert parse_place(text) == expected


def test_a_file_that_has_become_a_link_is_not_read(tmp_path: Path) -> None:
    """Nor a missing file; both errors say what to do."""
    write_files(tmp_path / "folder", {"link.py": "a = 1\n", "gone.py": "b = 2\n"})
    write_file(tmp_path / "outside.py", "secret = 3\n")
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "folder")
        (tmp_path / "folder/link.py").unlink()
        (tmp_path / "folder/gone.py").unlink()
        (tmp_path / "folder/link.py").symlink_to(tmp_path / "outside.py")
        for name in ("link.py", "gone.py"):
            with pytest.raises(NotFoundError, match=r"no longer be read"):
                kodit.read(1, name)
        (tmp_path / "folder").rename(tmp_path / "elsewhere")
        with pytest.raises(SourceError, match="does not exist"):
            kodit.read(1, "gone.py")


def test_a_git_file_is_read_as_it_was_indexed(tmp_path: Path) -> None:
    """The current state of the source comes with the next run."""
    repository = tmp_path / "repository"
    write_file(repository / "a.py", "one = 1\r\ntwo = 2\r\n")
    commit_all(repository)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(repository.as_uri())
        write_file(repository / "a.py", "three = 3\n")
        commit_all(repository)
        assert kodit.read(repository.as_uri(), "a.py").text == "one = 1\ntwo = 2"
        kodit.index(repository.as_uri())
        assert kodit.read(1, "a.py").text == "three = 3"


def test_a_deleted_file_is_neither_listed_nor_read(tmp_path: Path) -> None:
    """As soon as the index knows."""
    write_files(tmp_path / "folder", {"a.py": "a = 1\n", "b.py": "b = 2\n"})
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "folder")
        (tmp_path / "folder/a.py").unlink()
        kodit.index(tmp_path / "folder")
        assert [file.path for file in kodit.list_files()] == ["b.py"]
        with pytest.raises(NotFoundError, match="has no file"):
            kodit.read(1, "a.py")


def test_the_most_similar_path_is_suggested_wherever_it_is(tmp_path: Path) -> None:
    """Before less similar ones in the folder that was named; names that share only scattered
    letters are not similar."""
    for name in ("tests/test_content.py", "tests/client/test_client.py", "lib/_client.py", "lint"):
        write_file(tmp_path / "tree" / name, "X = 1\n")
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "tree")
        for wrong, meant in {
            "tests/test_cilent.py": "'tests/client/test_client.py' or 'tests/test_content.py'",
            "tests/test_contnt.py": "'tests/test_content.py'",
            "client.py": "'lib/_client.py'",
        }.items():
            with pytest.raises(NotFoundError) as error:
                kodit.read(1, wrong)
            assert str(error.value).partition(". ")[2] == f"Did you mean {meant}?"

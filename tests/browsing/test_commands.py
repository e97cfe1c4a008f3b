"""The output of `kodit grep`, `ls`, `read`, `symbols` and `related`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.browsing.conftest import Indexed
from tests.support.command import KoditCommand, succeeded


@pytest.fixture
def command(indexed: Indexed) -> KoditCommand:
    """The command line over the indexes."""
    return KoditCommand(indexed.data_dir)


def test_grep_prints_places_and_talks_on_standard_error(
    command: KoditCommand, indexed: Indexed
) -> None:
    """One line per match; a notice about further matches is not data."""
    outcome = command.succeed("grep", "return round_price", "--limit", "1")
    assert (
        outcome.out
        == f"{indexed.shop}/shop/cart.py:28:        return round_price(amount * (1 + TAX_RATE))\n"
    )
    assert "Only the first line is shown; --limit shows more." in outcome.err


def test_grep_names_the_place_where_there_are_several(
    command: KoditCommand, indexed: Indexed
) -> None:
    """A path in the index alone would be ambiguous, and could not be opened."""
    lines = command.succeed("grep", "def round_price").out.splitlines()
    assert lines == [
        f"{indexed.shop}/shop/prices.py:4:def round_price(amount):",
        "[2] bank/money.py:4:def round_price(amount):",
    ]
    (line,) = command.succeed("grep", "def round_price", "-n", "1").out.splitlines()
    assert line == f"{indexed.shop}/shop/prices.py:4:def round_price(amount):"
    (line,) = command.succeed("grep", "def round_price", "1").out.splitlines()
    assert line == f"{indexed.shop}/shop/prices.py:4:def round_price(amount):"


def test_grep_prints_context_as_grep_does(command: KoditCommand, indexed: Indexed) -> None:
    """Each line once, a dash for context, and a separator between groups."""
    out = command.succeed("grep", "article ==|quantity|line.count \\+=", "1", "-C", "1").out
    lines = [line.removeprefix(f"{indexed.shop}/") for line in out.splitlines()]
    assert lines[:7] == [
        "shop/cart.py-17-        for line in self.lines:",
        "shop/cart.py:18:            if line.article == article:",
        "shop/cart.py:19:                line.count += count",
        "shop/cart.py-20-                return line",
        "--",
        "web/basket.js-4-    for (const line of this.lines) {",
        "web/basket.js:5:      if (line.article === article) {",
    ]


def _keys(value: Any) -> list[str]:
    return list(value)


def test_json_has_the_same_words_everywhere(command: KoditCommand, indexed: Indexed) -> None:
    """What a program reads of each command."""
    grep = command.ask("grep", "def parse_price", "-C", "1")
    (match,) = grep.pop("matches")
    standing = grep.pop("standing")
    assert [one["index_id"] for one in standing] == [1, 2]
    assert [one["state"] for one in standing] == ["complete", "complete"]
    assert grep.pop("next") is None
    assert grep == {"pattern": "def parse_price", "files": 10, "complete": True, "problems": []}
    assert match == {
        "index_id": 1,
        "source": str(indexed.shop),
        "path": "shop/prices.py",
        "file": f"{indexed.shop}/shop/prices.py",
        "language": "python",
        "line": 10,
        "column": 1,
        "text": "def parse_price(text):",
        "before": [""],
        "after": ['    """A price as people write it."""'],
    }
    (listed,) = command.ask("ls", "2", "*.java")["files"]
    assert _keys(listed) == "index_id source path file language size lines snippets".split()
    read = command.ask("read", "2", "bank/money.py:4-5")
    assert read["text"].splitlines()[0] == "def round_price(amount):"
    assert _keys(read) == (
        "index_id source path file language start_line end_line lines text standing".split()
    )
    symbols = command.ask("symbols", "round_price", "2")
    assert _keys(symbols) == (
        "name definitions references complete standing next near problems".split()
    )
    assert symbols["definitions"][0]["path"] == "bank/money.py"
    related = command.ask("related", "1", "shop/cart.py:16", "-n", "1")
    assert related["results"][0]["path"] == "web/wishlist.py"


def test_text_is_for_people(command: KoditCommand, indexed: Indexed) -> None:
    """The data of each command, and nothing else, on standard output."""
    assert command.succeed("ls", "2", "*.java").out.split()[-2:] == ["java", "bank/Account.java"]
    assert command.succeed("read", "2", "bank/money.py:4").out == "def round_price(amount):\n"
    assert command.succeed("read", "1", "empty.py").out == ""
    symbols = command.succeed("symbols", "parse_price").out
    place = f"{indexed.shop}/shop/prices.py:10"
    assert symbols == f"definitions:\n  {place}: function parse_price, lines 10-13\n"
    related = command.succeed("related", "1", "shop/cart.py:16", "--lines", "0", "-n", "1").out
    assert related.startswith(f" 1. {indexed.shop}/web/wishlist.py:")


@pytest.mark.parametrize(
    "arguments",
    [
        ("grep", "nothing_like_it"),
        ("grep", "x", "--path", "no/such/*"),
        ("ls", "1", "no/such/*"),
        ("symbols", "nothing_like_it"),
        ("symbols", "\udcff"),
    ],
)
def test_an_empty_answer_is_an_answer(arguments: tuple[str, ...], command: KoditCommand) -> None:
    """Nothing on standard output, a sentence on standard error, exit status 1."""
    outcome = command.run_here(*arguments)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.strip()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--imports", "No import of parse_price was found."),
        ("--callers", "No call of parse_price was found."),
        ("--implementations", "Nothing that inherits from or implements parse_price was found."),
    ],
)
def test_uses_that_are_not_there_are_said_to_be_none(
    command: KoditCommand, option: str, sentence: str
) -> None:
    """The definition alone would leave it open."""
    done = command.succeed("symbols", "parse_price", option)
    assert sentence in done.err
    assert "parse_price" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("grep", "("), "not a regular expression"),
        (("grep", ""), "is empty"),
        (("grep", "x" * 6000), "6000 characters"),
        (("grep", "x", "99"), "no index 99"),
        (("grep", "x", "/no/such/folder"), "no index or folder '/no/such/folder'; `kodit status`"),
        (
            ("ls", "shop/no"),
            "there is no folder or index 'shop/no' here, and https://github.com/shop/no is",
        ),
        (("search", "x", "-s", "Django-5.2"), "there is no index or folder 'Django-5.2'; "),
        (("grep", "x", "ext::sh"), "uses a git transport that is not allowed"),
        (("grep", "x", "9" * 40), "no index 999"),
        (("grep", "\udcff"), "is not valid text"),
        (("grep", "x", "\udcff"), "is not valid text"),
        (("read", "1", "\udcff"), "has no file"),
        (("ls", "99"), "no index 99"),
        (("read", "1", "nothing.py"), "has no file"),
        (("read", "1", "shop/cart.py:900"), "there is no line 900"),
        (("symbols", ""), "is empty"),
        (("symbols", "x", "--kind", "thing"), "unknown kind 'thing'"),
        (("related", "1", "nothing.py:1"), "has no file"),
        (("related", "1", "nothing.py:x"), "has no file 'nothing.py:x'"),
        (("related", "1", "./shop/cart.py:x"), "must be a line number, not 'x'"),
        (("read", "1", "shop/cart.py:9-3"), "the first must not come after the last"),
        (("read", "1", "shop/cart.py:x"), "must be a line number, not 'x'"),
    ],
)
def test_a_user_error_is_one_sentence_and_status_2(
    arguments: tuple[str, ...], said: str, command: KoditCommand
) -> None:
    """On standard error."""
    outcome = command.run_here(*arguments)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_glob_may_be_all_that_is_listed(
    command: KoditCommand, indexed: Indexed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs no source before it; a folder whose name contains a star is a folder."""
    monkeypatch.chdir(indexed.shop)
    paths = [
        line.split()[-1] for line in succeeded(command.run_here("ls", "shop/*")).out.splitlines()
    ]
    assert paths == ["shop/cart.py", "shop/prices.py"]


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ("../web/basket.js:1", "web/basket.js"),
        ("../shop/./prices.py:1-2", "shop/prices.py"),
        ("./prices.py:1", "shop/prices.py"),
    ],
)
def test_a_place_is_named_from_where_the_user_stands(
    place: str,
    path: str,
    command: KoditCommand,
    indexed: Indexed,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also upwards, as far as the index reaches."""
    monkeypatch.chdir(indexed.shop / "shop")
    assert command.ask("read", place)["path"] == path
    assert succeeded(command.run_here("related", place)).out
    outside = command.run_here("read", "../../bank/bank/money.py")
    assert (outside.code, outside.out) == (2, "")
    assert "bank/bank is not indexed" in outside.err


def test_names_and_lines_cannot_steer_the_terminal(command: KoditCommand, tmp_path: Path) -> None:
    """Control characters are shown, not sent; JSON keeps them."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "evil\x1b[2J\n.py").write_text("word = '\x1b]0;title\x07'\n")
    kodit = KoditCommand(tmp_path / "data")
    kodit.succeed("index", folder)
    path = "evil\x1b[2J\n.py"
    for arguments in (("grep", "word"), ("ls",), ("read", "1", path), ("symbols", "word")):
        out = succeeded(kodit.run_here(*arguments)).out
        assert "\x1b" not in out
        assert len(out.splitlines()) == (2 if arguments[0] == "symbols" else 1)
    (match,) = kodit.ask("grep", "word")["matches"]
    assert match["path"] == path

"""The visible state of an index while a run is between two of its stages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.browsing.conftest import BANK, SHOP, write_files
from tests.support.files import at
from tests.support.sources import commit_all
from tests.support.stores import rows_of

from kodit import Kodit
from kodit.domain.errors import NotFoundError

pytestmark = pytest.mark.every_store


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """The shop's prices as a folder, the bank as a repository, and their index in `data`."""
    write_files(tmp_path / "shop", {"prices.py": SHOP["shop/prices.py"]})
    write_files(tmp_path / "bank", BANK)
    commit_all(tmp_path / "bank")
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "shop", (tmp_path / "bank").as_uri())
    yield tmp_path


def change(place: Path, statement: str) -> None:
    """Change the database as a stage would."""
    with rows_of(place / "data") as rows:
        assert rows.execute(statement).rowcount > 0


def test_a_deleted_file_vanishes_at_once(place: Path) -> None:
    """SYNC has found that it is gone; EXTRACT has not removed its snippets."""
    change(place, at("bank/money.py", "UPDATE files SET status = 'd'"))
    with Kodit(place / "data") as kodit:
        assert [file.path for file in kodit.list_files()] == ["prices.py", "bank/Account.java"]
        assert {match.path for match in kodit.grep("round_price").matches} == {"prices.py"}
        answer = kodit.symbols("round_price")
        assert [one.snippet.path for one in answer.definitions] == ["prices.py"]
        assert {one.snippet.path for one in answer.references} == {"prices.py"}
        with pytest.raises(NotFoundError, match="has no file"):
            kodit.read(2, "bank/money.py")


def test_a_changed_git_file_is_shown_as_it_was_extracted(place: Path) -> None:
    """SYNC has recorded the new content; lines and symbols are still the old ones."""
    change(
        place,
        at(
            "bank/money.py",
            "INSERT INTO stale_files SELECT index_id, path_id, 'another' FROM files",
        ),
    )
    with Kodit(place / "data") as kodit:
        assert kodit.read(2, "bank/money.py:4").text == "def round_price(amount):"
        assert len(kodit.grep("def round_price", 2).matches) == 1


def test_a_file_that_was_never_extracted_is_listed_and_read(place: Path) -> None:
    """As soon as a scan has found it; its language is not known before extraction."""
    change(
        place,
        at(
            "bank/money.py",
            "INSERT INTO stale_files SELECT files.index_id, path_id, versions.content_hash "
            "FROM files JOIN versions ON versions.id = files.version_id",
        ),
    )
    change(place, at("bank/money.py", "UPDATE files SET version_id = NULL"))
    with Kodit(place / "data") as kodit:
        listed = {file.path: file.language for file in kodit.list_files(2)}
        assert listed == {"bank/Account.java": "java", "bank/money.py": ""}
        assert kodit.read(2, "bank/money.py:4").text == "def round_price(amount):"
        assert {match.path for match in kodit.grep("def round_price", 2).matches} == {
            "bank/money.py"
        }


@pytest.mark.parametrize(
    ("name", "content"),
    [("key.txt", SHOP["key.txt"]), ("picture.txt", b"\x89PNG\x00\x00")],
)
def test_what_is_never_shown_is_not_shown_before_it_is_extracted(
    place: Path, name: str, content: str | bytes
) -> None:
    """A scan does not know the content of a file."""
    write_files(place / "shop", {name: content})
    with Kodit(place / "data") as kodit:
        kodit.index(place / "shop")
        change(
            place,
            at(name, "INSERT INTO stale_files SELECT index_id, path_id, 'any' FROM files"),
        )
        change(place, at(name, "UPDATE files SET version_id = NULL, problem = NULL"))
        with pytest.raises(NotFoundError, match="can no longer be read as text"):
            kodit.read(1, name)
        assert {match.path for match in kodit.grep(".", 1, limit=1000).matches} == {"prices.py"}


def test_why_a_file_is_not_there(place: Path) -> None:
    """Because of its content, or its name."""
    write_files(place / "shop", {"key.txt": SHOP["key.txt"]})
    reasons = {
        "key.txt": "secret",
        "web/app.min.js": "generated",
        "node_modules/x/index.js": "vendored",
        ".git/config": "version control data",
        "logo.png": "binary",
    }
    with Kodit(place / "data") as kodit:
        kodit.index(place / "shop")
        for path, reason in reasons.items():
            with pytest.raises(NotFoundError, match=f"left out as {reason}") as caught:
                kodit.read(1, path)
            assert caught.value.code == "file_left_out"
            assert caught.value.fields["reason"] == reason


def test_a_file_that_may_yet_come(place: Path) -> None:
    change(place, "UPDATE indexes SET updated_at = NULL")
    with (
        Kodit(place / "data") as kodit,
        pytest.raises(NotFoundError, match="not complete") as caught,
    ):
        kodit.read(1, "nothing.py")
    assert caught.value.code == "file_not_indexed_yet"


def test_a_superseded_definition_is_not_found(place: Path) -> None:
    """EXTRACT has replaced the snippet; engines may still find it."""
    change(
        place,
        "INSERT INTO snippets (index_id, version_id, state, start_line, end_line, language, symbol,"
        " kind, scope, content_hash, text, text_id) SELECT index_id, version_id, 'superseded',"
        " start_line, end_line, language, 'former_name', kind, scope, content_hash, text, text_id"
        " FROM snippets"
        " WHERE symbol = 'round_price'",
    )
    with Kodit(place / "data") as kodit:
        assert kodit.symbols("former_name").definitions == ()
        assert len(kodit.symbols("round_price").definitions) == 2


def test_files_come_by_path_whenever_they_came(place: Path) -> None:
    """A new file is sorted by its name."""
    write_files(place / "shop", {"articles.py": "round_price = None\n", "zoo.py": "x = 1\n"})
    with Kodit(place / "data") as kodit:
        kodit.index(place / "shop")
        paths = ["articles.py", "prices.py", "zoo.py"]
        assert [file.path for file in kodit.list_files(1)] == paths
        found = [match.path for match in kodit.grep("round_price", 1).matches]
        assert found == ["articles.py", "prices.py", "prices.py"]


def test_a_folder_of_which_nothing_is_known_yet_is_looked_at_itself(place: Path) -> None:
    """Only if it is selected, and not beside indexed files; its files' languages are not known
    before."""
    early = ("early.py", "sub/z.py", "sub/inner.py", "subway.py")
    write_files(place / "early", dict.fromkeys(early, "round_price = 1\n"))
    write_files(place / "later", {"later.py": "round_price = 2\n"})
    write_files(place / "repository", {"committed.py": "round_price = 3\n"})
    commit_all(place / "repository")
    with Kodit(place / "data") as kodit:
        queued = (place / "early", place / "later", (place / "repository").as_uri())
        kodit.index(*queued, wait=False)
        change(place, "UPDATE indexes SET updated_at = NULL")
        everything = [match.path for match in kodit.grep("round_price =|def round_price").matches]
        of_early = ["early.py", "sub/inner.py", "sub/z.py", "subway.py"]
        assert everything == ["prices.py", "bank/money.py", *of_early, "later.py"]
        for name, paths in ((3, of_early), ("sub", of_early[1:3]), ("sub/z.py", ["sub/z.py"])):
            source = name if isinstance(name, int) else place / "early" / name
            assert [match.path for match in kodit.grep("round_price", source).matches] == paths
        some = kodit.grep("round_price", 3, paths=["/sub/z.py", "early.*"])
        assert [match.path for match in some.matches] == ["early.py", "sub/z.py"]
        by_language = kodit.grep("round_price =|def round_price", languages=["python"])
        assert [match.path for match in by_language.matches] == ["prices.py", "bank/money.py"]
        assert (by_language.files, kodit.grep("round_price", 4).files) == (2, 1)

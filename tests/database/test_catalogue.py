"""The catalogue's answers about files and definitions, over a few rows."""

from __future__ import annotations

from typing import cast

import pytest
from tests.database.content import Content, change
from tests.support.files import at

from kodit.domain.value_objects import Hit, Scope, SearchFilter, VectorKind
from kodit.infrastructure.sql.catalogue import SqlCatalogue, SqlOpenCatalogue
from kodit.infrastructure.sql.statements import containing
from kodit.infrastructure.sqlalchemy.database import SqliteDatabase
from kodit.infrastructure.sqlalchemy.prepared import Driver
from kodit.infrastructure.sqlalchemy.transaction import SqlTransaction
from kodit.infrastructure.vectors.exact_index import ExactVectorReader

pytestmark = pytest.mark.every_store

PATHS = ("b.py", "src/a.py", "src/b.py", "src/ab.py")


class Shelf:
    """An index of four files, each with a method of two lines that is named like the file."""

    def __init__(self, transaction: SqlTransaction) -> None:
        self.transaction = transaction
        self.content = Content(transaction, "/shelf", PATHS)
        self.content.replace(**{path: [f"{path} 1", f"{path} 2"] for path in reversed(PATHS)})
        catalogue = SqlCatalogue(cast(SqliteDatabase, None))  # only asked to open it
        self.catalogue: SqlOpenCatalogue = catalogue.within(transaction)
        self.all = SearchFilter(index_ids=(self.content.id,))

    def sql(self, statement: str, *values: object) -> None:
        change(self.transaction, statement, *values)

    def alter(self, text: str, **values: object) -> None:
        """Give the snippets with this text other values in these columns."""
        columns = ", ".join(f"{column} = ?" for column in values)
        self.sql(
            f"UPDATE snippets SET {columns} "  # noqa: S608 - our own columns
            "WHERE text_id = (SELECT id FROM snippet_texts WHERE text = ?)",
            *values.values(),
            text,
        )

    def forget_contents(self) -> None:
        """As if `b.py` was scanned and not read yet."""
        self.sql(at("b.py", "INSERT INTO stale_files SELECT index_id, path_id, 'any' FROM files"))
        self.sql(at("b.py", "UPDATE files SET version_id = NULL"))

    def listed(self) -> list[tuple[str, int, int]]:
        """Path, last line and number of snippets."""
        return [
            (file.path, file.lines, file.snippets) for file in self.catalogue.list_files(self.all)
        ]


@pytest.fixture
def shelf(transaction: SqlTransaction) -> Shelf:
    return Shelf(transaction)


def test_files_are_listed_by_path_with_their_snippets(shelf: Shelf) -> None:
    """Only current snippets count."""
    assert shelf.listed() == [(path, 2, 2) for path in sorted(PATHS)]
    shelf.content.replace(**{"b.py": ["once more"]})
    assert shelf.listed()[0] == ("b.py", 1, 1)
    shelf.content.replace(**{"b.py": []})
    assert shelf.listed()[0] == ("b.py", 0, 0)


def test_a_page_of_the_listing_is_a_part_of_it(shelf: Shelf) -> None:
    """Files that are read and files that are not are in one order."""
    shelf.forget_contents()
    whole = shelf.catalogue.list_files(shelf.all)
    assert [file.path for file in whole] == sorted(PATHS)
    for start in range(len(whole) + 1):
        for stop in (*range(start, len(whole) + 2), None):
            page = slice(start, stop)
            assert shelf.catalogue.list_files(shelf.all, page) == whole[page]


def test_a_file_that_is_not_extracted_yet_is_there_and_one_that_is_left_out_is_not(
    shelf: Shelf,
) -> None:
    shelf.forget_contents()
    _index, file = shelf.catalogue.find_file(shelf.content.id, "b.py")
    assert file is not None
    assert file.path == "b.py"
    assert [path for path, *_ in shelf.listed()] == sorted(PATHS)
    shelf.sql(at("b.py", "UPDATE files SET problem = 'binary'"))
    assert shelf.catalogue.find_file(shelf.content.id, "b.py")[1] is None
    assert "b.py" not in [path for path, *_ in shelf.listed()]
    with_unread = shelf.catalogue.files(shelf.all, with_unread=True)
    assert [file.path for file in with_unread[0].files] == sorted(PATHS)[1:]
    assert shelf.catalogue.reason_left_out(shelf.content.id, "b.py") == "binary"
    shelf.sql(at("b.py", "UPDATE files SET status = 'd'"))
    assert shelf.catalogue.reason_left_out(shelf.content.id, "b.py") is None
    assert shelf.catalogue.reason_left_out(shelf.content.id, "x/app.min.js") is not None


def test_files_are_found_by_the_whole_of_their_names(shelf: Shelf) -> None:
    def named(name: str, limit: int = 9) -> list[str]:
        return shelf.catalogue.named(shelf.content.id, name, limit)

    assert named("b.py") == ["b.py", "src/b.py"]
    assert named("b.py", 1) == ["b.py"]
    assert named("_.py") == named("%.py") == named("B.py") == []
    shelf.sql(at("b.py", "UPDATE files SET status = 'd'"))
    assert named("b.py") == ["src/b.py"]


def test_definitions_are_those_of_the_scope_and_of_the_kinds(shelf: Shelf) -> None:
    index_id = shelf.content.id
    name = "name_b.py"  # as the content calls it

    def defined(scope: Scope, *kinds: str) -> set[str]:
        found = shelf.catalogue.definitions([name.upper()], scope, kinds)
        return {snippet.path for snippet in found}

    everywhere = Scope(frozenset([index_id]))
    assert defined(everywhere) == {"b.py"}
    assert defined(everywhere, "method", "class") == {"b.py"}
    assert defined(everywhere, "class") == set()
    assert defined(Scope(frozenset([index_id + 1]))) == set()
    assert defined(Scope(frozenset([index_id]), frozenset([shelf.content.versions["b.py"]]))) == {
        "b.py"
    }
    assert (
        defined(Scope(frozenset([index_id]), frozenset([shelf.content.versions["src/b.py"]])))
        == set()
    )
    assert defined(Scope(frozenset([index_id]), frozenset())) == set()


def test_snippets_of_a_file_come_from_its_first_line_to_its_last(shelf: Shelf) -> None:
    shelf.alter("b.py 1", start_line=9, end_line=9)
    found = shelf.catalogue.snippets_of_file(shelf.content.versions["b.py"])
    assert [snippet.text for snippet in found] == ["b.py 2", "b.py 1"]


def test_the_vector_of_code_is_not_that_of_words(shelf: Shelf) -> None:
    """Which the same snippet has too."""
    zero, one = bytes(4), b"\x01\x01\x01\x01"
    scale = b"\x00\x00\x80\x3f"
    shelf.content.embed(kind=VectorKind.TEXT, model="words")
    [snippet, *_] = shelf.catalogue.snippets_of_file(shelf.content.versions["b.py"])
    assert shelf.catalogue.code_vector(snippet) is None
    shelf.content.embed(kind=VectorKind.CODE, model="code")
    shelf.sql("UPDATE embeddings SET vector = ?", zero + scale)
    shelf.sql(
        "UPDATE embeddings SET vector = ? WHERE id IN "
        "(SELECT embedding_id FROM vectors WHERE kind = 'code')",
        one + scale,
    )
    assert shelf.catalogue.code_vector(snippet) == ("code", [1.0] * 4)


def test_the_files_in_a_part_of_an_index(transaction: SqlTransaction) -> None:
    """A folder or a file with that path, and nothing that only has a similar name; of another index
    everything, also at the same path."""
    content = Content(transaction, "/parts", ("a", "a/x", "a0", "a-b", "b"))
    other = Content(transaction, "/other", ("a0", "c"))
    assert transaction.indexes.has_files(content.id, "a")
    assert transaction.indexes.has_files(other.id, "c")
    assert not transaction.indexes.has_files(other.id, "a")
    both = SearchFilter(index_ids=(content.id, other.id), within=((content.id, "a"),))
    unread = transaction.search.resolve(both).file_ids
    assert unread == frozenset(
        -(path_id * 2**20 + one.id)
        for one, path_ids in (
            (content, (content.files["a"], content.files["a/x"])),
            (other, other.files.values()),
        )
        for path_id in path_ids
    )
    for some in (content, other):
        some.replace(**{path: [path] for path in some.files})
    expected = {content.versions["a"], content.versions["a/x"], *other.versions.values()}
    assert transaction.search.resolve(both).file_ids == frozenset(expected)
    parts = SearchFilter(index_ids=(content.id,), within=((content.id, "a"), (content.id, "b")))
    expected = {content.versions[path] for path in ("a", "a/x", "b")}
    assert transaction.search.resolve(parts).file_ids == frozenset(expected)


def test_what_files_mention(shelf: Shelf) -> None:
    """By file and line, of snippets that are current."""
    shelf.alter("b.py 2", mentions="c0\tf")
    shelf.alter("b.py 1", start_line=9, end_line=9)
    wanted = [shelf.content.versions["src/a.py"], shelf.content.versions["b.py"]]
    found = shelf.catalogue.mentioning(wanted)
    assert [(one.file_id, one.start_line) for one in found] == sorted(
        [(wanted[0], 1), (wanted[0], 2), (wanted[1], 2), (wanted[1], 9)]
    )
    assert [one.encoded for one in found if one.file_id == wanted[1]] == ["c0\tf", ""]
    assert {(one.symbol, one.scope) for one in found if one.file_id == wanted[1]} == {
        ("name_b.py", "Scope")
    }
    shelf.content.replace(**{"b.py": ["once more"]})
    assert len(shelf.catalogue.mentioning([shelf.content.versions["b.py"]])) == 1
    assert shelf.catalogue.mentioning([wanted[1]]) == []


def test_all_names_of_snippets(shelf: Shelf) -> None:
    """Of those that have any, within the scope."""
    index_id = shelf.content.id
    also = '[["also", "function", "", 1, 1]]'
    shelf.alter("b.py 1", also_defines=also)
    minor = also.replace("also", "minor")
    shelf.alter("b.py 2", symbol=None, minor_symbols=minor)
    shelf.sql(
        "UPDATE snippets SET symbol = NULL WHERE text_id IN "
        "(SELECT id FROM snippet_texts WHERE text LIKE 'src/a%')"
    )

    def names(scope: Scope) -> list[list[str]]:
        return sorted(map(list, (names for _, names in shelf.catalogue.named_snippets(scope))))

    everywhere = Scope(frozenset([index_id]))
    assert names(everywhere) == [
        ["minor"],
        ["name_b.py", "also"],
        ["name_src/b.py"],
        ["name_src/b.py"],
    ]
    one = frozenset([shelf.content.versions["b.py"]])
    assert names(Scope(frozenset([index_id]), one)) == [["minor"], ["name_b.py", "also"]]
    assert names(Scope(frozenset([index_id]), None, one)) == [["name_src/b.py"]] * 2
    assert names(Scope(frozenset())) == []
    shelf.content.replace(**{"src/b.py": []})
    assert names(everywhere) == [["minor"], ["name_b.py", "also"]]


def test_a_file_that_was_not_read_is_not_shown(shelf: Shelf) -> None:
    """It has no language. Nor is one whose name cannot be decoded."""
    shelf.sql("UPDATE versions SET language = NULL WHERE path = 'b.py'")
    assert "b.py" not in [path for path, *_ in shelf.listed()]
    assert shelf.catalogue.find_file(shelf.content.id, "b.py")[1] is None
    assert "b.py" not in shelf.catalogue.paths(shelf.content.id)
    index, file = shelf.catalogue.find_file(shelf.content.id, "\udcff.py")
    assert (index.id, file) == (shelf.content.id, None)


def test_a_text_in_a_pattern_stands_for_itself() -> None:
    assert containing("a/b%c_d") == "a//b/%c/_d"


def test_the_lines_of_the_snippets_of_files(shelf: Shelf) -> None:
    """Of current ones, with the names of what they define."""
    shelf.content.replace(**{"b.py": ["gone"]})
    shelf.content.replace(**{"b.py": ["one", "two"]})
    others = '[["put", "method", "Shop", 1, 2, 1], ["LEAST", "constant", "", 3, 3, 3]]'
    shelf.alter("one", start_line=5, end_line=9, symbol="add", scope="Shop.Cart")
    shelf.alter("two", start_line=1, end_line=2, symbol=None, scope="", also_defines=others)
    file_id, other = (shelf.content.versions[path] for path in ("b.py", "src/a.py"))
    found = shelf.transaction.search.lines([file_id, other])
    assert sorted(line[1:] for line in found[file_id]) == [
        (1, 2, ["put", "LEAST"], ""),
        (5, 9, ["add"], "Shop.Cart"),
    ]
    ids = [line.snippet_id for line in found[file_id]]
    assert {one.text for one in shelf.transaction.search.get_many(ids)} == {"one", "two"}
    assert found.keys() == {file_id, other}


def test_routes_are_counted_by_file(shelf: Shelf) -> None:
    """Of current snippets, and not what else is declared beside their own definitions."""
    symbols = '[["/carts","route","",1,1,1],["/route","constant","",1,1,1],["/a","route","",2,2,2]]'
    versions = shelf.content.versions
    update = "UPDATE snippets SET minor_symbols = ? WHERE version_id = ? AND start_line = ?"
    for path, line in (("b.py", 1), ("b.py", 2), ("src/a.py", 1)):
        shelf.sql(update, symbols, versions[path], line)
    constant = '[["route","constant","",1,1,1]]'
    shelf.sql(update, constant, versions["src/b.py"], 1)
    assert shelf.catalogue.routes(versions.values()) == {
        versions["b.py"]: 4,
        versions["src/a.py"]: 2,
    }
    assert shelf.catalogue.routes([versions["src/a.py"]]) == {versions["src/a.py"]: 2}
    shelf.content.replace(**{"b.py": ["once more"]})
    current = shelf.content.versions
    assert shelf.catalogue.routes(current.values()) == {versions["src/a.py"]: 2}


def test_vectors_that_are_equally_near_are_in_the_order_of_their_places(shelf: Shelf) -> None:
    """All of those that tie, whatever their identifiers."""
    driver = Driver(shelf.transaction.connection)
    places = driver.cursor.execute(
        "SELECT snippets.id, path, start_line FROM snippets "
        "JOIN versions ON versions.id = snippets.version_id"
    ).fetchall()
    ids = [row[0] for row in sorted(places, key=lambda row: row[1:])]
    reader = object.__new__(ExactVectorReader)
    reader._driver = driver
    second, first, *others = ids
    others = [others[0], second, *others[1:]]
    hits = [Hit(first, 0.9), *(Hit(one, 0.5) for one in others)]
    found = [hit.snippet_id for hit in reader._in_order(hits)]
    assert found == [first, *(one for one in ids if one != first)]

"""What is stored of descriptions, when, and that searches find it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.mcp.conftest import Tools
from tests.support.command import KoditCommand
from tests.support.rest import Rest
from tests.support.serving import ServingKodit
from tests.support.sources import commit_all, git, write_file
from tests.support.stores import rows_of

from kodit import Kodit
from kodit.domain.descriptions.schema.tables import Column, Table, TableIndex
from kodit.domain.descriptions.stored import MOST_COMMITS, of_commits, of_tables
from kodit.domain.ports.descriptions import SchemaFile, SchemaReading
from kodit.domain.questions import SearchQuestion
from kodit.domain.search import SearchMode
from kodit.domain.value_objects import SearchFilter, Source, SourceKind
from kodit.infrastructure.sources.location import Location
from kodit.infrastructure.sources.recent_commits import read_recent
from kodit.infrastructure.sources.schemas import PooledSchemaReader

MODELS = (
    "from django.db import models\n\n\nclass Order(models.Model):\n    total = models.TextField()\n"
)


def stored(data: Path, kind: str) -> dict[str, tuple[int, str]]:
    """By subject, the row and its place, without the notes about files."""
    with rows_of(data) as connection:
        rows = connection.execute(
            "SELECT subject, id, path FROM descriptions WHERE kind = ? ORDER BY id", (kind,)
        )
        return {
            subject: (row, path) for subject, row, path in rows if not subject.startswith("file ")
        }


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored").resolve() / "shop"
    write_file(folder / "sale/models.py", MODELS)
    write_file(folder / "sale/price.py", "def price(order):\n    return order.total\n")
    commit_all(folder)
    git(folder, "commit", "--quiet", "--allow-empty", "--message=Frobnicate the prices")
    return folder


@pytest.fixture(scope="module")
def serving(shop: Path) -> Iterator[ServingKodit]:
    with ServingKodit(shop.parent / "data") as serving:
        serving.index(shop)
        yield serving


def test_tables_and_commits_are_stored_with_an_index(shop: Path, serving: ServingKodit) -> None:
    assert stored(serving.data_dir, "schema").keys() == {"sale_order", ""}
    assert stored(serving.data_dir, "schema")["sale_order"][1] == "sale/models.py"
    assert list(stored(serving.data_dir, "commit")) == git(shop, "log", "--format=%H").split()


def test_every_face_finds_words_that_no_snippet_has(shop: Path, serving: ServingKodit) -> None:
    text = Tools(serving, shop).text("search", query="frobnicate")
    assert "Frobnicate the prices: call files with describe=commit subject=" in text
    rest = Rest(serving)
    [found] = rest.get("search", query="sale_order").json()["descriptions"]
    assert found["title"] == "table sale_order (model Order)"
    assert (found["kind"], found["subject"]) == ("schema", "sale_order")
    assert (found["path"], found["line"], found["file"]) == ("sale/models.py", 4, None)
    assert "descriptions" not in rest.get("search", query="price of an order").json()
    assert "descriptions" not in rest.get("search", query="frobnicate", paths=["**"]).json()
    assert "descriptions" not in rest.get("search", query="frobnicate", mode="keyword").json()
    rest.close()
    command = KoditCommand(serving.data_dir)
    outcome = command.run_here("search", "frobnicated", "-s", "1")
    assert outcome.code == 0
    assert "Frobnicate the prices" in outcome.out
    assert "`kodit describe commit " in outcome.err
    nothing = KoditCommand(serving.data_dir, KODIT_DESCRIPTIONS="schema")
    assert "Frobnicate" not in nothing.run_here("search", "frobnicate", "-s", "1").out


def test_a_word_of_another_index_does_not_hide_a_description(shop: Path, tmp_path: Path) -> None:
    write_file(tmp_path / "other/a.py", "def frobnicate():\n    pass\n")
    with Kodit(tmp_path / "data") as kodit:
        for folder in (shop, tmp_path / "other"):
            kodit.index(folder)
        described = kodit._application.described
        assert [one.index_id for one in described.find("frobnicate", SearchFilter((1,)))] == [1]
        assert described.find("frobnicate", SearchFilter()) == ()


def test_only_what_changes_is_stored_again(tmp_path: Path) -> None:
    shop, data = tmp_path / "shop", tmp_path / "data"
    write_file(shop / "sale/models.py", MODELS + MODELS.split("\n\n\n")[1].replace("Order", "Line"))
    write_file(shop / "price.py", "def price():\n    pass\n")
    commit_all(shop)
    with ServingKodit(data) as serving:
        serving.index(shop)
        first = stored(data, "schema")
        assert first.keys() == {"sale_order", "sale_line", ""}
        write_file(shop / "price.py", "def price():\n    return 1\n")
        serving.index(shop)
        assert stored(data, "schema") == first
        commits = stored(data, "commit")
        # A table goes, another one stays as it is, and a third one comes.
        write_file(shop / "sale/models.py", MODELS)
        write_file(shop / "sql/tables.sql", "CREATE TABLE carts (id int);\n")
        latest = commit_all(shop)
        serving.index(shop)
        after = stored(data, "schema")
        assert after.keys() == {"sale_order", "carts", ""}
        assert after["sale_order"] == first["sale_order"]
        assert stored(data, "commit").items() >= commits.items()
        assert latest in stored(data, "commit")
        # A deleted file takes its tables with it.
        (shop / "sql/tables.sql").unlink()
        serving.index(shop)
        assert stored(data, "schema").keys() == {"sale_order", ""}
        index = serving.application.indexes
        serving.call(lambda _application: index.delete(1))
        serving.call(lambda _application: index.finish_deletions())
        assert stored(data, "schema") == stored(data, "commit") == {}


def words_of(data: Path, index_id: int) -> list[tuple[str, ...]]:
    """All that is stored of the schema of an index."""
    with rows_of(data) as connection:
        rows = connection.execute(
            "SELECT subject, title, path, line, words FROM descriptions "
            "WHERE kind = 'schema' AND index_id = ? AND subject NOT LIKE 'file %' ORDER BY subject",
            (index_id,),
        )
        return [tuple(row) for row in rows]


def test_a_worktree_has_the_schema_of_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are read again only if one that defines tables differs."""
    read: list[list[str]] = []
    read_all = PooledSchemaReader.read

    async def noted(self: PooledSchemaReader, files: Sequence[SchemaFile]) -> SchemaReading:
        read.append(sorted(file.path for file in files))
        return await read_all(self, files)

    monkeypatch.setattr(PooledSchemaReader, "read", noted)
    tree = {
        "sale/models.py": MODELS,
        **{f"sale/part{number}.py": f"def part{number}():\n    pass\n" for number in range(4)},
    }
    changes: list[dict[str, str]] = [
        {},
        {"sale/part0.py": "def part0():\n    return 1\n"},
        {"sale/models.py": f"{MODELS}\n\ndef cost():\n    return 1\n"},
        {"sale/models.py": f"{MODELS}    tax = models.TextField()\n"},
    ]
    with ServingKodit(tmp_path / "data") as serving:
        for number, changed in enumerate(changes):
            for path, text in {**tree, **changed}.items():
                write_file(tmp_path / f"tree{number}" / path, text)
            serving.index(tmp_path / f"tree{number}")
    data = tmp_path / "data"
    assert read == [["sale/models.py"]] * 2
    assert [row[0] for row in words_of(data, 1)] == ["", "sale_order"]
    assert words_of(data, 2) == words_of(data, 3) == words_of(data, 1)
    assert "tax" in words_of(data, 4)[1][4]
    assert "tax" not in words_of(data, 1)[1][4]


BASE = "from django.db import models\n\n\nclass Dated(models.Model):\n{}"
ABSTRACT = """    slug = models.DateField()

    class Meta:
        abstract = True
"""


def test_files_are_read_again_only_if_one_that_says_something_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that defines no table: another one builds on its class, or may begin to."""
    read: list[int] = []
    read_all = PooledSchemaReader.read

    async def noted(self: PooledSchemaReader, files: Sequence[SchemaFile]) -> SchemaReading:
        read.append(len(files))
        return await read_all(self, files)

    monkeypatch.setattr(PooledSchemaReader, "read", noted)
    shop, data = tmp_path / "shop", tmp_path / "data"
    write_file(shop / "sale/base.py", BASE.format(ABSTRACT))
    write_file(shop / "sale/models.py", MODELS.replace("(models.Model)", "(Dated)"))
    imports = "from django.db import models\n"
    write_file(shop / "sale/models/query.py", f"{imports}\n\ndef first():\n    pass\n")
    with ServingKodit(data) as serving:

        def words_after(path: str, text: str | None) -> str:
            if text is None:
                (shop / path).unlink()
            else:
                write_file(shop / path, text)
            read.clear()
            serving.index(shop)
            return " ".join(row[4] for row in words_of(data, 1))

        words = words_after("sale/other.py", "x = 1\n")
        assert read == [3]
        assert "slug" in words
        # These import models, and say nothing, or the same.
        words_after("sale/models/query.py", f"{imports}\n\ndef last():\n    pass\n")
        words_after("sale/models/query.py", None)
        assert read == []
        words_after("sale/query.py", f"{imports}\n\ndef last():\n    pass\n")
        assert read == []
        words = words_after("sale/query.py", MODELS.replace("Order", "Cart"))
        assert read == [3]
        assert "cart" in words
        words_after("sale/base.py", f"{BASE.format(ABSTRACT)}\n\ndef last():\n    pass\n")
        assert read == []
        words = words_after("sale/base.py", BASE.format(ABSTRACT.replace("slug", "mark")))
        assert read == [3]
        assert "slug" not in words
        assert "mark" in words
        words = words_after("sale/base.py", None)
        assert read == [2]
        assert "mark" not in words


def test_nothing_is_stored_if_it_is_turned_off(shop: Path, tmp_path: Path) -> None:
    with ServingKodit(tmp_path / "data", descriptions=()) as serving:
        serving.index(shop)
        assert stored(tmp_path / "data", "schema") == {}
        assert stored(tmp_path / "data", "commit") == {}


def test_few_commits_with_few_words_are_stored(shop: Path) -> None:
    location = Location(Source(SourceKind.FOLDER, str(shop)), str(shop))
    commits = read_recent(location, None, report=lambda *_: None)
    assert commits is not None
    many = of_commits([commits[0]] * (MOST_COMMITS + 1))
    assert len(many) == MOST_COMMITS
    assert many[0].words == ("frobn", "the", "pric")
    assert read_recent(location, None, 5, {commits[0].id}, report=lambda *_: None) is None


def test_a_search_for_known_words_reads_no_descriptions(serving: ServingKodit) -> None:
    question = SearchQuestion("price", mode=SearchMode.HYBRID)
    assert serving.application.described.find(question.query, SearchFilter()) == ()


def test_a_table_is_found_by_its_columns_and_indexes() -> None:
    table = Table(
        "orders", (Column("total"),), (TableIndex("by_customer", ("customer_id",)),), "a.sql", 3
    )
    [stored] = of_tables([table])
    assert {"ord", "total", "bycustomer"} <= set(stored.words)
    assert (stored.subject, stored.title, stored.path, stored.line) == (
        *("orders", "table orders"),
        *("a.sql", 3),
    )
    [view] = of_tables([replace(table, is_view=True, model="Order")])
    assert view.title == "view orders (model Order)"

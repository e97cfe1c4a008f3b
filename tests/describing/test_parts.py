"""Parts of repositories and of commits, and what is stored of descriptions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kodit.application.views.description import DescriptionView
from kodit.application.views.description_text import lines_of_view
from kodit.domain.descriptions.commits import (
    ChangedDefinition,
    ChangedFile,
    Commit,
    parts_of,
    title_of,
)
from kodit.domain.descriptions.description import (
    DescribedItem,
    DescribedPart,
    Description,
    _fitted,
    lines_of,
)
from kodit.domain.descriptions.kinds import DescriptionKind
from kodit.domain.descriptions.parts import MOST_PARTS, common_folder, divided
from kodit.domain.descriptions.schema.tables import Column, Table, TableIndex
from kodit.domain.descriptions.stored import (
    MOST_COMMITS,
    MOST_TABLES,
    MOST_WORDS,
    StoredDescription,
    of_commits,
    of_tables,
    words_match,
)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ([], ""),
        (["a.py"], ""),
        (["a/b.py"], "a/"),
        (["a/b/c.py", "a/b/d.py"], "a/b/"),
        (["a/b/c.py", "a/d.py"], "a/"),
        (["a/b.py", "ab/c.py"], ""),
        (["x/a.py", "x/b/c.py", "x/b/d/e.py"], "x/"),
        (["a/b.py", "c.py"], ""),
    ],
)
def test_the_folder_of_all_files(paths: list[str], expected: str) -> None:
    assert common_folder(paths) == expected


def test_a_large_part_is_divided_until_parts_are_many() -> None:
    """As long as one has more than its share, or there are hardly any."""
    three = {f"src/{folder}/{name}.py": 0.1 for folder in "abc" for name in "xyz"}
    assert set(divided(three)) == {"src/a/", "src/b/", *(f"src/c/{name}.py" for name in "xyz")}
    assert set(divided(three | {"top.py": 0.0})) == {"src/a/", "src/b/", "src/c/", "top.py"}
    two = {path: share for path, share in three.items() if "/c/" not in path}
    assert divided(two) == {path: [path] for path in two}
    many = {f"{number:02}.py": 0.0 for number in range(MOST_PARTS)}
    assert "src/" in divided(two | many)


def test_a_folder_of_very_many_files_stays_one_part() -> None:
    paths = {f"big/{number:02}.py": 0.1 for number in range(3 * MOST_PARTS)}
    assert divided(paths | {"small/a.py": 0.01}) == {
        "big/": sorted(paths),
        "small/a.py": ["small/a.py"],
    }
    assert len(divided(paths)) == 3 * MOST_PARTS
    assert divided({}) == {}


MOMENT = datetime(2026, 7, 9, 23, 5, tzinfo=UTC)
COMMIT = Commit("0123456789abcdef", "Ada", MOMENT, "Pay all\n\nNow.")


def changed(change: str = "changed", **fields: str | int) -> ChangedDefinition:
    return ChangedDefinition(change, "f", "function", "def f(a)", **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("definition", "text", "note"),
    [
        (changed("added", line=3), "+ def f(a)", ""),
        (changed("removed"), "- def f(a)", ""),
        (changed(before="def f()"), "~ def f(a)", "before: def f()"),
        (changed("moved", origin="b.py"), "> def f(a)", "from b.py"),
        (replace(changed(), signature=""), "~ f", ""),
    ],
)
def test_a_changed_definition(definition: ChangedDefinition, text: str, note: str) -> None:
    file = ChangedFile("a/b.py", "changed", definitions=(definition,))
    [part] = parts_of(replace(COMMIT, files=(file,)))
    [item] = part.items
    assert (item.name, item.kind, item.text, item.note) == ("f", definition.change, text, note)
    assert item.line == definition.line


@pytest.mark.parametrize(
    ("file", "title", "path"),
    [
        (ChangedFile("a/b.py", "changed"), "b.py  (changed)", "a/b.py"),
        (ChangedFile("a/b.py", "added", "", 3, 0), "b.py  (added, +3 -0)", "a/b.py"),
        (ChangedFile("a/b.py", "added", "", 3, None), "b.py  (added)", "a/b.py"),
        (ChangedFile("a/b.py", "added", "", None, 3), "b.py  (added)", "a/b.py"),
        (ChangedFile("a/b.py", "removed", "", 0, 3), "a/b.py  (removed, +0 -3)", ""),
        (
            ChangedFile("a/b.py", "renamed", "c.py", 1, 1),
            "b.py  (renamed from c.py, +1 -1)",
            "a/b.py",
        ),
    ],
)
def test_a_changed_file(file: ChangedFile, title: str, path: str) -> None:
    [part] = parts_of(replace(COMMIT, files=(replace(file, problem="too large"),)))
    assert (part.title, part.kind, part.text, part.path) == (title, file.change, "too large", path)


def test_files_with_definitions_come_first_and_others_are_counted() -> None:
    files = (
        ChangedFile("a", "changed"),
        ChangedFile("b", "changed", definitions=(changed(),)),
        ChangedFile("c", "changed"),
    )
    commit = replace(COMMIT, files=files, left_out=7)
    titles = [part.title.partition("  ")[0] for part in parts_of(commit)]
    assert titles == ["b", "a", "c", "7 more files"]
    assert title_of(commit) == "0123456789ab  2026-07-09  Ada"
    assert title_of(replace(commit, is_merge=True)) == "0123456789ab  2026-07-09  Ada (merge)"


@pytest.mark.parametrize(
    ("words", "matches"),
    [
        ("pay", True),
        ("PAY now", True),
        ("ada pays", True),
        ("cart", True),
        ("shop cart wallet", True),
        ("cartwallet", False),
        ("pay later", False),
        ("", False),
    ],
)
def test_words_of_a_commit(words: str, matches: bool) -> None:
    """Of its message, its author and its paths, all of them."""
    files = (ChangedFile("shop/cart.py", "changed"), ChangedFile("wallet.py", "changed"))
    assert words_match(words, replace(COMMIT, files=files)) is matches


def test_what_is_stored_of_a_table() -> None:
    table = Table(
        "carts",
        (Column("owner_id", "int"),),
        (TableIndex("by_owner", ("owner_id",)),),
        "db/models.py",
        4,
        model="Cart",
    )
    [stored] = of_tables([table])
    assert (stored.subject, stored.title) == ("carts", "table carts (model Cart)")
    assert (stored.path, stored.line) == ("db/models.py", 4)
    assert set(stored.words) == {"cart", "own", "id", "ownerid", "by", "byowner"}
    [view] = of_tables([Table("seen", is_view=True)])
    assert view.title == "view seen"
    assert len(of_tables([table] * (MOST_TABLES + 1))) == MOST_TABLES
    many = Table("a", tuple(Column(f"c{number}x", "int") for number in range(MOST_WORDS + 1)))
    [stored] = of_tables([many])
    assert len(stored.words) == MOST_WORDS


def test_what_is_stored_of_a_commit() -> None:
    commit = replace(COMMIT, files=(ChangedFile("shop/cart.py", "changed"),))
    [stored] = of_commits([commit])
    assert (stored.subject, stored.path, stored.line) == (commit.id, "", 0)
    assert stored.title == "commit 0123456789ab  2026-07-09  Ada: Pay all"
    assert {"pay", "now", "shop", "cart"} <= set(stored.words)
    assert "ada" not in stored.words
    [long] = of_commits([replace(COMMIT, message="x" * 400)])
    assert len(long.title) == 300
    assert len(of_commits([commit] * (MOST_COMMITS + 1))) == MOST_COMMITS


def test_a_description_is_stored_again_if_anything_of_it_has_changed() -> None:
    one = StoredDescription("s", "title", ("a", "b"), "a.py", 3)
    others = [
        replace(one, title="other"),
        replace(one, words=("a",)),
        replace(one, path="b.py"),
        replace(one, line=4),
    ]
    assert len({one.key, *(other.key for other in others)}) == 5
    assert replace(one, subject="other").key == one.key
    assert len(one.key) == 16


def test_the_text_of_a_view_is_that_of_the_description() -> None:
    """So that a face on another machine shows the same."""
    items = (DescribedItem("f", "function", "def f()", "Pay.", "c.py", 7, 9, 1),)
    parts = (DescribedPart("a/b.py", "python", "It pays.", "a/b.py", 3, items, 2),)
    whole = Description(1, "/shop", DescriptionKind.OVERVIEW, "", "Shop", "text", parts, 4)
    view = DescriptionView.of(whole, with_file=True)
    assert list(lines_of_view(view)) == list(lines_of(whole))
    assert {(one.path, one.line) for one in lines_of(whole)} >= {("a/b.py", 3), ("c.py", 7)}


def test_notes_are_left_out_before_items() -> None:
    """Inner items go before them."""
    items = tuple(DescribedItem(f"n{one}", "function", "x" * 10, "y" * 50) for one in range(3))
    part = DescribedPart("part", items=items)
    full = sum(one.size for one in items)
    plain = sum(replace(one, note="").size for one in items)
    assert _fitted(part, part.size + full) == part
    without = _fitted(part, part.size + full - 1)
    assert [(one.name, one.note) for one in without.items] == [("n0", ""), ("n1", ""), ("n2", "")]
    assert without.left_out == 0
    fewer = _fitted(part, part.size + plain - 1)
    assert [one.name for one in fewer.items] == ["n0", "n1"]
    assert fewer.left_out == 1
    inner = replace(items[1], depth=1)
    outer = _fitted(replace(part, items=(items[0], inner, items[2])), part.size + full - 1)
    assert [(one.name, bool(one.note)) for one in outer.items] == [("n0", True), ("n2", True)]

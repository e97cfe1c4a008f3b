"""Adjacent snippets are returned as one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kodit import Kodit
from kodit.domain.entities import StoredSnippet
from kodit.domain.search import joined


def stored(number: int, start: int, end: int) -> StoredSnippet:
    text = "\n".join(f"line {line}" for line in range(start, end + 1))
    return StoredSnippet(
        id=number,
        index_id=1,
        file_id=1,
        source="s",
        path="a.py",
        start_line=start,
        end_line=end,
        language="python",
        symbol=f"name{number}",
        kind="function",
        scope="",
        text=text,
    )


def test_a_row_becomes_one_snippet_with_its_blank_lines() -> None:
    """It keeps the symbol of the one that is shown."""
    above, shown, below = stored(1, 1, 2), stored(2, 4, 5), stored(3, 6, 7)
    one = joined(shown, [below, above], {1: 2, 2: 3, 3: 4})
    assert (one.start_line, one.end_line, one.symbol) == (1, 7, "name2")
    assert one.text == "line 1\nline 2\n\nline 4\nline 5\nline 6\nline 7"


@pytest.mark.parametrize(
    "following",
    [{1: 9, 9: 2}, {2: 3}, {}],
    ids=["another one is between", "of another version", "last"],
)
def test_snippets_that_do_not_follow_are_left_out(following: dict[int, int]) -> None:
    """A snippet between the two was not found, or they are of two versions of the file."""
    shown = stored(2, 4, 5)
    assert joined(shown, [stored(1, 1, 2)], following) == shown


@pytest.mark.parametrize("query", ["insert a node", "worker pool", "Ledger", "session", "queue"])
def test_an_answer_is_the_lines_that_it_names(searchable: Kodit, corpus: Path, query: str) -> None:
    for result in searchable.search(query, limit=30):
        found = result.snippet
        lines = (corpus / found.path).read_text().split("\n")
        assert found.text.split("\n") == lines[found.start_line - 1 : found.end_line]


def test_neighbours_that_match_alike_are_one_answer(tmp_path: Path) -> None:
    """Until one of them does not follow the previous one."""
    folder, data = tmp_path / "folder", tmp_path / "data"
    functions = [
        f"def {verb}_lantern(lantern):\n"
        + "".join(f"    lantern.{verb}({number})\n" for number in range(6))
        for verb in ("open", "shut")
    ]
    folder.mkdir()
    (folder / "lanterns.py").write_text("\n\n".join(functions))
    with Kodit(data) as kodit:
        kodit.index(folder)
        [one] = kodit.search("lantern")
        assert (one.snippet.start_line, one.snippet.end_line) == (1, 16)
        between = "def unrelated():\n" + "    return compute(1, 2, 3)\n" * 6
        (folder / "lanterns.py").write_text("\n\n".join([functions[0], between, functions[1]]))
        kodit.index(folder)
        assert {
            (one.snippet.start_line, one.snippet.end_line) for one in kodit.search("lantern")
        } >= {(1, 7)}

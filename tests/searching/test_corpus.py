"""Scores depend on the snippets of the searched indexes."""

from __future__ import annotations

from pathlib import Path

from tests.searching.test_history import QUERIES, answers_of, write

from kodit import Kodit


def test_another_index_changes_no_score(tmp_path: Path) -> None:
    """It shares every word; whether it exists, has changed or was deleted does not matter."""
    for file in range(12):
        write(tmp_path / "mine", file, file)
        write(tmp_path / "other", file, 100 + file)
    with Kodit(tmp_path / "data") as kodit:
        (mine,) = kodit.index(tmp_path / "mine")
        alone = answers_of(kodit, mine.id)
        kodit.index(tmp_path / "other")
        assert answers_of(kodit, mine.id) == alone
        write(tmp_path / "other", 3, 700)
        kodit.index(tmp_path / "other")
        assert answers_of(kodit, mine.id) == alone
        kodit.delete(tmp_path / "other")
        assert answers_of(kodit, mine.id) == alone
    assert all(alone[query, "hybrid"] for query in QUERIES)


def test_indexes_searched_together_are_one_corpus(tmp_path: Path) -> None:
    """Named one by one or all together, without the third one, which was not named."""
    for name, seed in (("one", 0), ("other", 50), ("third", 90)):
        for file in range(8):
            write(tmp_path / name, file, seed + file)
    with Kodit(tmp_path / "both") as kodit:
        kodit.index(tmp_path / "one", tmp_path / "other")
        expected = answers_of(kodit)
    with Kodit(tmp_path / "all") as kodit:
        ids = [one.id for one in kodit.index(*(tmp_path / n for n in ("third", "one", "other")))]
        assert answers_of(kodit, *ids[1:]) == expected

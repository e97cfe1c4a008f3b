"""Equal content gives equal answers, whatever happened before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.sources import write_file

from kodit import Kodit
from kodit.domain.value_objects import SearchMode

WORDS = (
    "anchor basket candle dragon ember falcon garden harbor island jungle kettle lantern meadow "
    "needle orchard pepper quartz ribbon saddle thunder umbrella velvet walnut yonder zephyr"
).split()
QUERIES = (
    "anchor basket",
    "where does the ember meet the harbor",
    "lantern",
    "meadow needle orchard pepper",
    "how is a quartz ribbon tied",
    "walnut velvet thunder",
    "get_lantern",
    "Falcon",
    "shared helper",
)
FILES = 24
Answers = dict[tuple[str, str], list[tuple[str, int, int, float, str]]]


def content(seed: int) -> str:
    """Functions of many lengths, from a few common words and many rare ones."""
    choice = random.Random(seed)  # noqa: S311 - not for secrets
    functions = []
    for _ in range(choice.randint(2, 7)):
        words = [WORDS[min(int(choice.expovariate(0.15)), len(WORDS) - 1)] for _ in range(60)]
        lines = [
            f"    {' = '.join(words[at : at + 3])}" for at in range(0, choice.randint(6, 57), 3)
        ]
        functions.append(f"def get_{words[0]}({words[1]}):\n" + "\n".join(lines) + "\n")
    return "\n\n".join(functions) + "\n\ndef shared_helper():\n    return 'shared'\n"


def write(tree: Path, file: int, seed: int) -> None:
    write_file(tree / f"part{file % 4}" / f"module{file}.py", content(seed))


def write_all(tree: Path) -> None:
    for file in range(FILES):
        write(tree, file, file)


def answers_of(kodit: Kodit, *index_ids: int) -> Answers:
    """The results in some indexes, or in all, in every mode, with scores."""
    return {
        (query, mode.value): [
            (
                result.snippet.path,
                result.snippet.start_line,
                result.snippet.end_line,
                result.score,
                result.snippet.text,
            )
            for result in kodit.search(query, mode=mode.value, limit=10, index_ids=index_ids)
        ]
        for query in QUERIES
        for mode in SearchMode
    }


def fresh_answers(place: Path, *sources: Path) -> Answers:
    with Kodit(place) as kodit:
        kodit.index(*sources)
        return answers_of(kodit)


def edits(kodit: Kodit, tree: Path) -> None:
    """Rounds of a few changed files, as in a day of work."""
    for turn in range(1, 4):
        for file in range(turn, FILES, 5):
            write(tree, file, 1000 * turn + file)
        kodit.index(tree)


def deletions(kodit: Kodit, tree: Path) -> None:
    """Deleted files, some of which come back."""
    kept = {file: file.read_text() for file in sorted(tree.rglob("*.py"))[::3]}
    for file in kept:
        file.unlink()
    kodit.index(tree)
    for file in list(kept)[::2]:
        file.write_text(kept[file])
    kodit.index(tree)


def another_index(kodit: Kodit, tree: Path) -> None:
    """An index that was made first and then deleted."""
    other = tree.parent / "other"
    for file in range(FILES):
        write(other, file, 5000 + file)
    (status,) = kodit.index(other)
    write(tree, 1, 7001)
    kodit.index(tree)
    kodit.delete(status.summary.index.id)


def there_and_back(kodit: Kodit, tree: Path) -> None:
    """Everything changed, and reverted."""
    for file in range(FILES):
        write(tree, file, 9000 + file)
    kodit.index(tree)
    write_all(tree)
    kodit.index(tree)


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Path]:
    write_all(tmp_path / "tree")
    yield tmp_path / "tree"


def test_rankings_are_those_of_a_fresh_index(tree: Path, tmp_path: Path) -> None:
    """In every mode, to the last digit of every score."""
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tree)
        for history in (there_and_back, another_index, edits, deletions):
            history(kodit, tree)
        found = answers_of(kodit)

    fresh = fresh_answers(tmp_path / "fresh", tree)
    assert {key for key in fresh if fresh[key] != found[key]} == set()
    assert all(fresh[query, "hybrid"] for query in QUERIES)


def test_the_order_of_adding_does_not_matter(tree: Path, tmp_path: Path) -> None:
    """Not even for copies of one project, which tie."""
    for file in range(FILES):
        write(tmp_path / "twin", file, file if file % 2 else 3000 + file)

    one = fresh_answers(tmp_path / "one", tree, tmp_path / "twin")
    other = fresh_answers(tmp_path / "other", tmp_path / "twin", tree)
    assert {key for key in one if one[key] != other[key]} == set()

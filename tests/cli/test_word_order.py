"""Two words in the wrong order: a source after the path, or before the pattern."""

from __future__ import annotations

import pytest
from tests.support.command import KoditCommand

PATH_LAST = "The source comes first, then the path."
SUBJECT_LAST = "The source comes first, then the subject."
NOWHERE = "there is no index or folder 'nowhere'; `kodit status` lists the indexes"


@pytest.mark.parametrize(
    ("command", "right_order", "said"),
    [
        ("read deep/quartz.py folder", "read folder deep/quartz.py", PATH_LAST),
        ("read deep/quartz.py:1-2 folder", "read folder deep/quartz.py:1-2", PATH_LAST),
        ("outline deep/quartz.py folder", "outline folder deep/quartz.py", PATH_LAST),
        ("related deep/quartz.py:1 folder", "related folder deep/quartz.py:1", PATH_LAST),
        ("explain deep/quartz.py folder", "explain folder deep/quartz.py", PATH_LAST),
        ("describe usage quartz folder", "describe usage folder quartz", SUBJECT_LAST),
        ("describe interface deep folder", "describe interface folder deep", SUBJECT_LAST),
    ],
)
def test_a_source_after_the_path_is_understood(
    command: str, right_order: str, said: str, indexed: KoditCommand
) -> None:
    swapped, typed = (indexed.run_here(*words.split()) for words in (command, right_order))
    assert (swapped.code, swapped.out) == (typed.code, typed.out) == (0, typed.out)
    assert typed.out
    assert swapped.said == [*typed.said, said]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("read shared.py nowhere", NOWHERE.replace("nowhere", "shared.py")),
        ("read folder shared.txt/x", None),
        ("read nothing_at_all.md folder", None),
        ("describe usage nowhere quartz", NOWHERE),
        (
            "grep folder nowhere",
            "there is no index or folder 'nowhere'; the pattern comes first, then the source",
        ),
        (
            "symbols folder nowhere",
            "there is no index or folder 'nowhere'; the name comes first, then the source",
        ),
        ("grep nothing nowhere", NOWHERE),
        ("grep -e folder nowhere", NOWHERE),
        ("grep folder nowhere -s nowhere", NOWHERE),
        ("symbols nothing nowhere", NOWHERE),
    ],
)
def test_an_error_is_about_the_word_that_is_wrong(
    command: str, sentence: str | None, indexed: KoditCommand
) -> None:
    """Without a sentence, it is the one about the path in the right order."""
    outcome = indexed.run_here(*command.split())
    assert (outcome.code, outcome.out) == (2, "")
    if sentence is None:
        assert outcome.said[0].startswith("kodit: the index of ")
    else:
        assert outcome.said == [f"kodit: {sentence}"]

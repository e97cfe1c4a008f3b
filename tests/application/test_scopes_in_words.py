"""What an answer lacks, in words, and the globs and paths of a part of an index."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from kodit.application.services.index_locator import Part
from kodit.application.services.scope_service import _filter_of, _globs_in, _paths_in
from kodit.application.services.standing_words import lacking_in, nothing_found
from kodit.application.views.standing import StandingRunView, StandingView
from kodit.domain.entities import Index, WorkingCopy
from kodit.domain.questions import Where
from kodit.domain.value_objects import Source, SourceKind

NOW = datetime(2026, 1, 2, tzinfo=UTC)
RUN = StandingRunView(7, "running", 40)


def standing(number: int = 1, **changes: Any) -> StandingView:
    facts: dict[str, Any] = {
        "source": "/a",
        "state": "complete",
        "commit": None,
        "indexed_at": None,
        "run": None,
        "changed_files": 0,
        "pending": (),
        "failed": (),
        "left_out": {},
        "unsearched": (),
    }
    return StandingView(number, **(facts | changes))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, None),
        ({"run": RUN}, None),
        ({"state": "indexing"}, "/a (index 1) is still being indexed"),
        ({"state": "indexing", "run": RUN}, "/a (index 1) is still being indexed, 40 %"),
        (
            {"state": "indexing", "run": StandingRunView(7, "running", None)},
            "/a (index 1) is still being indexed",
        ),
        (
            {"state": "indexing", "run": StandingRunView(7, "running", 0), "changed_files": 3},
            "/a (index 1) is still being indexed, 0 %",
        ),
        (
            {"state": "incomplete", "changed_files": 1},
            "/a (index 1) is not completely indexed, and no run is in progress",
        ),
        ({"state": "failed"}, "the last run of /a (index 1) failed"),
        (
            {"state": "failed", "failed": ("SYNC", "ENRICH"), "changed_files": 2},
            "the last run of /a (index 1) failed in SYNC, ENRICH",
        ),
        ({"changed_files": 1}, "1 file has changed in /a (index 1) since it was indexed"),
        (
            {"changed_files": 2, "state": "updating", "run": RUN},
            "2 files have changed in /a (index 1) since it was indexed",
        ),
        ({"state": "updating", "run": RUN}, "/a (index 1) is being updated, 40 %"),
    ],
)
def test_what_an_index_is_missing(changes: dict[str, Any], words: str | None) -> None:
    """The heaviest reason first."""
    assert lacking_in(standing(**changes)) == words


def test_why_nothing_was_found() -> None:
    """Each index that lacks something; or else the files left out of all."""
    assert nothing_found([]) == "Nothing is indexed yet."
    assert nothing_found([standing()]) == "Nothing found."
    lacking = [standing(1, state="failed"), standing(2), standing(3, changed_files=1)]
    assert nothing_found(lacking) == (
        "Nothing found; the last run of /a (index 1) failed; 1 file has changed in /a (index 3) "
        "since it was indexed."
    )
    left_out = [
        standing(1, left_out={"binary": 2, "secret": 1}),
        standing(2, left_out={"secret": 4}),
    ]
    told = "Nothing found; files left out: 5 as secret, 2 as binary."
    assert nothing_found(left_out) == told


def index(number: int, location: str = "/code/shop") -> Index:
    return Index(number, Source(SourceKind.FOLDER, location), WorkingCopy(), NOW)


WHOLE, DEEP, FILE = Part(index(1)), Part(index(1), "src/deep"), Part(index(1), "src/a.py")


@pytest.mark.parametrize(
    ("part", "path", "paths"),
    [
        (WHOLE, "a.py", ("a.py",)),
        (WHOLE, "./src/a.py", ("src/a.py",)),
        (WHOLE, "/code/shop/src/a.py", ("src/a.py",)),
        (WHOLE, "/code/shopping/a.py", ("/code/shopping/a.py",)),
        (DEEP, "a.py", ("src/deep/a.py", "src/a.py", "a.py")),
        (DEEP, "../b.py", ("src/b.py", "b.py", "../b.py")),
        (DEEP, "/code/shop/b.py", ("b.py",)),
        (FILE, "a.py", ("src/a.py/a.py", "src/a.py", "a.py")),
    ],
)
def test_where_a_path_may_lead(part: Part, path: str, paths: tuple[str, ...]) -> None:
    """From the selected part, from its siblings, or from the top of its index."""
    assert _paths_in(part, path) == paths


def test_globs_of_a_part() -> None:
    """Globs with a slash start in it as well; an absolute one belongs to the index that holds
    it."""
    globs = ("*.py", "sub/*.py", "./sub/x", "/top/*", "!no/x", "**/y/z", "folder/")
    assert _globs_in([WHOLE], globs) == globs
    assert _globs_in([DEEP], globs) == (*globs, "/src/deep/sub/*.py", "/src/deep/sub/x")
    assert _globs_in([WHOLE], ("/code/shop/src/*.py",)) == ("/code/shop/src/*.py", "/src/*.py")
    assert _globs_in([WHOLE], ("/code/shopping/*.py",)) == ("/code/shopping/*.py",)
    assert _globs_in([DEEP, DEEP], ("a/b", "a/b")) == ("a/b", "/src/deep/a/b")


def test_a_whole_index_holds_its_parts() -> None:
    """Each index is named once, and a part only if the whole index is not selected."""
    other = Part(index(2, "/other"), "lib")
    found = _filter_of([DEEP, other, WHOLE, other], Where(languages=("py",), authors=("Ada",)))
    assert (found.index_ids, found.within) == ((1, 2), ((2, "lib"),))
    assert (found.languages, found.authors, found.paths) == (("python",), ("Ada",), ())
    assert _filter_of([DEEP, FILE], Where()).within == ((1, "src/deep"), (1, "src/a.py"))

"""Rules of hosts, of empty indexes and of keyword batches; and patterns with odd brackets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from kodit.domain.entities import Index, IndexRun, IndexSummary, WorkingCopy
from kodit.domain.errors import SourceError
from kodit.domain.keyword import KeywordBatch, KeywordPosition
from kodit.domain.this_host import ALONE, ON_ANOTHER_HOST, ThisHost
from kodit.domain.value_objects import QueuePriority, Source, SourceKind
from kodit.infrastructure.folder.wildmatch import compiled
from kodit.infrastructure.slicing.naming import without_type

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FOLDER, GIT = Source(SourceKind.FOLDER, "/code/shop"), Source(SourceKind.GIT, "https://a/b.git")
ADA = ThisHost("ada", ("/shared",))


@pytest.mark.parametrize(
    ("host", "folder", "named"),
    [
        (ALONE, "/code/shop", ""),
        (ADA, "/code/shop", "ada"),
        (ADA, "/shared", ""),
        (ADA, "/shared/shop", ""),
        (ADA, "/shared2/shop", "ada"),
    ],
)
def test_the_host_of_a_folder(host: ThisHost, folder: str, named: str) -> None:
    """None for what every host has, and where there is only one."""
    source = replace(FOLDER, location=folder)
    assert host.of_source(source) == replace(source, host=named)
    assert host.of_source(GIT) == GIT
    if host is not ALONE:
        assert host.of_folder(folder) == named


def test_the_files_of_another_host_cannot_be_read() -> None:
    """Those of one's own, and of every host, can."""
    theirs = replace(FOLDER, host="bob")
    for source in (GIT, FOLDER, replace(FOLDER, host="ada")):
        assert ADA.has(source)
        ADA.check(source)
    assert ALONE.has(theirs)
    assert not ADA.has(theirs)
    with pytest.raises(SourceError, match="is a folder of the host bob") as elsewhere:
        ADA.check(theirs)
    assert elsewhere.value.code == ON_ANOTHER_HOST
    assert elsewhere.value.fields == {"source": str(theirs), "host": "bob"}


@pytest.mark.parametrize(
    ("source", "commit", "files", "skipped", "is_complete", "why"),
    [
        (FOLDER, None, 0, {}, True, "the folder is empty"),
        (FOLDER, None, 0, {"binary": 1}, True, "all files are left out"),
        (FOLDER, None, 0, {}, False, None),
        (FOLDER, None, 1, {"binary": 1}, True, None),
        (GIT, None, 0, {"binary": 1}, True, "the repository has no commits"),
        (GIT, "a1", 0, {"binary": 1}, True, "all files are left out"),
        (GIT, "a1", 0, {}, True, "the commit has no files"),
    ],
)
def test_why_an_index_has_no_files(
    source: Source,
    *,
    commit: str | None,
    files: int,
    skipped: dict[str, int],
    is_complete: bool,
    why: str | None,
) -> None:
    updated_at = NOW if is_complete else None
    index = Index(1, source, WorkingCopy(commit, skipped=skipped), NOW, updated_at=updated_at)
    assert IndexSummary(index, files, 0).why_empty == why


def test_a_task_of_a_run_by_its_number() -> None:
    run = IndexRun.create(1, QueuePriority.BACKGROUND, NOW)
    for number, task in enumerate(run.tasks):
        task.id = number + 5
    assert run.task(6) is run.tasks[1]
    with pytest.raises(StopIteration):
        run.task(4)


BEFORE = KeywordPosition("g", 4, 40)
BATCH = KeywordBatch(1, 6, (), (), "g", BEFORE, {5: 50, 6: 60})


@pytest.mark.parametrize(
    ("batch", "position", "continues"),
    [
        (BATCH, BEFORE, True),
        (BATCH, KeywordPosition("g", 5, 50), True),
        (BATCH, BATCH.reached, True),
        (BATCH, KeywordPosition("g", 6, 61), False),
        (BATCH, KeywordPosition("g", 7, 70), False),
        (BATCH, KeywordPosition("g", 4, 41), False),
        (BATCH, KeywordPosition("h", 4, 40), False),
        (BATCH, None, False),
        (replace(BATCH, follows=None), None, True),
        (replace(BATCH, follows=None), KeywordPosition("h", 5, 50), True),
        (replace(BATCH, follows=None), KeywordPosition("g", 5, 50), True),
        (replace(BATCH, follows=None), KeywordPosition("g", 7, 70), False),
        (replace(BATCH, replaces=True), KeywordPosition("g", 7, 70), True),
        (replace(BATCH, replaces=True), None, True),
    ],
)
def test_where_a_batch_continues(
    batch: KeywordBatch, position: KeywordPosition | None, continues: bool
) -> None:
    assert batch.continues(position) is continues


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("a[b-d]", "ab ac ad", "aa ae a-"),
        (r"a[b-\d]", "ab ac ad", "aa ae a- a\\"),
        ("a[b-]", "ab a-", "ac"),
        ("a[-b]", "ab a-", "ac"),
        ("a[/]", "", "a/ aa"),
        ("a[]b]", "a] ab", "aa"),
        ("a[[:digit:]x]", "a0 ax", "aa a:"),
        ("a[[:x]", "a[ a: ax", "aa"),
        ("a[d-b]", "ad", "ac ab"),
    ],
)
def test_brackets(pattern: str, matching: str, others: str) -> None:
    """In patterns for whole paths, where none of them stands for a slash."""
    expression = compiled(pattern, True)
    assert expression is not None
    assert all(expression.fullmatch(one) for one in matching.split())
    assert not any(expression.fullmatch(one) for one in others.split())


@pytest.mark.parametrize(
    ("declared", "name"),
    [
        ("a", "a"),
        ("std::atomic<int> a", "a"),
        ("std::map<int, std::vector<int>> a", "a"),
        ("const char *a", "a"),
        ("A &&a", "a"),
        ("A *", "A *"),
        ("bool operator ==", "bool operator =="),
    ],
)
def test_a_declared_name_without_its_type(declared: str, name: str) -> None:
    assert without_type(declared) == name

"""Disk or memory runs out: the process affected says so, and the next attempt continues."""

from __future__ import annotations

import asyncio
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support import child_work
from tests.support.command import KoditCommand, finish
from tests.support.disk import small_disk
from tests.support.sources import write_tree

from kodit.domain.entities import StoredSnippet
from kodit.domain.errors import TransientError
from kodit.domain.keyword import KeywordBatch, KeywordPosition
from kodit.infrastructure.keyword.standing import read_standing
from kodit.infrastructure.keyword.writing import apply_batches
from kodit.infrastructure.processes.pool import ProcessPool

pytestmark = pytest.mark.real_children

WORK = child_work.__name__


def batch(seq: int, words: int) -> KeywordBatch:
    """The addition of one snippet of this many different words; each batch follows the previous
    one.
    """
    snippet = StoredSnippet(
        id=seq,
        index_id=1,
        file_id=1,
        source="/source",
        path="words.txt",
        start_line=1,
        end_line=1,
        language="text",
        symbol=None,
        kind=None,
        scope="",
        text=" ".join(_word(number) for number in range(words)),
    )
    follows = KeywordPosition("g", seq - 1, seq - 1) if seq > 1 else None
    return KeywordBatch(1, seq, (), (snippet,), "g", follows, {seq: seq})


def _word(number: int) -> str:
    """A word of six letters, different for each number."""
    return "".join(chr(ord("a") + number * 7919 // 26**place % 26) for place in range(6))


def apply(folder: Path, one: KeywordBatch) -> bool:
    return apply_batches(str(folder), [one], report=lambda *_: None) == [True]


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """As `ulimit -f` does it, for this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_keyword_index_whose_files_may_not_grow_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "keyword" / "6"
    assert apply(folder, batch(1, words=10))
    with files_limited_to(4096), pytest.raises(TransientError, match="may not grow beyond 4096"):
        apply(folder, batch(2, words=20_000))
    assert read_standing(folder).position(1) == ("g", 1, 1)
    assert apply(folder, batch(2, words=20_000))


def test_a_keyword_index_on_a_full_disk_says_so(tmp_path: Path) -> None:
    with (
        small_disk(tmp_path / "disk", megabytes=1) as disk,
        pytest.raises(TransientError, match=r"the disk of .* is full"),
    ):
        apply(disk / "keyword" / "6", batch(1, words=200_000))


def test_what_a_killed_writer_has_left_goes_with_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "keyword" / "6"
    assert apply(folder, batch(1, words=10))
    for name in (".tmpAbCdEf", "positions.json.4711.tmp"):
        (folder / name).write_bytes(b"half")
    (folder.parent / "0123456789abcdef.tmp").mkdir()
    assert apply(folder, batch(1, words=10))
    assert not [*folder.glob("*.tmp"), *folder.glob(".tmp*"), *folder.parent.glob("*.tmp")]


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProcessPool]:
    """One child process that can import the tests."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]), prepend=":")
    pool = ProcessPool(tmp_path, 1)
    yield pool
    pool.close()


@pytest.mark.parametrize(
    ("work", "said"),
    [
        ("want_memory", "there is not enough memory"),
        ("want_a_library", "there is not enough memory"),
        ("want_a_thread", "no more processes or threads"),
        ("be_killed", "was killed by SIGKILL, as the system does if memory runs out,"),
        ("end_short_of_memory", "ran out of memory"),
    ],
)
def test_a_child_that_is_short_of_something_may_be_asked_again(
    work: str, said: str, pool: ProcessPool
) -> None:
    with pytest.raises(TransientError, match=said):
        asyncio.run(pool.call(f"{WORK}:{work}"))
    assert asyncio.run(pool.call(f"{WORK}:answer_large", 10)) == bytes(10)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory cannot be limited")
def test_a_command_with_too_little_memory_says_so(kodit: KoditCommand, tmp_path: Path) -> None:
    write_tree(tmp_path / "source", files=2)

    def limit_memory() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (250 << 20, 250 << 20))

    outcome = finish(kodit.start("index", tmp_path / "source", preexec_fn=limit_memory))
    assert outcome.code == 1
    assert "memory" in outcome.said[-1].lower()
    kodit.succeed("index", tmp_path / "source")

"""Pasted text is found in its place: an error message, a line, a place in a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.sources import write_file

from kodit import Kodit
from kodit.domain.value_objects import SearchMode

STOPPED = "Server stop took too long."
FILES = {
    "src/server.py": f'''
class Server:
    def stop(self, seconds):
        if not self.join(seconds):
            raise TimeoutError("{STOPPED}")

    def open(self, path):
        if path in self.opened:
            raise ValueError(f"Path {{path!r}} of {{self.name}} is " "open already")
'''.lstrip(),
    # More of the words, and in more places, than where the sentence stands.
    "src/stopping.py": '''
class StopServer:
    """Stop a server that took long: too long to stop, too long to serve."""

    def server_stop(self, long, took):
        self.stop_server(took, long)
        return self.stop.took.too.long
'''.lstrip(),
    "src/opening.py": '''
class OpenPath:
    """A path that is open: is a path already open, or open already?"""

    def is_open(self, path):
        return self.path == path and self.already_open
'''.lstrip(),
    "src/options.py": '''
DEFAULTS = ("retry", "delay", "retry delay", "content type")


def defaults(retry, delay):
    """Retry, delay, retry: how long to delay a retry."""
    return retry.delay(delay.retry)


def read(arguments):
    arguments.add("--retry-delay", 3)
    arguments.take("retry.delay.most")
    arguments.take(external_retry_delay(0x8F00))
    arguments.send("text/retry", "Retry-Delay")


def _send(arguments, content):
    """Text of retry: text, retry, text."""
    return arguments.text(content.retry)
'''.lstrip(),
    "docs/server.md": "# Server\n\nHow long a server took to stop.\n",
    "lib/server.py": "".join(
        f"def work_{n}(value):\n    return value + {n}\n\n\n" for n in range(99)
    ),
}


@pytest.fixture(scope="module")
def pasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kodit]:
    folder = tmp_path_factory.mktemp("pasted")
    for path, text in FILES.items():
        write_file(folder / path, text)
    with Kodit(folder / "data") as kodit:
        kodit.index(folder / "src")
        kodit.index(folder / "lib")
        kodit.index(folder / "docs")
        yield kodit


def first(kodit: Kodit, query: str, **options: object) -> tuple[str, int, int]:
    found = kodit.search(query, limit=1, **options)[0].snippet  # type: ignore[arg-type]
    return found.path, found.start_line, found.end_line


@pytest.mark.parametrize(
    ("query", "line"),
    [
        (STOPPED, 4),
        (f'"{STOPPED}"', 4),
        (f"TimeoutError: {STOPPED}", 4),
        (f"Worker: TimeoutError: {STOPPED} Giving up on it", 4),
        ("Path '/tmp/x' of web is open already", 8),
        ("Path [stopping] of <web> is open already", 8),  # values that are words elsewhere
        ("if path in self.opened:", 7),
    ],
)
def test_a_sentence_is_found_where_it_is_said(pasting: Kodit, query: str, line: int) -> None:
    path, start, end = first(pasting, query)
    assert path == "server.py"
    assert start <= line <= end
    explained = pasting.search(query, limit=1)[0].explanation
    assert any(part.signal == "pasted" and part.points > 0 for part in explained)


@pytest.mark.parametrize(
    "query",
    [
        "lib/server.py:198",
        "server.py:198",  # of two files of the name, one has so many lines
        'File "/srv/lib/server.py", line 198, in work_49',
        "lib/server.py:196",  # which is blank, and nearest to the function below
    ],
)
def test_a_line_of_a_file_is_shown(pasting: Kodit, query: str) -> None:
    path, start, end = first(pasting, query)
    assert path == "server.py"
    assert start <= 198 <= end


def test_a_function_that_has_moved_is_found_by_its_name(pasting: Kodit) -> None:
    """In a trace of another version, the lines are those of something else."""
    path, start, end = first(pasting, 'File "/srv/lib/server.py", line 20, in work_49')
    assert path == "server.py" and start <= 198 <= end


TRACE = """
Traceback (most recent call last):
  File "/usr/lib/python3.11/threading.py", line 982, in run
    self._target(*self._args, **self._kwargs)
  File "/srv/lib/server.py", line 198, in work_49
    StopServer().server_stop(1, 2)
  File "/srv/src/stopping.py", line 5, in server_stop
    self.stop_server(took, long)
  File "/srv/lib/server.py", line 42, in work_10
    OpenPath().is_open(path)
  File "/srv/src/opening.py", line 5, in is_open
    return self.path == path and self.already_open
AttributeError: 'OpenPath' object has no attribute 'server'
"""


def test_the_frames_of_a_trace_are_the_first_results_innermost_first(pasting: Kodit) -> None:
    """Two of them are in one file, and a page of frames of libraries is before or after them."""
    library = '  File "/usr/lib/python3.11/a/long/path/to/queue.py", line {}, in get\n'
    outer = "".join(library.format(number) for number in range(99))
    head, _, frames = TRACE.partition("line 982, in run")
    inner = ' File "/usr/lib/python3.11/a/code.py", line 1, in get\n' * 20
    for trace in (TRACE, f"{head}line 982, in run\n{outer}{frames}", f"{TRACE}{inner}"):
        found = [one.snippet for one in pasting.search(trace, limit=5)]
        places = [(one.path, one.start_line) for one in found[:4]]
        assert [path for path, _line in places] == [
            "opening.py",
            "server.py",
            "stopping.py",
            "server.py",
        ]
        assert places[1][1] <= 42 < places[3][1] <= 198
        assert pasting.search(trace, limit=2) == pasting.search(trace, limit=5)[:2]


def test_a_path_tells_files_of_one_name_apart(pasting: Kodit) -> None:
    found = pasting.search("src/server.py:4", limit=5)
    assert found[0].snippet.text.splitlines()[0] == "class Server:"


def test_nothing_pasted_is_found_outside_of_the_scope(pasting: Kodit) -> None:
    """Neither a sentence nor a line of a file that a filter leaves out."""
    for query in (STOPPED, "server.py:198"):
        found = pasting.search(query, limit=20, paths=["docs/**", "*.md", "stopping.py"])
        assert {one.snippet.path for one in found} <= {"server.md", "stopping.py"}
        assert not any(part.signal == "pasted" for one in found for part in one.explanation)


@pytest.mark.parametrize(
    "query",
    [
        "--retry-delay",
        "retry.delay.most",
        "external_retry_delay",
        "0x8F00",
        "text/retry",
        "retry-delay",
        "Retry-Delay",
    ],
)
def test_a_token_is_found_where_it_is_written(pasting: Kodit, query: str) -> None:
    """Though other places have more of its words."""
    path, start, end = first(pasting, query)
    assert path == "options.py"
    assert start <= 11 <= end


def test_a_file_that_is_asked_for_is_before_those_that_name_it(tmp_path: Path) -> None:
    write_file(tmp_path / "source" / "lib" / "url.c", "int url;\n")
    write_file(tmp_path / "source" / "build.txt", "lib/url.c lib/url.c url.c: made of url.c\n")
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "source")
        for query in ("lib/url.c", "url.c"):
            assert kodit.search(query)[0].snippet.path == "lib/url.c"


def test_a_definition_is_before_what_mentions_it_with_its_scope(tmp_path: Path) -> None:
    mentions = "# see Cart.add\n" + "Cart.add(cart, 1)\n" * 5
    write_file(
        tmp_path / "source" / "cart.py", "class Cart:\n    def add(self, n):\n        pass\n"
    )
    write_file(tmp_path / "source" / "shop.py", mentions)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "source")
        assert [one.snippet.path for one in kodit.search("Cart.add")] == ["cart.py", "shop.py"]


def test_a_single_engine_knows_nothing_of_it(pasting: Kodit) -> None:
    [found] = pasting.search("server.py:198", limit=1, mode=SearchMode.KEYWORD)
    assert not found.explanation

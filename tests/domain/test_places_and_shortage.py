"""Typed places in files, and errors of exhausted resources."""

from __future__ import annotations

import errno

import pytest

from kodit.domain.errors import InvalidQueryError, TransientError
from kodit.domain.files import FilePlace, parse_place
from kodit.domain.shortage import shortage


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a.py", FilePlace("a.py")),
        ("./a.py", FilePlace("a.py")),
        ("a.py:7", FilePlace("a.py", 7, 7)),
        ("./a.py:7", FilePlace("a.py", 7, 7)),
        ("a.py:3-3", FilePlace("a.py", 3, 3)),
        ("a.py:3-9", FilePlace("a.py", 3, 9)),
        ("a.py:3-", FilePlace("a.py", 3, None)),
        ("a:1:2", FilePlace("a", 1, 1)),
        ("a\nb:2", FilePlace("a\nb", 2, 2)),
        # A line and a column, as compilers and grep write them, with and without what follows.
        ("a.py:12:5", FilePlace("a.py", 12, 12)),
        ("a.py:12:0", FilePlace("a.py", 12, 12)),
        ("a.py:12:5:", FilePlace("a.py", 12, 12)),
        ("a.py:12:", FilePlace("a.py", 12, 12)),
        ("a.py:30,40", FilePlace("a.py", 30, 40)),
        ("a.py:30..40", FilePlace("a.py", 30, 40)),
        ("a.py:L30-L40", FilePlace("a.py", 30, 40)),
        ("a.py#L30", FilePlace("a.py", 30, 30)),
        ("a.py#L30-L32", FilePlace("a.py", 30, 32)),
        ("a.py#L30C2-L32C9", FilePlace("a.py", 30, 32)),
        (".//web//a.py/", FilePlace("web/a.py")),
        ("/x/./a.py:3", FilePlace("/x/a.py", 3, 3)),
        ("a.py:999999999", FilePlace("a.py", 999_999_999, 999_999_999)),
        # A number that no line has is a part of the name, as is what is no number.
        ("a.py:1000000000", FilePlace("a.py:1000000000")),
        ("a.py:-3", FilePlace("a.py:-3")),
        (":7", FilePlace(":7")),
    ],
)
def test_a_place_is_a_path_and_lines(text: str, place: FilePlace) -> None:
    assert parse_place(text) == place


@pytest.mark.parametrize("lines", ["0", "0-5", "0-", "5-4"])
def test_invalid_lines(lines: str) -> None:
    with pytest.raises(InvalidQueryError, match=f"invalid line range {lines}:") as refused:
        parse_place(f"a:b.py:{lines}")
    assert (refused.value.code, refused.value.fields) == ("lines_invalid", {"lines": lines})


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "there is not enough memory;"),
        (ImportError("lib.so: Cannot allocate memory"), "there is not enough memory;"),
        (ImportError("failed to map segment from shared object"), "there is not enough memory;"),
        (RuntimeError("Out of memory"), "there is not enough memory;"),
        (ValueError("cannot allocate memory for array"), "there is not enough memory;"),
        (OSError(errno.ENOMEM, "x"), "there is not enough memory to start a process;"),
        (OSError(errno.EMFILE, "x"), "no more files can be opened at once;"),
        (OSError(errno.ENFILE, "x"), "no more files can be opened at once;"),
        (OSError(errno.EAGAIN, "x"), "no more processes or threads can be started,"),
        (RuntimeError("can't start new thread"), "no more processes or threads can be started,"),
    ],
)
def test_exhausted_resources_are_transient_errors(error: Exception, sentence: str) -> None:
    """The stage is retried, and the user is told what to change."""
    found = shortage(error)
    assert isinstance(found, TransientError)
    assert str(found).startswith(sentence)
    assert "KODIT_WORKER_SLOTS" in str(found)


@pytest.mark.parametrize(
    "error",
    [
        *(
            ImportError("no module"),
            RuntimeError("no"),
            ValueError("no"),
            OSError(errno.ENOENT, "x"),
        ),
        *(LookupError("out of memory"), ValueError("can't start new thread")),
    ],
)
def test_another_error_is_none_of_the_machine(error: Exception) -> None:
    assert shortage(error) is None

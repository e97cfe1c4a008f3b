"""The first reason in a file's content to leave it out, without a child process."""

from __future__ import annotations

import pytest

from kodit.infrastructure.sources.child_functions import _reason_to_leave_out, extract_one
from kodit.infrastructure.sources.location import FileToExtract

KEY = b"-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:quartz\nsize 7\n"


@pytest.mark.parametrize(
    ("data", "encoding", "is_generated", "reason"),
    [
        (b"\0\1\2" * 100, None, False, "binary"),
        (b"\0\1\2" * 100 + KEY, None, True, "binary"),
        (b"\0\1\2" * 100, "utf-16", False, None),
        (KEY, None, True, "secret"),
        (POINTER + KEY, None, True, "secret"),
        (POINTER, None, True, "kept by git-lfs"),
        (b"one = 1\n", None, True, "generated"),
        (b"one = 1\n", None, False, None),
        (b"", None, False, None),
    ],
)
def test_the_first_reason_counts(
    data: bytes, encoding: str | None, *, is_generated: bool, reason: str | None
) -> None:
    """Binary data are not searched for others, unless they are text in a declared encoding."""
    assert _reason_to_leave_out(data, encoding, is_generated=is_generated) == reason


def test_what_is_left_out_has_no_snippets() -> None:
    for data, problem in ((KEY, "secret"), (b"one = 1\n", None)):
        sliced = extract_one(FileToExtract(1, "a.py", "x"), data).sliced
        assert sliced is not None
        assert (sliced.problem, bool(sliced.snippets)) == (problem, problem is None)
    assert extract_one(FileToExtract(1, "a.py", "x"), None).sliced is None

"""From bytes to lines of text."""

from __future__ import annotations

import codecs

import pytest

from kodit.infrastructure.decoding import decode, is_blank
from kodit.infrastructure.slicing import slice_file


@pytest.mark.parametrize(
    "data",
    [
        "größe = 1\n".encode(),
        codecs.BOM_UTF8 + "größe = 1\n".encode(),
        codecs.BOM_UTF16_LE + "größe = 1\n".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "größe = 1\n".encode("utf-16-be"),
        "größe = 1\n".encode("latin-1"),
        "größe = 1\r\n".encode(),
    ],
)
def test_text_is_the_same_in_each_encoding(data: bytes) -> None:
    """UTF-8, UTF-16 with a byte order mark, Latin-1; with either line end."""
    sliced = slice_file("a.py", data)
    assert [snippet.text for snippet in sliced.snippets] == ["größe = 1"]


def test_old_line_ends_are_line_ends() -> None:
    """Carriage returns alone, when there is no line feed."""
    sliced = slice_file("a.txt", b"one\rtwo\rthree")
    assert [(s.start_line, s.end_line, s.text) for s in sliced.snippets] == [
        (1, 3, "one\ntwo\nthree")
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"\x7fELF\x02\x01\x01\x00",
        b"text\x00text",
        codecs.BOM_UTF16_LE + "a\0b".encode("utf-16-le"),
        bytes(range(128, 256)) + bytes([1, 2, 3, 4, 5, 6, 14, 15, 16, 17, 18, 19, 20, 21, 22]),
    ],
)
def test_binary(data: bytes) -> None:
    """A NUL character, or many control characters in what is not UTF-8."""
    sliced = slice_file("a.py", data)
    assert sliced.problem == "binary"
    assert sliced.snippets == ()


@pytest.mark.parametrize("data", [b"", b"\n", b" \t\r\n\n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_nothing_in_it(data: bytes) -> None:
    """No snippets, and nothing wrong."""
    sliced = slice_file("a.py", data)
    assert sliced.problem is None
    assert sliced.snippets == ()


def test_a_tenth_of_control_characters_is_text() -> None:
    """Of what is not UTF-8; one more is binary. Half a character of UTF-16 is replaced."""
    assert decode(b"\xe4" * 9 + b"\x01") == "ä" * 9 + "\x01"
    assert decode(b"\xe4" * 8 + b"\x01") is None
    assert decode(codecs.BOM_UTF16_LE + "ab".encode("utf-16-le")[:-1]) == "a\ufffd"
    assert decode(b"one\r\ntwo\rthree") == "one\ntwo\rthree"
    assert [is_blank(line) for line in ("", " \t\f", "a")] == [True, True, False]

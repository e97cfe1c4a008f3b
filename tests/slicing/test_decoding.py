"""Decoding bytes into lines of text."""

from __future__ import annotations

import codecs
import struct

import pytest

from kodit.infrastructure.declared_encoding import declared_encodings
from kodit.infrastructure.decoding import decode, is_blank, looks_binary
from kodit.infrastructure.slicing.slicer import slice_file


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
    """No snippets, and no problem."""
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


RUSSIAN = "# Считает сумму заказов за месяц и печатает отчёт\nимя = 1\n"
JAPANESE = "# 注文の合計を計算して、報告を印刷する\nx = 1\n"
GERMAN = "# Prüft die Größe, löscht überflüssige Einträge und öffnet die Tür\nx = 1\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", [RUSSIAN, JAPANESE, GERMAN, "x = 1\n"])
def test_wide_text_without_a_mark(encoding: str, text: str) -> None:
    """Recognised by the position of the zeros."""
    data = text.encode(encoding)
    assert not looks_binary(data)
    assert decode(data) == text


@pytest.mark.parametrize("encoding", ["utf-32-le", "utf-32-be"])
def test_utf_32_with_its_mark(encoding: str) -> None:
    """That of UTF-32 begins as that of UTF-16 does."""
    assert decode(("\ufeff" + RUSSIAN).encode(encoding)) == RUSSIAN


@pytest.mark.parametrize(
    "data",
    [
        b"".join(struct.pack("<H", number) for number in range(2_000)),
        b"".join(struct.pack("<I", number % 200) for number in range(2_000)),
        b"".join(struct.pack("<d", number / 7) for number in range(500)),
        b"\0" * 4_000,
        b"a\0" * 1_000,
    ],
    ids=["shorts", "integers", "doubles", "zeros", "without a space"],
)
def test_numbers_are_no_wide_text(data: bytes) -> None:
    """They have zeros too, but other characters besides."""
    assert looks_binary(data)
    assert decode(data) is None


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        ("# 计算订单的总和并打印报告\n# 返回数字\nx = 1\n", "gb18030"),
        ("# 計算訂單的總和並列印報告\n# 返回數字\n", "big5"),
        ("# 주문 합계를 계산하고 보고서를 인쇄합니다\nx = 1\n", "euc_kr"),
        ("# Υπολογίζει το άθροισμα των παραγγελιών\n" * 2, "cp1253"),
        ("# Zażółć gęślą jaźń, sprawdza długość łańcucha\n" * 2, "cp1250"),
        (GERMAN, "latin-1"),
        ("# Vérifie les clés déjà présentes, où la fenêtre a été créée après\n", "latin-1"),
        ("# för är på även nästa fältet värde läsa större användare\n", "latin-1"),
    ],
)
def test_a_guess_by_the_letters(text: str, encoding: str) -> None:
    """For what is not UTF-8 and declares nothing."""
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    ("declaration", "encoding"),
    [
        ("# -*- coding: cp1251 -*-\n", "cp1251"),
        ("#!/usr/bin/python\n# vim: set fileencoding=koi8-r :\n", "koi8-r"),
        ("<?xml version='1.0' encoding='windows-1251'?>\n", "cp1251"),
        ('<html><head>\n\n\n<meta charset="iso-8859-5">\n', "iso-8859-5"),
        ('<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">\n', "koi8-r"),
        ('@charset "cp866";\n', "cp866"),
        ("-- coding: mac_cyrillic\n", "mac_cyrillic"),
    ],
)
def test_a_declared_encoding(declaration: str, encoding: str) -> None:
    """A single word would be too little for a guess."""
    text = f"{declaration}имя\n"
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "declaration",
    [
        "# coding: nonesuch\n",
        "# coding: rot13\n",
        "# coding: zlib\n",
        "# coding: utf-8\n",
        "\n" * 5,
    ],
)
def test_a_declaration_that_does_not_hold(declaration: str) -> None:
    """It is ignored: every byte is a character in Latin-1."""
    data = declaration.encode() + b"caf\xe9\n"
    assert decode(data) == f"{declaration}café\n"


def test_a_nul_far_down_is_no_binary_file() -> None:
    """git only checks the beginning, too; databases reject the character."""
    text = "x = 1\n" * 2_000
    assert decode(f"{text}y = '\0'\n".encode()) == f"{text}y = '\ufffd'\n"
    assert decode(f"{text}".encode() + bytes(9_000)) is None


@pytest.mark.parametrize(("place", "is_binary"), [(7_999, True), (8_000, False)])
def test_a_nul_is_searched_for_near_the_start_only(place: int, is_binary: bool) -> None:
    data = b"x" * place + b"\0"
    assert (decode(data) is None) is is_binary
    assert looks_binary(data) is is_binary
    marked = codecs.BOM_UTF16_LE + data.decode().encode("utf-16-le")
    assert (decode(marked) is None) is is_binary


def test_half_a_character_is_no_wide_text() -> None:
    for times in (1, 1_000):
        text = "x = 1\n" * times
        assert decode(text.encode("utf-16-le") + b"x") is None
        assert decode(text.encode("utf-32-le")[:-2]) is None
    assert decode(b"\n\0") is None


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("# vim: ts=4 fenc=koi8-r\nимя\n", "koi8-r"),
        ("имя\n# vim: set fileencoding=koi8-r :\n", "koi8-r"),
        ("(имя)\n;; Local Variables:\n;; coding: koi8-r-unix\n;; End:\n", "koi8-r"),
        ("# -*- coding: cp1251-dos -*-\nимя\n", "cp1251"),
        ("use encoding 'koi8-r';\nимя\n", "koi8-r"),
        ("\\documentclass{a}\n" * 9 + "\\usepackage[koi8-r]{inputenc}\nимя\n", "koi8-r"),
        ("\\usepackage[applemac]{inputenc}\nGröße\n", "mac_roman"),
        (".. -*- coding: koi8-r -*-\nимя\n", "koi8-r"),
        ('msgid ""\n"Content-Type: text/plain; charset=koi8-r\\n"\nимя\n', "koi8-r"),
        ("scriptencoding cp1250\nżółć\n", "cp1250"),
        (f"<html><!-- {'x' * 1100} --><meta charset=koi8-r>имя\n", "koi8-r"),
        ("# coding: shift_jis\n①関数\n", "cp932"),
        ("# coding: gb2312\n囧镕\n", "gbk"),
        ("<meta charset=iso-8859-1>\n“naïve” … €\n", "cp1252"),
        ("<?xml version='1.0' encoding='utf-16'?>\n<a>Größe</a>\n", "latin-1"),
    ],
)
def test_a_declaration_in_an_odd_place(text: str, encoding: str) -> None:
    """As editors, LaTeX and catalogues of translations have them, by names for more than they say,
    and one that cannot be true."""
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "data",
    [
        codecs.BOM_UTF8 * 2 + "größe\n".encode(),
        codecs.BOM_UTF8 + "größe\n".encode("latin-1"),
        codecs.BOM_UTF8 + "größe\n".encode("utf-16-le"),
        codecs.BOM_UTF16_LE + "größe\n".encode(),
        codecs.BOM_UTF16_BE + "größe\n".encode(),
        codecs.BOM_UTF32_BE + "größe\n".encode(),
    ],
    ids=["twice", "Latin-1", "UTF-16", "UTF-8 as LE", "UTF-8 as BE", "UTF-8 as UTF-32"],
)
def test_a_mark_that_is_wrong(data: bytes) -> None:
    assert decode(data) == "größe\n"
    assert not looks_binary(data.replace(codecs.BOM_UTF32_BE, b""))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (RUSSIAN.encode() + b"caf\xe9\n", RUSSIAN + "café\n"),
        (RUSSIAN.encode() + b"\x93caf\xe9\x94 \x81\n", RUSSIAN + "“café” \x81\n"),
        (RUSSIAN.encode() + "я".encode()[:1], RUSSIAN + "Ñ"),
        (b"x = '\xed\xa0\x80'\n", "x = '\ufffd'\n"),
        (b"x = '\xed\xa0\xbd\xed\xb8\x80'\n", "x = '\U0001f600'\n"),
        (b"x = 'a\xc0\x80b'\n", "x = 'a\ufffdb'\n"),
        (b"it\x92s \x93so\x94 \x85 now\n", "it\u2019s “so” … now\n"),
        ("Größe übrig für Straße: naïve: “ça” été, déjà\n".encode("mac_roman"), None),
        ("# Größe — übrig, Straße: naïve, “ça”, l\u2019été\n".encode("cp1252"), None),
    ],
    ids=["a line", "marks", "cut", "half", "halves", "NUL", "typographic", "Macintosh", "Windows"],
)
def test_text_that_is_not_all_in_one_encoding(data: bytes, text: str | None) -> None:
    """A few bytes that are no UTF-8 cost no more than themselves; what is left is Windows-1252,
    which has characters where Latin-1 has controls."""
    if text is None:
        encoding = "cp1252" if data.startswith(b"#") else "mac_roman"
        text = data.decode(encoding)
    assert decode(data) == text


def test_an_encoding_declared_outside() -> None:
    """It overrides all but a byte order mark; if decoding fails, it is ignored."""
    assert decode("é\n".encode("utf-16-le"), "UTF-16LE") == "é\n"
    assert decode("é\n".encode(), "UTF-16") == "é\n"
    assert decode("имя\n".encode("koi8-r"), "koi8-r") == "имя\n"
    assert decode("é\n".encode(), "nonesuch") == "é\n"
    assert decode("é\n".encode("utf-8-sig"), "latin-1") is not None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("# coding: a\n", ["a"]),
        ("\n\n# coding: a\n", ["a"]),
        ("\n\n\n# coding: a\n", []),
        ("x" * 4_090 + "\n<meta charset=a>\n", []),
        ("x\n" * 9 + "# vim: fenc=a\n", ["a"]),
        ("x\n" * 9 + "# vim: fenc=a\n" + "x\n" * 4 + "\n\n", ["a"]),
        ("x\n" * 9 + "# vim: fenc=a\n" + "x\n" * 5, []),
        ("x\n" * 9 + ";; Local Variables:\n;; coding: a\n" + "x\n" * 9, ["a"]),
        ("x\n" * 9 + ";; Local Variables:\n;; coding: a\n" + "x" * 3_000, []),
        (
            "# coding: a\n@charset\n<meta charset=b>\n"
            + "x\n" * 9
            + ";; Local Variables: coding: d\n# vim: fenc=c",
            ["a", "b", "c", "d"],
        ),
        ("# coding: utf-16\n<meta charset=UTF-32LE>\n<meta charset=b>\n", ["b"]),
    ],
)
def test_where_a_declaration_counts(text: str, names: list[str]) -> None:
    """In the first lines, in the last ones or anywhere near the beginning or the end, as the
    programs have it that read it; those that come first are tried first."""
    assert list(declared_encodings(text.encode())) == names

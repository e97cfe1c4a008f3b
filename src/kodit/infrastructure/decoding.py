"""Decoding the bytes of a file into text."""

from __future__ import annotations

import codecs
import re

from kodit.infrastructure.declared_encoding import declared_encodings, python_name

HEAD_BYTES = 8000
"""The number of bytes in which git searches for a NUL byte to call a file binary (FIRST_FEW_BYTES
in xdiff-interface.c).
"""

_MARKS = (
    # The mark of UTF-32 begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WIDE_MARKS = tuple(mark for mark, _ in _MARKS)
"""After one of these marks, NUL bytes are part of the text."""

_ESCAPES = b"\x1b$"
"""Escape sequence of ISO 2022, whose bytes are all ASCII and so valid UTF-8 as well."""

_REPLACEMENT = "\ufffd"
_SAMPLE_BYTES = 64_000
_FEWEST_BYTES = 12
"""With fewer bytes beyond ASCII a guess of their encoding would be chance."""
_GUESSED = (
    *("cp1252", "cp1250", "cp1251", "koi8_r", "cp866", "cp1253", "cp1254", "cp1255", "cp1256"),
    *("cp932", "euc_jp", "gb18030", "big5", "euc_kr", "iso8859_2", "mac_roman"),
)
"""Encodings in which source code has been written; no others are guessed."""
_OTHER_LATIN = ("cp1250", "cp1254", "iso8859_2", "mac_roman")
_WITHIN_WORDS = re.compile(r"(?<=[A-Za-z])[\x80-\xff]|[\x80-\xff](?=[A-Za-z])")
_PUNCTUATION = "\x85\x91\x92\x93\x94\x96\x97\xab\xb4\xbb"
"""What stands beside letters in Windows-1252: quotation marks, dashes, an ellipsis."""
_KANA = re.compile("[\u3041-\u30fe]")
_HALF_WIDTH_KANA = re.compile("[\uff61-\uff9f]")
_WESTERN = ("cp1252", "latin_1", "iso8859_1", "iso8859_15")
_SURROGATES = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")
"""A character beyond 16 bits as CESU-8 has it: two halves, each of three bytes."""
_LONE_SURROGATE = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]|\xc0\x80")
"""Half of such a character, and the NUL of Java's modified UTF-8."""
_BEYOND = re.compile("[^\0-\x7f]+")
_ESCAPED = re.compile("[\udc80-\udcff]")
_TYPOGRAPHIC = {
    byte: text for byte in range(0x80, 0xA0) if (text := bytes([byte]).decode("cp1252", "ignore"))
}
_UNESCAPED = {0xDC00 + byte: _TYPOGRAPHIC.get(byte, chr(byte)) for byte in range(0x80, 0x100)}
_GOOD_PER_BAD = 3
"""A text with so many characters in UTF-8 for each byte that is none is UTF-8."""


def decode(data: bytes, encoding: str | None = None) -> str | None:
    """The text of `data` with `\\n` as the only line end, or None if it is binary.

    Decodes UTF-8 (a byte order mark is dropped), and UTF-16 and UTF-32 with a mark or if the bytes
    leave no doubt; otherwise, in this order: the encoding that the file declares, a guess by its
    letters, and Latin-1, in which every byte is a character. `encoding` overrides all but a mark.
    As in git, a file is binary if it has a NUL byte near its start; a later one becomes a
    replacement character. A file that is a tenth control characters is binary too.
    """
    text = _decode(data, encoding)
    if text is None:
        return None
    if "\0" in text:
        if "\0" in text[:HEAD_BYTES]:
            return None
        text = text.replace("\0", _REPLACEMENT)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\n" not in text:
            text = text.replace("\r", "\n")
    return text


def looks_binary(data: bytes) -> bool:
    """Whether there is a NUL byte near the start of what is not UTF-16 or UTF-32."""
    data = _without_mark(data)
    return (
        b"\0" in data[:HEAD_BYTES]
        and not data.startswith(WIDE_MARKS)
        and _wide_encoding(data) is None
    )


def _without_mark(data: bytes) -> bytes:
    """The bytes after the mark of UTF-8, which some tools write twice."""
    while data.startswith(codecs.BOM_UTF8):
        data = data[len(codecs.BOM_UTF8) :]
    return data


def _decode(data: bytes, encoding: str | None) -> str | None:
    for mark, name in _MARKS:
        if data.startswith(mark):
            text = _despite_wide_mark(data[len(mark) :])
            return data.decode(name, "replace") if text is None else text
    return _decode_unmarked(data, encoding)


def _decode_unmarked(data: bytes, encoding: str | None) -> str | None:
    """Text without a mark of UTF-16 or UTF-32."""
    if (rest := _without_mark(data)) != data:
        data = rest
        if (text := _decoded(data, "utf-8")) is not None:
            return text
    if encoding is not None and (text := _decoded(data, encoding)) is not None:
        return text
    if b"\0" in data[:HEAD_BYTES]:
        wide = _wide_encoding(data)
        return None if wide is None else data.decode(wide, "replace")
    if b"\0" in data and _is_binary(data):
        return None
    return _decode_narrow(data)


def _despite_wide_mark(rest: bytes) -> str | None:
    """The text behind a mark of UTF-16 or UTF-32 that is UTF-8: it has lines, but no zeros."""
    if b"\0" in rest or b"\n" not in rest:
        return None
    return _decoded(rest, "utf-8")


def _decode_narrow(data: bytes) -> str | None:
    if _ESCAPES in data and (text := _decoded(data, "iso2022_jp")) is not None:
        return text
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None if _is_binary(data) else _decode_other(data)


def _decode_other(data: bytes) -> str:
    """Text that is not UTF-8, or not all of it."""
    if (text := _nearly_utf8(data)) is not None:
        return text
    for name in declared_encodings(data):
        if (text := _decoded(data, name)) is not None:
            return text
    return _decoded(data, _guessed(data)) or _western(data)


def _western(data: bytes) -> str:
    """Text in Windows-1252, which is Latin-1 with typographic characters in place of controls."""
    return data.decode("latin-1").translate(_TYPOGRAPHIC)


def _nearly_utf8(data: bytes) -> str | None:
    """The text of UTF-8 with a few bytes that are none: half a character where a text was cut, a
    line from elsewhere. These are read as Windows-1252."""
    data = _SURROGATES.sub(_joined, data)
    data = _LONE_SURROGATE.sub(_REPLACEMENT.encode(), data)
    text = data.decode("utf-8", "surrogateescape")
    bad = len(_ESCAPED.findall(text))
    good = sum(len(run) for run in _BEYOND.findall(text)) - bad
    return text.translate(_UNESCAPED) if good >= bad * _GOOD_PER_BAD else None


def _joined(match: re.Match[bytes]) -> bytes:
    halves = match[0].decode("utf-8", "surrogatepass")
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le").encode()


def _decoded(data: bytes, encoding: str) -> str | None:
    """The text; None if it is not in that encoding, or the encoding is unknown."""
    name = python_name(encoding)
    if name == "cp1252":
        return _western(data)
    try:
        return data.decode(name) if codecs.lookup(name)._is_text_encoding else None
    except (LookupError, ValueError, AttributeError):
        return None


def _guessed(data: bytes) -> str:
    """The most likely encoding, by the letters that it gives."""
    sample = data[:_SAMPLE_BYTES]
    if len(sample) - len(sample.translate(None, _BEYOND_ASCII)) < _FEWEST_BYTES:
        return "latin-1"
    # Few files are not UTF-8, and only they need it.
    from charset_normalizer import from_bytes  # noqa: PLC0415 - as said

    best = None
    guesses = list(_GUESSED)
    while best is None:
        best = from_bytes(sample, cp_isolation=guesses, preemptive_behaviour=False).best()
        if best is None or best.encoding in _WESTERN:
            return "latin-1"
        if best.encoding == "cp932" and _is_half_width(sample):
            guesses.remove("cp932")
            best = None
    if best.encoding in _OTHER_LATIN and _is_western(sample):
        return "latin-1"
    return "euc_jp" if _is_japanese(sample) else best.encoding


def _is_western(sample: bytes) -> bool:
    """Whether nearly all characters within words are also letters in Latin-1: then Latin-1 is as
    good a guess as any.
    """
    within = _WITHIN_WORDS.findall(sample.decode("latin-1"))
    letters: int = sum(one.isalpha() or one in _PUNCTUATION for one in within)
    return letters >= len(within) * 0.95


def _is_half_width(sample: bytes) -> bool:
    """Whether a text would be full of half-width Kana, which nobody writes: the letters of other
    alphabets have their bytes."""
    text = sample.decode("cp932", "ignore")
    beyond = sum(character > "\x7f" for character in text)
    return len(_HALF_WIDTH_KANA.findall(text)) * 3 > beyond


def _is_japanese(sample: bytes) -> bool:
    """Whether a text decoded as EUC-JP, which resembles its neighbours, has Kana throughout."""
    text = sample.decode("euc_jp", "ignore")
    beyond = sum(character > "\x7f" for character in text)
    return len(_KANA.findall(text)) * 5 >= beyond > len(sample) - len(text) - 2


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, recognised by the position of zero bytes, or None.

    Nearly all text has spaces, line ends or Latin letters, in which all bytes but one are zero. A
    table of numbers has such zeros too, but also unprintable characters.
    """
    head = data[: HEAD_BYTES // 4 * 4]
    if len(head) < 4 or len(data) % 2:
        return None
    zeros = [head[offset::4].count(0) for offset in range(4)]
    quarter = len(head) // 4
    candidates = []
    if len(data) % 4 == 0 and zeros[3] == quarter and zeros[2] >= quarter * 0.9:
        candidates.append("utf-32-le")
    if len(data) % 4 == 0 and zeros[0] == quarter and zeros[1] >= quarter * 0.9:
        candidates.append("utf-32-be")
    low, high = zeros[0] + zeros[2], zeros[1] + zeros[3]
    if not candidates and low * 10 < high:
        candidates.append("utf-16-le")
    if not candidates and high * 10 < low:
        candidates.append("utf-16-be")
    for encoding in candidates:
        try:
            text = head.decode(encoding)
        except UnicodeDecodeError:
            continue
        printed = sum(character.isprintable() or character in "\t\n\r\f" for character in text)
        if printed >= len(text) * 0.98 and any(character in " \n\t" for character in text):
            return encoding
    return None


_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1b"))
_BEYOND_ASCII = bytes(range(128, 256))


def _is_binary(data: bytes) -> bool:
    controls = len(data) - len(data.translate(None, _CONTROLS))
    return controls * 10 > len(data)


def is_blank(line: str) -> bool:
    """Whether a line is empty or only white space."""
    return not line or line.isspace()

"""Which language a file is written in."""

from __future__ import annotations

import re
from functools import cache

from kodit.infrastructure.slicing.languages import LANGUAGES, TEXT

_PROGRAM = re.compile(rb"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+)*(?:\S+=\S*\s+)*(?:\S*/)?)?([\w.+-]+)")
_CPLUSPLUS = re.compile(
    rb"^\s*(?:namespace\b|class\s+\w|template\s*<|using\s+\w|(?:public|private|protected)\s*:"
    rb"|#\s*include\s*<(?:algorithm|array|atomic|cstd\w+|functional|map|memory|string|type_traits"
    rb"|utility|vector|\w+\.hpp)>|constexpr\b|extern\s+\"C\+\+\")|-\*-\s*C\+\+\s*-\*-|\bstd::",
    re.MULTILINE,
)
_TRAILING_VERSION = re.compile(r"[\d.]+$")


def detect_language(path: str, first_bytes: bytes = b"") -> str:
    """The name of the language of a file, `text` when it is none of the table's.

    The file's name decides, then its extension, then the program its first line calls.
    `path` uses `/`; `first_bytes` is the beginning of the file, some kilobytes of it: they tell a
    C++ header from one of C.
    """
    names, extensions, programs = _tables()
    name = path.rpartition("/")[2]
    if name in names:
        return names[name]
    stem, dot, extension = name.rpartition(".")
    if dot and stem and (language := extensions.get(extension.lower())):
        return _which_of_two(language, extension.lower(), first_bytes)
    if first_bytes.startswith(b"#!") and (match := _PROGRAM.match(first_bytes[:200])):
        program = match[1].decode("ascii", "replace")
        return programs.get(program) or programs.get(_TRAILING_VERSION.sub("", program), TEXT)
    return TEXT


def _which_of_two(language: str, extension: str, first_bytes: bytes) -> str:
    """The language of a file whose extension two languages share, by how it begins."""
    if extension == "h" and _CPLUSPLUS.search(first_bytes):
        return "cpp"
    if extension == "ts" and first_bytes.lstrip(b"\xef\xbb\xbf").startswith(b"<?xml"):
        return TEXT  # translations of Qt
    return language


@cache
def _tables() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    names: dict[str, str] = {}
    extensions: dict[str, str] = {}
    programs: dict[str, str] = {}
    for language in LANGUAGES.values():
        names.update(dict.fromkeys(language.file_names, language.name))
        extensions.update(dict.fromkeys(language.extensions, language.name))
        programs.update(dict.fromkeys(language.programs, language.name))
    return names, extensions, programs

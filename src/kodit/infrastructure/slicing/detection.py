"""Which language a file is written in."""

from __future__ import annotations

import re
from functools import cache

from kodit.infrastructure.slicing.languages import LANGUAGES, TEXT

_PROGRAM = re.compile(rb"#!\s*(?:\S*/)?(?:env\s+(?:-\S+\s+)*(?:\S+=\S*\s+)*(?:\S*/)?)?([\w.+-]+)")
_TRAILING_VERSION = re.compile(r"[\d.]+$")


def detect_language(path: str, first_bytes: bytes = b"") -> str:
    """The name of the language of a file, `text` when it is none of the table's.

    The file's name decides, then its extension, then the program its first line calls.
    `path` uses `/`; `first_bytes` is the beginning of the file, as much as there is at hand.
    """
    names, extensions, programs = _tables()
    name = path.rpartition("/")[2]
    if name in names:
        return names[name]
    stem, dot, extension = name.rpartition(".")
    if dot and stem and (language := extensions.get(extension.lower())):
        return language
    if first_bytes.startswith(b"#!") and (match := _PROGRAM.match(first_bytes[:200])):
        program = match[1].decode("ascii", "replace")
        return programs.get(program) or programs.get(_TRAILING_VERSION.sub("", program), TEXT)
    return TEXT


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

"""Which language a file is written in."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from kodit.infrastructure.slicing.languages import LANGUAGES, TEXT, Language

_RUNNERS = frozenset(
    "env uv uvx pipx poetry pipenv pdm hatch rye npx npm pnpm pnpx yarn bunx bun run exec dlx x"
    " tool nix-shell busybox sudo nice rlwrap mise asdf stack cabal nohup time".split()
)
"""Programs, and words of theirs, that run another one, which is named behind them."""

_FIRST_LINE_BYTES = 400
_CPLUSPLUS = re.compile(
    rb"^\s*(?:namespace\b|class\s+\w|template\s*<|using\s+\w|(?:public|private|protected)\s*:"
    rb"|#\s*include\s*<(?:algorithm|array|atomic|cstd\w+|functional|map|memory|string|type_traits"
    rb"|utility|vector|\w+\.hpp)>|constexpr\b|extern\s+\"C\+\+\")|-\*-\s*C\+\+\s*-\*-|\bstd::",
    re.MULTILINE,
)
_OBJECTIVE = re.compile(rb"^@(?:interface|protocol|class|import)\b", re.MULTILINE)
_TRAILING_VERSION = re.compile(r"[\d.]+$")


def detect_language(path: str, first_bytes: bytes = b"") -> str:
    """The name of the language of a file, `text` when no table has it.

    The file's name decides, then its extension, then the program its first line calls.
    `path` uses `/`; `first_bytes` is the beginning of the file, some kilobytes of it: they tell
    which of several languages with one extension it is.
    """
    names, extensions, _ = _tables()
    name = path.rpartition("/")[2]
    if name in names:
        return names[name]
    stem, dot, extension = name.rpartition(".")
    extension = extension.lower()
    if dot and stem and extension in _ASKED:
        return _ASKED[extension](first_bytes)
    if dot and stem and (language := extensions.get(extension)):
        return language
    if any(name.startswith(prefix) for prefix in _PREFIXES):
        return names[name.partition(".")[0]]
    return _by_first_line(first_bytes)


_PREFIXES = ("Dockerfile.", "Containerfile.", "Makefile.", "Jenkinsfile.")
"""How names begin that have a variant behind the dot."""


def _by_first_line(first_bytes: bytes) -> str:
    """The language of the program that the first line calls, past those that only run it."""
    if not first_bytes.startswith(b"#!"):
        return TEXT
    line = first_bytes[2:_FIRST_LINE_BYTES].split(b"\n", 1)[0].decode("ascii", "replace")
    _, _, programs = _tables()
    found = TEXT
    for word in line.split():
        if word.startswith("-") or "=" in word:
            continue
        program = word.rpartition("/")[2]
        language = programs.get(program) or programs.get(_TRAILING_VERSION.sub("", program))
        if program not in _RUNNERS:
            return language or found
        found = language or found
    return found


def _of_header(first_bytes: bytes) -> str:
    if _OBJECTIVE.search(first_bytes):
        return "objc"
    return "cpp" if _CPLUSPLUS.search(first_bytes) else "c"


def _of_typescript(first_bytes: bytes) -> str:
    # Qt keeps its translations in such files.
    return "xml" if first_bytes.lstrip(b"\xef\xbb\xbf").startswith(b"<?xml") else "typescript"


def _of_include(first_bytes: bytes) -> str:
    return "php" if b"<?php" in first_bytes else TEXT


def _one_or(pattern: bytes, language: str, other: str) -> Callable[[bytes], str]:
    """What tells the language of a file by whether a pattern is in it."""
    expression = re.compile(pattern, re.MULTILINE)
    return lambda first_bytes: language if expression.search(first_bytes) else other


_ASKED: dict[str, Callable[[bytes], str]] = {
    "h": _of_header,
    "ts": _of_typescript,
    **dict.fromkeys(("inc", "install", "module", "theme"), _of_include),
    "m": _one_or(rb"^[ \t]*(?:function\b|classdef\b|%)", "matlab", "objc"),
    "pl": _one_or(rb"^:-|^[a-z]\w*\([^()\n]*\)[ \t]*:-", "prolog", "perl"),
    "v": _one_or(rb"^(?:Theorem|Lemma|Definition|Require|From) [^\n]*\.\s*$", "coq", "verilog"),
    "fs": _one_or(rb"^#version\b|^\s*void\s+main\s*\(", "glsl", "fsharp"),
    "cls": _one_or(rb"^\\(?:Provides|Needs)", "latex", "apex"),
    "d": _one_or(rb"^[^\n#:]*\.o[ \t]*:", "make", "d"),
}
"""What tells the language of a file by how it begins, by its extension."""


@cache
def _tables() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    names: dict[str, str] = {}
    extensions: dict[str, str] = {}
    programs: dict[str, str] = {}
    tables: tuple[OtherNames | Language, ...] = (*other_names(), *LANGUAGES.values())
    for language in tables:
        names.update(dict.fromkeys(language.file_names, language.name))
        extensions.update(dict.fromkeys(language.extensions, language.name))
        programs.update(dict.fromkeys(language.programs, language.name))
    return names, extensions, programs


class OtherNames(NamedTuple):
    """Names of the files of a language beside those of its row in the table, if it has one."""

    name: str
    extensions: tuple[str, ...]
    file_names: tuple[str, ...]
    programs: tuple[str, ...]


@cache
def other_names() -> tuple[OtherNames, ...]:
    """The lines of `names.txt`."""
    text = files(__package__).joinpath("names.txt").read_text("utf-8")
    lines = (line.split("|") for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        OtherNames(name.strip(), *(tuple(words.split()) for words in (*rest, "", "", "")[:3]))
        for name, *rest in lines
    )

"""Detecting the language of a file."""

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
"""Programs, and their subcommands, that run another program given as an argument."""

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
    """The name of a file's language, `text` when no table has it.

    The file's name decides, then its extension, then the interpreter in its first line. `path` uses
    `/`; `first_bytes`, the first few kilobytes, decide between languages that share an extension.
    """
    names, extensions, _ = _tables()
    name = path.rpartition("/")[2]
    if name in names:
        return names[name]
    stem, dot, extension = name.rpartition(".")
    extension = extension.lower()
    if dot and stem and extension in _BY_FIRST_BYTES:
        return _BY_FIRST_BYTES[extension](first_bytes)
    if dot and stem and (language := extensions.get(extension)):
        return language
    if any(name.startswith(prefix) for prefix in _PREFIXES):
        return names[name.partition(".")[0]]
    return _by_first_line(first_bytes)


_PREFIXES = ("Dockerfile.", "Containerfile.", "Makefile.", "Jenkinsfile.")
"""File names that may be followed by a variant after the dot."""


def _by_first_line(first_bytes: bytes) -> str:
    """The language of the interpreter in the first line, skipping programs that only run it."""
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
    # Qt's translation files have the same extension.
    return "xml" if first_bytes.lstrip(b"\xef\xbb\xbf").startswith(b"<?xml") else "typescript"


def _of_include(first_bytes: bytes) -> str:
    return "php" if b"<?php" in first_bytes else TEXT


def _by_pattern(pattern: bytes, language: str, other: str) -> Callable[[bytes], str]:
    """A function that returns `language` if the pattern occurs in the first bytes, else `other`."""
    expression = re.compile(pattern, re.MULTILINE)
    return lambda first_bytes: language if expression.search(first_bytes) else other


_BY_FIRST_BYTES: dict[str, Callable[[bytes], str]] = {
    "h": _of_header,
    "ts": _of_typescript,
    **dict.fromkeys(("inc", "install", "module", "theme"), _of_include),
    "m": _by_pattern(rb"^[ \t]*(?:function\b|classdef\b|%)", "matlab", "objc"),
    "pl": _by_pattern(rb"^:-|^[a-z]\w*\([^()\n]*\)[ \t]*:-", "prolog", "perl"),
    "v": _by_pattern(rb"^(?:Theorem|Lemma|Definition|Require|From) [^\n]*\.\s*$", "coq", "verilog"),
    "fs": _by_pattern(rb"^#version\b|^\s*void\s+main\s*\(", "glsl", "fsharp"),
    "cls": _by_pattern(rb"^\\(?:Provides|Needs)", "latex", "apex"),
    "d": _by_pattern(rb"^[^\n#:]*\.o[ \t]*:", "make", "d"),
}
"""By extension, how the first bytes decide between languages that share it."""


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
    """File names of a language in addition to those in its row of the table, if it has one."""

    name: str
    extensions: tuple[str, ...]
    file_names: tuple[str, ...]
    programs: tuple[str, ...]


@cache
def other_names() -> tuple[OtherNames, ...]:
    """The parsed lines of `names.txt`."""
    text = files(__package__).joinpath("names.txt").read_text("utf-8")
    lines = (line.split("|") for line in text.splitlines() if not line.startswith("#"))
    return tuple(
        OtherNames(name.strip(), *(tuple(words.split()) for words in (*rest, "", "", "")[:3]))
        for name, *rest in lines
    )

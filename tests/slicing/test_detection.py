"""Which language a file is written in."""

from __future__ import annotations

import pytest

from kodit.infrastructure.slicing import detect_language


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("src/main.py", "python"),
        ("types.PYI", "python"),
        ("lib/index.mjs", "javascript"),
        ("app/page.tsx", "tsx"),
        ("app/page.ts", "typescript"),
        ("Main.java", "java"),
        ("main.go", "go"),
        ("lib.rs", "rust"),
        ("ring.c", "c"),
        ("tree.cc", "cpp"),
        ("Program.cs", "csharp"),
        ("Rakefile", "ruby"),
        ("x/Gemfile", "ruby"),
        ("index.php", "php"),
        ("build.gradle.kts", "kotlin"),
        ("Package.swift", "swift"),
        ("build.sbt", "scala"),
        ("init.lua", "lua"),
        ("test.bats", "bash"),
        ("Main.hs", "haskell"),
        ("mix.exs", "elixir"),
        ("build.zig", "zig"),
        ("schema.sql", "sql"),
        ("page.htm", "html"),
        ("site.css", "css"),
        ("README.md", "markdown"),
        ("ci.yml", "yaml"),
        ("Cargo.lock", "toml"),
        ("tsconfig.json", "json"),
        ("notes", "text"),
        ("archive.tar.gz", "text"),
        (".py", "text"),
        ("py", "text"),
        ("", "text"),
        ("a\nb\x1b.py", "python"),
    ],
)
def test_by_name_and_extension(path: str, expected: str) -> None:
    """Whole file names first, extensions in any case."""
    assert detect_language(path) == expected


@pytest.mark.parametrize(
    ("first_line", "expected"),
    [
        (b"#!/bin/sh", "bash"),
        (b"#! /usr/bin/env python3", "python"),
        (b"#!/usr/bin/env -S python3.13 -u", "python"),
        (b"#!/usr/bin/env LANG=C ruby", "ruby"),
        (b"#!/usr/local/bin/node --harmony", "javascript"),
        (b"#!/usr/bin/perl", "text"),
        (b"#!", "text"),
        (b"#!\xff\xfe", "text"),
        (b"plain", "text"),
    ],
)
def test_by_the_program_of_the_first_line(first_line: bytes, expected: str) -> None:
    """Its folder, options and version do not matter."""
    assert detect_language("bin/tool", first_line + b"\n") == expected


def test_extension_goes_before_first_line() -> None:
    """A script that calls itself by another language is what its name says."""
    assert detect_language("a.md", b"#!/usr/bin/python\n") == "markdown"


@pytest.mark.parametrize(
    "text",
    [
        b"#pragma once\nnamespace a {}\n",
        b"/* licence */\n#include <vector>\n",
        b"template <typename T> struct A;\n",
        b"struct A {\n public:\n  int x;\n};\n",
        b"void f(std::string name);\n",
    ],
)
def test_header_of_cplusplus(text: bytes) -> None:
    """Known by what only C++ has."""
    assert detect_language("a.h", text) == "cpp"


def test_header_of_c() -> None:
    """Also when it is made for both."""
    text = b'#include <stdio.h>\n#ifdef __cplusplus\nextern "C" {\n#endif\nint class_of(int x);\n'
    assert detect_language("a.h", text) == "c"


def test_translations_are_not_typescript() -> None:
    """Qt keeps them in XML files named `.ts`."""
    assert detect_language("de.ts", b'<?xml version="1.0"?>\n<TS>') == "text"
    assert detect_language("de.TS", b'\xef\xbb\xbf<?xml version="1.0"?>\n<TS>') == "text"
    assert detect_language("de.ts", b"const x = '<?xml';\n") == "typescript"

"""Detecting the language of a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from kodit.infrastructure.slicing import languages as table
from kodit.infrastructure.slicing.detection import detect_language, other_names
from kodit.infrastructure.slicing.languages import LANGUAGES, TEXT


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
        ("fast.pyx", "python"),
        ("rules.bzl", "starlark"),
        ("BUILD.bazel", "starlark"),
        ("Snakefile", "python"),
        ("app.wsgi", "python"),
        ("sketch.ino", "cpp"),
        ("core.cppm", "cpp"),
        ("kernel.cu", "cuda"),
        ("types.rbi", "ruby"),
        ("kit.podspec", "ruby"),
        ("Fastfile", "ruby"),
        ("index.json.jbuilder", "ruby"),
        ("case.phpt", "php"),
        ("lib-1.0.rockspec", "lua"),
        (".zprofile", "bash"),
        ("gradlew", "bash"),
        ("Main.lhs", "haskell"),
        ("A.hs-boot", "haskell"),
        ("f.pgsql", "sql"),
        ("pkg.pkb", "sql"),
        ("page.mdx", "markdown"),
        ("report.qmd", "markdown"),
        ("CITATION.cff", "yaml"),
        ("Makefile", "make"),
        ("Dockerfile.dev", "dockerfile"),
        ("Containerfile.dev", "dockerfile"),
        ("Makefile.linux", "make"),
        ("Jenkinsfile.release", "groovy"),
        *((f"{name}s", "text") for name in ("Dockerfile", "Containerfile", "Jenkinsfile")),
        ("Makefiles", "text"),
        ("main.dart", "dart"),
        ("main.tf", "hcl"),
        ("App.vue", "vue"),
        ("core.clj", "clojure"),
        ("shop.proto", "protobuf"),
        ("build.gradle", "groovy"),
        ("CMakeLists.txt", "cmake"),
        ("guide.rst", "rst"),
        ("guide.adoc", "asciidoc"),
        ("kodit.1", "man"),
        ("a.nim", "nim"),
        ("notes", "text"),
        ("archive.tar.gz", "text"),
        (".py", "text"),
        ("py", "text"),
        ("", "text"),
        ("a\nb\x1b.py", "python"),
    ],
)
def test_by_name_and_extension(path: str, expected: str) -> None:
    """Whole file names first, extensions ignoring case."""
    assert detect_language(path) == expected


@pytest.mark.parametrize(
    ("first_line", "expected"),
    [
        (b"#!/bin/sh", "bash"),
        (b"#! /usr/bin/env python3", "python"),
        (b"#!/usr/bin/env -S python3.13 -u", "python"),
        (b"#!/usr/bin/env LANG=C ruby", "ruby"),
        (b"#!/usr/local/bin/node --harmony", "javascript"),
        (b"#!/usr/bin/perl", "perl"),
        (b"#!/usr/bin/env -S uv run --script", "python"),
        (b"#!/usr/bin/env -S uv run --with rich python", "python"),
        (b"#!/usr/bin/env -S npx tsx", "typescript"),
        (b"#!/usr/bin/env -S bun run", "typescript"),
        (b"#!/usr/bin/env -S deno run --allow-net", "typescript"),
        (b"#!/usr/bin/env -iS FOO=1 /opt/bin/ruby3.2 -w", "ruby"),
        (b"#!/bin/busybox sh", "bash"),
        (b"#!/usr/bin/env -S " + b"FOO=1 " * 60 + b"ruby", "ruby"),
        (b"#!/usr/bin/env Rscript", "r"),
        (b"#!/usr/bin/env unheard-of python", "text"),
        (b"#!", "text"),
        (b"#!\xff\xfe", "text"),
        (b"plain", "text"),
    ],
)
def test_by_the_program_of_the_first_line(first_line: bytes, expected: str) -> None:
    """Its folder, options and version do not matter."""
    assert detect_language("bin/tool", first_line + b"\n") == expected


def test_extension_takes_precedence_over_first_line() -> None:
    """A script's name decides even if its first line names another language."""
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
    """By syntax that only C++ has."""
    assert detect_language("a.h", text) == "cpp"


def test_header_of_c() -> None:
    """Even if it supports both."""
    text = b'#include <stdio.h>\n#ifdef __cplusplus\nextern "C" {\n#endif\nint class_of(int x);\n'
    assert detect_language("a.h", text) == "c"


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.h", b"#import <A.h>\n@interface A : B\n@end\n", "objc"),
        ("a.m", b"@implementation A\n@end\n", "objc"),
        ("a.m", b"function y = f(x)\n  y = x;\nend\n", "matlab"),
        ("a.pl", b"use strict;\n", "perl"),
        ("a.pl", b":- module(a, [b/1]).\nb(X) :- c(X).\n", "prolog"),
        ("a.v", b"module a;\nendmodule\n", "verilog"),
        ("a.v", b"Require Import List.\nLemma a : True.\n", "coq"),
        ("a.fs", b"module A\nlet x = 1\n", "fsharp"),
        ("a.fs", b"#version 330\nvoid main() {}\n", "glsl"),
        ("a.inc", b"<?php\nfunction f() {}\n", "php"),
        ("a.inc", b"words\n", "text"),
        ("a.module", b"<?php\n", "php"),
        ("a.install", b"<?php\n", "php"),
    ],
)
def test_content_decides_between_languages_of_one_extension(
    path: str, text: bytes, expected: str
) -> None:
    """By syntax that only one of them has."""
    assert detect_language(path, text) == expected


def test_translations_are_not_typescript() -> None:
    """Qt stores them in XML files named `.ts`."""
    assert detect_language("de.ts", b'<?xml version="1.0"?>\n<TS>') == "xml"
    assert detect_language("de.TS", b'\xef\xbb\xbf<?xml version="1.0"?>\n<TS>') == "xml"
    assert detect_language("de.ts", b"const x = '<?xml';\n") == "typescript"


def test_every_name_of_the_list_is_one_of_a_language() -> None:
    """In lower case and one word, as people type it, with at least one file name."""
    for one in other_names():
        assert one.name == one.name.lower()
        assert " " not in one.name
        assert one.extensions or one.file_names or one.programs


def test_every_file_of_patterns_belongs_to_a_language() -> None:
    """An unreferenced one would never be read."""
    known = {one.name for one in other_names()} | set(LANGUAGES) | {TEXT}
    folder = Path(table.__file__).parent / "queries"
    assert {path.stem for path in folder.glob("*.patterns")} <= known

"""Where programs start, and what manifests and READMEs say of them."""

from __future__ import annotations

import pytest

from kodit.domain.descriptions.entry_points import (
    declared_in,
    is_main_by_path,
    may_define_main,
    purpose_in,
)
from kodit.domain.descriptions.readme import LONGEST_PURPOSE, is_readme, purpose_of


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        *((f"a/main.{end}", True) for end in ("go", "rs", "c", "cc", "cpp", "zig", "dart")),
        *((name, True) for name in ("main.swift", "main.kt", "__main__.py", "a/manage.py")),
        *((name, True) for name in ("src/bin/a.rs", "exe/shop", "bin/shop", "a/Program.cs")),
        *((f"bin/shop.{end}", True) for end in ("rb", "js", "mjs", "ts", "php", "pl", "sh")),
        *((name, False) for name in ("main.py", "domain.go", "a.main.go", "main.go.txt")),
        *((name, False) for name in ("bin/shop.py", "bin/a/shop", "cabin/shop", "Program.csx")),
        *((name, False) for name in ("src/bin/a/b.rs", "exe/shop.rb", "manage.pyc")),
    ],
)
def test_paths_of_programs(path: str, expected: bool) -> None:
    assert is_main_by_path(path) is expected


@pytest.mark.parametrize(
    ("language", "symbol", "expected"),
    [
        *((language, "main", True) for language in ("go", "rust", "c", "cpp", "kotlin", "dart")),
        *((language, "main", True) for language in ("zig", "java", "csharp", "scala")),
        ("csharp", "Main", True),
        ("java", "Main", False),
        ("python", "main", False),
        ("go", None, False),
        ("go", "mainly", False),
    ],
)
def test_main_functions_of_languages(language: str, symbol: str | None, expected: bool) -> None:
    assert may_define_main(language, symbol) is expected


def declared(path: str, text: str) -> list[str]:
    items = list(declared_in(path, text))
    assert all((one.kind, one.path) == ("command", path) for one in items)
    assert all(one.text.startswith(f"{one.name} → ") for one in items)
    return [one.text for one in items]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a/pyproject.toml", "[project.scripts]\na = 'b:c'\nx = 3\n", ["a → b:c"]),
        ("pyproject.toml", "[project.gui-scripts]\na = 'b:c'\n", ["a → b:c"]),
        ("pyproject.toml", "project = 3\ntool = 3\n", []),
        ("pyproject.toml", "[tool]\npoetry = 3\n", []),
        ("pyproject.toml", f"a = {'[' * 5_000}", []),
        ("Cargo.toml", "bin = 3\n", []),
        ("Cargo.toml", f"a = {'1' * 5_000}\n", []),
        ("Cargo.toml", "[[bin]]\npath = 'a'\n\n[[bin]]\nname = 3\n", []),
        ("Cargo.toml", "[package]\nname = 'a'\n", []),
        ("package.json", '{"bin": "a.js"}', ["bin → a.js"]),
        ("package.json", '{"name": 3, "bin": "a.js"}', ["bin → a.js"]),
        ("package.json", '{"bin": {"a": 3, "b": "c"}, "main": 3}', ["b → c"]),
        (
            "package.json",
            '{"scripts": {"lint": "x", "test": "t", "build": "b", "dev": "d", "serve": 3}}',
            ["npm run dev → d", "npm run build → b", "npm run test → t"],
        ),
        (
            "package.json",
            '{"scripts": {"test": "t", "serve": "s", "build": "b", "dev": "d", "start": "r"}}',
            [
                f"npm run {name}"
                for name in ("start → r", "dev → d", "serve → s", "build → b", "test → t")
            ],
        ),
        (
            "package.json",
            '{"scripts": {"start": "' + "x" * 101 + '"}}',
            [f"npm run start → {'x' * 100}"],
        ),
        ("package.json", "{", []),
        ("setup.cfg", "[x]\nconsole_scripts =\n    a = b.c:d\n    e = f\n", ["a → b.c:d"]),
        ("setup.py", 'setup(x={"console_scripts": ["a-b=c:d"]}, x=["y=z:w"])', ["a-b → c:d"]),
        ("other.toml", "[project.scripts]\na = 'b:c'\n", []),
    ],
)
def test_commands_of_manifests(path: str, text: str, expected: list[str]) -> None:
    assert declared(path, text) == expected


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a/package.json", '{"description": " It  pays.\\n"}', "It pays."),
        ("package.json", '{"description": 3}', ""),
        ("package.json", "3", ""),
        ("pyproject.toml", "[project]\ndescription = 'It pays.'\n", "It pays."),
        ("pyproject.toml", "[tool.poetry]\ndescription = 'It pays.'\n", "It pays."),
        ("pyproject.toml", "[project]\nname = 'a'\n", ""),
        ("Cargo.toml", "[package]\ndescription = 'It pays.'\n", "It pays."),
        ("setup.cfg", "[metadata]\ndescription = It pays.\n", ""),
        ("other.toml", "[project]\ndescription = 'It pays.'\n", ""),
    ],
)
def test_purposes_in_manifests(path: str, text: str, expected: str) -> None:
    assert purpose_in(path, text) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        *((f"README.{end}", True) for end in ("md", "markdown", "rst", "txt", "adoc", "org")),
        *((name, True) for name in ("README", "readme", "ReadMe.MD")),
        *((name, False) for name in ("a/README.md", "README.md.bak", "README.py", "MYREADME")),
    ],
)
def test_the_readme_is_in_the_root(path: str, expected: bool) -> None:
    assert is_readme(path) is expected


SENTENCE = "It pays all of them."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SENTENCE, SENTENCE),
        (f"# Shop\n{SENTENCE}\n\nMore of it follows here now.", SENTENCE),
        (f"{SENTENCE}\nNow.", f"{SENTENCE} Now."),
        (f"Too short.\n\n{SENTENCE}", SENTENCE),
        ("One two three four", ""),
        ("One two three four five", "One two three four five"),
        (f"```\nmake all of it now please\n```\n{SENTENCE}", SENTENCE),
        (f"~~~\nmake all of it now please\n~~~\n{SENTENCE}", SENTENCE),
        (f"* a list of several more things here\n\n{SENTENCE}", SENTENCE),
        (f"- a list of several more things here\n\n{SENTENCE}", SENTENCE),
        (f"| a table of several more things\n\n{SENTENCE}", SENTENCE),
        (f"https://example.org/it/pays/all/of/them\n\n{SENTENCE}", SENTENCE),
        (f"version: one of the very first of all\n\n{SENTENCE}", SENTENCE),
        (f".. image:: of the shop and its things\n\n{SENTENCE}", SENTENCE),
        (f"[![it pays all of them now](x)](y)\n\n{SENTENCE}", SENTENCE),
        ("**It pays** all of `them` now.", "It pays all of them now."),
        ("[It pays](x) all of ``them``_ now.", "It pays all of them now."),
        ("<b>It pays</b> all of them.", "It pays all of them."),
        ("_It pays all of them._", "It pays all of them."),
        ("> It pays all of them.", "It pays all of them."),
        ("x" * 30 + " It pays all of", "x" * 30 + " It pays all of"),
    ],
)
def test_the_first_paragraph_of_prose(text: str, expected: str) -> None:
    assert purpose_of(text) == expected


def test_long_purposes_are_cut() -> None:
    words = "a b it pays all of them " + "x" * 1_000
    assert purpose_of(words[:LONGEST_PURPOSE]) == words[:LONGEST_PURPOSE]
    cut = f"{words[: LONGEST_PURPOSE - 1]}…"
    assert purpose_of(words[: LONGEST_PURPOSE + 1]) == cut

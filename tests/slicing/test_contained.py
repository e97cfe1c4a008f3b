"""A snippet names everything defined in it, besides its own symbol."""

from __future__ import annotations

import pytest

from kodit.infrastructure.slicing.limits import MOST_SYMBOLS
from kodit.infrastructure.slicing.slicer import slice_file

METHODS = "".join(f"    def m{number}(self):\n        return {number}\n\n" for number in range(3))
LONG = "".join(f"        step_{number} = {number} + step_{number - 1}\n" for number in range(1, 60))


def defined_in(path: str, code: str) -> list[str]:
    """The names that snippets define besides their symbols, with their lines, in order."""
    return [
        f"{other.qualified_name} {first}-{last}"
        for snippet in slice_file(path, code.encode()).snippets
        for other, first, last, _line in snippet.also_defines
    ]


def test_members_of_a_type_that_is_one_snippet() -> None:
    """With their own lines."""
    code = f"class Small:\n{METHODS}"
    assert defined_in("a.py", code) == ["Small.m0 2-3", "Small.m1 5-6", "Small.m2 8-9"]


def test_neighbours_that_share_a_snippet() -> None:
    """The first is the symbol."""
    long = f"    def long(self):\n        step_0 = 0\n{LONG}"
    code = f"class Large:\n{METHODS}{long}"
    assert defined_in("a.py", code) == ["Large.m1 5-6", "Large.m2 8-9"]


def test_a_definition_that_continues_in_the_next_snippet() -> None:
    """It has all its lines in the snippet where it begins."""
    members = "".join(f"  int member_{number};\n" for number in range(12))
    code = f"typedef struct tag\n{{\n{members}}}\nNAME;\n"
    assert defined_in("a.h", code)[0] == "NAME 1-16"


def test_what_is_local_to_a_function() -> None:
    """A nested function has a name; local variables have none."""
    code = "def outer():\n    top = 3\n    def inner():\n        return top\n    return inner\n"
    assert defined_in("a.py", code) == ["outer.inner 3-4"]


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        ("a.zig", 'const std = @import("std");\nconst Map = std.Map;\nconst LIMIT = 3;\n', "LIMIT"),
        ("a.js", "const FS = require('fs');\nconst LIMIT = 3;\nconst MORE = 4;\n", "LIMIT MORE"),
        ("b.js", "const FS = await import('fs');\nconst LIMIT = 3;\n", "LIMIT"),
        ("a.rs", "const MAX: u8 = other::MAX;\nconst LIMIT: u8 = 3;\n", "LIMIT"),
        ("a.py", "LIMIT = 3\nMAP = other.MAP\nMORE = 4\n", "LIMIT MORE"),
    ],
)
def test_a_name_that_only_stands_for_another(path: str, code: str, expected: str) -> None:
    """It is defined elsewhere."""
    assert [name.partition(" ")[0] for name in defined_in(path, code)] == expected.split()


def test_a_definition_that_uses_its_own_name_is_one() -> None:
    """Only a constant can stand for another."""
    code = "class Small:\n    def size(self, other): return 1 == other.size\n"
    assert defined_in("a.py", code) == ["Small.size 2-2"]


def test_functions_of_a_database_that_share_a_snippet() -> None:
    """SQL files hold rows if they are large, and definitions otherwise."""
    code = "".join(f"CREATE FUNCTION {name}(text) RETURNS text\nAS 'x';\n\n" for name in "abc")
    assert defined_in("a.sql", code) == ["b 4-5", "c 7-8"]


def test_data_and_documents_define_nothing_more() -> None:
    """Keys and headings are not names to look up."""
    assert defined_in("a.json", '{"a": {"b": 1, "c": 2}}\n') == []
    assert defined_in("a.md", "# One\n\ntext\n\n# Two\n\ntext\n") == []


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        ("a.go", "package a\n\nconst (\n\tUp = keys.Up\n\tDown = keys.Down\n)\n", "Down"),
        ("A.java", "class A {\n  static final Set UTF = Sets.UTF;\n}\n", "A.UTF"),
        ("a.ts", "export const first = other.first;\nexport const next = other.next;\n", "next"),
        ("a.php", "<?php\nclass A {\n    const LAST = Other::LAST;\n}\n", "A.LAST"),
    ],
)
def test_an_exported_value_of_the_same_name(path: str, code: str, expected: str) -> None:
    """It is a definition in languages that import differently, or if it is exported."""
    assert expected in [name.partition(" ")[0] for name in defined_in(path, code)]


def test_all_that_is_no_detail_is_named() -> None:
    """However many there are in one snippet; of values and the like only so many."""
    types = "".join(f"type A{number}=0;" for number in range(MOST_SYMBOLS + 9))
    assert len(defined_in("a.ts", f"{types}\n")) >= MOST_SYMBOLS + 8

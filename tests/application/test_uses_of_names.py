"""Which lines use a name, and what a definition calls: read from files in memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tests.support.catalogue import CodeInMemory

from kodit.application.services.known_files import (
    MOST_DEFINITIONS,
    MOST_FILES,
    MOST_NAMES,
    KnownFiles,
    target_of,
)
from kodit.application.services.use_lookup import UseLookup
from kodit.domain.entities import StoredSnippet
from kodit.domain.symbols import Reference, Use
from kodit.domain.text import LONGEST_LINE
from kodit.domain.value_objects import Scope

SCOPE = Scope(frozenset({1}), None, frozenset())


def lookup(code: CodeInMemory, names: tuple[str, ...], wanted: str | None) -> UseLookup:
    known = KnownFiles(code.as_open(), code.as_keyword_reader(), SCOPE)
    asked = [] if wanted is None else code.defining(wanted)
    namesakes = [one for name in names for one in code.defining(name)]
    return UseLookup(code.as_open(), known, names, namesakes, asked)


def used(texts: dict[str, str], *names: str, of: str | None = None) -> list[Reference]:
    """The uses of names, one of whose definitions is wanted."""
    code = CodeInMemory(texts)
    return lookup(code, names, of or names[0]).references(code.stored)


def told(found: list[Reference]) -> list[tuple[str, int, str, str, bool]]:
    return [(one.snippet.path, one.line, one.use.value, one.within, one.is_likely) for one in found]


def called(texts: dict[str, str], name: str) -> list[Reference]:
    """What a definition calls."""
    code = CodeInMemory(texts)

    def defining(names: Collection[str]) -> list[StoredSnippet]:
        return [one for plain in sorted(names) for one in code.defining(plain)]

    return lookup(code, (name,), name).callees(code.defining(name), defining)


BOX = "class Box:\n    def run(self):\n        return 1\n"


def test_of_several_uses_on_a_line_the_surest_counts() -> None:
    text = "from box import Box\n\n\ndef f(x, y: Box):\n    x.run() or y.run() or z.run()\n"
    found = used(
        {"a.py": text, "box.py": BOX, "other.py": "class A:\n    def run(self): ...\n"},
        "run",
        of="Box.run",
    )
    assert ("a.py", 5, "call", "f", False) in told(found)


def test_a_line_is_told_once_and_in_order() -> None:
    text = "import box\nbox.two() or box.one()\nbox.one()\nbox.two()\n"
    code = "def one(): ...\n\n\ndef two(): ...\n"
    found = used({"a.py": text, "box.py": code}, "two", "one", of="one")
    assert [one.line for one in found if one.snippet.path == "a.py"] == [2, 3, 4]


def test_a_line_is_shown_without_its_indentation_and_not_whole() -> None:
    rest = "x" * 2 * LONGEST_LINE
    found = used({"a.py": f"def run(): ...\n\n\nif run:\n    run('{rest}')\n"}, "run")
    assert found[-1].text.startswith("run('")
    assert len(found[-1].text) == LONGEST_LINE + 1


def test_of_a_name_that_is_defined_nowhere_each_use_is_likely() -> None:
    code = CodeInMemory({"a.py": "import lib\n\nlib.run()\n# run\n"})
    found = lookup(code, ("run",), None).references(code.stored)
    assert told(found) == [("a.py", 3, "call", "", True), ("a.py", 4, "text", "", True)]


def test_an_import_above_a_definition_is_within_nothing() -> None:
    """Although it may share a snippet with it; an import inside a function is within that."""
    text = "from box import run\n\n\ndef f():\n    from box import run\n    run()\n"
    found = told(used({"a.py": text, "box.py": "def run(): ...\n"}, "run"))
    assert ("a.py", 1, "import", "", False) in found
    assert ("a.py", 5, "import", "f", False) in found
    assert ("a.py", 6, "call", "f", False) in found


READS = '''"""A run."""
from box import Box


def f(one: Box):
    two = one.run
    three = [one.run, "run"]  # run
    text = """
    one.run
    """
    print(one.run, x.run)
    return one.run
'''


def test_what_is_read_is_code_with_its_receiver() -> None:
    """Without the content of comments and strings."""
    texts = {"a.py": READS, "box.py": BOX, "bag.py": BOX.replace("Box", "Bag")}
    found = told(used(texts, "run", of="Box.run"))
    assert {(line, use, likely) for path, line, use, _, likely in found if path == "a.py"} == {
        (1, "text", True),
        (6, "read", False),
        (7, "read", False),
        (9, "text", True),
        (11, "read", False),
        (12, "read", False),
    }
    found = told(used(texts, "run", of="Bag.run"))
    assert {use for path, _, use, *_ in found if path == "a.py"} == {"text"}


def test_a_string_may_begin_in_the_piece_before() -> None:
    """A long function is stored in several pieces."""
    filler = [f"    line {number} of a text" for number in range(70)]
    lines = [
        "import os",
        "",
        "",
        "def f(one):",
        '    x = """',
        *filler,
        "    one.run",
        *filler,
        '    """',
    ]
    text = "\n".join([*lines, "    print(one.run)", ""])
    found = told(used({"a.py": text, "box.py": BOX}, "run", of="Box.run"))
    uses = {line: use for path, line, use, *_ in found if path == "a.py"}
    assert uses == {76: "text", 148: "read"}


CALLS = """\
from box import Box, make
from bag import make as bag_make
import lib


def work(one: Box):
    first = make(1)
    make(2)
    one.run()
    bag_make()
    unknown(first)
    lib.run()


def other():
    make(3)
"""


def test_what_a_definition_calls() -> None:
    """Each name once, at its first call, with its definition if that is known."""
    texts = {
        "a.py": CALLS,
        "bag.py": "def make():\n    return 1\n",
        "box.py": BOX + "\n\ndef make(n):\n    return Box()\n",
        "more.py": "class Bag:\n    def run(self):\n        return 1\n",
    }
    found = called(texts, "work")
    assert [
        (one.name, one.line, one.target and one.target.path, one.is_likely) for one in found
    ] == [
        ("make", 7, "box.py", False),
        ("run", 9, "box.py", False),
        ("bag_make", 10, None, True),
        ("unknown", 11, None, True),
        ("run", 12, None, True),
    ]
    assert {one.use for one in found} == {Use.CALL}
    assert {one.within for one in found} == {"work"}
    assert found[0].text == "first = make(1)"
    assert [one.line for one in called(texts, "other")] == [16]


def test_calls_by_two_receivers_are_two() -> None:
    text = "def work(one, two):\n    one.run()\n    two.run()\n    one.run()\n"
    assert [one.line for one in called({"a.py": text}, "work")] == [2, 3]


def test_a_call_on_the_line_of_the_definition_is_its_own() -> None:
    text = "def work(): return make()\n\n\ndef after(): return other()\n"
    assert [one.name for one in called({"a.py": text}, "work")] == ["make"]


# What other files say


def known(code: CodeInMemory) -> KnownFiles:
    return KnownFiles(code.as_open(), code.as_keyword_reader(), SCOPE)


def test_what_is_defined_by_a_name_with_its_file() -> None:
    code = CodeInMemory({"box.py": BOX, "b.py": "from box import Box\n\n\nclass Bag(Box): ...\n"})
    files = known(code)
    (box,), (bag,) = files.declared("Box"), files.declared("Bag")
    assert (box.target.path, box.target.is_type, box.target.is_member) == ("box.py", True, False)
    assert bag.file.bases == {"Bag": {"Box"}}
    assert files.declared("run")[0].target.is_member
    assert files.declared("run")[0].file is box.file
    assert not files.declared("")
    assert not files.declared("nothing")
    assert len(code.reads) == 2


def test_what_is_read_is_bounded() -> None:
    """The names, the files that are read, and the definitions of one name."""
    assert (MOST_NAMES, MOST_FILES, MOST_DEFINITIONS) == (64, 48, 24)
    texts = {
        f"f{number:02}.py": f"def name_{number}(): ...\n\n\ndef run(): ...\n"
        for number in range(70)
    }
    files = known(CodeInMemory(texts))
    assert [len(files.declared(f"name_{number}")) for number in range(70)] == [
        *[1] * MOST_FILES,
        *[0] * (70 - MOST_FILES),
    ]
    assert len(known(CodeInMemory(texts)).declared("run")) == MOST_DEFINITIONS
    files = known(CodeInMemory(texts))
    for number in range(MOST_NAMES):
        files.declared(f"nothing_{number}")
    assert not files.declared("run")


def test_the_name_of_a_source_is_that_of_its_last_part() -> None:
    (one,) = CodeInMemory({"a.py": "def run(): ...\n"}).stored
    for source in (
        "https://h.org/o/shop.git@v1.0",
        "git@h.org:o/shop.git",
        "/srv/shop/",
        "/srv/shop",
    ):
        assert target_of(replace(one, source=source)).root == "shop"

"""Functions that a header declares and another file defines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.browsing.conftest import write_files

from kodit import Kodit
from kodit.application.views.files import DefinitionView, OutlineSymbolView

FILES = {
    "proxy.h": (
        "#ifndef PROXY_H\n#define PROXY_H\n\n/* Whether to go without. */\n"
        "EXTERN bool check_noproxy(const char *name);\nchar *proxy_name(int number);\n"
        "extern int proxy_count;\n\n#endif\n"
    ),
    "proxy.c": (
        '#include "proxy.h"\n\nstatic int helper(int a);\n\nbool check_noproxy(const char *name)\n'
        "{\n  return helper(name[0]);\n}\n\nstatic int helper(int a)\n{\n  return a;\n}\n"
    ),
    "url.c": (
        '#include "proxy.h"\n\nint connect_to(const char *name)\n{\n'
        "  if(check_noproxy(name))\n    return 1;\n  return 0;\n}\n"
    ),
    "shape.hpp": (
        "namespace geo {\nclass Shape {\n public:\n  Shape();\n  virtual ~Shape();\n"
        "  double area() const;\n  bool operator==(const Shape& other) const;\n"
        "  template <class T> T as(int how);\n  friend Shape merge(Shape a, Shape b);\n"
        " private:\n  int sides;\n};\nShape larger(Shape a, Shape b);\n}\n"
    ),
    "shape.cpp": ('#include "shape.hpp"\n\ndouble geo::Shape::area() const\n{\n  return 1.0;\n}\n'),
}


@pytest.fixture(scope="module")
def kodit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kodit]:
    folder = tmp_path_factory.mktemp("prototypes")
    write_files(folder / "code", FILES)
    with Kodit(folder / "data") as kodit:
        kodit.index(folder / "code")
        yield kodit


def found(kodit: Kodit, name: str) -> list[tuple[str, str | None]]:
    """Path, line and kind of each definition of a name, in order."""
    return [
        (f"{one.snippet.path}:{one.line}", one.snippet.kind)
        for one in kodit.symbols(name).definitions
    ]


def test_a_prototype_is_a_declaration_and_no_use(kodit: Kodit) -> None:
    """It comes after the definition, and does not make a call ambiguous."""
    answer = kodit.symbols("check_noproxy")
    assert [(one.snippet.path, one.line) for one in answer.definitions] == [
        ("proxy.c", 5),
        ("proxy.h", 5),
    ]
    uses = [(one.use, one.snippet.path, one.line) for one in answer.references]
    assert uses == [("call", "url.c", 5)]


def test_what_is_only_declared_is_found(kodit: Kodit) -> None:
    """As in the header of a library; a variable is defined elsewhere."""
    assert found(kodit, "proxy_name") == [("proxy.h:6", "function")]
    assert found(kodit, "proxy_count") == []


def test_members_that_a_class_declares(kodit: Kodit) -> None:
    """With the operators among them, constructors and destructors."""
    assert found(kodit, "Shape.area") == [("shape.cpp:3", "method"), ("shape.hpp:6", "method")]
    assert found(kodit, "Shape.operator==") == [("shape.hpp:7", "method")]
    assert found(kodit, "Shape.~Shape") == [("shape.hpp:5", "method")]
    assert found(kodit, "Shape.as") == [("shape.hpp:8", "method")]
    assert found(kodit, "larger") == [("shape.hpp:13", "function")]


def test_an_outline_of_a_header_and_of_what_defines(kodit: Kodit) -> None:
    """If a file both declares and defines something, its outline shows the definition."""
    outline = kodit.outline(1, "proxy.h").definitions
    assert [one.snippet.symbol for one in outline] == ["PROXY_H", "check_noproxy", "proxy_name"]
    outline = kodit.outline(1, "proxy.c").definitions
    assert [(one.snippet.symbol, one.line) for one in outline] == [
        ("check_noproxy", 5),
        ("helper", 10),
    ]


def test_a_callee_is_where_it_is_defined(kodit: Kodit) -> None:
    """And not at the declaration."""
    answer = kodit.symbols("connect_to", uses="callees")
    [called] = [one for one in answer.references if one.name == "check_noproxy"]
    assert called.target is not None
    assert (called.target.path, called.target.named_line) == ("proxy.c", 5)


def test_json_says_what_is_only_declared(kodit: Kodit) -> None:
    """And has no such field for definitions."""
    views = [
        DefinitionView.of(one, with_file=True) for one in kodit.symbols("check_noproxy").definitions
    ]
    assert [one.declaration for one in views] == [None, True]
    rows = map(OutlineSymbolView.of, kodit.outline(1, "proxy.h").definitions)
    assert [one.declaration for one in rows] == [None, True, True]

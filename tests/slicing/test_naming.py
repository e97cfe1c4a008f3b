"""Separating the names of definitions from their qualifiers."""

from __future__ import annotations

import pytest

from kodit.infrastructure.slicing.limits import NAME_CHARACTERS
from kodit.infrastructure.slicing.naming import qualifies_method, split_name
from kodit.infrastructure.slicing.slicer import slice_file


@pytest.mark.parametrize(
    ("text", "qualifiers", "name"),
    [
        ("run", [], "run"),
        ("a.B::c", ["a", "B"], "c"),
        ("A\\B\\c", ["A", "B"], "c"),
        ("A#run", ["A"], "run"),
        ("A:run", ["A"], "run"),
        ("a['b']", ["a"], "b"),
        ('"quoted name"', [], "quoted name"),
        ("[dbo].[users]", ["dbo"], "users"),
        ("Box<T>::run", ["Box"], "run"),
        ("Map<K, List<V>>.get", ["Map"], "get"),
        ("Box::run<A<B", ["Box"], "run"),
        ("/users/a.json", [], "/users/a.json"),
        ("'/users/:id'", [], "/users/:id"),
        ("<=>", [], "<=>"),
        ("Box::operator<", ["Box"], "operator<"),
        ("operator bool() const", [], "operator bool"),
        ("operator bool()", [], "operator bool"),
        ("DECLARE(a.b)", [], "DECLARE(a.b)"),
        ("a.", [], "a"),
    ],
)
def test_a_name_and_its_qualifiers(text: str, qualifiers: list[str], name: str) -> None:
    assert split_name(text) == (qualifiers, name)


@pytest.mark.parametrize("name", ["x" * 300, "é" * 300])
def test_a_long_name_is_cut(name: str) -> None:
    (snippet,) = slice_file("a.py", f"def {name}(): ...\n".encode()).snippets
    assert snippet.symbol is not None
    assert snippet.symbol.name == name[:NAME_CHARACTERS]


def test_what_a_colon_qualifies_is_a_member() -> None:
    assert qualifies_method("A::run")
    assert qualifies_method("A:run")
    assert not qualifies_method("module.run")

"""A cookbook: distinct calls, from examples and documents, tests, and the program."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from tests.support.catalogue import CodeInMemory

from kodit.application.services.descriptions.usage import UsageDescriber
from kodit.domain.descriptions.description import Description
from kodit.domain.descriptions.examples import statement_at, without_values
from kodit.domain.errors import InvalidQueryError, NotFoundError


def described(texts: Mapping[str, str], subject: str) -> Description:
    code = CodeInMemory(texts)
    [indexed] = code.indexed
    describer = UsageDescriber(code.lookup())
    return asyncio.run(describer.describe(code.as_catalogue(), indexed, subject, 10_000))


SHOP = {
    "shop/cart.py": (
        'def connect(address, retries=0):\n    """Open it. Slowly."""\n    return address\n'
    ),
    "shop/one.py": (
        "from shop.cart import connect\n\n\n"
        "def start():\n    with connect('a', retries=3) as cart:\n"
        "        cart.pay()\n        cart.leave()\n"
    ),
    "shop/two.py": (
        "from shop.cart import connect\n\n\ndef again(where):\n    first = connect(where)\n"
        "    second = connect('elsewhere')\n    return first, second\n"
    ),
    "tests/test_cart.py": (
        "from shop.cart import connect\n\n\ndef test_it():\n    assert connect(\n        'x',\n"
        "        retries=1,\n    ) == 'x'\n"
    ),
    "docs/guide.md": (
        "# Guide\n\n```python\nfrom shop import connect\ncart = connect('here')\n```\n\n"
        "To call `connect()` is easy.\n"
    ),
}


def test_a_cookbook() -> None:
    view = described(SHOP, "connect")
    titles = [part.title for part in view.parts]
    assert titles[0] == "Definition"
    assert titles[1] == "Examples and documents: 1 of 1"
    assert titles[2:] == ["Tests: 1 of 1", "Code of the program: 1 of 3"]
    [definition] = view.parts[0].items
    assert (definition.text, definition.note) == ("def connect(address, retries=0)", "Open it.")
    [example] = view.parts[1].items
    assert (example.text, example.path, example.line) == (
        "cart = connect('here')",
        "docs/guide.md",
        5,
    )
    [test] = view.parts[2].items
    assert test.text == "assert connect(\n    'x',\n    retries=1,\n) == 'x'"
    assert (test.line, test.end_line, test.name) == (5, 8, "in test_it")
    # `connect(where)` is the same as in the document, and `connect('elsewhere')` likewise.
    [code] = view.parts[3].items
    assert code.text == "with connect('a', retries=3) as cart:\n    cart.pay()"


def test_a_subject_is_needed_and_must_exist() -> None:
    with pytest.raises(InvalidQueryError, match="needs a subject"):
        described(SHOP, "")
    with pytest.raises(NotFoundError, match="no definition of 'nothing_at_all'"):
        described(SHOP, "nothing_at_all")


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("a()\nb(\n  c,\n  d(\n  ),\n)\ne()", 2, (2, 6)),
        ("a()\nb(\n  c,\n  d(),\n)\ne()", 4, (2, 5)),
        ("a()\nb()\nc()", 2, (2, 2)),
        ("if a(1):\n    b()\n    c()", 1, (1, 2)),
        ("a('(')\nb()", 1, (1, 1)),
        ("for x in y:\n    a(\n", 1, (1, 1)),
    ],
)
def test_statements(text: str, line: int, expected: tuple[int, int]) -> None:
    lines = dict(enumerate(text.split("\n"), start=1))
    assert statement_at(lines, line) == expected


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("x = f('a', 1)", "other = f('b', 22)", True),
        ("f(a)", "f(b.c)", True),
        ("f(a)", "f(a, b)", False),
        ("f(a)", "f(a, key=b)", False),
        ("f(\n  a,\n)", "f(a)", True),
        ("f(a)", "await f(a)", False),
    ],
)
def test_shapes(one: str, other: str, is_same: bool) -> None:
    assert (without_values(one) == without_values(other)) is is_same


def test_one_file_gives_two_examples_at_most() -> None:
    """So that those of other files are shown too."""
    calls = [f"connect({', '.join('abcd'[:count])})" for count in range(1, 5)]
    code = "\n".join(["from shop.cart import connect", *calls, ""])
    *_, last = described({"shop/cart.py": SHOP["shop/cart.py"], "one.py": code}, "connect").parts
    assert last.title == "Code of the program: 2 of 4"

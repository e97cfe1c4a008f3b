"""Public definitions, by the rules of each language, with signatures and first sentences."""

from __future__ import annotations

import pytest
from tests.support.catalogue import CodeInMemory

from kodit.application.services.descriptions.interface import InterfaceDescriber
from kodit.domain.descriptions.description import Description
from kodit.domain.errors import NotFoundError


def described(texts: dict[str, str], subject: str = "") -> Description:
    code = CodeInMemory(texts)
    [indexed] = code.indexed
    return InterfaceDescriber().describe_now(code.as_catalogue(), indexed, subject, 100_000)


def shown(texts: dict[str, str], subject: str = "") -> dict[str, list[str]]:
    return {
        part.path: [f"{'  ' * one.depth}{one.text or one.name}" for one in part.items]
        for part in described(texts, subject).parts
    }


PYTHON = '''"""Talks to shops. Not to banks."""

LIMIT = 3
T = TypeVar("T")


class Client(Base):
    """A client.

    It has a second paragraph.
    """

    def __init__(
        self,
        address: str,  # of the shop
        *,
        timeout: float = 1.0,
    ) -> None:
        self.address = address

    @property
    def is_open(self) -> bool:
        return True

    async def fetch(self, name: str = ":") -> dict[str, int]:
        """Fetch one, e.g. a cart. Then another."""

    def _hidden(self):
        pass


class _Private:
    def method(self):
        pass


def outer(a):
    # Not about outer.
    def inner():
        pass


def _helper():
    pass
'''


def test_python() -> None:
    [part] = described({"shop.py": PYTHON}).parts
    assert part.text == "Talks to shops."
    assert [(one.name, one.text, one.note) for one in part.items] == [
        ("LIMIT", "LIMIT = 3", ""),
        ("Client", "class Client(Base)", "A client."),
        (
            "Client.__init__",
            "def __init__(self, address: str, *, timeout: float = 1.0) -> None",
            "",
        ),
        ("Client.is_open", "def is_open(self) -> bool", ""),
        (
            "Client.fetch",
            'async def fetch(self, name: str = ":") -> dict[str, int]',
            "Fetch one, e.g. a cart.",
        ),
        ("outer", "def outer(a)", ""),
    ]
    assert [one.depth for one in part.items] == [0, 0, 1, 1, 1, 0]


def test_what_a_package_offers_is_shown_where_it_is_offered() -> None:
    texts = {
        "pack/__init__.py": (
            "from ._client import Client, helper as assist\nfrom .deep import *\n"
            "from os import path\n\n__all__ = ['Client', 'assist', 'Deep', 'unknown']\n"
        ),
        "pack/_client.py": (
            "class Client:\n    def get(self):\n        pass\n\n    def _raw(self):\n"
            "        pass\n\n\n"
            "def helper(x):\n    return x\n\n\ndef other():\n    pass\n"
        ),
        "pack/deep/__init__.py": "from .module import Deep\n",
        "pack/deep/module.py": "class Deep:\n    def dive(self):\n        pass\n",
        "pack/public.py": "def run():\n    pass\n",
        "setup.py": "def main():\n    pass\n",
    }
    found = shown(texts)
    assert found["pack/__init__.py"] == [
        "def helper(x)",
        "class Client",
        "  def get(self)",
        "class Deep",  # its members are shown with its own module
        "unknown",
    ]
    assert found["pack/deep/__init__.py"] == ["class Deep"]
    assert found["pack/deep/module.py"] == ["class Deep", "  def dive(self)"]
    assert found["pack/public.py"] == ["def run()"]
    assert "pack/_client.py" not in found
    assert "setup.py" not in found
    # By name, a private module is shown too.
    assert shown(texts, "pack/_client.py").keys() == {"pack/_client.py"}
    assert shown(texts, "pack._client") == shown(texts, "pack/_client.py")
    assert shown(texts, "pack/deep").keys() == {"pack/deep/__init__.py", "pack/deep/module.py"}


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        (
            "a.py",
            "__all__ = ['_a']\n__all__ += ['value']\nvalue = make()\n\n\ndef _a():\n    pass\n\n\n"
            "def b():\n    pass\n",
            ["value = make()", "def _a()"],
        ),
        (
            "a.go",
            "package a\n\n// Open opens. Yes.\nfunc Open(a int) error {\n\treturn nil\n}\n\n"
            "func hidden() {\n}\n\ntype T struct {\n\ta int\n}\n\nfunc (t *T) Run() {\n}\n\n"
            "func (t *T) stop() {\n}\n",
            ["func Open(a int) error", "type T struct", "  func (t *T) Run()"],
        ),
        (
            "a.ts",
            "export class A<T> extends B {\n  private x(): void {\n    a();\n  }\n\n"
            "  run(a: { b: number }): Promise<void> {\n    a();\n  }\n}\n\n"
            "function hidden(): void {\n  a();\n}\n\nfunction listed(a: string) {\n  b();\n}\n\n"
            "export interface Shape {\n  size: number;\n}\n\nexport { listed };\n",
            [
                "export class A<T> extends B",
                "  run(a: { b: number }): Promise<void>",
                "function listed(a: string)",
                "export interface Shape",
            ],
        ),
        (
            "a.js",
            "function one(a) {\n  return a;\n}\n\nfunction two() {\n  return 2;\n}\n\n"
            "module.exports = { one };\n",
            ["function one(a)"],
        ),
        (
            "a.rs",
            "/// Opens. Now.\npub fn open(a: &'static str) -> Result<(), E> {\n    a()\n}\n\n"
            "fn hidden() {}\n\npub(crate) fn inner() {\n    a()\n}\n\n"
            "pub struct S {\n    a: u8,\n}\n\n"
            "impl S {\n    pub fn run(&self) {\n        a()\n    }\n\n    fn stop(&self) {\n"
            "        a()\n    }\n}\n\npub trait Tell {\n    fn tell(&self);\n}\n",
            ["pub fn open(a: &'static str) -> Result<(), E>", "pub struct S"],
        ),
        (
            "A.java",
            "public class A extends B {\n  public A(int a) {\n    x();\n  }\n\n"
            "  public void run(\n      String a,\n      int b) {\n    x();\n  }\n\n"
            "  void inner() {\n    x();\n  }\n\n  private int hidden() {\n    return 1;\n  }\n}\n",
            ["public class A extends B", "  public A(int a)", "  public void run(String a, int b)"],
        ),
        (
            "a.kt",
            "class A(val a: Int) {\n  fun run(b: Int): Int {\n    return b\n  }\n\n"
            "  private fun hidden() {\n    x()\n  }\n\n  fun short() = 3\n}\n",
            ["class A(val a: Int)", "  fun run(b: Int): Int", "  fun short()"],
        ),
        (
            "a.rb",
            "class A\n  def run(a, b = 1)\n    x\n  end\n\n  private\n\n  def hidden\n"
            "    x\n  end\nend\n",
            ["class A", "  def run(a, b = 1)"],
        ),
        (
            "a.h",
            "#pragma once\n\nclass A {\n public:\n  A();\n  int run(int a) {\n    return a;\n  }\n"
            "\n private:\n  int hidden() {\n    return 1;\n  }\n};\n\n"
            "static int local(void) {\n  return 1;\n}\n",
            ["class A", "  int run(int a)"],
        ),
        (
            "a.ex",
            "defmodule A do\n  def run(a) do\n    a\n  end\n\n  defp hidden(a) do\n"
            "    a\n  end\nend\n",
            ["defmodule A", "  def run(a)"],
        ),
        (
            "a.cs",
            "public class A\n{\n    public int Run(int a)\n    {\n        return a;\n    }\n\n"
            "    int Hidden()\n    {\n        return 1;\n    }\n}\n",
            ["public class A", "  public int Run(int a)"],
        ),
    ],
    ids=["all", "go", "typescript", "javascript", "rust", "java", "kotlin", "ruby", "header",
         "elixir", "csharp"],
)  # fmt: skip
def test_visibility(path: str, text: str, expected: list[str]) -> None:
    found = shown({path: text})[path]
    assert [one for one in expected if one not in found] == []
    assert not any("idden" in one or "inner" in one or "local" in one for one in found)
    assert not any(one in {"def b()", "function two()", "func (t *T) stop()"} for one in found)


def test_long_strings_in_a_signature_are_left_out() -> None:
    text = (
        'def get(\n    path: Annotated[str, Doc("""\n        A path (of\n        all.\n    """)],\n'
        '    mode: str = "short",\n    more: str = "a text that explains much more",\n'
        ') -> None:\n    """Get it."""\n'
    )
    [part] = described({"a.py": text}).parts
    [get] = part.items
    assert get.text == (
        'def get(path: Annotated[str, Doc("…")], mode: str = "short", more: str = "…") -> None'
    )
    assert get.note == "Get it."


def test_files_that_are_not_of_the_program_are_left_out() -> None:
    texts = {
        "shop.py": PYTHON,
        "tests/test_shop.py": "def test_it():\n    pass\n",
        "docs/example.py": "def show():\n    pass\n",
        "README.md": "# Title\n\nText.\n",
    }
    assert shown(texts).keys() == {"shop.py"}
    assert shown(texts, "tests/test_shop.py").keys() == {"tests/test_shop.py"}


def test_an_unknown_subject() -> None:
    with pytest.raises(NotFoundError, match=r"'shoop\.py'; there is|Did you mean"):
        described({"shop.py": PYTHON}, "shoop.py")


COMMENTS = """\
# Copyright somebody
# Licence: free

# noqa
# Sends it. Twice.
#
# More.
def send
  x
end
"""


@pytest.mark.parametrize(
    ("path", "text", "note"),
    [
        ("a.rb", COMMENTS, "Sends it."),
        (
            "A.java",
            "/**\n * Opens <b>the</b> {@link Shop door}.\n * Then closes.\n * @param a x\n */\n"
            "public class A {\n  int a;\n}\n",
            "Opens the Shop door.",
        ),
        ("a.go", "package a\n\n// Run runs\n// for long.\nfunc Run() {\n}\n", "Run runs for long."),
        ("a.py", "def a():\n    x = '''text'''\n", ""),
        ("a.py", "def a():\n    'One line'\n    return 1\n", "One line"),
        ("a.py", f'def a():\n    """{"long " * 60}"""\n', f"{'long ' * 31}long…"),
    ],
    ids=["ruby", "java", "go", "no docstring", "plain string", "long"],
)
def test_first_sentences(path: str, text: str, note: str) -> None:
    [part] = described({path: text}).parts
    assert part.items[0].note == note


def test_a_function_with_overloads_is_shown_once() -> None:
    overloads = "@overload\ndef parse(text: str) -> str: ...\n\n\n" * 2
    code = f"{overloads}def parse(text):\n    return text\n\n\ndef other():\n    pass\n"
    items = described({"a.py": code}).parts[0].items
    assert [(one.name, one.line) for one in items] == [("parse", 2), ("other", 13)]

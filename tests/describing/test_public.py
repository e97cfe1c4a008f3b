"""Which definitions are public, by the rules of each language, and what modules say."""

from __future__ import annotations

import pytest
from tests.describing.test_interfaces import shown
from tests.support.catalogue import CodeInMemory

from kodit.application.services.descriptions.interface import is_private_module
from kodit.domain.descriptions.description import DescribedItem
from kodit.domain.descriptions.interface import module_sentence, only_named
from kodit.domain.descriptions.signatures import numbered
from kodit.domain.descriptions.visibility import exported_names


@pytest.mark.parametrize(
    ("language", "text", "names"),
    [
        ("python", "__all__ = ['a', \"b\"]", {"a", "b"}),
        ("python", "__all__: list[str] = ('a',)\n__all__ += ['b']", {"a", "b"}),
        ("python", "__all__ = [\n    'a',\n    'b',\n]", {"a", "b"}),
        ("python", "__all__ = []", set()),
        ("python", "x = ['a']", None),
        ("python", "if x:\n    __all__ = ['a']", None),
        ("javascript", "export { a, b as c };", {"a", "b"}),
        ("typescript", "export type { A };\nexport {\n  b,\n};", {"A", "b"}),
        ("javascript", "export { a } from './b';", set()),
        ("javascript", "export default a;", {"a"}),
        ("javascript", "export default a + b;", set()),
        ("javascript", "exports.a = b;", {"a", "b"}),
        ("javascript", "module.exports = { a, b };", {"a", "b"}),
        ("javascript", "module.exports = a;", {"a"}),
        ("javascript", "const a = 1;", set()),
        ("go", "export { a }", None),
    ],
)
def test_names_that_a_file_lists(language: str, text: str, names: set[str] | None) -> None:
    found = exported_names(numbered([(1, text)]), language)
    assert found == (None if names is None else frozenset(names))


def names(path: str, text: str) -> list[str]:
    """What is shown as public, without the rest of the line."""
    [found] = shown({path: text}).values() or [[]]
    return [one.strip() for one in found]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.py", "def a(): pass\ndef _b(): pass\n", ["def a()"]),
        ("a.py", "__all__ = ['_b']\ndef a(): pass\ndef _b(): pass\n", ["def _b()"]),
        (
            "a.py",
            "class A:\n    def __init__(self): pass\n    def __len__(self): pass\n",
            ["class A", "def __init__(self)"],
        ),
        ("a.py", "def a():\n    def b(): pass\n    class C: pass\n", ["def a()"]),
        ("a.go", "package a\n\nfunc A() {\n}\n\nfunc b() {\n}\n", ["func A()"]),
        (
            "a.go",
            "package a\n\nfunc (x *t) A() {\n}\n\nfunc (x *T) B() {\n}\n",
            ["func (x *T) B()"],
        ),
        ("a.js", "export function a() {\n}\nfunction b() {\n}\n", ["export function a()"]),
        ("a.js", "function a() {\n}\nfunction b() {\n}\nexport { b };\n", ["function b()"]),
        (
            "a.ts",
            "export class A {\n  b() {\n  }\n  private c() {\n  }\n  #d() {\n  }\n  _e() {\n"
            "  }\n  protected f() {\n  }\n}\n",
            ["export class A", "b()"],
        ),
        ("a.h", "int a(int x);\nstatic int b(int x) {\n  return x;\n}\n", ["int a(int x)"]),
        ("a.c", "int a(int x) {\n  return x;\n}\n", []),
        (
            "a.java",
            "public class A {\n  public int b() {\n    return 1;\n  }\n  int c() {\n"
            "    return 1;\n  }\n}\n",
            ["public class A", "public int b()"],
        ),
        ("a.java", "public interface A {\n  int b();\n}\n", ["public interface A", "int b()"]),
        ("a.rs", "pub fn a() {\n}\nfn b() {\n}\npub(crate) fn c() {\n}\n", ["pub fn a()"]),
        ("a.rs", "pub trait A {\n    fn b();\n}\n", ["pub trait A", "fn b()"]),
        ("a.kt", "fun a() {\n}\nprivate fun at() {\n}\ninternal fun c() {\n}\n", ["fun a()"]),
        (
            "a.swift",
            "public func a() {\n}\nfunc b() {\n}\nopen class C {\n}\n",
            ["public func a()", "open class C"],
        ),
        (
            "a.rb",
            "class A\n  def b\n  end\n\n  private\n\n  def c\n  end\n\n  public\n\n  def d\n"
            "  end\nend\n",
            ["class A", "def b", "def d"],
        ),
        (
            "a.hpp",
            "class A {\n  int a();\n public:\n  int b();\n protected:\n  int c();\n};\n"
            "struct S {\n  int d();\n};\n",
            ["class A", "int b()", "struct S", "int d()"],
        ),
        ("a.lua", "function a()\nend\nlocal function b()\nend\n", ["function a()"]),
        (
            "b.lua",
            "local M = {}\nlocal N = {}\n\nfunction M.a()\nend\n\nfunction N.b()\nend\n\n"
            "local function c()\nend\n\nreturn M\n",
            ["local M = {}", "function M.a()"],
        ),
        (
            "c.lua",
            "local M = {}\n\nfunction M:a(x)\n  return x\nend\n\n"
            "return setmetatable(M, { __call = M.a })\n",
            ["local M = {}", "function M:a(x)"],
        ),
        (
            "a.ex",
            "defmodule A do\n  def b(x) do\n    x\n  end\n  defp c(x) do\n    x\n  end\nend\n",
            ["defmodule A", "def b(x)"],
        ),
        (
            "a.php",
            "<?php\nclass A {\n  public function b() {\n  }\n  private function c() {\n  }\n}\n",
            ["class A", "public function b()"],
        ),
        ("a.scala", "class A {\n  def b = 1\n  private def c = 2\n}\n", ["class A", "def b"]),
        (
            "a.cs",
            "public class A {\n  public int B() {\n    return 1;\n  }\n  int C() {\n"
            "    return 1;\n  }\n}\n",
            ["public class A", "public int B()"],
        ),
        ("a.tsx", "export function a() {\n}\nfunction b() {\n}\n", ["export function a()"]),
        ("a.zig", "pub fn a() void {\n}\nfn b() void {\n}\n", ["pub fn a() void"]),
        (
            "a.kt",
            "class A {\n  fun b() {\n  }\n  protected fun c() {\n  }\n}\n",
            ["class A", "fun b()"],
        ),
        ("a.scala", "class A {\n  def b = 1\n  protected def c = 2\n}\n", ["class A", "def b"]),
        (
            "a.php",
            "<?php\nclass A {\n  function b() {\n  }\n  protected function c() {\n  }\n}\n",
            ["class A", "function b()"],
        ),
        (
            "a.ex",
            "defmodule A do\n  defmacro b(x) do\n    x\n  end\n  defmacrop c(x) do\n    x\n"
            "  end\nend\n",
            ["defmodule A", "defmacro b(x)"],
        ),
        (
            "a.sol",
            "contract A {\n  function b() public {\n  }\n  function c() private {\n  }\n"
            "  function d(\n    uint x\n  )\n    internal\n  {\n  }\n"
            "  function e() external { /* private */\n  }\n}\n",
            ["contract A", "function b() public", "function e() external"],
        ),
        (
            "a.rb",
            "class A\n  def b\n  end\n\n  private def c\n  end\n\n  protected def d\n  end\nend\n",
            ["class A", "def b"],
        ),
        (
            "a.rb",
            "module A\n  private\n\n  def b\n  end\n\n  module_function\n\n  def c\n  end\nend\n",
            ["module A", "def c"],
        ),
        ("a.py", "T = TypeVar('T')\nP = typing.ParamSpec('P')\nX = 1\n", ["X = 1"]),
        ("a.ts", "export type T = number;\ntype U = number;\n", ["export type T = number"]),
        (
            "a.cs",
            "public class A {\n  public event Handler B;\n  event Handler C;\n}\n",
            ["public class A", "public event Handler B"],
        ),
        ("a.py", "Ts = TypeVarTuple('Ts')\nX = 1\n", ["X = 1"]),
        (
            "a.swift",
            "public protocol A {\n  func b()\n}\npublic struct C {\n  public func d() {\n  }\n"
            "  func e() {\n  }\n}\n",
            ["public protocol A", "func b()", "public struct C", "public func d()"],
        ),
        (
            "a.cs",
            "public interface A {\n  int B();\n  private int C() { return 1; }\n}\n",
            ["public interface A", "int B()"],
        ),
        (
            "a.java",
            "public enum A {\n  B;\n  int c() {\n    return 1;\n  }\n  private int d() {\n"
            "    return 1;\n  }\n}\n",
            ["public enum A", "B", "int c()"],
        ),
    ],
)
def test_public_definitions(path: str, text: str, expected: list[str]) -> None:
    assert names(path, text) == expected


@pytest.mark.parametrize("ending", ["h", "hpp", "hh", "hxx", "h++", "cuh", "inl", "ipp", "tpp"])
def test_what_a_header_declares_is_public(ending: str) -> None:
    """Unlike the same in a file of code."""
    text = "int a(int x) {\n  return x;\n}\nstatic int b(int x) {\n  return x;\n}\n"
    assert names(f"a.{ending}", text) == ["int a(int x)"]


@pytest.mark.parametrize("ending", ["c", "cc", "cpp", "cxx", "cu", "m"])
def test_what_a_file_of_code_defines_is_not_public(ending: str) -> None:
    assert names(f"a.{ending}", "int a(int x) {\n  return x;\n}\n") == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.py", False),
        ("a/_b.py", True),
        ("_a/b.py", True),
        ("a/__init__.py", False),
        ("_a/__init__.py", True),
        ("a/__main__.py", True),
        ("__main__/b.py", False),
        ("a/__about__.py", True),
        ("internal/b.go", True),
        ("a/internal/b.go", True),
        ("a/internals/b.go", False),
        ("a/b.go", False),
        ("a/internal/b.rb", False),
        ("a/internal/B.java", True),
        ("a/internal/b.kt", True),
        ("a/internal/b.py", False),
    ],
)
def test_private_modules(path: str, expected: bool) -> None:
    [indexed] = CodeInMemory({path: "x = 1\n"}).indexed
    [file] = indexed.files
    assert is_private_module(file) is expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("python", '#!/bin/sh\n# coding: x\n"""It pays. All."""\nx = 1', "It pays."),
        ("python", '\n\n"""It pays."""', "It pays."),
        ("python", "x = 1\n'''No.'''", ""),
        ("rust", "//! It pays\n//! all. More.\n\nfn f() {}", "It pays all."),
        ("rust", "// x\n\n//! It pays.", "It pays."),
        ("rust", "mod a;\n//! No.", ""),
        ("go", "// +build x\n\n// Package a pays\n// all. More.\npackage a", "Package a pays all."),
        ("go", "// Not this.\npackage a\n\n// Package no.", "Package no."),
        ("dart", "/// It pays.\nlibrary a;", "It pays."),
        ("ruby", "# It pays.", ""),
    ],
)
def test_what_a_module_says_of_itself(language: str, text: str, expected: str) -> None:
    assert module_sentence(numbered([(1, text)]), language) == expected


def test_items_of_some_names_have_their_members() -> None:
    items = [
        DescribedItem(name, depth=depth)
        for name, depth in (("a", 0), ("a.x", 1), ("b", 0), ("b.x", 1), ("b.x.y", 2), ("c", 0))
    ]
    assert [one.name for one in only_named(items, {"b", "c", "a.x"})] == ["b", "b.x", "b.x.y", "c"]

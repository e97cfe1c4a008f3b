"""The overview of a repository: purpose, parts, entry points, definitions."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.support.catalogue import CodeInMemory

from kodit.application.services.descriptions.overview import OverviewDescriber
from kodit.domain.descriptions.description import Description
from kodit.domain.descriptions.entry_points import declared_in
from kodit.domain.descriptions.parts import divided
from kodit.domain.descriptions.readme import purpose_of
from kodit.domain.errors import NotFoundError


def described(texts: Mapping[str, str], subject: str = "") -> Description:
    code = CodeInMemory(texts)
    [indexed] = code.indexed
    return OverviewDescriber().describe_now(code.as_catalogue(), indexed, subject, 10_000)


SHOP = {
    "README.md": (
        "# Shop\n\n[![build](x)](y)\n\nSells **things** to people, by [post](x).\n\nMore.\n"
    ),
    "pyproject.toml": '[project]\nname = "shop"\n\n[project.scripts]\nshop = "shop.cli:main"\n',
    "shop/__init__.py": '"""The shop itself."""\n',
    "shop/core/__init__.py": '"""Carts and prices. Nothing else."""\n',
    "shop/core/cart.py": "class Cart:\n    def pay(self):\n        return 1\n",
    "shop/cli.py": (
        "from shop.core.cart import Cart\n\n\ndef main():\n    return Cart()\n\n\n"
        'if __name__ == "__main__":\n    main()\n'
    ),
    "shop/logs.py": "import logging\n\nlog = logging.getLogger(__name__)\n",
    "shop/web/app.py": (
        "from shop.core.cart import Cart\n\n\n@app.get('/carts')\ndef carts():\n    return Cart()\n"
    ),
    "tests/test_cart.py": "from shop.core.cart import Cart\n\n\ndef test():\n    Cart()\n",
    "docs/guide.md": "# Guide\n\nText.\n",
}


def items(view: Description) -> dict[str, list[str]]:
    return {part.title: [one.text for one in part.items] for part in view.parts}


def test_an_overview() -> None:
    view = described(SHOP)
    assert view.text.split("\n")[0] == "Sells things to people, by post."
    assert view.text.split("\n")[1] == ("10 files, 6 of them code of the program: python 100 %")
    parts = {one.name: one for one in view.parts[0].items}
    first = view.parts[0].items[0]
    assert first.name == "shop/core/cart.py"
    assert "defines Cart" in first.text
    assert "uses shop/core/cart.py" in parts["shop/cli.py"].text
    found = items(view)
    assert found["Entry points"][0] == "shop → shop.cli:main"
    assert found["Entry points"].count("run as a script") == 1
    assert found["Most used definitions"] == ["class Cart"]
    assert found["Beside the program"] == [
        "1 tests: tests/ (1)",
        "2 documents: ./ (1), docs/ (1)",
    ]
    entry = next(one for one in view.parts[1].items if one.text == "run as a script")
    assert (entry.path, entry.line) == ("shop/cli.py", 8)


def test_part_of_a_repository() -> None:
    view = described(SHOP, "shop/core")
    assert [one.name for one in view.parts[0].items] == [
        "shop/core/cart.py",
        "shop/core/__init__.py",
    ]
    assert view.parts[0].items[1].note == "Carts and prices."
    with pytest.raises(NotFoundError, match="no folder 'nowhere'"):
        described(SHOP, "nowhere")


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("package.json", '{"name": "a", "bin": "cli.js", "scripts": {"start": "node ."}}',
         ["a → cli.js", "npm run start → node ."]),
        ("package.json", '{"bin": {"b": "c.js"}, "main": "index.js", "scripts": 3}',
         ["b → c.js", "require → index.js"]),
        ("Cargo.toml", '[[bin]]\nname = "tool"\n\n[[bin]]\nname = "x"\npath = "y.rs"\n',
         ["tool → src/bin/tool.rs", "x → y.rs"]),
        ("setup.py", "setup(entry_points={'console_scripts': ['a=b.c:d', 'e = f:g']})",
         ["a → b.c:d", "e → f:g"]),
        ("pyproject.toml", '[tool.poetry.scripts]\na = "b:c"\n', ["a → b:c"]),
        ("pyproject.toml", "[project\n", []),
        ("package.json", "[" * 100_000, []),
        ("package.json", "[1]", []),
    ],
    ids=["bin", "bins", "cargo", "setup", "poetry", "broken", "deep", "list"],
)  # fmt: skip
def test_declared_commands(path: str, text: str, expected: list[str]) -> None:
    assert [one.text for one in declared_in(path, text)] == expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("cmd/tool/main.go", "package main\n\nfunc main() {\n\trun()\n}\n"),
        ("src/main.rs", "fn main() {\n    run()\n}\n"),
        ("src/App.java", "public class App {\n  public static void main(String[] a) {\n  }\n}\n"),
    ],
)
def test_main_functions(path: str, text: str) -> None:
    [entry] = next(
        one for one in described({path: text}).parts if one.title == "Entry points"
    ).items
    assert (entry.path, entry.text) == (path, "main function")
    assert entry.line > 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Title\n=====\n\n* a list\n\n```sh\ninstall the thing with this command\n```\n\n"
         "A tool that does many things\nwell.\n", "A tool that does many things well."),
        ("# T\n\n> A quote that says what the tool does.\n",
         "A quote that says what the tool does."),
        ("# T\n\nShort.\n\nThe second one has enough words for it.\n",
         "The second one has enough words for it."),
        ("", ""),
    ],
)  # fmt: skip
def test_purposes(text: str, expected: str) -> None:
    assert purpose_of(text) == expected


def test_parts_are_few_and_keep_what_belongs_together() -> None:
    paths = {f"src/p/big/m{number}.py": 0.01 for number in range(40)}
    paths |= {"src/p/a/one.py": 0.1, "src/p/b/two.py": 0.1, "top.py": 0.0}
    parts = divided(paths)
    assert set(parts) == {"top.py", "src/p/big/", "src/p/a/", "src/p/b/"} or len(parts) <= 14
    assert sorted(path for some in parts.values() for path in some) == sorted(paths)


def test_what_parts_say_of_themselves() -> None:
    """In the file that other files of their languages call them by."""
    texts = {f"{part}/{name}.rs": f"pub fn {part}_{name}() {{}}\n" for part in ("rows", "web")
             for name in "abc"}  # fmt: skip
    texts |= {f"store/{name}.go": f"package store\n\nfunc F{name}() {{}}\n" for name in "abc"}
    texts["rows/lib.rs"] = "//! Stores rows. And more.\n\nmod a;\n"
    texts["web/mod.rs"] = "//! Serves pages.\n\nmod a;\n"
    texts["store/doc.go"] = "// Package store keeps things. Really.\npackage store\n"
    texts |= {f"app/{name}.py": "import rows\n" for name in "abc"}
    notes = {one.name: one.note for one in described(texts).parts[0].items}
    assert notes["rows/"] == "Stores rows."
    assert notes["web/"] == "Serves pages."
    assert "keeps things" in notes["store/"]
    assert notes["app/"] == ""


def test_entry_points_in_order() -> None:
    """Those of outer manifests first; of the files with routes those with most."""
    texts = {
        "pyproject.toml": '[project.scripts]\na = "a:b"\n',
        "a/b/package.json": '{"bin": {"inner": "z.js"}}',
        "z/setup.py": "setup(entry_points={'console_scripts': ['y=b.c:d']})",
        "tests/package.json": '{"bin": {"tested": "t.js"}}',
    }
    for count in (1, 3, 2):
        routes = [
            f"@app.get('/{count}/{number}')\ndef r{number}():\n    return {number}\n"
            for number in range(count)
        ]
        texts[f"web{count}.py"] = "\n\n".join(routes)
    entries = next(part for part in described(texts).parts if part.title == "Entry points")
    assert [(one.path, one.text) for one in entries.items] == [
        ("pyproject.toml", "a → a:b"),
        ("z/setup.py", "y → b.c:d"),
        ("a/b/package.json", "inner → z.js"),
        *(("web3.py", "3 routes"), ("web2.py", "2 routes"), ("web1.py", "1 route")),
    ]


def test_the_line_of_a_definition_is_that_of_its_name() -> None:
    code = "def other():\n    return 2\n\n\n@cached\ndef used():\n    return 1\n"
    texts = {"m.py": code, "n.py": "from m import used\n\nused()\n"}
    used = next(part for part in described(texts).parts if part.title == "Most used definitions")
    assert [(one.name, one.path, one.line) for one in used.items] == [("used", "m.py", 6)]

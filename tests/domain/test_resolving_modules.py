"""Which definition a mention means that a module or a scope qualifies."""

from __future__ import annotations

import pytest
from tests.support.mentions import World, call, imports, says

from kodit.domain.file_facts import MentioningFile
from kodit.domain.inference import steps_of
from kodit.domain.mentions import Mention
from kodit.domain.modules import Place, ends_alike, is_below, is_module, module_of
from kodit.domain.resolution import Resolver, Verdict, may_import, sees_unqualified

NO, LIKELY, CERTAIN = Verdict.NO, Verdict.LIKELY, Verdict.CERTAIN


@pytest.mark.parametrize(
    ("path", "module", "written", "verdict"),
    [
        ("a.py", imports("box", "pkg"), "box.run", CERTAIN),
        ("a.py", imports("box", "other"), "box.run", NO),
        ("a.py", imports("pkg", ""), "pkg.box.run", CERTAIN),
        ("a.py", imports("pkg", ""), "pkg.run", LIKELY),
        ("pkg/a.py", imports("box", "."), "box.run", CERTAIN),
        ("a.py", imports("box", "pkg", "b"), "b.run", CERTAIN),
    ],
)
def test_a_module_qualifies_what_it_defines(
    path: str, module: Mention, written: str, verdict: Verdict
) -> None:
    world = World()
    wanted = world.define("pkg/box.py:run")
    world.file(path, module)
    assert world.judge(wanted, path, call(written)) is verdict


def test_a_module_that_nothing_imports_may_qualify_a_name() -> None:
    world = World()
    wanted = world.define("pkg/box.py:run")
    assert world.judge(wanted, "a.py", call("pkg.box.run")) is CERTAIN
    assert world.judge(wanted, "a.py", call("box.run")) is LIKELY
    assert world.judge(wanted, "a.py", call("pkg.run")) is LIKELY
    assert world.judge(wanted, "pkg/box.py", call("box.run")) is CERTAIN
    assert world.judge(wanted, "a.py", call("pkg.box().run")) is CERTAIN
    assert world.judge(wanted, "a.py", call("box().run")) is LIKELY
    assert world.judge(wanted, "a.py", call("?.box.run")) is NO
    world.file("a.py", (says("Crate", "box"), "work"))
    assert world.judge(wanted, "a.py", call("box.run"), "work") is NO


def test_a_module_may_be_called_like_what_it_defines() -> None:
    """What it defines is then not what is imported."""
    world = World()
    world.define("pkg/box.py:box")
    world.define("pkg/box.py:Box", "class")
    wanted = world.define("pkg/box.py:Box.run", "method")
    world.define("pkg/bag.py:Bag.run", "method")
    world.file("pkg/box.py", (says("Box", "box()"), "box"))
    world.file("a.py", imports("box", "pkg"))
    assert world.judge(wanted, "a.py", call("box.box().run")) is CERTAIN


def test_a_script_may_import_all_by_one_name() -> None:
    world = World()
    wanted, other = world.define("src/box.ts:run"), world.define("src/bag.ts:run")
    world.file("src/deep/a.ts", imports("*", "../box.js", "all"))
    assert world.judge(wanted, "src/deep/a.ts", call("all.run")) is CERTAIN
    assert world.judge(other, "src/deep/a.ts", call("all.run")) is NO


def test_a_script_may_import_all_by_the_name_that_it_calls() -> None:
    """As `import * as run from "./run"`, or as a module that exports one function."""
    world = World()
    wanted, other = world.define("src/run.ts:run"), world.define("src/bag.ts:run")
    world.file("src/a.ts", imports("*", "./run", "go"))
    world.file("src/b.ts", imports("*", "./bag", "run"))
    world.file("src/c.ts", imports("*", "./run.js", "run"))
    for path, of_run, of_bag in (("a", NO, NO), ("b", NO, CERTAIN), ("c", CERTAIN, NO)):
        assert world.judge(wanted, f"src/{path}.ts", call("run")) is of_run
        assert world.judge(other, f"src/{path}.ts", call("run")) is of_bag


@pytest.mark.parametrize("first", ["crate", "super"])
def test_a_path_within_a_crate_means_its_only_definition(first: str) -> None:
    """Of several it means that in the module, or none."""
    world = World()
    wanted = world.define("src/box.rs:run")
    assert world.judge(wanted, "src/a.rs", call(f"{first}::bag.run")) is LIKELY
    assert world.judge(wanted, "src/a.rs", call("bag::other.run")) is NO
    other = world.define("src/bag.rs:run")
    assert world.judge(wanted, "src/a.rs", call(f"{first}::bag.run")) is NO
    assert world.judge(other, "src/a.rs", call(f"{first}::bag.run")) is CERTAIN


@pytest.mark.parametrize("end", ["lua", "ex"])
def test_a_member_of_a_module_is_named_through_it_unless_it_is_alone(end: str) -> None:
    """Or the module itself is imported."""
    world = World()
    alone = world.define(f"box.{end}:run")
    inner = world.define(f"box.{end}:Box.stop")
    assert world.judge(alone, f"a.{end}", call("run")) is LIKELY
    assert world.judge(inner, f"a.{end}", call("stop")) is NO
    assert world.judge(alone, f"a.{end}", call("value.run")) is LIKELY
    is_foreign = NO if end == "lua" else LIKELY
    assert world.judge(alone, f"a.{end}", call("string.run")) is is_foreign
    world.define(f"bag.{end}:run")
    assert world.judge(alone, f"a.{end}", call("run")) is NO
    assert world.judge(alone, f"a.{end}", call("value.run")) is NO
    world.file(f"a.{end}", imports("Box", "box"))
    assert world.judge(inner, f"a.{end}", call("stop")) is CERTAIN


def test_a_go_package_is_a_folder() -> None:
    world = World()
    wanted = world.define("deep/box/box.go:Run")
    top = world.define("top.go:Run", root="shop")
    world.file("a/a.go", imports("box", "host.org/shop/deep"), imports("shop", "host.org"))
    assert world.judge(wanted, "a/a.go", call("box.Run")) is CERTAIN
    assert world.judge(top, "a/a.go", call("box.Run")) is NO
    assert world.judge(top, "a/a.go", call("shop.Run")) is CERTAIN


def test_a_scope_qualifies_what_lies_in_it() -> None:
    world = World()
    wanted = world.define("box.cpp:shop.run")
    assert world.judge(wanted, "a.cpp", call("shop.run")) is CERTAIN
    assert world.judge(wanted, "a.cpp", call("std.run")) is NO


def test_other_indexes_and_languages_do_not_count() -> None:
    world = World()
    wanted = world.define("b.rb:run")
    assert world.judge(wanted, "a.py", call("run")) is NO
    elsewhere = MentioningFile(2, "a.rb", "ruby")
    assert Resolver([wanted], [wanted]).judge(call("run"), "", elsewhere) is NO


@pytest.mark.parametrize(
    ("module", "path", "importing", "is_it", "is_in_it"),
    [
        ("./b", "src/b.ts", "src/a.ts", True, True),
        ("./b.js", "src/b.ts", "src/a.ts", True, True),
        ("..", "src/index.ts", "src/deep/a.ts", True, True),
        ("..", "src/b.ts", "src/deep/a.ts", False, True),
        ("./deep", "src/deep/index.ts", "src/a.ts", True, True),
        ("..b", "pkg/b.py", "pkg/deep/a.py", True, True),
        (".", "pkg/__init__.py", "pkg/a.py", True, True),
        ("pkg", "lib/pkg/__init__.py", "a.py", True, True),
        ("crate::deep::b", "src/deep/b.rs", "src/a.rs", True, True),
        ("os", "pkg/b.py", "a.py", False, False),
        ("b", "pkg/not_b.py", "a.py", False, False),
        ("shop", "deep/shop/b.py", "a.py", False, True),
        ("pkg.B", "src/main/java/pkg/B.java", "a.java", True, True),
        ("./b", "src/b.d.ts", "src/a.ts", True, True),
        ("gopkg.in/yaml.v3", "yaml/b.go", "a.go", False, True),
        ("host.org/shop/v2", "shop/b.go", "a.go", False, True),
        ("b", "index.ts", "a.ts", False, False),
    ],
)
def test_modules_are_files_or_what_lies_above_them(
    module: str, path: str, importing: str, is_it: bool, is_in_it: bool
) -> None:
    assert is_module(module, Place(path), importing) is is_it
    assert is_below(module, Place(path), importing) is is_in_it


def test_a_source_may_be_called_like_its_package() -> None:
    """As that of a crate or of a package whose folder is `src`."""
    assert is_below("host.org/shop", Place("deep/b.rs", "shop"), "a.rs")
    assert not is_below("host.org/shop", Place("deep/b.rs", "other"), "a.rs")


def test_empty_names_do_not_match() -> None:
    assert ends_alike(["a", "b"], ["b"])
    assert not ends_alike([], [])


def test_an_import_may_come_from_a_file_or_from_below_a_folder() -> None:
    assert may_import(imports("b", ""), "a.py", "b.py")
    assert may_import(imports("run", "pkg"), "a.py", "pkg/deep/b.py")
    assert not may_import(imports("run", "other"), "a.py", "b.py")


@pytest.mark.parametrize(
    ("language", "near", "far"),
    [("python", False, False), ("go", True, False), ("ruby", True, True)],
)
def test_what_a_bare_name_may_be_defined_by(language: str, near: bool, far: bool) -> None:
    assert sees_unqualified(language, "p/a", "p/b") is near
    assert sees_unqualified(language, "p/a", "q/b") is far


@pytest.mark.parametrize(
    ("qualifier", "steps"),
    [
        ("a.b()->c", ["a", "b()", "c"]),
        ("a?.b!.c", ["a", "b", "c"]),
        ("a!!.b[]", ["a", "b"]),
        ("@pool", ["self", "pool"]),
        ("this.#pool", ["this", "pool"]),
        ("$this->pool", ["this", "pool"]),
        ("A::b\\c", ["A", "b", "c"]),
        ("?", ["?"]),
        ("?.b()", ["?", "b()"]),
    ],
)
def test_steps_of_a_chain(qualifier: str, steps: list[str]) -> None:
    assert steps_of(qualifier) == steps


@pytest.mark.parametrize(
    "root", ["src", "lib", "crate", "main", "java", "kotlin", "scala", "test", "tests"]
)
def test_folders_that_are_no_part_of_a_module(root: str) -> None:
    """At the top alone, however many there are."""
    assert module_of(f"{root}/box/run.py") == ["box", "run"]
    assert module_of(f"src/{root}/box/run.py") == ["box", "run"]
    assert module_of(f"box/{root}/run.py") == ["box", root, "run"]


@pytest.mark.parametrize("name", ["__init__", "index", "mod", "lib", "main", "init"])
def test_a_file_that_stands_for_its_folder(name: str) -> None:
    assert module_of(f"box/{name}.py") == ["box"]
    assert module_of(f"box/{name}s.py") == ["box", f"{name}s"]
    assert module_of(f"box/{name}/run.py") == ["box", name, "run"]

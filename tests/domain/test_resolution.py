"""Which definition a mention means: one test for each rule."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

import pytest

from kodit.domain.file_facts import MentioningFile
from kodit.domain.inference import Declared, Inference, Meaning, Target, steps_of
from kodit.domain.mentions import Mention, MentionKind
from kodit.domain.modules import Place, is_below, is_module
from kodit.domain.resolution import Resolver, Verdict

NO, LIKELY, CERTAIN = Verdict.NO, Verdict.LIKELY, Verdict.CERTAIN

LANGUAGES = {
    ".py": "python",
    ".ts": "typescript",
    ".tsx": "tsx",
    ".go": "go",
    ".java": "java",
    ".rb": "ruby",
    ".rs": "rust",
    ".c": "c",
    ".cpp": "cpp",
    ".cs": "csharp",
}
TYPES = frozenset({"class", "interface", "type"})


def language_of(path: str) -> str:
    return LANGUAGES[PurePath(path).suffix]


def target(place: str, kind: str = "function", root: str = "") -> Target:
    """Of `path:Scope.name`."""
    path, _, qualified = place.partition(":")
    scope, _, name = qualified.rpartition(".")
    return Target(1, path, language_of(path), name, scope, kind == "method", kind in TYPES, root)


class World:
    """Files with what they say, and what is defined in them: `path:Scope.name` by its kind."""

    def __init__(self, **kinds: str) -> None:
        self.files: dict[str, MentioningFile] = {}
        self.targets: list[Target] = []

    def file(self, path: str, *mentions: tuple[Mention, str] | Mention) -> MentioningFile:
        """Mentions stand in the definition that is given with them, or at the top."""
        file = self.files.setdefault(path, MentioningFile(1, path, language_of(path)))
        for one in mentions:
            mention, around = (one, "") if isinstance(one, Mention) else one
            file.learn([mention], lambda _, around=around: around)
        return file

    def define(self, place: str, kind: str = "function", root: str = "") -> Target:
        found = target(place, kind, root)
        self.targets.append(found)
        self.file(found.path)
        return found

    def declared(self, name: str) -> Sequence[Declared]:
        return [Declared(one, self.files[one.path]) for one in self.targets if one.name == name]

    def judge(self, wanted: Target, path: str, mention: Mention, around: str = "") -> Verdict:
        namesakes = [one for one in self.targets if one.name == wanted.name]
        resolver = Resolver(namesakes, [wanted], self.declared)
        return resolver.judge(mention, around, self.file(path))

    def meaning(self, path: str, qualifier: str, around: str = "", line: int = 9) -> Meaning:
        return Inference(self.declared).meaning(qualifier, around, line, self.file(path))


def call(written: str, line: int = 9, alias: str = "") -> Mention:
    qualifier, _, name = written.rpartition(".")
    return Mention(MentionKind.CALL, name, line, qualifier, alias)


def imports(name: str, module: str, alias: str = "") -> Mention:
    return Mention(MentionKind.IMPORT, name, 1, module, alias)


def says(name: str, alias: str, line: int = 2) -> Mention:
    return Mention(MentionKind.TYPE, name, line, "", alias)


def inherits(base: str, by: str) -> Mention:
    return Mention(MentionKind.INHERITS, base, 2, "", by)


# Names that nothing qualifies


def test_a_name_means_what_its_own_file_defines() -> None:
    world = World()
    own, other = world.define("a.py:run"), world.define("b.py:run")
    assert world.judge(own, "a.py", call("run")) is CERTAIN
    assert world.judge(other, "a.py", call("run")) is NO


def test_of_functions_in_functions_the_innermost_counts() -> None:
    world = World()
    outer, inner = world.define("a.py:run"), world.define("a.py:work.run")
    assert world.judge(inner, "a.py", call("run"), "work") is CERTAIN
    assert world.judge(outer, "a.py", call("run"), "work") is NO
    assert world.judge(outer, "a.py", call("run"), "other") is CERTAIN


@pytest.mark.parametrize(
    ("module", "verdict"),
    [("b", CERTAIN), ("pkg.b", CERTAIN), (".b", CERTAIN), ("c", NO), (".c", NO), ("", NO)],
)
def test_an_import_tells_where_a_name_comes_from(module: str, verdict: Verdict) -> None:
    world = World()
    wanted = world.define("pkg/b.py:run")
    world.define("pkg/c.py:run")
    world.define("pkg/d.py:run")
    world.file("pkg/a.py", imports("run", module))
    assert world.judge(wanted, "pkg/a.py", call("run")) is verdict
    assert world.judge(wanted, "pkg/a.py", imports("run", module)) is verdict


def test_a_name_may_go_on_as_another() -> None:
    world = World()
    wanted = world.define("b.py:run")
    file = world.file("a.py", imports("run", "b", "go"))
    assert file.real_name("go") == "run"
    assert world.judge(wanted, "a.py", imports("run", "b", "go")) is CERTAIN


def test_a_package_may_hand_on_what_lies_below_it() -> None:
    world = World()
    wanted = world.define("src/pkg/deep/b.py:run")
    world.file("a.py", imports("run", "pkg"))
    assert world.judge(wanted, "a.py", call("run")) is LIKELY


def test_a_module_beside_may_hand_on_what_is_defined_once() -> None:
    world = World()
    wanted = world.define("src/deep/b.ts:run")
    world.file("src/a.ts", imports("run", "./barrel"))
    assert world.judge(wanted, "src/a.ts", call("run")) is LIKELY
    world.define("src/c.ts:run")
    world.define("src/d.ts:run")
    assert world.judge(wanted, "src/a.ts", call("run")) is NO


def test_all_of_a_module_may_be_imported() -> None:
    world = World()
    wanted, other = world.define("b.py:run"), world.define("c.py:run")
    world.file("a.py", imports("*", "b"))
    assert world.judge(wanted, "a.py", call("run")) is CERTAIN
    assert world.judge(other, "a.py", call("run")) is NO


@pytest.mark.parametrize(
    ("here", "there", "verdict"),
    [
        ("p/a.go", "p/b.go", CERTAIN),
        ("p/a.go", "q/b.go", NO),
        ("p/a.java", "p/b.java", CERTAIN),
        ("p/a.py", "p/b.py", NO),
        ("p/a.rb", "q/b.rb", CERTAIN),
        ("p/a.c", "q/b.c", CERTAIN),
        ("p/a.c", "q/b.cpp", CERTAIN),
        ("p/a.c", "q/b.go", NO),
    ],
)
def test_what_is_in_sight_depends_on_the_language(here: str, there: str, verdict: Verdict) -> None:
    world = World()
    wanted = world.define(f"{there}:run")
    world.file(here)
    assert world.judge(wanted, here, call("run")) is verdict


def test_one_of_several_in_sight_is_likely() -> None:
    world = World()
    wanted = world.define("b.rb:run")
    world.define("c.rb:run")
    assert world.judge(wanted, "a.rb", call("run")) is LIKELY


def test_a_member_needs_no_receiver_in_some_languages() -> None:
    world = World()
    world.define("a.java:Box", "class")
    java = world.define("a.java:Box.run", "method")
    other = world.define("b.java:Bag.run", "method")
    assert world.judge(java, "a.java", call("run"), "Box.open") is CERTAIN
    assert world.judge(other, "a.java", call("run"), "Box.open") is NO
    python = world.define("a.py:Box.run", "method")
    assert world.judge(python, "a.py", call("run"), "Box.open") is NO


def test_a_static_member_may_be_imported() -> None:
    world = World()
    wanted = world.define("b.java:Box.run", "method")
    world.file("a.java", imports("run", "p.Box"))
    assert world.judge(wanted, "a.java", call("run"), "Bag.open") is CERTAIN
    world.file("c.java", imports("*", "p.Box"))
    assert world.judge(wanted, "c.java", call("run"), "Bag.open") is CERTAIN
    assert world.judge(wanted, "d.java", call("run"), "Bag.open") is NO


# Receivers


@pytest.fixture
def boxes() -> World:
    """Two types with a member of one name, the one derived from a third."""
    world = World()
    world.define("box.py:Box", "class")
    world.define("bag.py:Bag", "class")
    world.define("base.py:Base", "class")
    world.define("box.py:Box.run", "method")
    world.define("bag.py:Bag.run", "method")
    world.define("base.py:Base.shut", "method")
    world.file("box.py", imports("Base", "base"), inherits("Base", "Box"))
    return world


BOX_RUN = target("box.py:Box.run", "method")
BAG_RUN = target("bag.py:Bag.run", "method")
SHUT = target("base.py:Base.shut", "method")


def test_the_object_itself_is_of_the_type_around(boxes: World) -> None:
    assert boxes.judge(BOX_RUN, "box.py", call("self.run"), "Box.open") is CERTAIN
    assert boxes.judge(BAG_RUN, "box.py", call("self.run"), "Box.open") is NO
    assert boxes.judge(BOX_RUN, "box.py", call("self.run"), "Box.open.inner") is CERTAIN


def test_what_a_type_lacks_is_looked_for_in_its_bases(boxes: World) -> None:
    assert boxes.judge(SHUT, "box.py", call("self.shut"), "Box.open") is CERTAIN
    assert boxes.judge(SHUT, "box.py", call("super().shut"), "Box.open") is CERTAIN
    assert boxes.judge(SHUT, "bag.py", call("self.shut"), "Bag.open") is NO


def test_the_nearest_base_counts(boxes: World) -> None:
    own = boxes.define("box.py:Box.shut", "method")
    assert boxes.judge(own, "box.py", call("self.shut"), "Box.open") is CERTAIN
    assert boxes.judge(SHUT, "box.py", call("self.shut"), "Box.open") is NO
    assert boxes.judge(SHUT, "box.py", call("super().shut"), "Box.open") is CERTAIN


def test_a_parameter_is_of_its_type(boxes: World) -> None:
    boxes.file("a.py", (says("Box", "one"), "work"), (says("Bag", "one"), "play"))
    assert boxes.judge(BOX_RUN, "a.py", call("one.run"), "work") is CERTAIN
    assert boxes.judge(BAG_RUN, "a.py", call("one.run"), "work") is NO
    assert boxes.judge(BAG_RUN, "a.py", call("one.run"), "play") is CERTAIN


def test_a_variable_is_of_the_type_said_last(boxes: World) -> None:
    boxes.file("a.py", (call("Box", 3, "one"), "work"), (call("Bag", 6, "one"), "work"))
    assert boxes.judge(BOX_RUN, "a.py", call("one.run", 5), "work") is CERTAIN
    assert boxes.judge(BAG_RUN, "a.py", call("one.run", 9), "work") is CERTAIN
    assert boxes.judge(BOX_RUN, "a.py", call("one.run", 9), "work") is NO


def test_a_function_inside_sees_the_variables_around(boxes: World) -> None:
    boxes.file("a.py", (call("Box", 3, "one"), "work"), call("Bag", 1, "two"))
    assert boxes.judge(BOX_RUN, "a.py", call("one.run"), "work.inner") is CERTAIN
    assert boxes.judge(BAG_RUN, "a.py", call("two.run"), "work.inner") is CERTAIN


def test_a_variable_may_take_what_it_gives(boxes: World) -> None:
    """`one = one.next()` tells of what comes after it."""
    boxes.file("box.py", (says("Bag", "next()"), "Box.next"))
    boxes.define("box.py:Box.next", "method")
    boxes.file("a.py", (says("Box", "one", 1), "work"), (call("one.next", 3, "one"), "work"))
    assert boxes.judge(BOX_RUN, "a.py", call("one.run", 3), "work") is CERTAIN
    assert boxes.judge(BAG_RUN, "a.py", call("one.run", 4), "work") is CERTAIN


def test_a_field_is_what_the_type_says_of_it(boxes: World) -> None:
    """Where it is declared, where it is assigned, and in another file."""
    boxes.file(
        "a.py",
        (says("Box", "one"), "Shop"),
        (call("Bag", 3, "self.two"), "Shop.__init__"),
    )
    boxes.define("a.py:Shop", "class")
    assert boxes.judge(BOX_RUN, "a.py", call("self.one.run"), "Shop.sell") is CERTAIN
    assert boxes.judge(BAG_RUN, "a.py", call("self.two.run"), "Shop.sell") is CERTAIN
    boxes.file("b.py", (says("Shop", "shop"), "buy"))
    assert boxes.judge(BOX_RUN, "b.py", call("shop.one.run"), "buy") is CERTAIN


def test_a_function_gives_what_it_is_said_to_return(boxes: World) -> None:
    """A function, a method, and a property, which is read like a field."""
    boxes.define("make.py:make")
    boxes.define("make.py:Maker", "class")
    boxes.define("make.py:Maker.best", "method")
    boxes.file("make.py", (says("Box", "make()"), "make"), (says("Bag", "best()"), "Maker.best"))
    boxes.file("a.py", imports("make", "make"), imports("Maker", "make"))
    assert boxes.judge(BOX_RUN, "a.py", call("make().run")) is CERTAIN
    assert boxes.judge(BAG_RUN, "a.py", call("Maker().best().run")) is CERTAIN
    assert boxes.judge(BAG_RUN, "a.py", call("Maker().best.run")) is CERTAIN


def test_a_type_may_be_called_by_an_alias(boxes: World) -> None:
    boxes.file("a.py", imports("Box", "box", "Chest"), (says("Chest", "one"), "work"))
    assert boxes.judge(BOX_RUN, "a.py", call("one.run"), "work") is CERTAIN
    assert boxes.judge(BOX_RUN, "a.py", call("Chest().run"), "work") is CERTAIN


def test_one_of_several_possible_types_is_enough(boxes: World) -> None:
    boxes.file("a.py", (says("dict", "some"), "work"), (says("Box", "some"), "work"))
    assert boxes.judge(BOX_RUN, "a.py", call("some[].run"), "work") is CERTAIN


def test_a_type_from_elsewhere_speaks_against(boxes: World) -> None:
    boxes.file("a.py", imports("Path", "pathlib"), (says("Path", "one"), "work"))
    assert boxes.judge(BOX_RUN, "a.py", call("one.run"), "work") is NO
    assert boxes.judge(SHUT, "a.py", call("one.shut"), "work") is NO


def test_what_a_base_lacks_may_be_that_of_the_one_type_below(boxes: World) -> None:
    boxes.file("a.py", (says("Base", "one"), "work"))
    assert boxes.judge(BOX_RUN, "a.py", call("one.run"), "work") is LIKELY
    boxes.file("bag.py", inherits("Base", "Bag"))
    assert boxes.judge(BOX_RUN, "a.py", call("one.run"), "work") is NO


def test_the_name_of_a_receiver_tells_its_type(boxes: World) -> None:
    assert boxes.judge(BOX_RUN, "a.py", call("my_box.run"), "work") is LIKELY
    assert boxes.judge(BAG_RUN, "a.py", call("my_box.run"), "work") is NO
    assert boxes.judge(BOX_RUN, "a.py", call("x.run"), "work") is NO


def test_a_member_that_one_type_has_is_likely(boxes: World) -> None:
    assert boxes.judge(SHUT, "a.py", call("x.shut"), "work") is LIKELY
    assert boxes.judge(SHUT, "a.py", call("?.shut"), "work") is LIKELY


def test_of_types_with_one_name_the_nearer_counts(boxes: World) -> None:
    twin = boxes.define("twin.py:Box.run", "method")
    boxes.define("twin.py:Box", "class")
    assert boxes.judge(twin, "twin.py", call("self.run"), "Box.open") is CERTAIN
    assert boxes.judge(BOX_RUN, "twin.py", call("self.run"), "Box.open") is NO
    boxes.file("a.py", imports("Box", "box"))
    assert boxes.judge(BOX_RUN, "a.py", call("Box().run")) is CERTAIN
    assert boxes.judge(twin, "a.py", call("Box().run")) is NO


def test_a_member_is_not_a_function(boxes: World) -> None:
    plain = boxes.define("box.py:run")
    boxes.file("a.py", (says("Box", "one"), "work"))
    assert boxes.judge(plain, "a.py", call("one.run"), "work") is NO
    assert boxes.judge(BOX_RUN, "box.py", call("run"), "work") is NO


def test_what_says_itself_says_nothing(boxes: World) -> None:
    """Two variables, each said to be what the other gives."""
    boxes.file("a.py", (call("two.make", 3, "one"), "work"), (call("one.make", 3, "two"), "work"))
    assert boxes.meaning("a.py", "one", "work") == Meaning()


# Modules


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


def test_a_script_may_import_all_by_one_name() -> None:
    world = World()
    wanted, other = world.define("src/box.ts:run"), world.define("src/bag.ts:run")
    world.file("src/deep/a.ts", imports("*", "../box.js", "all"))
    assert world.judge(wanted, "src/deep/a.ts", call("all.run")) is CERTAIN
    assert world.judge(other, "src/deep/a.ts", call("all.run")) is NO


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


def test_other_indexes_and_languages_are_another_world() -> None:
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
    ],
)
def test_modules_are_files_or_what_lies_above_them(
    module: str, path: str, importing: str, is_it: bool, is_in_it: bool
) -> None:
    assert is_module(module, Place(path), importing) is is_it
    assert is_below(module, Place(path), importing) is is_in_it


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

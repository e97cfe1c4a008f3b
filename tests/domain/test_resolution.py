"""Which definition a mention refers to: one test for each rule."""

from __future__ import annotations

import pytest
from tests.support.mentions import World, call, imports, inherits, says, target

from kodit.domain.inference import Meaning
from kodit.domain.resolution import Resolver, Verdict

NO, LIKELY, CERTAIN = Verdict.NO, Verdict.LIKELY, Verdict.CERTAIN


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
    assert world.judge(outer, "a.py", call("run"), "worker") is CERTAIN
    assert world.judge(inner, "a.py", call("run"), "worker") is NO


def test_a_function_in_another_may_be_handed_out() -> None:
    world = World()
    inner = world.define("a.py:work.run")
    assert world.judge(inner, "a.py", call("run"), "worker") is LIKELY


def test_a_member_hides_no_function() -> None:
    world = World()
    plain = world.define("a.py:run")
    world.define("a.py:Box", "class")
    world.define("a.py:Box.run", "method")
    assert world.judge(plain, "a.py", call("run"), "Box.open") is CERTAIN


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
    assert world.judge(wanted, "src/a.ts", call("run")) is LIKELY
    world.define("src/d.ts:run")
    assert world.judge(wanted, "src/a.ts", call("run")) is NO


def test_a_library_hands_on_nothing_of_ours() -> None:
    world = World()
    wanted = world.define("src/deep/b.ts:run")
    world.file("src/a.ts", imports("run", "library"))
    assert world.judge(wanted, "src/a.ts", call("run")) is NO


def test_the_default_of_a_module_may_have_any_name() -> None:
    world = World()
    wanted = world.define("src/b.ts:run")
    assert world.judge(wanted, "src/a.ts", imports("default", "./b", "go")) is CERTAIN
    assert world.judge(wanted, "src/a.ts", imports("other", "./b", "go")) is NO


def test_a_member_is_not_imported_from_its_module() -> None:
    world = World()
    wanted = world.define("b.py:Box.run", "method")
    assert world.judge(wanted, "a.py", imports("run", "b")) is NO
    assert world.judge(wanted, "a.py", imports("run", "b.Box")) is not NO


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
        ("p/a.java", "p/b.kt", CERTAIN),
        ("p/a.scala", "p/b.java", CERTAIN),
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
    for file in ("a.py", "a.php"):
        elsewhere = world.define(f"{file}:Box.run", "method")
        assert world.judge(elsewhere, file, call("run"), "Box.open") is NO


def test_of_types_in_one_file_that_around_counts() -> None:
    world = World()
    world.define("a.java:Box", "class")
    world.define("a.java:Box.run", "method")
    other = world.define("a.java:Bag.run", "method")
    assert world.judge(other, "a.java", call("run"), "Box.open") is NO


def test_of_types_in_types_the_innermost_counts() -> None:
    world = World()
    outer = world.define("a.java:Box.run", "method")
    inner = world.define("a.java:Box.Lid.run", "method")
    assert world.judge(inner, "a.java", call("run"), "Box.Lid.open") is CERTAIN
    assert world.judge(outer, "a.java", call("run"), "Box.Lid.open") is NO
    assert world.judge(outer, "a.java", call("run"), "Box.open") is CERTAIN


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
    """Two types with a member of the same name, one derived from a third type."""
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
    """`one = one.next()` describes what follows it."""
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


def test_what_a_container_gives_is_what_it_holds(boxes: World) -> None:
    boxes.file("a.py", (says("list", "some"), "work"), (says("Box", "some"), "work"))
    boxes.file("a.py", (call("some.pop", 3, "one"), "work"))
    assert boxes.judge(BOX_RUN, "a.py", call("some.pop().run"), "work") is CERTAIN
    assert boxes.judge(BOX_RUN, "a.py", call("one.run"), "work") is CERTAIN
    boxes.file("a.py", (says("Box", "bare"), "work"))
    assert boxes.judge(BOX_RUN, "a.py", call("bare.pop().run"), "work") is NO


def test_a_parameter_of_types_may_be_any(boxes: World) -> None:
    boxes.file("a.py", (says("T", "one"), "work"))
    assert boxes.judge(SHUT, "a.py", call("one.shut"), "work") is LIKELY
    assert boxes.judge(BOX_RUN, "a.py", call("one.run"), "work") is NO

    boxes.file("a.py", (says("T", "two"), "work"), (says("Widget", "two"), "work"))
    assert boxes.judge(SHUT, "a.py", call("two.shut"), "work") is NO


def test_an_extension_is_for_types_that_lack_a_function() -> None:
    world = World()
    extension = world.define("b.cs:TextExtensions.Shout", "method")
    member = world.define("c.cs:Crowd.Shout", "method")
    world.define("c.cs:Crowd", "class")
    world.file("a.cs", (says("String", "text"), "Work.Do"), (says("Crowd", "crowd"), "Work.Do"))
    assert world.judge(extension, "a.cs", call("text.Shout"), "Work.Do") is LIKELY
    assert world.judge(member, "a.cs", call("text.Shout"), "Work.Do") is NO
    assert world.judge(member, "a.cs", call("crowd.Shout"), "Work.Do") is CERTAIN
    assert world.judge(extension, "a.cs", call("crowd.Shout"), "Work.Do") is NO
    world.define("d.cs:NumberExtensions.Shout", "method")
    assert world.judge(extension, "a.cs", call("text.Shout"), "Work.Do") is NO


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
    match_box = boxes.define("match.py:MatchBox.run", "method")
    assert boxes.judge(match_box, "a.py", call("match_box.run"), "work") is LIKELY
    assert boxes.judge(BOX_RUN, "a.py", call("match_box.run"), "work") is NO
    assert boxes.judge(BOX_RUN, "a.py", call("shop.Box.run"), "work") is CERTAIN


def test_several_types_may_be_as_like_a_receiver(boxes: World) -> None:
    ring, fork = boxes.define("p.py:PoolA.go", "method"), boxes.define("q.py:PoolB.go", "method")
    boxes.define("r.py:Other.go", "method")
    assert boxes.judge(ring, "a.py", call("pool.go")) is LIKELY
    assert boxes.judge(fork, "a.py", call("pool.go")) is LIKELY


def test_a_module_has_no_members_of_types(boxes: World) -> None:
    boxes.file("a.py", imports("our_base", "library"))
    assert boxes.judge(SHUT, "a.py", call("our_base.shut")) is NO
    assert boxes.judge(SHUT, "b.py", call("our_base.shut")) is LIKELY


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


def test_circular_hints_say_nothing(boxes: World) -> None:
    """Two variables, each assigned from the other."""
    boxes.file("a.py", (call("two.make", 3, "one"), "work"), (call("one.make", 3, "two"), "work"))
    assert boxes.meaning("a.py", "one", "work") == Meaning()


def test_files_that_know_types_by_their_own_bases(boxes: World) -> None:
    """One resolver caches the bases of each file."""
    boxes.file("a.py", inherits("Box", "Shop"), (says("Shop", "one"), "work"))
    boxes.file("b.py", inherits("Bag", "Shop"), (says("Shop", "one"), "work"))
    resolver = Resolver([BOX_RUN, BAG_RUN], [BOX_RUN], boxes.declared)
    for path, verdict in (("a.py", CERTAIN), ("b.py", NO), ("a.py", CERTAIN)):
        assert resolver.judge(call("one.run"), "work", boxes.file(path)) is verdict

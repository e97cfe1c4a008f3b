"""The type of a receiver: type hints in files, and how they are followed."""

from __future__ import annotations

import pytest
from tests.support.mentions import World, call, imports, inherits, says

from kodit.domain.inference import MOST_ANCESTORS, Inference, Meaning, Sight, Target, rules_of
from kodit.domain.mentions import Mention, MentionKind


def reads(name: str, alias: str, line: int = 3) -> Mention:
    return Mention(MentionKind.READ, name, line, "", alias)


@pytest.fixture
def world() -> World:
    """Two types, and a function that returns one of them."""
    world = World()
    world.define("box.py:Box", "class")
    world.define("bag.py:Bag", "class")
    return world


def of(*types: str) -> Meaning:
    return Meaning(frozenset(types))


# What each language lets be left out


@pytest.mark.parametrize(
    ("language", "sight", "own_members", "folders"),
    [
        ("python", Sight.FILE, False, False),
        ("javascript", Sight.FILE, False, False),
        ("typescript", Sight.FILE, False, False),
        ("tsx", Sight.FILE, False, False),
        ("rust", Sight.FILE, False, False),
        ("go", Sight.FOLDER, False, True),
        ("java", Sight.FOLDER, True, True),
        ("kotlin", Sight.FOLDER, True, True),
        ("scala", Sight.FOLDER, True, True),
        ("ruby", Sight.INDEX, True, False),
        ("php", Sight.INDEX, False, False),
        ("haskell", Sight.FILE, False, False),
        ("swift", Sight.INDEX, True, False),
        ("csharp", Sight.INDEX, True, False),
    ],
)
def test_rules_of_languages(language: str, sight: Sight, own_members: bool, folders: bool) -> None:
    rules = rules_of(language)
    assert (rules.sight, rules.own_members) == (sight, own_members)
    place = Target(1, "p/a", language, "run", "", is_member=False, root="shop").place
    assert place == ("p/a", "shop", folders)


def test_a_field_needs_a_receiver_in_some_languages(world: World) -> None:
    for path in ("a.py", "a.java"):
        world.file(path, (call("Bag", 3, "self.two"), "Shop.open"))
        world.define(f"{path}:Shop", "class")
    world.define("Bag.java:Bag", "class")
    assert world.meaning("a.java", "two", "Shop.sell") == of("Bag")
    assert world.meaning("a.py", "two", "Shop.sell") == Meaning()


# Bases


def test_types_of_one_name_have_their_own_bases(world: World) -> None:
    one = world.file("a.py", inherits("Box", "Shop"))
    other = world.file("b.py", inherits("Bag", "Shop"))
    inference = Inference(world.declared)
    assert inference.ancestors("Shop", one) == ["Shop", "Box"]
    assert inference.ancestors("Shop", other) == ["Shop", "Bag"]


def test_bases_are_in_the_order_of_their_names_and_not_too_many(world: World) -> None:
    names = [f"B{number:02}" for number in range(20)]
    file = world.file("a.py", *(inherits(name, "Shop") for name in reversed(names)))
    assert Inference(world.declared).ancestors("Shop", file) == ["Shop", *names]
    long = [inherits(f"C{number + 1}", f"C{number}") for number in range(3 * MOST_ANCESTORS)]
    file = world.file("b.py", *long)
    assert len(Inference(world.declared).ancestors("C0", file)) == MOST_ANCESTORS + 1


def test_a_base_may_go_by_another_name(world: World) -> None:
    file = world.file("a.py", imports("Box", "box", "Chest"), inherits("Chest", "Shop"))
    assert file.bases == {"Shop": {"Box"}}
    world.file("a.py", imports("*", "./all", "every"))
    assert file.real_name("every") == "every"


# Variables, fields and results


def test_a_variable_is_no_function_of_its_name(world: World) -> None:
    world.define("a.py:make")
    world.file("a.py", says("Box", "make", 2), (says("Bag", "make()"), "make"))
    assert world.meaning("a.py", "make", "", 9) == of("Box")
    assert world.meaning("a.py", "make()", "", 9) == of("Bag")


def test_a_member_is_not_called_by_its_bare_name(world: World) -> None:
    world.define("a.py:Shop", "class")
    world.define("a.py:Shop.best", "method")
    world.file("a.py", (says("Bag", "best()"), "Shop.best"))
    assert world.meaning("a.py", "Shop().best()") == of("Bag")
    assert world.meaning("a.py", "best()") == Meaning()


def test_a_field_may_be_set_by_a_function_inside_a_method(world: World) -> None:
    world.define("a.py:Shop", "class")
    world.file("a.py", (call("Bag", 3, "self.two"), "Shop.open.inner"))
    assert world.meaning("a.py", "self.two", "Shop.sell") == of("Bag")


def test_what_is_said_later_at_the_top_of_a_file_counts(world: World) -> None:
    world.file("a.py", says("Box", "one", 50), (says("Bag", "two", 50), "work"))
    assert world.meaning("a.py", "one", "work", 9) == of("Box")
    assert world.meaning("a.py", "two", "work", 9) == Meaning()


def test_a_variable_may_be_made_of_that_around(world: World) -> None:
    """`one = one.next()` in a function, where the other `one` is that of the file."""
    world.define("box.py:Box.next", "method")
    world.file("box.py", (says("Bag", "next()"), "Box.next"))
    world.file("a.py", says("Box", "one", 1), (call("one.next", 3, "one"), "work"))
    assert world.meaning("a.py", "one", "work", 4) == of("Bag")


def test_a_function_may_lie_in_another_file_than_its_type(world: World) -> None:
    world.define("p/box.go:Box", "type")
    world.define("p/more.go:Box.best", "method")
    world.file("p/more.go", (says("Bag", "best()"), "Box.best"))
    world.file("p/box.go", (says("Box", "b"), "work"))
    assert world.meaning("p/box.go", "b.best()", "work") == of("Bag")


def test_a_type_may_lie_in_another(world: World) -> None:
    world.define("box.py:Box.Lid", "class")
    world.define("bag.py:Bag.Zip", "class")
    world.file("a.py", imports("Box", "box"))
    assert world.meaning("a.py", "Box.Lid") == of("Lid")
    assert world.meaning("a.py", "Box.Zip") == Meaning()


# Imports


def test_all_of_a_module_is_in_sight_where_it_is_imported(world: World) -> None:
    world.define("make.py:make")
    world.file("make.py", (says("Box", "make()"), "make"))
    world.file("a.py", imports("*", "make"))
    assert world.meaning("a.py", "make()") == of("Box")
    assert world.meaning("b.py", "make()") == Meaning()


def test_a_function_that_is_imported_is_no_module(world: World) -> None:
    world.define("make.py:make")
    world.file("a.py", imports("make", "make"), imports("pkg", ""))
    assert world.meaning("a.py", "make") == Meaning()
    assert world.meaning("a.py", "pkg") == Meaning(module="pkg", importing="a.py")


def test_a_name_behind_a_slash_is_a_module_whatever_its_case(world: World) -> None:
    world.file("a.go", imports("Shop", "host.org/deep"), imports("Crate", "host.org"))
    assert world.meaning("a.go", "Shop") == Meaning(module="host.org/deep/Shop", importing="a.go")
    assert world.meaning("a.go", "Crate") == of("Crate")


def test_what_lies_in_a_module_is_named_from_where_that_was_imported(world: World) -> None:
    world.file("deep/a.ts", imports("*", "./lib", "all"))
    assert world.meaning("deep/a.ts", "all.sub") == Meaning(
        module="./lib/sub", importing="deep/a.ts"
    )


def test_what_a_module_is_said_to_have(world: World) -> None:
    """If it is nowhere defined, a name with a capital is a type, and a call of any other says
    nothing."""
    world.file("a.py", imports("pkg", ""))
    assert world.meaning("a.py", "pkg.Cart()") == of("Cart")
    assert world.meaning("a.py", "pkg.cart()") == Meaning()
    assert world.meaning("a.py", "pkg.Cart") == Meaning(module="pkg.Cart", importing="a.py")


def test_of_what_a_variable_may_be_the_first_module_counts(world: World) -> None:
    """`one = m or other`."""
    world.file("a.py", imports("m", "pkg"), (reads("m", "one"), "work"))
    world.file("a.py", (reads("other", "one"), "work"))
    assert world.meaning("a.py", "one", "work") == Meaning(module="pkg.m", importing="a.py")

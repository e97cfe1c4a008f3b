"""Places in files, as compilers, tools and stack traces name them."""

from __future__ import annotations

from textwrap import dedent

import pytest

from kodit.domain.ranking.places import (
    MOST_LINES_AWAY,
    MOST_PLACES,
    MOST_READ,
    QueryPlace,
    query_places,
    snippet_at,
)
from kodit.domain.ranking.query import LONGEST_QUERY, understand
from kodit.domain.search import SnippetLines


@pytest.mark.parametrize(
    ("query", "path", "line"),
    [
        ("lib/url.c:614", "lib/url.c", 614),
        ("./lib/url.c:614:5: error: no", "lib/url.c", 614),
        ("lib/url.c:614: error: no `add(int)`", "lib/url.c", 614),
        ("lib/url.c:614: undefined reference to `add'", "lib/url.c", 614),
        ("at /srv/app/a.ts:89:3", "srv/app/a.ts", 89),
        ("at Object.<anonymous> (/srv/app/a.ts:89:3)", "srv/app/a.ts", 89),
        ('  File "a.py", line 7, in <module>', "a.py", 7),
        ("Cart.cs(12,5): error CS0103", "Cart.cs", 12),
        ("at com.shop.Cart.lambda$new$0(Cart.java:10)", "Cart.java", 10),
        ("url.c#L614", "url.c", 614),
        ("what is in url.c line 3", "url.c", 3),
        ("PHP Warning: Undefined variable $a in /srv/a.php on line 3", "srv/a.php", 3),
        ("syntax error at lib/url.pl line 3.", "lib/url.pl", 3),
        ("error, called at src/A.hs:3:5 in main:Main", "src/A.hs", 3),
        ("a.lua:3: in main chunk", "a.lua", 3),
        ("see `lib/url.c:3`", "lib/url.c", 3),
        ("add(lib/url.c:3)", "lib/url.c", 3),
        ("check(x)\nlib/url.c:3", "lib/url.c", 3),
    ],
)
def test_a_place_in_a_file(query: str, path: str, line: int) -> None:
    (found,) = query_places(query)
    assert (found.path, found.line) == (path, line)
    if "add(lib" not in query:
        assert not found.function


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('  File "/home/me/lib/url.py", line 7, in get', "home/me/lib/url.py:7 get"),
        ("lib/url.py:7: in get", "lib/url.py:7 get"),
        ("at f (/srv/app/a.ts:89:3)", "srv/app/a.ts:89 f"),
        ("at async Cart.add [as put] (file:///srv/a.mjs:9:3)", "srv/a.mjs:9 add Cart"),
        ("at new Cart (a.js:9:3)", "a.js:9 Cart"),
        ("add@https://shop.com/a.js:9:3", "shop.com/a.js:9 add"),
        ("at Shop.Cart.Add() in C:\\src\\Shop\\Cart.cs:line 12", "src/Shop/Cart.cs:12 Add Cart"),
        ("at Shop.Cart.<Add>d__5.MoveNext() in /s/Cart.cs:line 12", "s/Cart.cs:12 Add Cart"),
        ("at Cart.Add(Func`2 f, (int, int) p) in Cart.cs:line 1", "Cart.cs:1 Add Cart"),
        ("at com.shop.Cart.add(Cart.java:10)", "Cart.java:10 add Cart"),
        ("at com.shop.Cart.lambda$add$0(Cart.java:10)", "Cart.java:10 add Cart"),
        ("at com.shop.Cart.<init>(Cart.java:10)", "Cart.java:10 Cart shop"),
        ("a.lua:3: in function 'add'", "a.lua:3 add"),
        ("a.lua:3: in method 'Cart:add'", "a.lua:3 add Cart"),
        ("/s/a.zig:12:5: 0x103a in add (shop)", "s/a.zig:12 add"),
        ("#1 0x55 in Cart::add(int) /s/a.cpp:12:5", "s/a.cpp:12 add Cart"),
        ("../x.rb:3:in `go'", "x.rb:3 go"),
        ("x.rb:3:in `block (2 levels) in go!'", "x.rb:3 go"),
        ("x.rb:3:in 'Cart#add'", "x.rb:3 add Cart"),
        ("    (shop 0.1.0) lib/cart.ex:3: Shop.Cart.add/2", "lib/cart.ex:3 add Cart"),
        ("#1 0x0000555 in add (n=1, f=0x0 <g()>) at src/a.c:12", "src/a.c:12 add"),
        ("main.(*Cart).Add(0xc0, {0x1, 0x2})\n\t/go/a.go:12 +0x1d", "go/a.go:12 Add Cart"),
        ("main.Add.func1(...)\n\t/go/a.go:12 +0x1d", "go/a.go:12 Add main"),
        ("   3: shop::cart::Cart::add\n             at ./src/a.rs:12:9", "src/a.rs:12 add Cart"),
        ("   3: add::{{closure}}::h0123456789abcdef\n   at src/a.rs:12", "src/a.rs:12 add"),
        ("   3: 0x5f1 - shop::add\n   at src/a.rs:12", "src/a.rs:12 add shop"),
    ],
)
def test_the_function_of_a_place(query: str, expected: str) -> None:
    (found,) = query_places(query)
    told = f"{found.path}:{found.line} {found.function} {found.scope}"
    assert told.strip() == expected


@pytest.mark.parametrize(
    "query", ["url.c", "a:3", "12:30", "std::vector", "x.y:z", "v1.2:3", ".c:3", "/.c:3"]
)
def test_no_place_in_a_file(query: str) -> None:
    assert query_places(query) == ()


def told(trace: str) -> list[str]:
    """The lines of a trace's places, with their functions."""
    return [f"{one.line} {one.function}".strip() for one in query_places(dedent(trace))]


def test_the_innermost_place_is_first() -> None:
    """Whichever end of a trace it is at."""
    python = """
        Traceback (most recent call last):
          File "a.py", line 1, in one
            two()
          File "b.py", line 2, in two
        KeyError: 'a'

        During handling of the above exception, another exception occurred:

          File "a.py", line 3, in three
    """
    assert told(python) == ["3 three", "2 two", "1 one"]
    assert told(python.replace("Traceback (most recent call last):", "")) == told(python)
    assert told("a.py:1: in one\nb.py:2: in two\nb.py:3: KeyError") == ["3", "2 two", "1 one"]
    assert told("a.c:1: error\nb.c:2: error") == ["1", "2"]


def test_the_cause_is_first() -> None:
    java = """
        IllegalStateException: no
            at a.A.one(A.java:1)
            at a.A.two(A.java:2)
        Caused by: IOException: no
            at a.B.three(B.java:3)
        Caused by: IOException: no
            at a.B.four(B.java:4)
            at a.B.five(B.java:5)
    """
    assert told(java) == ["4 four", "5 five", "3 three", "1 one", "2 two"]
    assert told("Error\n at one (a.js:1:1)\n  [cause]: Error\n at two (b.js:2:1)") == [
        "2 two",
        "1 one",
    ]


def test_what_led_to_a_place_is_after_it() -> None:
    included = """
        In file included from a.h:1,
                         from b.h:2:
        c.h:3:5: error: no
    """
    assert told(included) == ["3", "1", "2"]
    assert told("from.c:1: error\nb.c:2: error") == ["1", "2"]


def test_the_message_of_a_trace_is_followed_by_its_frame() -> None:
    rust = """
        thread 'main' panicked at src/a.rs:3:9:
        no
           0: rust_begin_unwind
                     at /rustc/07dca489ac/library/std/src/panicking.rs:645:5
           1: shop::add
                     at ./src/a.rs:3:9
    """
    assert told(rust) == ["3 add", "645 rust_begin_unwind"]


def test_a_trace_of_php_names_what_is_called() -> None:
    """The function is the one that the place before it is in."""
    php = """
        PHP Fatal error:  Uncaught RuntimeException: no in /srv/Cart.php:3
        Stack trace:
        #0 /srv/Shop.php(20): Cart->add()
        #1 /srv/index.php(7): Shop\\Shop->open()
        #2 {main}
    """
    assert told(php) == ["3 add", "20 open", "7"]
    assert [one.scope for one in query_places(dedent(php))] == ["Cart", "Shop", ""]


def test_equal_places_count_once_and_many_are_cut() -> None:
    assert told("a.py:1\nb.py:2\na.py:1\na.py:3") == ["1", "2", "3"]
    many = "".join(f"a.py:{number}\n" for number in range(1, MOST_READ + 9))
    assert [one.line for one in query_places(many)] == list(range(1, MOST_PLACES + 1))
    last = [one.line for one in query_places(f"Traceback (most recent call last):\n{many}")]
    assert last == list(range(MOST_READ + 8, MOST_READ + 8 - MOST_PLACES, -1))


def test_a_long_trace_is_read_from_the_end_at_which_it_was_taken() -> None:
    """Its words, among them those of the message, as well as its places."""
    frames = "".join(f'  File "a{n}.py", line 1, in f{n}\n' for n in range(999))
    python = understand(f"Traceback (most recent call last):\n{frames}KeyError: 'turnip'")
    assert "turnip" in python.text and len(python.text) == LONGEST_QUERY
    assert python.places[0].path == "a998.py"
    other = understand("Error: turnip\n" + "".join(f" at f{n} (a{n}.js:1:1)\n" for n in range(999)))
    assert other.text.startswith("Error: turnip") and len(other.text) == LONGEST_QUERY
    assert other.places[0].path == "a0.js"


def test_a_trace_tells_of_several_pieces_of_code() -> None:
    assert understand("a.py:1\na.py:2").is_statement
    assert not understand("a.py:1").is_statement


def test_a_path_may_be_longer_or_shorter_than_that_of_the_file() -> None:
    """Equal parts are counted from the end; the source distinguishes files with the same name."""
    asked = QueryPlace("lib/url.c", 1)
    assert asked.likeness("/home/curl", "lib/url.c") == 2
    assert asked.likeness("/home/lib", "url.c") == 2
    assert asked.likeness("/home/src", "url.c") == 1
    assert asked.likeness("/home/curl", "src/lib/url.c") == 2
    assert asked.likeness("/home/curl", "lib/curl.c") == 0
    assert asked.likeness("/home/curl", "src/url.c") == 0
    assert QueryPlace("url.c", 1).likeness("/home", "lib/aurl.c") == 0
    assert QueryPlace("a/b/c.c", 1).likeness("/a", "b/c.c") == 3
    assert asked.file_name == "url.c"


SNIPPETS = (
    SnippetLines(1, 1, 20, ["Cart"]),
    SnippetLines(2, 5, 9, ["add", "put"], "Shop.Cart"),
    SnippetLines(3, 30, 39, ["add"], "Shop.Order"),
    SnippetLines(4, 40, 60, []),
    SnippetLines(5, 61, 62, ["once"], "run"),
)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        # Of two that hold the line, the inner one.
        ((4,), 1),
        ((5,), 2),
        ((9,), 2),
        ((10,), 1),
        # Between two, the nearest one that is near enough.
        ((20 + 4,), 1),
        ((28,), 3),
        ((62 + MOST_LINES_AWAY,), 5),
        ((63 + MOST_LINES_AWAY,), None),
        # The line is right, as far as the names tell.
        ((7, "put"), 2),
        ((35, "gone"), 3),
        ((61, "run"), 5),
        # The function has moved: the nearest one, if possible in the same scope.
        ((2, "once"), 5),
        ((50, "add"), 3),
        ((50, "add", "Cart"), 2),
        ((50, "add", "Cellar"), 3),
        ((999, "put"), 2),
        ((999, "gone"), None),
    ],
)
def test_the_snippet_at_a_place(place: tuple[int, ...], expected: int | None) -> None:
    assert snippet_at(QueryPlace("a.py", *place), SNIPPETS) == expected  # type: ignore[arg-type] # a line and names


def test_a_file_without_snippets_has_none_at_a_place() -> None:
    assert snippet_at(QueryPlace("a.py", 1, "add"), ()) is None

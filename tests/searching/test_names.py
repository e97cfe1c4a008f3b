"""Every definition is found by its name, however small it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.sources import write_file, write_tree

from kodit import Kodit

SHAPES = """LIMIT = 12
MARGIN = 3


class Circle:
    def area(self):
        return 3

    def grow(self):
        return 2

    def shrink(self):
        return 1


class Square:
    def area(self):
        return 4
"""


@pytest.fixture(scope="module")
def kodit(tmp_path_factory: pytest.TempPathFactory) -> Kodit:
    """An index of one file of many small definitions, and of one that only names them."""
    place = tmp_path_factory.mktemp("names")
    write_file(place / "source" / "shapes.py", SHAPES)
    uses = "".join(f"print(margin, square.area, circle.shrink, {n})\n" for n in range(30))
    write_file(place / "source" / "area" / "margin.py", f"def shown():\n    {uses}")
    write_file(place / "source" / "bounds.py", "def is_within(value):\n    return value < LIMIT\n")
    kodit = Kodit(place / "data")
    kodit.index(place / "source")
    return kodit


def test_a_word_that_only_a_document_has_finds_it(tmp_path: Path) -> None:
    """Among code without the word."""
    write_tree(tmp_path / "source", files=30)
    write_file(tmp_path / "source" / "notes.txt", "About giraffes, and how tall they are.\n" * 3)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "source")
        for query in ("giraffes", "giraffe"):
            assert kodit.search(query)[0].snippet.path == "notes.txt"


@pytest.mark.parametrize(
    ("query", "line"),
    [("MARGIN", 2), ("Circle.shrink", 12), ("Square.area", 17), ("shrink", 12), ("Circle", 5)],
)
def test_a_small_definition_is_the_first_result(kodit: Kodit, query: str, line: int) -> None:
    """Even if it shares its snippet with others."""
    snippet = kodit.search(query)[0].snippet
    assert snippet.path == "shapes.py"
    assert snippet.start_line <= line <= snippet.end_line


def test_a_definition_that_shares_a_snippet_has_its_own_lines(kodit: Kodit) -> None:
    """And its own name, kind and scope."""
    (found,) = kodit.symbols("Circle.shrink").definitions
    snippet = found.snippet
    assert (snippet.start_line, snippet.end_line, found.line) == (12, 13, 12)
    assert (snippet.kind, snippet.scope) == ("method", "Circle")
    assert snippet.text.endswith("return 1")
    (found,) = kodit.symbols("LIMIT").definitions
    assert (found.line, found.snippet.kind) == (1, "constant")


@pytest.mark.parametrize("name", ["LIMIT", "limit"])
def test_uses_of_a_definition_that_shares_a_snippet(kodit: Kodit, name: str) -> None:
    """They are spelled like the definition, whatever the case of the query."""
    answer = kodit.symbols(name)
    assert [found.snippet.symbol for found in answer.definitions] == ["LIMIT"]
    assert [(one.snippet.path, one.line) for one in answer.references] == [("bounds.py", 2)]


def test_kinds_choose_among_what_shares_a_snippet(kodit: Kodit) -> None:
    """By the kind of the definition, not by that of the snippet."""
    assert kodit.symbols("LIMIT", kinds=["class"]).definitions == ()
    assert len(kodit.symbols("LIMIT", kinds=["constant"]).definitions) == 1


def test_a_definition_that_begins_in_the_snippet_of_another_is_one(tmp_path: Path) -> None:
    """From its first line to its last."""
    members = "".join(f"  int member_{number};\n" for number in range(12))
    text = f"typedef struct tag\n{{\n{members}}}\nNAME;\n"
    write_file(tmp_path / "source" / "name.h", text)
    with Kodit(tmp_path / "data") as kodit:
        kodit.index(tmp_path / "source")
        (found,) = kodit.symbols("NAME").definitions
    assert (found.snippet.start_line, found.snippet.end_line) == (1, 16)


NAMED = {
    "lib/cascade.rb": """
module Rack
  class Cascade
    def initialize(apps)
      @apps = apps
      apps.each { |app| add app }
    end

    def include?(app)
      @apps.include?(app)
    end

    def include(app)
      @apps << app
    end

    class Listener
      def on_commit(request)
        request.finish
        log "committed"
      end
    end

    def on_commit(request)
      request.finish
      each_handler { |handler| handler.on_commit request }
    end
  end
end
""",
    "src/Auth/Contracts/MustVerify.php": """<?php
namespace App\\Auth\\Contracts;

interface MustVerify
{
    public function hasVerified();

    public function markAsVerified();
}
""",
    "src/Auth/Verified.php": """<?php
namespace App\\Auth;

use App\\Auth\\Contracts\\MustVerify;

class Verified
{
    public function __construct(MustVerify $user)
    {
        $this->user = $user;
    }
}
""",
    "app/requests.py": """
import json


class Request:
    def __init__(self, body):
        self.body = body

    def json(self):
        return json.loads(self.body)


def read(request):
    return Request(request).json()
""",
    "app/data.json": '{"request": "json", "Request": {"json": 1}}\n',
}


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Kodit:
    place = tmp_path_factory.mktemp("named")
    for path, text in NAMED.items():
        write_file(place / "source" / path, text.lstrip())
    kodit = Kodit(place / "data")
    kodit.index(place / "source")
    return kodit


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("App\\Auth\\Contracts\\MustVerify", "interface MustVerify"),
        ("\\App\\Auth\\Contracts\\MustVerify", "interface MustVerify"),
        ("Contracts\\MustVerify::markAsVerified", "markAsVerified"),
        ("src\\Auth\\Verified.php", "class Verified"),
        ("Request.json", "json.loads"),
        ("app.requests.Request.json", "json.loads"),
        ("data.json", '{"request"'),
        ("`data.json`", '{"request"'),
        ("Cascade#include?", "include?(app)"),
        ("include?", "include?(app)"),
        ("Rack::Cascade::on_commit", "each_handler"),
        ("Listener#on_commit", "committed"),
    ],
)
def test_a_name_as_its_language_writes_it(named: Kodit, query: str, said: str) -> None:
    """With its separators and signs, and even if it looks like the name of a file."""
    assert said in named.search(query, limit=1)[0].snippet.text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        # Joined in another way, misspelled, and typed in part.
        ("markasVerifed", "markAsVerified"),
        ("mark_as_verified", "markAsVerified"),
        ("MARK_AS_VERIFIED", "markAsVerified"),
        ("OnCommit", "each_handler"),
        ("on_comit", "each_handler"),
        ("Cascade#on_comit", "each_handler"),
        ("Listener#on_cmmit", "committed"),
        ("on_comm", "each_handler"),
        ("MustVer", "interface MustVerify"),
    ],
)
def test_a_name_that_does_not_occur_stands_for_a_similar_one(
    named: Kodit, query: str, said: str
) -> None:
    """In its scopes, and though its words occur elsewhere."""
    assert said in named.search(query, limit=1)[0].snippet.text


def test_a_filter_does_not_change_which_name_is_meant(named: Kodit) -> None:
    everywhere = [one.snippet.id for one in named.search("on_comit", limit=50)]
    for path in ("*.rb", "*.php", "*.py"):
        found = [one.snippet.id for one in named.search("on_comit", limit=50, paths=[path])]
        assert found == [one for one in everywhere if one in found]

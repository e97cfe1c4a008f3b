"""Callers behind receivers of which little or nothing is known, in each language that has them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from tests.support.sources import write_file

from kodit import Kodit

FILES = {
    "lua/shelf.lua": """local Shelf = {}
Shelf.__index = Shelf

function Shelf:new(opts)
  return setmetatable(opts or {}, self)
end

function Shelf:shorten(n)
  return n
end

function Shelf.stock(n)
  return n
end

return Shelf
""",
    "lua/room.lua": """local Shelf = require "lua.shelf"
local M = {}
local Room = {}

function Room:new()
  return setmetatable({ shelf = Shelf:new {} }, self)
end

function Room:by_field()
  self.shelf:shorten(1)
end

function M.by_field_of_parameter(room)
  room.manager.shelf:shorten(2)
end

function M.by_chain(room)
  room:get_shelf():shorten(3)
end

function M.by_item(shelves)
  shelves[1]:shorten(4)
end

function M.by_alias()
  local S = Shelf
  S.stock(2)
end

function M.by_module_in_place()
  require("lua.shelf").stock(3)
end

function M.not_by_library(s)
  vim.shorten(s)
end
""",
    "rb/shelf.rb": """class Shelf
  def shorten(n)
    width
  end

  def width
    Integer(1)
  end

  def fetch(n)
    n
  end
end
""",
    "rb/room.rb": """class Room
  def by_field
    @shelf.shorten(1)
  end

  def by_parameter(s)
    s.shorten(2)
  end

  def by_safe(room)
    room&.shelf&.shorten(3)
  end

  def by_symbol(shelves)
    shelves.map(&:shorten)
  end

  def by_alias
    s = Shelf
    s.new.shorten(4)
  end

  def not_by_hash(hash)
    hash.fetch(1)
  end

  def not_by_variable
    width = 3
    width + 1
  end
end
""",
    "php/Shelf.php": """<?php
class Shelf
{
    public static function stock(int $n): self { return new self(); }
    public function shorten(int $n): int { return $n; }
}
""",
    "php/Room.php": """<?php
class Room
{
    protected $other;
    public function by_field() { $this->other->shorten(1); }
    public function by_parameter($s) { $s->shorten(2); }
    public function by_chain($room) { $room->getShelf()->shorten(3); }
    public function by_item($all) { $all[1]->shorten(4); }
    public function by_safe($room) { $room?->shelf?->shorten(5); }
}
""",
    "cs/Shelf.cs": """namespace Store
{
    public class Shelf
    {
        public int Shorten(int n) { return n; }
        public void Clear() { }
    }
}
""",
    "cs/Room.cs": """namespace Rooms
{
    public class Room
    {
        void by_lambda(List<Unknown> all) { all.ForEach(x => x.Shorten(1)); }
        void by_out(Unknown u) { u.TryGet(out var s); s.Shorten(2); }
        void not_by_list(Unknown u) { u.Items.Clear(); }
    }
}
""",
    "cpp/shelf.h": """namespace store {
class Shelf {
 public:
  static Shelf* Stock(int n);
  int Shorten(int n) { return n; }
};
inline int Sweep(int n) { return n; }
}  // namespace store
""",
    "cpp/room.cpp": """#include "shelf.h"
namespace st = store;
using Rack = store::Shelf;
void by_lambda() { auto f = [](auto& x) { x.Shorten(1); }; }
void by_cast(void* p) { static_cast<store::Shelf*>(p)->Shorten(2); }
void by_alias() { Rack::Stock(3); }
void by_namespace_alias() { st::Sweep(4); }
""",
    "rs/shelf.rs": """pub struct Shelf { n: u32 }

impl Shelf {
    cfg_wide! {
        /// Shortens it.
        pub fn shorten(&self, n: u32) -> u32 { n }
    }

    pub fn widen(&self) -> u32 { 1 }
}
""",
    "rs/room.rs": """use crate::shelf::Shelf;

fn by_macro(s: &Shelf) { assert_eq!(s.shorten(1), s.widen()); }
fn by_local(x: Unknown) {
    let s = x.something();
    s.shorten(2);
}
""",
    "swift/Shelf.swift": """class Shelf {
    func shorten(_ n: Int) -> Int { return n }
}
""",
    "swift/Room.swift": """class Room {
    func by_closure(all: [Unknown]) { all.map { $0.shorten(1) } }
    func by_guard(x: Unknown) { guard let s = x.get() else { return }; s.shorten(2) }
    func by_operator(s: Shelf) -> Int { return 1 + s.shorten(3) }
}
""",
    "ex/shelf.ex": """defmodule Store.Shelf do
  def shorten(shelf, n), do: n
end
""",
    "ex/room.ex": """defmodule Rooms.Room do
  alias Store.Shelf, as: Rack

  def by_alias(s), do: Rack.shorten(s, 1)
  def by_field(state), do: state.module.shorten(state, 2)
  def not_by_library(s), do: :lists.shorten(s, 3)
end
""",
    "kt/store/Shelf.kt": """package store

class Shelf
fun Shelf.shorten(n: Int): Int = n
""",
    "kt/rooms/Room.kt": """package rooms

import store.Shelf
import store.shorten

fun by_extension(s: Shelf) = s.shorten(1)
""",
    "zig/shelf.zig": """pub const Shelf = struct {
    pub fn shorten(self: *Shelf, n: u32) u32 {
        return n;
    }
};
""",
    "zig/room.zig": """fn by_capture(x: ?Unknown) void {
    if (x) |s| {
        _ = s.shorten(1);
    }
}
""",
    "hs/Shelf.hs": """module Shelf where

shorten :: Int -> Int
shorten n = n
""",
    "hs/Room.hs": """module Room where

import Shelf

by_composing = show . shorten
by_section = (`shorten` 1)
""",
    "sh/shelf.sh": "shorten() {\n  echo 1\n}\n",
    "sh/room.sh": 'source "./shelf.sh"\nby_running() {\n  run shorten 1\n}\n',
}


@pytest.fixture(scope="module")
def kodit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kodit]:
    folder = tmp_path_factory.mktemp("receivers")
    for path, text in FILES.items():
        write_file(folder / "code" / path, text)
    with Kodit(folder / "data") as opened:
        opened.index(folder / "code")
        yield opened


def callers(kodit: Kodit, name: str, folder: str) -> set[str]:
    """The functions in a folder that call a definition, certainly or likely."""
    found = kodit.symbols(name, paths=[f"{folder}/**"], uses="callers").references
    return {one.within.rpartition(".")[2] for one in found}


def functions_of(folder: str) -> set[str]:
    texts = [text for path, text in FILES.items() if path.startswith(f"{folder}/")]
    return set(re.findall(r"\bby_\w+", "\n".join(texts)))


NAMES = {
    "lua": ("Shelf.shorten", "Shelf.stock"),
    "rb": ("Shelf.shorten",),
    "php": ("Shelf.shorten",),
    "cs": ("Shelf.Shorten",),
    "cpp": ("Shelf.Shorten", "Shelf.Stock", "Sweep"),
    "rs": ("Shelf.shorten",),
    "swift": ("Shelf.shorten",),
    "ex": ("Shelf.shorten",),
    "kt": ("shorten",),
    "zig": ("Shelf.shorten",),
    "hs": ("shorten",),
    "sh": ("shorten",),
}


@pytest.mark.parametrize("folder", list(NAMES))
def test_a_receiver_of_which_nothing_is_known_leaves_no_caller_out(
    kodit: Kodit, folder: str
) -> None:
    """A field, an element, a result, a parameter, a module that goes by another name."""
    found = {one for name in NAMES[folder] for one in callers(kodit, name, folder)}
    assert found == functions_of(folder)


def test_a_method_is_called_without_brackets(kodit: Kodit) -> None:
    """Unless it is a variable of that name."""
    assert callers(kodit, "Shelf.width", "rb") == {"shorten"}


def test_a_member_that_many_types_have_is_not_that_of_one(kodit: Kodit) -> None:
    assert callers(kodit, "Shelf.fetch", "rb") == set()
    assert callers(kodit, "Shelf.Clear", "cs") == set()


@pytest.mark.parametrize(
    ("folder", "name", "line"), [("lua", "shelf", 1), ("hs", "Shelf", 3), ("cpp", "shelf", 1)]
)
def test_a_module_that_is_imported_as_a_whole_is_found_by_its_name(
    kodit: Kodit, folder: str, name: str, line: int
) -> None:
    found = kodit.symbols(name, paths=[f"{folder}/*oom*"], uses="imports").references
    assert line in {one.line for one in found}

"""Words that decide whether a captured name is a mention."""

from __future__ import annotations

DEFINING = frozenset(
    "def defp defmacro defmacrop defmodule defprotocol defimpl defstruct defdelegate defguard"
    " defguardp alias import require use".split()
)
SPECIAL = frozenset("case cond for if quote receive try unless unquote with".split())
"""Words of Elixir that look like calls."""
WORDS = {
    "required": frozenset({"require"}),
    "requiring": frozenset({"require", "require_relative", "load", "include", "import"}),
    "autoloading": frozenset({"autoload"}),
    "loading": frozenset({"load"}),
    "modules": frozenset({"using", "Import-Module"}),
    "running": frozenset({"command", "exec", "nohup", "run", "time", "trap", "xargs"}),
    "composing": frozenset(". $ $! <$> <&> & <*> <* *> >>= =<< >> >=> <=< <|> |>".split()),
    "composed": frozenset(". & <*> >>= =<< >> >=> <=< <|> |>".split()),
    "importing": frozenset({"@import"}),
    "sourcing": frozenset({"source", "."}),
    "including": frozenset({"include", "extend", "prepend"}),
    "aliasing": frozenset({"alias", "import", "require", "use"}),
    "behaving": frozenset({"behaviour"}),
    "implementing": frozenset({"defimpl"}),
    "defining": frozenset(word for word in DEFINING if word.startswith("def")),
}
"""Patterns with such a capture count only if it is one of these words."""

BUILT_IN = frozenset(
    "any bool boolean byte char comparable complex128 complex64 dict double error float float32"
    " float64 i16 i32 i64 i8 int int16 int32 int64 int8 isize list long number object rune short"
    " str string tuple u16 u32 u64 u8 uint uint16 uint32 uint64 uint8 uintptr usize var void"
    " f32 f64 None auto self Self".split()
)
"""Names of built-in types, which are not worth a mention."""

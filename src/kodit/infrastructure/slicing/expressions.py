"""The regular expressions of the table of languages: what is hidden from a parser, and how lines
begin that define something."""

from __future__ import annotations

import re

C_MACROS = re.compile(
    rb"\b(?:class|struct|union)[ \t]+([A-Z][A-Z0-9_]{2,}(?:\([^()\n]*\))?)(?=[ \t]+[A-Za-z_])"
    rb"|^[ \t]*([A-Z][A-Z0-9_]*_(?:BEGIN|END)(?:_[A-Z0-9_]+)?;?)(?=[ \t\r]*$)"
    rb"|\)[ \t\w]*?[ \t\n]([A-Z][A-Z0-9_]{3,}(?:\([^()\n]*\))?)(?=\s*\{)",
    re.MULTILINE,
)
"""Attributes of a class, lines that open or close a namespace, attributes of a function."""

CPP_MACROS = re.compile(
    C_MACROS.pattern
    + rb"|^[ \t]*((?:export[ \t]+)?(?:module|import)\b[ \t]*[\w.:<\"/]*[>\"]?[ \t]*;)"
    + rb"|^[ \t]*(export[ \t]+)(?=[\w{])",
    re.MULTILINE,
)
"""The same, and what C++20 says of modules."""

CPP_LINE = re.compile(r"\s*+(?:export\s+)?(?P<kind>module)\s+(?P<name>[\w.]+(?::[\w.]+)?)\s*;")

CSHARP_EXTENSIONS = re.compile(
    rb"^[ \t]*(extension[ \t]*(?:<[^<>\n]*>[ \t]*)?\([^\n{};]*)(?=\s*\{)", re.MULTILINE
)
"""Blocks of extension members, which no grammar knows yet."""

RUST_MACROS = re.compile(
    rb"^[ \t]*(\w+!)[ \t]*\{[ \t\r]*\n\s*(?:///?|#\[|(?:pub|fn|struct|impl|enum|mod|trait|async|unsafe)\b)",
    re.MULTILINE,
)
"""Macros around items, as for conditional compilation: what is left is a block of items."""

KOTLIN_NEWS = re.compile(
    rb"^[ \t]*is [^\n{]{1,200}?([ \t]if[ \t][^\n]{1,200}?)[ \t]*->|\b(where)(?=\??\.|:)",
    re.MULTILINE,
)
"""Guards of `when` branches, which tree-sitter-kotlin 1.1.0 does not know yet, and a variable with
the name of a soft keyword: the one becomes a part of the type's name, the other another name.
The lengths are bounded, so that a hostile line costs no more than its length."""

CUDA_LAUNCHES = re.compile(
    rb"\b(__(?:global|device|host|shared|constant|managed|noinline|forceinline|grid_constant)__)"
    rb"|(<<<[^;{}<>]{1,400}>>>)"
)
"""What CUDA adds to C++: where functions run and variables are, and how kernels are launched."""

SCRIPT_OPENS = re.compile(rb"<script\b[^<>]{0,400}>", re.IGNORECASE)
ASTRO_OPENS = re.compile(rb"\A\s*---[ \t]*(?=\n)")
"""What opens the code of a component."""

OBJC_LINE = re.compile(
    r"\s*+(?:typedef\s+)?(?P<kind>NS_(?:ENUM|OPTIONS))\(\s*\w+\s*,\s*(?P<name>\w+)"
)
"""An enumeration that a macro opens."""

HASKELL_BIRDS = re.compile(rb"^>[ \t]*(?:module|import|data|type|[a-z]\w*[ \t]+::)", re.MULTILINE)
"""What tells that only the lines behind a `>` are code."""

_SQL_NAME = r"""(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|[\w$\#@]+)"""
SQL_LINE = re.compile(
    rf"""
    \s*+
    (?P<create>
      CREATE\s++ (?:OR\s+(?:REPLACE|ALTER)\s++)?
      (?:(?:GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED|FOREIGN|EXTERNAL|TRANSIENT|VIRTUAL|RECURSIVE
         |MATERIALIZED|UNIQUE|CLUSTERED|NONCLUSTERED|COLUMNSTORE|FULLTEXT|SPATIAL|BITMAP
         |EDITIONABLE|NONEDITIONABLE|FORCE|CONSTRAINT|AGGREGATE|PUBLIC|ALGORITHM\s*=\s*\w+
         |DEFINER\s*=\s*\S+|SQL\s+SECURITY\s+\w+)\s++)*+
    )?
    (?P<kind>
      (?(create)
        (?:TABLE|VIEW|INDEX|FUNCTION|PROCEDURE|PROC|TRIGGER|EVENT|TYPE|DOMAIN|SEQUENCE|SCHEMA
           |PACKAGE\s+BODY|PACKAGE)
        |(?:FUNCTION|PROCEDURE)
      )
    )\s++
    (?:CONCURRENTLY\s++)?+ (?:IF\s+NOT\s+EXISTS\s++)?+ (?!ON\s)
    (?P<name>{_SQL_NAME}(?:\s*\.\s*{_SQL_NAME})*)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""How a statement begins that defines something, and within a package a part of it."""

BEYOND_ASCII = re.compile(rb"([\x80-\xff]+)")
"""Characters that tree-sitter-bash 0.25.1 looks up in a table of 256 entries: it reads far beyond
the table's end, which ends the process where nothing is mapped there."""

BASH_LINE = re.compile(r"\s*+(?P<kind>alias)(?:\s+-\w+)*\s+(?P<name>[\w.+-]+)=")
"""An alias."""

"""The regular expressions of the language table: text hidden from a parser, and lines that begin a
definition.
"""

from __future__ import annotations

import re

_MACRO_BEFORE = (
    rb"^[ \t]*(?:(?:static|inline|extern|virtual|explicit|constexpr|friend)[ \t]+){0,3}"
    rb"([A-Z][A-Z0-9]*+_[A-Z0-9_]++(?:\([^()\n]*\))?+)(?!\w)[ \t\r]*\n?[ \t]*(?="
    rb"(?:template|class|struct|union|enum|typedef|namespace|using|static|inline|extern|constexpr"
    rb"|consteval|explicit|virtual|friend|typename|void|bool|auto|unsigned|signed|int|char|short"
    rb"|long|float|double)\b"
    rb"|(?:(?:const|volatile)[ \t]+)?[A-Za-z_][\w:]*(?:<[^;{}()\n]*>)?[ \t*&]+~?[A-Za-z_][\w:]*\("
    rb"|[A-Za-z_]\w*(?:<[^;{}()\n]*>)?::[~\w:]+\("
    rb"|[A-Za-z_]\w*\([^;{}]{0,300}?\)\s*(?:noexcept\s*)?:\s*\w+\s*[({<]"  # a constructor
    rb"|operator[ \t]+(?:const[ \t]+)?[A-Za-z_][\w:<>]*[ \t*&]*\(\))"  # a conversion
)
"""A macro before a declaration, recognised by what follows it."""

C_MACROS = re.compile(
    rb"\b(?:class|struct|union)[ \t]+([A-Z][A-Z0-9_]{2,}(?:\([^()\n]*\))?)(?=[ \t]+[A-Za-z_])"
    rb"|^[ \t]*([A-Z][A-Z0-9_]*_(?:BEGIN|END)(?:_[A-Z0-9_]+)?;?)(?=[ \t\r]*$)"
    rb"|\)[ \t\w]*?[ \t\n]([A-Z][A-Z0-9_]{3,}(?:\([^()\n]*\))?)(?=\s*\{)"
    rb"|" + _MACRO_BEFORE,
    re.MULTILINE,
)
"""Macros used as attributes of a class or function, or to open or close a namespace."""

CPP_MACROS = re.compile(
    C_MACROS.pattern
    + rb"|^[ \t]*((?:export[ \t]+)?(?:module|import)\b[ \t]*[\w.:<\"/]*[>\"]?[ \t]*;)"
    + rb"|^[ \t]*(export[ \t]+)(?=[\w{])",
    re.MULTILINE,
)
"""The same, and C++20's module declarations."""

CPP_LINE = re.compile(r"\s*+(?:export\s+)?(?P<kind>module)\s+(?P<name>[\w.]+(?::[\w.]+)?)\s*;")

CSHARP_EXTENSIONS = re.compile(
    rb"^[ \t]*(extension[ \t]*(?:<[^<>\n]*>[ \t]*)?\([^\n{};]*)(?=\s*\{)"
    rb"|\b(ref[ \t]+)(?=partial[ \t]+struct\b)",
    re.MULTILINE,
)
"""Blocks of extension members, and `ref partial struct`, which no grammar supports yet."""

RUST_MACROS = re.compile(
    rb"^[ \t]*((?:\w{5,}!|\w{4}![ \t])[ \t]*)\{[ \t\r]*\n\s*(?:///?|#\[|(?:pub|fn|struct|impl|enum|mod|trait|async|unsafe)\b)",
    re.MULTILINE,
)
"""Macros around items, as for conditional compilation, even in an `impl`: replacing the macro by
`extern` leaves a block of items, which is valid wherever items are.
"""

_KOTLIN_ANNOTATION = rb"@[\w.:]++(?:\((?:[^()]|\([^()]{0,200}\)){0,500}\))?+"
_KOTLIN_ANNOTATIONS = rb"(?:" + _KOTLIN_ANNOTATION + rb"\s++){1,10}+"
_KOTLIN_MODIFIERS = (
    rb"(?:(?:public|private|internal|protected|abstract|final|open|sealed|const|expect|actual"
    rb"|external|annotation|inner|data|suspend|inline|operator|infix|override|lateinit|tailrec"
    rb"|value(?=\s+class\b)|fun(?=\s+interface\b))\s+)"
)
KOTLIN_UNSUPPORTED = re.compile(
    rb"^[ \t]*is [^\n{]{1,200}?([ \t]if[ \t][^\n]{1,200}?)[ \t]*->|\b(where)(?=\??\.|:)"
    rb"|(?P<blank>"
    + _KOTLIN_ANNOTATIONS
    + rb")(?="
    + _KOTLIN_MODIFIERS
    + rb"{0,4}(?:enum\s+class|interface)\b)"
    rb"|^(?P<blank_line>(?:"
    + _KOTLIN_ANNOTATION
    + rb"\s+){0,10}?@[\w.:]+\([^()\n]*(?:\([^()\n]*\)[^()\n]*)?\)[ \t]+)(?="
    + _KOTLIN_MODIFIERS
    + rb"{0,4}(?:fun|val|var|object|class|typealias)\b)"
    rb"|"
    + _KOTLIN_ANNOTATIONS
    + rb"(?P<blank_words>"
    + _KOTLIN_MODIFIERS
    + rb"{1,4})(?=(?:fun|val|var|object|class|typealias)\b)",
    re.MULTILINE,
)
"""Guards of `when` branches, which tree-sitter-kotlin 1.1.0 does not support yet, and variables
named like a soft keyword: the guard becomes part of the type's name, the variable another name.
Outside of classes it takes annotations and a soft keyword after them for an expression, so that
one of them is blanked. The lengths are bounded to keep the time linear on a hostile line.
"""

CUDA_LAUNCHES = re.compile(
    rb"\b(__(?:global|device|host|shared|constant|managed|noinline|forceinline|grid_constant)__)"
    rb"|(<<<[^;{}<>]{1,400}>>>)"
)
"""CUDA's additions to C++: execution and memory space specifiers, and kernel launches."""

SCRIPT_OPENS = re.compile(rb"<script\b[^<>]{0,400}>", re.IGNORECASE)
ASTRO_OPENS = re.compile(rb"\A\s*---[ \t]*(?=\n)")
"""The line that opens the code of a component."""

OBJC_LINE = re.compile(
    r"\s*+(?:typedef\s+)?(?P<kind>NS_(?:ENUM|OPTIONS))\(\s*\w+\s*,\s*(?P<name>\w+)"
)
"""An enumeration opened by a macro."""

HASKELL_BIRD_TRACKS = re.compile(
    rb"\A(?!(?s:.*?)^(?:module|import)[ \t]+[A-Z])(?s:.*?)"
    rb"^>[ \t]*(?:module|import|data|type|[a-z]\w*[ \t]+::)",
    re.MULTILINE,
)
"""Marks a literate file, in which only the lines that begin with `>` are code: a file with code on
other lines may show such lines in a comment."""

_SQL_NAME = r"""(?:"[^"]+"|`[^`]+`|\[[^\]]+\]|[\w$\#@]+)"""
SQL_UNSUPPORTED = re.compile(
    rb"(?<![\w\])\"'])(\[[A-Za-z_@#][^\]\[\n]{0,127}\])|^[ \t]*+(GO|/)(?=[ \t\r]*+$)"
    rb"|(?P<blank>\b(?:IDENTITY[ \t]*\([ \t\d,-]*\)|(?:NON)?CLUSTERED\b(?=\s*\()"
    rb"|GLOBAL(?=\s+TEMP)))",
    re.MULTILINE | re.IGNORECASE,
)
"""Names in brackets, as SQL Server quotes them (a subscript follows a name, and is left alone), and
lines that end a statement in scripts for SQL Server and Oracle; and words of
those two that the grammar does not know.
"""

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
           |DATABASE|PACKAGE\s+BODY|PACKAGE)
        |(?:FUNCTION|PROCEDURE|(?:SUB)?TYPE(?=\s+[\w$\#]+\s+IS\b))
      )
    )\s++
    (?:CONCURRENTLY\s++)?+ (?:IF\s+NOT\s+EXISTS\s++)?+ (?!ON\s)
    (?P<name>{_SQL_NAME}(?:\s*\.\s*{_SQL_NAME})*)
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""The beginning of a statement that defines something, or of a definition inside a package."""

BEYOND_ASCII = re.compile(rb"([\x80-\xff]+)")
"""Characters that tree-sitter-bash 0.25.1 looks up in a table of 256 entries: it reads far beyond
the table's end, which crashes the process where nothing is mapped.
"""

BASH_LINE = re.compile(r"\s*+(?P<kind>alias)(?:\s+-\w+)*\s+(?P<name>[\w.+-]+)=")
"""An alias."""

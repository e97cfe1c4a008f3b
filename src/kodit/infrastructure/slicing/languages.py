"""The languages Kodit knows, one row each; `queries/NAME.scm` says what is a definition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kodit.domain.value_objects import SymbolKind

TEXT = "text"
"""The language of every file that no row of the table names."""

TEXT_VERSION = 1
"""Raise it when such files are cut in another way, or a row comes to name some of them."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    `wheel` is the distribution of its grammar, `module` and `function` where the grammar is, and
    `query` the query file when it is that of another language. Files are known by extension
    (without the dot, lower case), whole name, or the program of a `#!` line. A line that begins
    with one of `leading` belongs to the definition right below it, and so do the lines between a
    pair of `enclosing` marks. `keywords` say what a call defines, where definitions are calls;
    None stands for a mere scope. What a group of `hidden` matches, on UTF-8 bytes, is hidden from
    the parser, each byte by `stand_in`: macros that no grammar can know would lead it astray.
    `data` marks formats whose large files hold rows rather than structure. `version` is raised with
    every change of the row or of its query that gives other snippets of the same file.
    """

    name: str
    wheel: str
    module: str
    extensions: tuple[str, ...]
    version: int = 1
    function: str = "language"
    query: str = ""
    file_names: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    leading: tuple[str, ...] = ()
    enclosing: tuple[tuple[str, str], ...] = ()
    keywords: Mapping[str, SymbolKind | None] = field(default_factory=dict)
    hidden: re.Pattern[bytes] | None = None
    stand_in: bytes = b" "
    data: bool = False

    @property
    def query_file(self) -> str:
        """The name of the query file, in the folder `queries` of this package."""
        return f"{self.query or self.name}.scm"


_C_COMMENT = (("/*", "*/"),)

_C_MACROS = re.compile(
    rb"\b(?:class|struct|union)[ \t]+([A-Z][A-Z0-9_]{2,}(?:\([^()\n]*\))?)(?=[ \t]+[A-Za-z_])"
    rb"|^[ \t]*([A-Z][A-Z0-9_]*_(?:BEGIN|END)(?:_[A-Z0-9_]+)?;?)(?=[ \t\r]*$)"
    rb"|\)[ \t\w]*?[ \t\n]([A-Z][A-Z0-9_]{3,}(?:\([^()\n]*\))?)(?=\s*\{)",
    re.MULTILINE,
)
"""Attributes of a class, lines that open or close a namespace, attributes of a function."""

_RUST_MACROS = re.compile(
    rb"^[ \t]*(\w+!)[ \t]*\{[ \t\r]*\n\s*(?:///?|#\[|(?:pub|fn|struct|impl|enum|mod|trait|async|unsafe)\b)",
    re.MULTILINE,
)
"""Macros around items, as for conditional compilation: what is left is a block of items."""

_KOTLIN_NEWS = re.compile(
    rb"^[ \t]*is [^\n{]{1,200}?([ \t]if[ \t][^\n]{1,200}?)[ \t]*->|\b(where)(?=\??\.|:)",
    re.MULTILINE,
)
"""Guards of `when` branches, which tree-sitter-kotlin 1.1.0 does not know yet, and a variable with
the name of a soft keyword: the one becomes a part of the type's name, the other another name.
The lengths are bounded, so that a hostile line costs no more than its length."""

_BEYOND_ASCII = re.compile(rb"([\x80-\xff]+)")
"""Characters that tree-sitter-bash 0.25.1 looks up in a table of 256 entries: it reads far beyond
the table's end, which ends the process where nothing is mapped there."""

_ROWS = (
    Language(
        name="bash",
        wheel="tree-sitter-bash",
        module="tree_sitter_bash",
        extensions=("sh", "bash", "bats", "ksh", "zsh", "ebuild"),
        file_names=(".bashrc", ".bash_profile", ".profile", ".zshrc", "PKGBUILD"),
        programs=("sh", "bash", "dash", "ksh", "zsh", "bats"),
        leading=("#",),
        hidden=_BEYOND_ASCII,
        stand_in=b"x",
    ),
    Language(
        name="c",
        wheel="tree-sitter-c",
        module="tree_sitter_c",
        extensions=("c", "h"),
        leading=("//",),
        enclosing=_C_COMMENT,
        hidden=_C_MACROS,
    ),
    Language(
        name="cpp",
        wheel="tree-sitter-cpp",
        module="tree_sitter_cpp",
        extensions=("cc", "cpp", "cxx", "c++", "hh", "hpp", "hxx", "h++", "ipp", "tpp", "inl"),
        leading=("//",),
        enclosing=_C_COMMENT,
        hidden=_C_MACROS,
    ),
    Language(
        name="csharp",
        wheel="tree-sitter-c-sharp",
        module="tree_sitter_c_sharp",
        extensions=("cs", "csx"),
        leading=("//",),
        enclosing=_C_COMMENT,
    ),
    Language(
        name="css",
        wheel="tree-sitter-css",
        module="tree_sitter_css",
        extensions=("css",),
        data=True,
    ),
    Language(
        name="elixir",
        wheel="tree-sitter-elixir",
        module="tree_sitter_elixir",
        extensions=("ex", "exs"),
        programs=("elixir",),
        leading=("#", "@"),
        enclosing=(("@doc", '"""'),),
        keywords={
            "defmodule": SymbolKind.MODULE,
            "defprotocol": SymbolKind.INTERFACE,
            "defimpl": None,
            "def": SymbolKind.FUNCTION,
            "defp": SymbolKind.FUNCTION,
            "defdelegate": SymbolKind.FUNCTION,
            "defguard": SymbolKind.MACRO,
            "defguardp": SymbolKind.MACRO,
            "defmacro": SymbolKind.MACRO,
            "defmacrop": SymbolKind.MACRO,
        },
    ),
    Language(
        name="go",
        wheel="tree-sitter-go",
        module="tree_sitter_go",
        extensions=("go",),
        leading=("//",),
        enclosing=_C_COMMENT,
    ),
    Language(
        name="haskell",
        wheel="tree-sitter-haskell",
        module="tree_sitter_haskell",
        extensions=("hs",),
        programs=("runhaskell", "runghc"),
        leading=("--",),
        enclosing=(("{-", "-}"),),
    ),
    Language(
        name="html",
        wheel="tree-sitter-html",
        module="tree_sitter_html",
        extensions=("html", "htm", "xhtml"),
        enclosing=(("<!--", "-->"),),
        data=True,
    ),
    Language(
        name="java",
        wheel="tree-sitter-java",
        module="tree_sitter_java",
        extensions=("java",),
        leading=("//",),
        enclosing=_C_COMMENT,
    ),
    Language(
        name="javascript",
        wheel="tree-sitter-javascript",
        module="tree_sitter_javascript",
        extensions=("js", "jsx", "mjs", "cjs"),
        programs=("node", "nodejs"),
        leading=("//",),
        enclosing=_C_COMMENT,
    ),
    Language(
        name="json",
        wheel="tree-sitter-json",
        module="tree_sitter_json",
        extensions=("json", "jsonc", "json5", "webmanifest"),
        file_names=(".eslintrc", ".prettierrc", ".babelrc"),
        data=True,
    ),
    Language(
        name="kotlin",
        wheel="tree-sitter-kotlin",
        module="tree_sitter_kotlin",
        extensions=("kt", "kts"),
        leading=("//",),
        enclosing=_C_COMMENT,
        hidden=_KOTLIN_NEWS,
        stand_in=b"x",
    ),
    Language(
        name="lua",
        wheel="tree-sitter-lua",
        module="tree_sitter_lua",
        extensions=("lua",),
        programs=("lua", "luajit"),
        leading=("--",),
        enclosing=(("--[", "]]"), ("--[=", "]=]")),
    ),
    Language(
        name="markdown",
        wheel="tree-sitter-markdown",
        module="tree_sitter_markdown",
        extensions=("md", "markdown", "mdown", "mkd"),
    ),
    Language(
        name="php",
        wheel="tree-sitter-php",
        module="tree_sitter_php",
        function="language_php",
        extensions=("php", "phtml", "php5"),
        programs=("php",),
        leading=("//", "#"),
        enclosing=_C_COMMENT,
    ),
    Language(
        name="python",
        wheel="tree-sitter-python",
        module="tree_sitter_python",
        extensions=("py", "pyi", "pyw"),
        file_names=("SConstruct", "SConscript", "wscript"),
        programs=("python", "pypy"),
        leading=("#",),
    ),
    Language(
        name="ruby",
        wheel="tree-sitter-ruby",
        module="tree_sitter_ruby",
        extensions=("rb", "rake", "gemspec", "ru"),
        file_names=("Rakefile", "Gemfile", "Guardfile", "Vagrantfile", "Podfile", "Brewfile"),
        programs=("ruby", "rake"),
        leading=("#",),
        enclosing=(("=begin", "=end"),),
    ),
    Language(
        name="rust",
        wheel="tree-sitter-rust",
        module="tree_sitter_rust",
        extensions=("rs",),
        leading=("//", "#["),
        enclosing=(*_C_COMMENT, ("#[", ")]")),
        hidden=_RUST_MACROS,
    ),
    Language(
        name="scala",
        wheel="tree-sitter-scala",
        module="tree_sitter_scala",
        extensions=("scala", "sc", "sbt"),
        programs=("scala",),
        leading=("//",),
        enclosing=_C_COMMENT,
    ),
    Language(
        name="sql",
        wheel="tree-sitter-sql",
        module="tree_sitter_sql",
        extensions=("sql", "ddl", "dml", "psql"),
        leading=("--",),
        enclosing=_C_COMMENT,
        data=True,
    ),
    Language(
        name="swift",
        wheel="tree-sitter-swift",
        module="tree_sitter_swift",
        extensions=("swift",),
        programs=("swift",),
        leading=("//",),
        enclosing=_C_COMMENT,
    ),
    Language(
        name="toml",
        wheel="tree-sitter-toml",
        module="tree_sitter_toml",
        extensions=("toml",),
        file_names=("Pipfile", "Cargo.lock", "poetry.lock", "uv.lock"),
        data=True,
    ),
    Language(
        name="tsx",
        wheel="tree-sitter-typescript",
        module="tree_sitter_typescript",
        function="language_tsx",
        query="typescript",
        extensions=("tsx",),
        leading=("//",),
        enclosing=_C_COMMENT,
    ),
    Language(
        name="typescript",
        wheel="tree-sitter-typescript",
        module="tree_sitter_typescript",
        function="language_typescript",
        extensions=("ts", "mts", "cts"),
        programs=("deno", "ts-node", "tsx", "bun"),
        leading=("//",),
        enclosing=_C_COMMENT,
    ),
    Language(
        name="yaml",
        wheel="tree-sitter-yaml",
        module="tree_sitter_yaml",
        extensions=("yaml", "yml"),
        file_names=(".clang-format", ".clang-tidy"),
        data=True,
    ),
    Language(
        name="zig",
        wheel="tree-sitter-zig",
        module="tree_sitter_zig",
        extensions=("zig", "zon"),
        leading=("//",),
    ),
)

LANGUAGES = {row.name: row for row in _ROWS}

"""The languages Kodit parses, one row each here and in `more_languages.py`; their definitions are
found by `queries/NAME.scm`.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from kodit.domain.value_objects import SymbolKind
from kodit.infrastructure.slicing.expressions import (
    BASH_LINE,
    BEYOND_ASCII,
    C_MACROS,
    CPP_LINE,
    CPP_MACROS,
    CSHARP_EXTENSIONS,
    HASKELL_BIRD_TRACKS,
    KOTLIN_UNSUPPORTED,
    RUST_MACROS,
    SQL_LINE,
)
from kodit.infrastructure.slicing.language import Language
from kodit.infrastructure.slicing.more_languages import FURTHER_ROWS
from kodit.infrastructure.slicing.vocabularies import (
    CSHARP_WORDS,
    ELIXIR_ATTRIBUTES,
    ELIXIR_WORDS,
    GO_WORDS,
    JAVA_WORDS,
    JAVASCRIPT_WORDS,
    PHP_WORDS,
    PYTHON_WORDS,
    RUBY_WORDS,
    SQL_WORDS,
)

__all__ = ["LANGUAGES", "TEXT", "TEXT_VERSION", "Language", "is_installed"]

TEXT = "text"
"""The language of every file that no row of the table names."""

TEXT_VERSION = 1
"""Raise it when such files are split differently, or when a new row claims some of them."""


_C_COMMENT = (("/*", "*/"),)

_ROWS = (
    Language(
        name="bash",
        wheel="tree-sitter-bash",
        module="tree_sitter_bash",
        extensions=("sh", "bash", "bats", "ksh", "zsh", "ebuild"),
        version=3,
        line_pattern=BASH_LINE,
        keywords={"line alias": SymbolKind.FUNCTION},
        file_names=(".bashrc", ".bash_profile", ".profile", ".zshrc", "PKGBUILD"),
        programs=("sh", "bash", "dash", "ksh", "zsh", "bats"),
        leading=("#",),
        hidden=BEYOND_ASCII,
        stand_in=b"x",
    ),
    Language(
        name="c",
        wheel="tree-sitter-c",
        module="tree_sitter_c",
        extensions=("c", "h"),
        version=3,
        leading=("//",),
        enclosing=_C_COMMENT,
        hidden=C_MACROS,
    ),
    Language(
        name="cpp",
        wheel="tree-sitter-cpp",
        module="tree_sitter_cpp",
        extensions=("cc", "cpp", "cxx", "c++", "hh", "hpp", "hxx", "h++", "ipp", "tpp", "inl"),
        version=4,
        leading=("//",),
        enclosing=_C_COMMENT,
        hidden=CPP_MACROS,
        line_pattern=CPP_LINE,
        keywords={"line module": SymbolKind.MODULE},
    ),
    Language(
        name="csharp",
        wheel="tree-sitter-c-sharp",
        module="tree_sitter_c_sharp",
        extensions=("cs", "csx"),
        version=3,
        leading=("//",),
        enclosing=_C_COMMENT,
        keywords=CSHARP_WORDS,
        hidden=CSHARP_EXTENSIONS,
        stand_in=b"struct x",
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
        version=3,
        programs=("elixir",),
        leading=("#", "@"),
        enclosing=(("@doc", '"""'),),
        keywords=ELIXIR_WORDS,
        no_names=ELIXIR_ATTRIBUTES,
    ),
    Language(
        name="go",
        wheel="tree-sitter-go",
        module="tree_sitter_go",
        extensions=("go",),
        version=3,
        leading=("//",),
        enclosing=_C_COMMENT,
        keywords=GO_WORDS,
    ),
    Language(
        name="haskell",
        wheel="tree-sitter-haskell",
        module="tree_sitter_haskell",
        extensions=("hs",),
        version=3,
        programs=("runhaskell", "runghc"),
        literate=HASKELL_BIRD_TRACKS,
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
        version=3,
        leading=("//",),
        enclosing=_C_COMMENT,
        keywords=JAVA_WORDS,
    ),
    Language(
        name="javascript",
        wheel="tree-sitter-javascript",
        module="tree_sitter_javascript",
        extensions=("js", "jsx", "mjs", "cjs"),
        version=3,
        programs=("node", "nodejs"),
        leading=("//",),
        enclosing=_C_COMMENT,
        no_names=frozenset({"exports"}),
        keywords=JAVASCRIPT_WORDS,
        imports_by_value=True,
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
        version=3,
        leading=("//",),
        enclosing=_C_COMMENT,
        hidden=KOTLIN_UNSUPPORTED,
        stand_in=b"x",
    ),
    Language(
        name="lua",
        wheel="tree-sitter-lua",
        module="tree_sitter_lua",
        extensions=("lua",),
        version=3,
        programs=("lua", "luajit"),
        leading=("--",),
        enclosing=(("--[", "]]"), ("--[=", "]=]")),
        imports_by_value=True,
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
        version=3,
        programs=("php",),
        keywords=PHP_WORDS,
        leading=("//", "#"),
        enclosing=_C_COMMENT,
    ),
    Language(
        name="python",
        wheel="tree-sitter-python",
        module="tree_sitter_python",
        extensions=("py", "pyi", "pyw"),
        version=3,
        file_names=("SConstruct", "SConscript", "wscript"),
        programs=("python", "pypy"),
        leading=("#",),
        keywords=PYTHON_WORDS,
        imports_by_value=True,
    ),
    Language(
        name="ruby",
        wheel="tree-sitter-ruby",
        module="tree_sitter_ruby",
        extensions=("rb", "rake", "gemspec", "ru"),
        version=3,
        file_names=("Rakefile", "Gemfile", "Guardfile", "Vagrantfile", "Podfile", "Brewfile"),
        programs=("ruby", "rake"),
        leading=("#",),
        keywords=RUBY_WORDS,
        enclosing=(("=begin", "=end"),),
    ),
    Language(
        name="rust",
        wheel="tree-sitter-rust",
        module="tree_sitter_rust",
        extensions=("rs",),
        version=3,
        leading=("//", "#["),
        enclosing=(*_C_COMMENT, ("#[", ")]")),
        hidden=RUST_MACROS,
        imports_by_value=True,
    ),
    Language(
        name="scala",
        wheel="tree-sitter-scala",
        module="tree_sitter_scala",
        extensions=("scala", "sc", "sbt"),
        version=3,
        programs=("scala",),
        leading=("//",),
        enclosing=_C_COMMENT,
    ),
    Language(
        name="sql",
        wheel="tree-sitter-sql",
        module="tree_sitter_sql",
        extensions=("sql", "ddl", "dml", "psql"),
        version=3,
        line_pattern=SQL_LINE,
        keywords=SQL_WORDS,
        leading=("--",),
        enclosing=_C_COMMENT,
        data=True,
    ),
    Language(
        name="swift",
        wheel="tree-sitter-swift",
        module="tree_sitter_swift",
        extensions=("swift",),
        version=3,
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
        version=4,
        leading=("//",),
        enclosing=_C_COMMENT,
        no_names=frozenset({"exports"}),
        keywords=JAVASCRIPT_WORDS,
        imports_by_value=True,
    ),
    Language(
        name="typescript",
        wheel="tree-sitter-typescript",
        module="tree_sitter_typescript",
        function="language_typescript",
        extensions=("ts", "mts", "cts"),
        version=4,
        programs=("deno", "ts-node", "tsx", "bun"),
        leading=("//",),
        enclosing=_C_COMMENT,
        no_names=frozenset({"exports"}),
        keywords=JAVASCRIPT_WORDS,
        imports_by_value=True,
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
        version=3,
        leading=("//",),
        imports_by_value=True,
    ),
)

LANGUAGES = {row.name: row for row in (*_ROWS, *FURTHER_ROWS)}


def is_installed(language: Language) -> bool:
    """Whether the grammar of a language is installed: the larger grammars come with an extra."""
    return bool(language.module) and _is_there(language.module)


@cache
def _is_there(module: str) -> bool:
    return find_spec(module) is not None

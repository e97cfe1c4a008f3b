"""What people call the languages that Kodit knows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_OTHER_NAMES = """
    bash        sh shell shellscript shell-script zsh ksh bats
    c           h
    cpp         c++ cc cxx hpp hxx hh cplusplus c-plus-plus
    csharp      c# cs c-sharp csx
    css         stylesheet
    elixir      ex exs
    go          golang
    haskell     hs
    html        htm xhtml
    java        jav
    javascript  js node nodejs ecmascript es6 mjs cjs jsx
    json        jsonc json5
    kotlin      kt kts
    lua         luau
    markdown    md mdown mdx
    php         php3 php4 php5
    python      py py3 python3 python2 pyi cpython
    ruby        rb rake jruby
    rust        rs rust-lang
    scala       sc sbt
    sql         psql mysql sqlite plsql
    swift       swiftlang
    text        txt plain plaintext plain-text
    toml        tml
    tsx         typescriptreact
    typescript  ts mts cts
    yaml        yml
    zig         ziglang
"""
"""A language in each line, and what else it is called: by its files' extensions, by editors, and in
fenced blocks of Markdown."""

LANGUAGE_OF: Mapping[str, str] = MappingProxyType(
    {
        other: name
        for name, *others in (line.split() for line in _OTHER_NAMES.strip().splitlines())
        for other in others
    }
)


def language_named(text: str) -> str:
    """The language that a name, an extension or a usual abbreviation stands for, in any case, with
    or without a dot in front; another name in lower case, as it is."""
    name = text.strip().lower()
    bare = name.removeprefix(".")
    return LANGUAGE_OF.get(bare, bare)

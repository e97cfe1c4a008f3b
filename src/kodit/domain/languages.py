"""Other names of the languages that Kodit knows."""

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
    markdown    md mdown mdx qmd rmd
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
    assembly    asm nasm gas
    batch       bat cmd batchfile
    clojure     clj cljs cljc edn
    cmake       cmakelists
    commonlisp  lisp common-lisp cl
    coq         rocq
    crystal     cr
    cuda        cu
    dart        flutter
    dockerfile  docker containerfile
    elisp       el emacs-lisp emacs
    embedded-template  erb ejs
    erlang      erl
    fortran     f90 f95 f03 f77
    fsharp      f# fs fsx
    graphql     gql
    groovy      gradle
    haxe        hx
    hcl         terraform tf tfvars opentofu
    julia       jl
    make        makefile mk gnumake
    man         roff nroff troff groff manpage
    matlab      octave
    objc        objective-c objectivec obj-c mm objcpp objective-c++
    ocaml       ml mli
    pascal      delphi pas
    perl        pl pm
    powershell  ps1 psm1 pwsh posh
    protobuf    proto protocol-buffer protocol-buffers
    r           rlang
    rst         restructuredtext rest
    asciidoc    adoc
    latex       tex
    scss        sass-scss
    solidity    sol
    starlark    bzl bazel star
    systemverilog sv svh
    vbnet       vb visual-basic
    vim         viml vimscript vim-script
    fish        fish-shell
    xml         xsd xslt plist
"""
"""One language per line, followed by its other names: file extensions, names in editors, and names
in fenced blocks of Markdown."""

LANGUAGE_OF: Mapping[str, str] = MappingProxyType(
    {
        other: name
        for name, *others in (line.split() for line in _OTHER_NAMES.strip().splitlines())
        for other in others
    }
)


def language_named(text: str) -> str:
    """The language that a name, an extension or a common abbreviation stands for, in any case, with
    or without a leading dot; any other name in lower case."""
    name = text.strip().lower()
    bare = name.removeprefix(".")
    return LANGUAGE_OF.get(bare, bare)

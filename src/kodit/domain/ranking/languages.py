"""What is code, and what tells of it or is its data."""

from __future__ import annotations

_NOT_CODE = "text markdown restructuredtext json yaml toml ini xml html css csv svg"
"""Languages of documents and data; `text` is that of all that is not parsed."""

_OTHER_CODE = """
    adb ads asm bas clj cljc cljs coffee cr cu d dart el elm erl f90 feature for frag fs fsx glsl
    gradle graphql groovy hcl hx inc jl jsonnet lean lisp m metal ml mli mm nim nix p pas pl pm
    proto ps1 purs pyx r raku re res rkt s sas scm sol sv svelte tcl tf thrift tla v vb vala vert
    vhd vim vue wat wgsl xs
"""
"""Extensions of code in languages that are not parsed, and so are `text`."""

NOT_CODE = frozenset(_NOT_CODE.split())
OTHER_CODE = frozenset(_OTHER_CODE.split())


def is_code(language: str, extension: str) -> bool:
    """Whether a file is code, by its language and its extension without the dot."""
    return language not in NOT_CODE or extension in OTHER_CODE

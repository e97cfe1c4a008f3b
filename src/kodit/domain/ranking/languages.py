"""Tells code from documents and data."""

from __future__ import annotations

_NOT_CODE = """
    2-dimensional-array abnf adobe-font-metrics altium-designer antlers apacheconf api-blueprint
    asciidoc asn.1 avro-idl bbcode bibtex bird2 blade blueprint bru cabal-config caddyfile
    checksums cil cloud-firestore-security-rules codeowners collada conll-u cooklang creole
    crontab cson css csv cylc d2 darcs-patch debian-control desktop diff dircolors dns-zone dotenv
    e-mail easybuild ebnf ecere-projects edge edje-data-collection edn figlet-font flatbuffers
    gedcom gemfile.lock gemini genero-per gerber gettext-catalog git-commit git-revision-list
    gitattributes gitignore glyph-bitmap-distribution-format gn go-template godot-resource gomod
    gosum graphviz-dot gtkrc handlebars haproxy hocon hosts-file html http hxml icalendar ini
    irc-log jar-manifest jest-snapshot jinja json kdl kicad-layout kicad-schematic kit kusto
    kvlang lark latex latte less liquid m3u man markdown mermaid minizinc-data mtml muse mustache
    nanorc neon nginx ninja nl opentype-feature-file org pic pkg-config plantuml pod postcss
    postscript prisma properties puredata python-traceback raml rbs rdoc reg requirements
    rich-text-format riot robots-exclusion-rules ron ros-interface rpm-spec rst runoff sass scaml
    scss selinux-policy slint sln soy sparql spicedb-schema spline-font-database ssh-config stl
    ston stylus subrip-text sugarss svg tea templ texinfo text textgrid textile
    textmate-properties textproto tmdl toml tor-config tsv turtle unity-asset valve-data-format
    vcard velocity-template-language vento vespa-schema-definition wavefront-material
    wavefront-object web-ontology-language webassembly-interface-type webvtt wikitext xml xpages
    yaml yang yasnippet zmodel
"""
"""Languages of documents and data; `text` stands for every file that is not parsed."""

_OTHER_CODE = """
    adb ads asm bas clj cljc cljs coffee cr cu d dart el elm erl f90 feature for frag fs fsx glsl
    gradle graphql groovy hcl hx inc jl jsonnet lean lisp m metal ml mli mm nim nix p pas pl pm
    proto ps1 purs pyx r raku re res rkt s sas scm sol sv svelte tcl tf thrift tla v vb vala vert
    vhd vim vue wat wgsl xs
"""
"""Extensions of code in languages that are not parsed and so have the language `text`."""

NOT_CODE = frozenset(_NOT_CODE.split())
OTHER_CODE = frozenset(_OTHER_CODE.split())


def is_code(language: str, extension: str) -> bool:
    """Whether a file is code, by its language and its extension without the dot."""
    return language not in NOT_CODE or extension in OTHER_CODE

"""docs/languages.md is made from the table of languages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from kodit.domain.languages import LANGUAGE_OF
from kodit.domain.ranking.languages import OTHER_CODE
from kodit.infrastructure.file_sizes import USUAL_LIMIT
from kodit.infrastructure.slicing import languages as table
from kodit.infrastructure.slicing.by_patterns import load_patterns
from kodit.infrastructure.slicing.detection import detect_language, other_names
from kodit.infrastructure.slicing.languages import LANGUAGES, Language
from kodit.infrastructure.slicing.limits import (
    LONG_LINE,
    MAX_CHARACTERS,
    MAX_LINES,
    PARSED_DATA_BYTES,
    WHOLE_TYPE_LINES,
)

PAGE = Path(__file__).parents[2] / "docs" / "languages.md"
QUERIES = Path(table.__file__).parent / "queries"

HEAD = """\
# Languages and file types

Kodit indexes every text file. It parses the languages in the first table below and splits their
files at definitions: functions, classes and so on. Those in the second table are split by line
patterns, which find their definitions or sections. Files in all other languages are split into
chunks of lines; those in no known language have the language `text`. `search`, `grep`, `ls` and
`read` find all of them; `symbols` and `--kind` find only definitions.

The grammars of {extra} come with the extra `languages`
(`pip install 'kodit[languages]'`). Without it, line patterns find their definitions. Once it is
installed, the next `kodit index` extracts their files again.

`kodit search retry -l python` searches one language. `-l` can be repeated, and also accepts the
other names in the table, ignoring case.

## How the language of a file is determined

1. By the whole file name: `Rakefile` is Ruby.
2. By the last extension, ignoring case: `types.PYI` is Python.
3. If the extension is unknown, by the program in the `#!` line: `#!/usr/bin/env python3`, even if
   other programs run it (`env -S uv run`, `npx tsx`).
4. Otherwise the file is `text`.

For some extensions the content decides. A `.h` file is C++ if there is C++ near its top
(`namespace`, `template`, `#include <vector>` and the like), Objective-C if there is `@interface` or
the like, and C otherwise. A `.ts` file that begins with `<?xml` is a Qt translation, and therefore
`xml`. The same goes for `.m` (Objective-C or MATLAB), `.pl` (Perl or Prolog), `.v` (Verilog or
Coq), `.fs` (F# or GLSL), `.d` (D or Make), `.cls` (Apex or LaTeX), and for `.inc`, `.install`,
`.module` and `.theme`, which are PHP if there is `<?php` in them.

## How a file is split

* A snippet is a definition with the comment, decorators or attributes directly above it.
* A snippet has at most {lines} lines and {characters} characters. A longer definition becomes
  several snippets, and very short neighbours are joined.
* A class of up to {whole} lines is one snippet, methods included. In a longer one, each method is a
  snippet of its own.
* A function inside a class, struct or the like has the kind `method`.
* Everything else with a name is also a definition, but not a snippet of its own: constants and
  variables outside functions, fields, properties, events, members of enumerations, columns of
  tables, routes, functions inside functions. Look them up with `kodit symbols`.
* Documents (Markdown, reStructuredText, AsciiDoc, Org, manual pages, LaTeX, HTML, plain text with
  underlined titles) are split at their headings, each of which is a `section`.
* In Vue, Svelte and Astro files, the script is parsed as TypeScript.
* If a grammar does not support some syntax, only the lines that do not parse are lost. Declarations
  in such lines are found by words such as `class`.
* Data formats ({data}) are split by lines if a file
  is larger than {data_size} KB. So is any file that cannot be parsed in time; `kodit status` counts
  such files, and `kodit explain PATH` shows the reason.
* A line of more than {line} characters is shortened: it is data, such as an embedded picture. A
  file with little else than such lines is left out as minified.
* A Jupyter notebook is read cell by cell, without the output: code in the language of the kernel,
  or the one that a `%%` line names, and prose as Markdown. The lines of a snippet are those of the
  source in the `.ipynb` file.
* A file larger than {size} MB is not indexed; `KODIT_LARGEST_FILE_BYTES` sets another limit, and a
  notebook may have ten times as much. `kodit ls --left-out` lists left-out files.

## Encodings

A file is read as UTF-8, or as UTF-16 or UTF-32, with or without a byte order mark. Any other file
is read in the encoding that it declares: a `coding:` line as in Python, Emacs and Vim, XML, HTML
and CSS, and in a folder `working-tree-encoding` of `.gitattributes`. Otherwise the encoding is
guessed from the letters, with Latin-1 as the last resort. A file with a NUL byte in its first 8,000
bytes is binary.

## Parsed languages

| language | also called | extensions | file names | programs of `#!` | kinds of definitions |
|---|---|---|---|---|---|
"""
TAIL = """
`text` is also called {text}.

## Languages split by line patterns

| language | extensions | file names | programs of `#!` |
|---|---|---|---|
{patterns}
## Other languages

These have a name to filter by, and are split into chunks of lines:
{others}.

Files in none of these languages still rank as code if they have one of these extensions:
{code}.

`docs/adding-a-language.md` explains how to add a language.
"""


def test_the_page_is_made_from_the_table(update_golden: bool) -> None:
    """Every language, and the limits of snippets."""
    if update_golden:
        PAGE.write_text(_page())
    assert PAGE.read_text() == _page(), "run pytest --update-golden and review the difference"


def test_the_examples_have_the_languages_on_the_page() -> None:
    """Names, extensions in any case, programs, and what two languages share."""
    assert detect_language("Rakefile") == "ruby"
    assert detect_language("types.PYI") == "python"
    assert detect_language("run", b"#!/usr/bin/env python3\n") == "python"
    assert detect_language("a.h", b"#include <vector>\n") == "cpp"
    assert detect_language("a.h", b"int a;\n") == "c"
    assert detect_language("a.ts", b"<?xml version='1.0'?>\n") == "xml"
    assert detect_language("notes.txt") == "text"


def _page() -> str:
    data = ", ".join(f"`{row.name}`" for row in LANGUAGES.values() if row.data)
    rows = "".join(map(_row, LANGUAGES.values()))
    code = ", ".join(f"`.{extension}`" for extension in sorted(OTHER_CODE))
    head = HEAD.format(
        lines=MAX_LINES,
        characters=f"{MAX_CHARACTERS:,}",
        whole=WHOLE_TYPE_LINES,
        extra=", ".join(f"`{row.name}`" for row in LANGUAGES.values() if row.wheel in _extra()),
        data=data,
        data_size=PARSED_DATA_BYTES // 1000,
        line=f"{LONG_LINE:,}",
        size=USUAL_LIMIT // 1_000_000,
    )
    without = [one for one in other_names() if one.name not in LANGUAGES]
    patterns = "".join(
        f"| `{one.name}` | {_listed(f'.{word}' for word in one.extensions)}"
        f" | {_listed(one.file_names)} | {_listed(one.programs)} |\n"
        for one in without
        if load_patterns(one.name)
    )
    others = ", ".join(f"`{one.name}`" for one in without if not load_patterns(one.name))
    return (
        head + rows + TAIL.format(text=_others("text"), code=code, patterns=patterns, others=others)
    )


def _extra() -> set[str]:
    """The wheels of the extra."""
    project = tomllib.loads((PAGE.parents[1] / "pyproject.toml").read_text())["project"]
    return {one.partition(">")[0] for one in project["optional-dependencies"]["languages"]}


def _row(row: Language) -> str:
    more = [one for one in other_names() if one.name == row.name]
    extensions = dict.fromkeys((*row.extensions, *(x for one in more for x in one.extensions)))
    file_names = dict.fromkeys((*row.file_names, *(x for one in more for x in one.file_names)))
    programs = dict.fromkeys((*row.programs, *(x for one in more for x in one.programs)))
    cells = (
        f"`{row.name}`",
        _others(row.name),
        _listed(f".{extension}" for extension in extensions),
        _listed(file_names),
        _listed(programs),
        ", ".join(_kinds(row)) or "none; cut by structure",
    )
    return f"| {' | '.join(cells)} |\n"


def _others(language: str) -> str:
    return _listed(other for other, name in LANGUAGE_OF.items() if name == language)


def _listed(words: Iterable[str]) -> str:
    return " ".join(f"`{word}`" for word in words)


def _kinds(row: Language) -> list[str]:
    """What the query file, and the keywords of the row, can make of a definition."""
    query = (QUERIES / row.query_file).read_text()
    found = set(re.findall(r"@(?:definition|named|member)\.(\w+)", query))
    if "keyword" in found:
        found |= {kind.value for kind in row.keywords.values() if kind is not None}
    if "namespace" in found:
        found.add("module")
    if "@heading." in query:
        found.add("section")
    return sorted(found - {"keyword", "namespace", "scope"})

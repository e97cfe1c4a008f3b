"""Pairs of text and the code it describes, mined from git repositories with Kodit's own slicer.

Each pair has a `query`, written by people about a piece of code, and a `target`, the piece without
that text. Only the code's own text is used.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kodit.domain.entities import Snippet
from kodit.domain.ranking.terms import words
from kodit.infrastructure.slicing.detection import detect_language
from kodit.infrastructure.slicing.languages import LANGUAGES
from kodit.infrastructure.slicing.slicer import slice_file
from training.held_out import HeldOut
from training.sources import Source

CODE_BYTES = 1_500_000
PROSE_BYTES = 200_000
"""Bytes of prose per repository, read in the order of a hash of the file's path."""
LARGEST_FILE = 150_000
SMALLEST_FILE = 200
PAIRS_PER_FILE = 60
LONGEST_QUERY = 240
LONGEST_TARGET = 4_000
LONGEST_REST = 800
LEAST_BODY = 120
"""Minimum number of characters of code for a pair with a name or a path."""

_FOREIGN = frozenset(
    "vendor vendored _vendor third_party third-party thirdparty 3rdparty external externals deps "
    "node_modules bundled bower_components dist generated gen testdata fixtures fixture snapshots "
    "__snapshots__ locale locales i18n translations".split()
)
"""Folders of code that a project did not write, or did not write by hand."""
_TESTS = re.compile(
    r"(^|/)(tests?|specs?|__tests__|testing|benchmarks?|examples?|samples?)(/|$)"
    r"|[_.](test|spec)s?\.|(Test|Tests|Spec)\.\w+$",
    re.IGNORECASE,
)
_JUNK = re.compile(
    r"copyright|licen[cs]e|nodoc|noqa|eslint|@internal|todo|fixme|={4}|-{4}|auto-?generated"
    r"|do not edit|vim:|-\*-",
    re.IGNORECASE,
)
_COMMENT = re.compile(
    r"^\s*(?:///?!?|//!|/\*+!?|\*+/|\*(?=\s|$)|#+:?(?!\w)|--+(?=\s|\|)|;;+)\s?[|^]?"
)
_TRIPLE = re.compile(r'[rRuUbB]?("""|\'\'\')(.*?)\1', re.DOTALL)
_ELIXIR_DOC = re.compile(r'^\s*@(?:module|type)?doc\s+~?[sS]?"""(.*?)"""', re.DOTALL | re.MULTILINE)
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,60}/?>")
_LINK = re.compile(r"\{@\w+\s+([^}]*)\}|\[`?([^\]`]+)`?\](?:\([^)]*\)|\[[^\]]*\])?")
_ROLE = re.compile(r":[a-z:]+:`~?([^`]*)`")
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z(])")
_PARAMETERS = re.compile(r"\n\s*(?:@\w|\\param|- |:param|Args|Parameters|Returns|Example|>>>)")
_HEADING = re.compile(r"^#{1,4}\s+(.+?)\s*#*$")
_LETTERS = re.compile(r"[A-Za-z]{3,}")


class Pair(NamedTuple):
    """`path` and `rest`, the other text in the piece, are separate: they are part of the searched
    text, but the model is not always trained on them.
    """

    kind: str
    query: str
    path: str
    target: str
    rest: str = ""


def mine(git_dir: Path, source: Source, held_out: HeldOut) -> Iterator[Pair]:
    """All pairs of one repository, in an order that depends only on its content."""
    for path, data in files_of(git_dir, source, held_out):
        yield from pairs_of(path, data)


def files_of(git_dir: Path, source: Source, held_out: HeldOut) -> Iterator[tuple[str, bytes]]:
    """Files of the revision, code and prose, in the order of a hash until enough was read."""
    git = ["git", f"--git-dir={git_dir}"]
    listing = subprocess.run(
        [*git, "ls-tree", "-r", "-l", "-z", source.revision], capture_output=True, check=True
    ).stdout
    code, prose = CODE_BYTES, PROSE_BYTES
    wanted: list[tuple[bytes, str]] = []
    entries: list[tuple[bytes, bytes, int, str]] = []
    for entry in filter(None, listing.split(b"\0")):
        about, _, raw_path = entry.partition(b"\t")
        mode, kind, name, size = about.split()
        path = raw_path.decode("utf-8", "replace")
        # A snapshot may lack its largest files, for which git then reports no size.
        if (
            kind == b"blob"
            and size.isdigit()
            and mode != b"120000"
            and is_wanted(path, int(size), held_out)
        ):
            order = hashlib.sha256(f"{source.project}:{path}".encode()).digest()
            entries.append((order, name, int(size), path))
    for _, name, length, path in sorted(entries):
        if path.endswith(".md"):
            if prose > 0:
                prose -= length
                wanted.append((name, path))
        elif code > 0:
            code -= length
            wanted.append((name, path))
    process = subprocess.run(
        [*git, "cat-file", "--batch"],
        input=b"".join(name + b"\n" for name, _ in wanted),
        capture_output=True,
        check=True,
    )
    out, at = process.stdout, 0
    for _, path in wanted:
        end = out.index(b"\n", at)
        head = out[at:end].split()
        at = end + 1
        if head[-1] == b"missing":
            continue
        length = int(head[2])
        yield path, out[at : at + length]
        at += length + 1


def is_wanted(path: str, size: int, held_out: HeldOut) -> bool:
    """Whether a file is the project's own, written by hand, not a test, and code or Markdown."""
    if not SMALLEST_FILE <= size <= LARGEST_FILE:
        return False
    parts = path.lower().split("/")
    if not _FOREIGN.isdisjoint(parts[:-1]) or _TESTS.search(path) or ".min." in path:
        return False
    if any(held_out.has(part.partition(".")[0]) for part in parts):
        return False
    language = detect_language(path)
    row = LANGUAGES.get(language)
    return row is not None and (not row.data or language == "markdown")


def pairs_of(path: str, data: bytes) -> Iterator[Pair]:
    """The pairs of one file."""
    sliced = slice_file(path, data)
    if sliced.problem is not None or sliced.language == "text":
        return
    found: dict[str, Pair] = {}
    for snippet in sliced.snippets:
        of_snippet = _sections if sliced.language == "markdown" else _of_code
        for pair in of_snippet(snippet):
            found.setdefault(pair.query, pair)
    if sliced.language != "markdown":
        for pair in _of_path(path, sliced.snippets):
            found.setdefault(pair.query, pair)
    yield from list(found.values())[:PAIRS_PER_FILE]


def _of_code(snippet: Snippet) -> Iterator[Pair]:
    """Pairs from the documentation, comments and names of one snippet."""
    path, symbol = snippet.path, snippet.symbol
    documentation, bare, within = split_documentation(snippet.text)
    if len(bare.split()) < 6:
        return
    query, further = first_sentences(documentation)
    if query is not None and symbol is not None:
        query = without_name(query, symbol.name)
    if query is not None:
        rest = f"{further}\n{within}".strip()[:LONGEST_REST]
        yield Pair("doc", query, path, bare[:LONGEST_TARGET], rest)
    for comment, following in inner_comments(snippet.text):
        yield Pair("comment", comment, path, following)
    if symbol is not None and len(bare) > LEAST_BODY:
        said = [*words(symbol.scope.rpartition(".")[2]), *words(symbol.name)]
        if len(said) > 1:
            body = re.sub(rf"\b{re.escape(symbol.name)}\b", " ", bare)
            rest = f"{documentation}\n{within}".strip()[:LONGEST_REST]
            yield Pair("name", " ".join(said), path, body[:LONGEST_TARGET], rest)


def _of_path(path: str, snippets: Sequence[Snippet]) -> Iterator[Pair]:
    """A pair of the path and the definition in the middle of the file."""
    named = [snippet for snippet in snippets if snippet.symbol is not None]
    if not named:
        return
    _, bare, _ = split_documentation(named[len(named) // 2].text)
    spelled = " ".join(
        word for part in path.split("/")[-3:] for word in words(part.partition(".")[0])
    )
    if spelled and len(bare) > LEAST_BODY:
        yield Pair("path", spelled, "", bare[:LONGEST_TARGET])


def split_documentation(text: str) -> tuple[str, str, str]:
    """The docstring or leading comment of a snippet, its code without comments, and its other
    comments.
    """
    documentation = ""
    quoted = _ELIXIR_DOC.search(text)
    if quoted is not None:
        documentation = quoted[1]
    elif (triple := _TRIPLE.search(text)) is not None:
        documentation = triple[2]
    text = _TRIPLE.sub(" ", text)
    leading: list[str] = []
    code: list[str] = []
    within: list[str] = []
    for line in text.split("\n"):
        mark = _COMMENT.match(line)
        if mark is not None:
            (within if code else leading).append(line[mark.end() :].strip())
        elif line.strip():
            code.append(line)
    if documentation:
        within = leading + within
    return documentation or "\n".join(leading), "\n".join(code), "\n".join(within)


def first_sentences(documentation: str) -> tuple[str | None, str]:
    """The first sentence, with the next one if it is short, and the rest; None for an uninformative
    sentence.
    """
    text = _ROLE.sub(r"\1", documentation)
    text = _LINK.sub(lambda match: match[1] or match[2] or " ", text)
    text = _TAG.sub(" ", text).replace("`", " ").replace("*/", " ")
    mark = _PARAMETERS.search(text)
    described, parameters = (
        (text, "") if mark is None else (text[: mark.start()], text[mark.start() :])
    )
    paragraphs = [part for part in re.split(r"\n\s*\n", described) if part.strip()]
    first = " ".join(paragraphs[0].split()) if paragraphs else ""
    if not first or _JUNK.search(first):
        return None, ""
    sentences = _SENTENCE_END.split(first)
    count = 2 if len(sentences[0]) < 40 else 1
    said = " ".join(sentences[:count])[:LONGEST_QUERY].strip()
    further = "\n".join([*sentences[count:], *paragraphs[1:], parameters])
    return (said if len(_LETTERS.findall(said)) >= 3 else None), further


def without_name(sentence: str, name: str) -> str | None:
    """A sentence without the name of the documented definition, which would give it away; None if
    too little is left.
    """
    own = name.lower()
    said = " ".join(word for word in sentence.split() if word.strip(".,:;()'\"").lower() != own)
    return said if len(_LETTERS.findall(said)) >= 3 else None


def inner_comments(text: str) -> Iterator[tuple[str, str]]:
    """Comments on their own lines within code, each with the ten lines of code below it."""
    lines = text.split("\n")
    row = 0
    seen_code = False
    while row < len(lines):
        mark = _COMMENT.match(lines[row])
        if mark is None:
            seen_code = seen_code or bool(lines[row].strip())
            row += 1
            continue
        block: list[str] = []
        while row < len(lines) and (mark := _COMMENT.match(lines[row])) is not None:
            block.append(lines[row][mark.end() :])
            row += 1
        if not seen_code:
            continue
        said, _ = first_sentences("\n".join(block))
        following = [line for line in lines[row : row + 10] if not _COMMENT.match(line)]
        if said is not None and len(said.split()) >= 4 and len(" ".join(following).split()) >= 6:
            yield said, "\n".join(following)


def _sections(snippet: Snippet) -> Iterator[Pair]:
    """Pairs of headings and the text below them."""
    heading, below = "", list[str]()
    for line in [*snippet.text.split("\n"), "# "]:
        match = _HEADING.match(line)
        if match is None and line != "# ":
            below.append(line)
            continue
        section = "\n".join(below)
        if len(_LETTERS.findall(heading)) >= 2 and len(section.split()) >= 15:
            yield Pair("section", heading, snippet.path, section[:LONGEST_TARGET])
        heading, below = (match[1] if match else ""), []


def unique(pairs: Iterable[Pair], most: int) -> list[Pair]:
    """At most `most` of the pairs, without duplicates, first ones first."""
    found: dict[tuple[str, str], Pair] = {}
    for pair in pairs:
        found.setdefault((pair.query.lower(), pair.kind), pair)
        if len(found) >= most:
            break
    return list(found.values())

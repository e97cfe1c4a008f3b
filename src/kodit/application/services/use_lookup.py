"""Finds where and how a name is used, in which definition, and whether the wanted definition is
meant."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from operator import itemgetter

from kodit.application.services.known_files import KnownFiles, target_of
from kodit.domain.code_text import prose_spans
from kodit.domain.entities import StoredSnippet
from kodit.domain.file_facts import MentioningFile
from kodit.domain.inference import rules_of
from kodit.domain.mentions import Mention, MentioningSnippet, MentionKind
from kodit.domain.ports.catalogue import OpenCatalogue
from kodit.domain.resolution import Resolver, Verdict
from kodit.domain.symbols import Reference, Use, naming_line, uses
from kodit.domain.text import cut_line
from kodit.domain.value_objects import SymbolKind

FILES_PER_READ = 32
"""What files mention is read for this many at a time: for a common name, that of all its files
would take several megabytes."""
_CALLED = frozenset({SymbolKind.FUNCTION, SymbolKind.METHOD})
_RECEIVER = re.compile(r"([\w$)\]]+(?:(?:\.|::|->|\?\.)[\w$]+)*)(?:\.|::|->|\?\.)\s*$")


class UseLookup:
    """The uses of one name in some snippets that may refer to one of the `wanted` definitions.
    `namesakes` are all definitions of that name, including the wanted ones."""

    def __init__(
        self,
        catalogue: OpenCatalogue,
        known: KnownFiles,
        names: Collection[str],
        namesakes: Iterable[StoredSnippet],
        wanted: Iterable[StoredSnippet],
    ) -> None:
        self._catalogue = catalogue
        self._known = known
        self._names = tuple(names)
        words = "|".join(map(re.escape, self._names))
        self._word = re.compile(rf"(?<!\w)(?:{words})(?!\w)")
        wanted = list(wanted)
        targets = list(map(target_of, namesakes))
        asked = list(map(target_of, wanted))
        every = list(dict.fromkeys([*targets, *asked]))
        self._resolver = Resolver(every, asked, known.declared) if asked else None
        self._are_called = any(one.kind in _CALLED for one in wanted)

    def references(self, snippets: Iterable[StoredSnippet]) -> list[Reference]:
        """Every line of the snippets that uses the name, each line once. Lines that certainly refer
        to another definition of this name are left out."""
        by_file: dict[int, list[StoredSnippet]] = {}
        for snippet in snippets:
            by_file.setdefault(snippet.file_id, []).append(snippet)
        found: list[Reference] = []
        for start in range(0, len(by_file), FILES_PER_READ):
            wanted = list(by_file)[start : start + FILES_PER_READ]
            pieces: dict[int, list[MentioningSnippet]] = {}
            for piece in self._catalogue.mentioning(wanted):
                pieces.setdefault(piece.file_id, []).append(piece)
            for file_id in wanted:
                found += self._in_file(by_file[file_id], pieces.get(file_id, []))
        return found

    def callees(
        self,
        definitions: Sequence[StoredSnippet],
        defining: Callable[[Collection[str]], Iterable[StoredSnippet]],
    ) -> list[Reference]:
        """The calls in definitions, by place, each name once per definition; with the place of its
        own definition, if `defining` finds it."""
        by_file: dict[int, list[MentioningSnippet]] = {}
        for piece in self._catalogue.mentioning({one.file_id for one in definitions}):
            by_file.setdefault(piece.file_id, []).append(piece)
        calls: list[_Call] = []
        for one in definitions:
            file = MentioningFile(one.index_id, one.path, one.language)
            first: dict[tuple[str, str], tuple[MentioningSnippet, Mention]] = {}
            for piece in by_file.get(one.file_id, ()):
                mentions = list(piece.mentions)
                file.learn(mentions, piece.around)
                for mention in mentions:
                    if (
                        mention.kind is MentionKind.CALL
                        and one.start_line <= mention.line <= one.end_line
                        and _belongs(piece.around(mention.line), one)
                    ):
                        first.setdefault((mention.name, mention.qualifier), (piece, mention))
            calls += [(one, file, *call) for call in first.values()]
        by_name: dict[str, list[StoredSnippet]] = {}
        names = {mention.name for *_, mention in calls}
        for found in defining(names):
            by_name.setdefault(found.symbol or "", []).append(found)
        texts = {one.id: one.text for one in self._catalogue.snippets([c[2].id for c in calls])}
        return [
            _callee(self._known, call, by_name.get(call[3].name, []), texts[call[2].id])
            for call in calls
        ]

    def _in_file(
        self, snippets: Sequence[StoredSnippet], pieces: Sequence[MentioningSnippet]
    ) -> Iterator[Reference]:
        one = snippets[0]
        around = {piece.id: piece.around for piece in pieces}
        mentioned: dict[int, list[Mention]] = {}
        for piece in pieces:
            for mention in piece.named(self._names):
                mentioned.setdefault(mention.line, []).append(mention)
        places = {
            line: (snippet, text) for snippet in snippets for line, text in self._lines(snippet)
        }
        if any(piece.encoded for piece in pieces) and not places.keys() <= mentioned.keys():
            self._add_reads(mentioned, snippets, pieces)
        file = MentioningFile(one.index_id, one.path, one.language)
        if self._resolver and not places.keys().isdisjoint(mentioned):
            for piece in pieces:
                file.read(piece)
        for line, (snippet, text) in places.items():
            within = around[snippet.id](line) if snippet.id in around else ""
            if line not in mentioned:
                yield Reference(snippet, line, text, Use.TEXT, within)
                continue
            judged = [(self._judge(one, within, file), one) for one in mentioned[line]]
            verdict, mention = max(judged, key=itemgetter(0))
            if verdict is not Verdict.NO:
                use = Use(mention.kind.value)
                is_likely = verdict is Verdict.LIKELY
                if use is Use.READ and self._is_bare_call(mention, snippet, text, within):
                    use = Use.CALL
                if use is Use.IMPORT and snippet.symbol and line < naming_line(snippet):
                    within = ""  # the head of the file is one snippet with its first definition
                yield Reference(snippet, line, text, use, within, is_likely=is_likely)

    def _is_bare_call(
        self, mention: Mention, snippet: StoredSnippet, line: str, within: str
    ) -> bool:
        """Whether a mention that reads a name calls a method without brackets, and not a
        variable."""
        if not self._are_called or not rules_of(snippet.language).bare_calls:
            return False
        if mention.qualifier or snippet.language == "scala":
            return mention.qualifier not in ("", ".")
        name = re.escape(mention.name)
        if snippet.language == "haskell":
            return bool(within) and not re.search(
                rf"^\s*{name}\b[^=]*::|^\s*\w+[^=|\n]*\b{name}\b[^=|\n]*="
                rf"|\\[^\n]*\b{name}\b[^\n]*->|\b{name}\b\s*<-|\blet\s+{name}\b",
                snippet.text,
                re.MULTILINE,
            )
        if not re.search(rf"(?<![\w@:$.]){name}(?![\w:?!]|\s*=[^=~>])", line):
            return False
        bound = (
            rf"(?<![\w@:$.]){name}\s*(?:,[\w\s,]*)?(?:\|\|)?=(?![=~>])|\|[^|\n]*\b{name}\b[^|\n]*\|"
        )
        given = rf"\bdef\s+[\w.!?]+[ (][^\n]*\b{name}\b"
        return not re.search(rf"{bound}|{given}", snippet.text)

    def _judge(self, mention: Mention, around: str, file: MentioningFile) -> Verdict:
        # For a name that is defined elsewhere, nothing more can be said.
        return self._resolver.judge(mention, around, file) if self._resolver else Verdict.LIKELY

    def _lines(self, snippet: StoredSnippet) -> Iterator[tuple[int, str]]:
        seen: dict[int, str] = {}
        for name in self._names:
            for number, text in uses(name, snippet.text):
                seen[snippet.start_line + number] = cut_line(text.strip())
        yield from sorted(seen.items())

    def _add_reads(
        self,
        mentioned: dict[int, list[Mention]],
        snippets: Sequence[StoredSnippet],
        pieces: Sequence[MentioningSnippet],
    ) -> None:
        """Add the names in the code of a file that the grammar does not report."""
        left = [
            (snippet, lines)
            for snippet in snippets
            if (lines := [line for line, _ in self._lines(snippet) if line not in mentioned])
        ]
        texts = [(one.text.split("\n"), one.start_line, lines) for one, lines in left]
        if not _continuing(pieces).isdisjoint(one.id for one, _ in left):
            # A continued piece may start within a comment or a string.
            every = [line for _, lines in left for line in lines]
            texts = [(self._rows_of_file(snippets[0].file_id), 1, every)]
        for rows, first, lines in texts:
            for line, match, row in self._in_code(rows, first, lines, snippets[0].language):
                before = _RECEIVER.search(row[: match.start()])
                read = Mention(MentionKind.READ, match[0], line, before[1] if before else "")
                mentioned.setdefault(line, []).append(read)

    def _in_code(
        self, rows: Sequence[str], first: int, lines: Iterable[int], language: str
    ) -> Iterator[tuple[int, re.Match[str], str]]:
        """Where the names are on lines of a text, outside comments and strings."""
        prose = prose_spans("\n".join(rows), language)
        ends = [end for _, end in prose]
        starts = [0, *accumulate(len(row) + 1 for row in rows)]
        for line in lines:
            if line - first < len(rows):
                row, start = rows[line - first], starts[line - first]
                for match in self._word.finditer(row):
                    at = start + match.start()
                    number = bisect_right(ends, at)
                    if number == len(prose) or prose[number][0] > at:
                        yield line, match, row

    def _rows_of_file(self, file_id: int) -> list[str]:
        rows: list[str] = []
        for snippet in self._catalogue.snippets_of_file(file_id):
            rows += [""] * (snippet.start_line - 1 - len(rows))
            rows[snippet.start_line - 1 :] = snippet.text.split("\n")
        return rows


def _continuing(pieces: Iterable[MentioningSnippet]) -> set[int]:
    """The pieces that may continue a comment or string of the piece before."""
    return {
        after.id
        for before, after in pairwise(pieces)
        if (before.symbol, before.scope) == (after.symbol, after.scope)
    }


def _belongs(around: str, definition: StoredSnippet) -> bool:
    """Whether the current definition is the given one or is inside it: a snippet may hold small
    neighbours of the definition that it is named after."""
    own = ".".join(filter(None, (definition.scope, definition.symbol)))
    inner, outer = f"{around}.", f"{own}."
    return not around or inner.startswith(outer) or outer.startswith(inner)


_Call = tuple[StoredSnippet, MentioningFile, MentioningSnippet, Mention]
"""The calling definition, its file and the piece with the call, and the call."""


def _callee(
    known: KnownFiles, call: _Call, candidates: Sequence[StoredSnippet], text: str
) -> Reference:
    one, file, piece, mention = call
    within = piece.around(mention.line)
    targets = list(map(target_of, candidates))
    judged = [
        (Resolver(targets, [target], known.declared).judge(mention, within, file), candidate)
        for target, candidate in zip(targets, candidates, strict=True)
    ]
    verdict, best = max(judged, key=itemgetter(0), default=(Verdict.NO, None))
    line = text.split("\n")[mention.line - piece.start_line]
    return Reference(
        one,
        mention.line,
        cut_line(line.strip()),
        Use.CALL,
        within,
        is_likely=verdict is not Verdict.CERTAIN,
        name=mention.name,
        target=None if verdict is Verdict.NO else best,
    )

"""The signals of ranking: evidence for a file, each a number from a small pure function.

All depend on the query, the file and the corpus, never on the other files found: a filtered search
keeps the order of the unfiltered one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from operator import itemgetter, mul
from typing import NamedTuple

from kodit.domain.ranking.candidate import Candidate, CorpusStatistics
from kodit.domain.ranking.languages import is_code
from kodit.domain.ranking.names import OTHER_CASE_SHARE, same_name
from kodit.domain.ranking.paths import PathFacts, named_share, named_shares, path_facts
from kodit.domain.ranking.query import QueryKind, QueryUnderstanding
from kodit.domain.ranking.weights import WITHIN_FILE
from kodit.domain.snippet import Symbol, SymbolKind
from kodit.domain.spelling import fold_case

TYPE_KINDS = frozenset(
    {
        SymbolKind.CLASS,
        SymbolKind.INTERFACE,
        SymbolKind.ENUM,
        SymbolKind.STRUCT,
        SymbolKind.TRAIT,
        SymbolKind.MODULE,
        SymbolKind.TYPE,
        SymbolKind.TABLE,
        SymbolKind.VIEW,
    }
)
"""Definitions that occur once and have members; a function's name is often that of a mere
delegate."""

FUNCTION_SHARE = 0.75
"""The weight of a definition that is not a type, relative to a type."""

INDIRECT_SHARE = 0.9
"""`Events.add` asked for, and `add` of `Events.Listener` found."""

MOST_FOLDERS = 2
"""How many folders count as depth; beyond that, depth says nothing more."""

BREADTH = 3
"""How many snippets of a file are averaged for similarity."""


class FileEvidence(NamedTuple):
    """One file as the engines found it; a tuple, as a search makes more than a hundred.

    `total_rarity` sums the rarity of the query's terms: the highest possible match, which makes
    keyword scores of different queries comparable. The last five have one element for each of the
    candidates."""

    query: QueryUnderstanding
    candidates: Sequence[Candidate]
    path: PathFacts
    total_rarity: float
    symbols: Sequence[Symbol | None]
    keyword: Sequence[float]
    code: Sequence[float]
    text: Sequence[float]
    pasted: Sequence[float]


Signal = Callable[[FileEvidence], float]

_engines_of = itemgetter(
    *map(Candidate._fields.index, ("symbol", "keyword", "code", "text", "pasted"))
)


def gather(
    query: QueryUnderstanding, candidates: Sequence[Candidate], total_rarity: float
) -> FileEvidence:
    """The evidence for one file from its candidates, at least one."""
    facts = path_facts(candidates[0].path)
    columns = list(zip(*candidates, strict=True))
    return FileEvidence(query, candidates, facts, total_rarity, *_engines_of(columns))


def total_rarity(query: QueryUnderstanding, statistics: CorpusStatistics) -> float:
    """The summed rarity of the query's words, never 0. Compounds are left out: most of them occur
    nowhere, and a term that occurs nowhere must not make all texts look weak."""
    return sum(map(statistics.rarity, query.words)) or 1.0


def keyword_best(file: FileEvidence) -> float:
    """BM25 of the best snippet, per unit of the query's rarity (0 to about 6)."""
    return max(file.keyword) / file.total_rarity


def keyword_hits(file: FileEvidence) -> float:
    """How much of the file matches: the logarithm of 1 + the summed BM25 of its snippets."""
    return math.log1p(sum(file.keyword) / file.total_rarity)


def mentions(file: FileEvidence) -> float:
    """1 for a file that has any word of the query in its text or path."""
    return float(max(file.keyword) > 0)


def pasted(file: FileEvidence) -> float:
    """How likely the pasted part of the query comes from the best snippet, from 0 to 1: words in a
    row, or the line of a place in a file."""
    return max(file.pasted)


def code_similarity(file: FileEvidence) -> float:
    """Mean cosine of the three snippets whose code is nearest to the query."""
    best = sorted(file.code, reverse=True)[:BREADTH]
    return sum(best) / len(best)


def text_similarity(file: FileEvidence) -> float:
    """Cosine of the snippet whose enriched text is nearest to the query."""
    return max(file.text)


def file_name(file: FileEvidence) -> float:
    """The share of the file's name that the query contains."""
    return named_share(file.path.file_words, file.query.words)


def folders(file: FileEvidence) -> float:
    """The share of the folders' names that the query contains."""
    return named_share(file.path.folder_words, file.query.words)


def defines(file: FileEvidence) -> float:
    """How well the best definition here fits a name in the query: 1 for a type, 0.75 for another
    definition, half of that if the case of letters differs."""
    if not file.query.names:
        return 0.0
    return max([definition_fit(candidate, file.query.names) for candidate in file.candidates])


def definition_fit(candidate: Candidate, names: frozenset[str]) -> float:
    """The same for one snippet; 0 when it defines none of the names."""
    best = 0.0
    if names:
        for symbol in candidate.definitions:
            best = max(best, symbol_fit(symbol, names))
    return best


def symbol_fit(symbol: Symbol, names: frozenset[str]) -> float:
    """The same for one symbol."""
    share = 1.0 if symbol.kind in TYPE_KINDS else FUNCTION_SHARE
    return share * _same_as_any(names, symbol.name)


@lru_cache(maxsize=4_096)
def _same_as_any(names: frozenset[str], name: str) -> float:
    """How well a name fits the best of those in a query; a search asks it several times."""
    return max((same_name(one, name) for one in names), default=0.0)


def enclosing_scope(file: FileEvidence) -> float:
    """How well the best definition here fits the scopes before a name in the query, or how well
    such a scope itself does: its members may have no snippet of their own, or be inherited."""
    if not file.query.scopes:
        return 0.0
    return max(place_in_scope(candidate, file.query) for candidate in file.candidates)


def place_in_scope(candidate: Candidate, query: QueryUnderstanding) -> float:
    """The same for one snippet."""
    return max(scope_fit(candidate, query), is_scope(candidate, query))


def scope_fit(candidate: Candidate, query: QueryUnderstanding) -> float:
    """For a snippet that defines a name of the query, the share of the query's scopes (`Session` of
    `Session.get`) that enclose it: types and namespaces, or its file and folders, which serve as
    scopes in languages that have neither."""
    if not query.scopes:
        return 0.0
    named = [symbol for symbol in candidate.definitions if symbol_fit(symbol, query.names)]
    return max((_fit_of(query, one, candidate.path) for one in named), default=0.0)


def _fit_of(query: QueryUnderstanding, symbol: Symbol, path: str) -> float:
    """Slightly less for what is in a scope of a scope."""
    share = share_around(query, symbol.scope, path)
    inner = fold_case(symbol.scope.rpartition(".")[2])
    is_direct = not query.owner or inner in ("", fold_case(query.owner))
    return share if is_direct else share * INDIRECT_SHARE


def is_scope(candidate: Candidate, query: QueryUnderstanding) -> float:
    """The same for the definition of a type that precedes a name in the query. The type counts
    among its own scopes, so that it never ranks above its members; 0 if it defines the name too, as
    a constructor may have the name of its class."""
    if definition_fit(candidate, query.names):
        return 0.0
    types = (
        symbol
        for symbol in candidate.definitions
        if symbol.kind in TYPE_KINDS and symbol.name in query.scopes
    )
    shares = (share_around(query, f"{one.scope}.{one.name}", candidate.path) for one in types)
    return (INDIRECT_SHARE if query.owner else 1.0) * max(shares, default=0.0)


def share_around(query: QueryUnderstanding, scope: str, path: str) -> float:
    """The share of the query's scopes around a definition. A scope in another case counts half:
    `Session` asked for and a folder `session` found."""
    around = enclosing_names(scope, path)
    in_any_case = frozenset(map(fold_case, around))
    share = 0.0
    for name in query.scopes:
        if name in around:
            share += 1.0
        elif fold_case(name) in in_any_case:
            share += 1.0 if name.islower() else OTHER_CASE_SHARE
    return share / len(query.scopes)


def enclosing_names(scope: str, path: str) -> frozenset[str]:
    """The names of the scopes, file and folders around a definition."""
    return frozenset(f"{path}.{scope}".replace("/", ".").replace("-", "_").split("."))


def defines_word(file: FileEvidence) -> float:
    """1 when a snippet defines a type that a capitalised plain word of the query may name."""
    if not file.query.proper_words:
        return 0.0
    words = set(map(fold_case, file.query.proper_words))
    return float(
        any(symbol is not None and fold_case(symbol.name) in words for symbol in file.symbols)
    )


def symbol_name(file: FileEvidence) -> float:
    """The largest share of any defined symbol's name that the query contains."""
    share_of = named_shares(file.query.words)
    return max([0.0 if symbol is None else share_of(symbol.name) for symbol in file.symbols])


def share_of_symbol_name(candidate: Candidate, query: QueryUnderstanding) -> float:
    """The share that the query contains of the name of a snippet's symbol, 0 if it defines none."""
    if candidate.symbol is None:
        return 0.0
    return named_shares(query.words)(candidate.symbol.name)


def path_asked(file: FileEvidence) -> float:
    """For a path query: 1 if the path equals it, ends with it or matches it, 0.5 if it contains
    it."""
    if file.query.kind is not QueryKind.PATH:
        return 0.0
    path = fold_case(file.candidates[0].path)
    asked = fold_case(file.query.text.strip("`'\"./ "))
    if path == asked or path.endswith("/" + asked) or fnmatchcase(path, asked):
        return 1.0
    return 0.5 if asked in path or fnmatchcase(path, f"*{asked}*") else 0.0


def depth(file: FileEvidence) -> float:
    """How deep the file lies, from 0 to 1 (two folders or more): the main code of a project lies
    near its top. Documents and data count as deep, because a README only describes code."""
    if not_code(file):
        return 1.0
    return min(file.path.depth, MOST_FOLDERS) / MOST_FOLDERS


def not_code(file: FileEvidence) -> float:
    """1 for documents and data."""
    return float(not is_code(file.candidates[0].language, file.path.extension))


def is_test(file: FileEvidence) -> float:
    """1 for tests and their helpers, unless the query mentions tests."""
    return float(file.path.is_test and not _speaks_of(file, "test", "spec", "mock", "fixtur"))


def is_example(file: FileEvidence) -> float:
    """1 for examples, documentation and benchmarks, unless the query mentions them."""
    return float(
        file.path.is_example
        and not _speaks_of(file, "exampl", "sampl", "demo", "tutori", "docu", "doc", "benchmark")
    )


def is_derived(file: FileEvidence) -> float:
    """1 for generated, bundled and third-party code, unless the query mentions it."""
    return float(file.path.is_derived and not _speaks_of(file, "gen", "vend"))


def is_compatibility(file: FileEvidence) -> float:
    """1 for compatibility and deprecated code, unless the query mentions it."""
    return float(
        file.path.is_compatibility
        and not _speaks_of(file, "compat", "legaci", "deprec", "polyfill", "backport")
    )


def is_stub(file: FileEvidence) -> float:
    """1 for files that only declare or re-export what other files define, unless the query mentions
    them."""
    passes_on = file.path.is_entrance and all(symbol is None for symbol in file.symbols)
    return float(
        (file.path.is_declarations or passes_on)
        and not _speaks_of(file, "stub", "declar", "export", "import")
    )


def _speaks_of(file: FileEvidence, *stems: str) -> bool:
    return _any_begins(file.query.terms, stems)


@lru_cache(maxsize=256)
def _any_begins(terms: tuple[str, ...], stems: tuple[str, ...]) -> bool:
    return any(term.startswith(stems) for term in terms)


SIGNALS: Mapping[str, Signal] = {
    function.__name__: function
    for function in (
        keyword_best,
        keyword_hits,
        mentions,
        pasted,
        code_similarity,
        text_similarity,
        file_name,
        folders,
        defines,
        enclosing_scope,
        defines_word,
        symbol_name,
        path_asked,
        depth,
        not_code,
        is_test,
        is_example,
        is_derived,
        is_compatibility,
        is_stub,
    )
}
"""Every signal by name, in the order in which a score is explained."""


def snippet_signals(file: FileEvidence, candidate: Candidate) -> tuple[float, ...]:
    """The signals that favour this snippet over others, in the order of `WITHIN_FILE`; without
    those about names if the query contains none."""
    query = file.query
    values = (
        candidate.keyword / file.total_rarity,
        candidate.pasted,
        candidate.code,
        candidate.text,
        share_of_symbol_name(candidate, query),
        math.log1p(candidate.end_line - candidate.start_line),
    )
    # A search calls this for hundreds of snippets, and most queries contain no name.
    if not query.names:
        return values
    return (
        *values,
        definition_fit(candidate, query.names),
        scope_fit(candidate, query),
        is_scope(candidate, query),
    )


def snippet_points(file: FileEvidence, candidate: Candidate) -> float:
    """The weighted sum of these signals."""
    points: float = sum(map(mul, snippet_signals(file, candidate), WITHIN_FILE.values()))
    return points

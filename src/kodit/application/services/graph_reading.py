"""Reads the graph of definitions and uses of an index."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kodit.domain.ranking.graph import GraphFile
from kodit.domain.ranking.languages import is_code
from kodit.domain.ranking.paths import path_facts

if TYPE_CHECKING:
    from kodit.domain.files import IndexedText
    from kodit.domain.mentions import MentioningSnippet
    from kodit.domain.ports.catalogue import OpenCatalogue

FILES_PER_READ = 256
"""Files whose mentions are read at once."""


def _nothing(_piece: MentioningSnippet) -> None:
    """Nobody looks at the pieces."""


def read_graph(
    catalogue: OpenCatalogue,
    files: Sequence[IndexedText],
    look: Callable[[MentioningSnippet], None] = _nothing,
) -> dict[int, GraphFile]:
    """What each file of code uses and defines; `look` is called with every piece that is read."""
    graph: dict[int, GraphFile] = {}
    code = []
    for file in files:
        facts = path_facts(file.path)
        if is_code(file.language, facts.extension):
            code.append(file.id)
            graph[file.id] = GraphFile(
                file.path, file.language, facts.is_test or facts.is_example or facts.is_derived
            )
    for start in range(0, len(code), FILES_PER_READ):
        for piece in catalogue.mentioning(code[start : start + FILES_PER_READ]):
            look(piece)
            node = graph[piece.file_id]
            if piece.symbol:
                node.define(piece.symbol, piece.kind or "")
            for one in piece.also_defines:
                node.define(one.symbol.name, one.symbol.kind)
            for mention in piece.mentions:
                node.mention(mention)
    return graph

"""What matters in a repository: a walk over which files use what other files define.

The rank of files is PageRank (Brin and Page, 1998) with the damping of that paper. A use of a name
that several files define counts in parts, and the tenth use in one file counts less than the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

from kodit.domain.mentions import Mention, MentionKind
from kodit.domain.resolution import may_import, sees_unqualified

DAMPING = 0.85
ROUNDS = 20
"""After these the order of files no longer changes: what is left to move is below four percent."""

MOST_DEFINERS = 8
"""A name that more files define, such as `run` or `get`, says nothing of any of them."""

SHORTEST_NAME = 3
_COUNTED = frozenset({MentionKind.CALL, MentionKind.INHERITS, MentionKind.TYPE})
ASIDE = 0.1
"""What a use in a test, an example or generated code counts for, beside one in other code."""


MEMBER = 0.3
"""What a use of a member counts for, beside one of a name that is imported or in sight: of the
receiver only its name is known."""


@dataclass(slots=True)
class GraphFile:
    """A file: how often it uses each name, as it is and as a member of something; what it imports,
    by the names by which it goes on; and which names it defines."""

    path: str
    language: str
    is_aside: bool
    uses: dict[str, int] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)
    imports: dict[str, Mention] = field(default_factory=dict)
    defines: set[str] = field(default_factory=set)

    def mention(self, mention: Mention) -> None:
        """Take in a use of a name."""
        if mention.kind is MentionKind.IMPORT:
            self.imports[mention.alias or mention.name] = mention
        elif mention.kind in _COUNTED:
            counts = self.members if mention.qualifier else self.uses
            counts[mention.name] = counts.get(mention.name, 0) + 1


@dataclass(frozen=True, slots=True)
class Importance:
    """The share of each file in the whole, and in it that of each name that it defines."""

    files: Mapping[int, float]
    names: Mapping[tuple[int, str], float]


def importance(files: Mapping[int, GraphFile]) -> Importance:
    """How much each file and each of its definitions matters to the other files."""
    definers: dict[str, list[int]] = {}
    for file_id, file in files.items():
        for name in file.defines:
            if len(name) >= SHORTEST_NAME:
                definers.setdefault(name, []).append(file_id)
    edges = {file_id: _edges(file_id, files, definers) for file_id in files}
    ranks = _walk(files, edges)
    names: dict[tuple[int, str], float] = {}
    for file_id, out in edges.items():
        total = sum(weight for _, _, weight in out)
        for target, name, weight in out:
            share = ranks[file_id] * weight / total
            names[target, name] = names.get((target, name), 0.0) + share
    return Importance(ranks, names)


def _edges(
    file_id: int, files: Mapping[int, GraphFile], definers: Mapping[str, Sequence[int]]
) -> list[tuple[int, str, float]]:
    """The files that a file leans on, by which name and how much."""
    file = files[file_id]
    edges = []
    for counts, worth in ((file.uses, 1.0), (file.members, MEMBER)):
        for name, count in counts.items():
            imported = file.imports.get(name) if worth == 1.0 else None
            wanted = imported.name if imported else name
            found = definers.get(wanted, ())
            if file_id in found or len(found) > MOST_DEFINERS:
                continue
            targets = [
                target
                for target in found
                if worth < 1.0 or _may_mean(file, imported, files[target])
            ]
            edges += [(target, wanted, worth * sqrt(count) / len(targets)) for target in targets]
    return edges


def _may_mean(file: GraphFile, imported: Mention | None, target: GraphFile) -> bool:
    if imported is not None:
        return may_import(imported, file.path, target.path)
    return sees_unqualified(file.language, file.path, target.path)


def _walk(
    files: Mapping[int, GraphFile], edges: Mapping[int, Sequence[tuple[int, str, float]]]
) -> dict[int, float]:
    if not files:
        return {}
    start = {file_id: ASIDE if file.is_aside else 1.0 for file_id, file in files.items()}
    whole = sum(start.values())
    start = {file_id: share / whole for file_id, share in start.items()}
    # Names matter no more here: one edge for each pair of files.
    out: dict[int, list[tuple[int, float]]] = {}
    for file_id, named in edges.items():
        targets: dict[int, float] = {}
        for target, _, weight in named:
            targets[target] = targets.get(target, 0.0) + weight
        total = sum(targets.values())
        out[file_id] = [(target, weight / total) for target, weight in targets.items()]
    ranks = dict(start)
    for _ in range(ROUNDS):
        lost = sum(ranks[file_id] for file_id, some in out.items() if not some)
        following = {
            file_id: (1 - DAMPING + DAMPING * lost) * share for file_id, share in start.items()
        }
        for file_id, some in out.items():
            passed = DAMPING * ranks[file_id]
            for target, share in some:
                following[target] += passed * share
        ranks = following
    return ranks

"""The importance of files in a repository, by the graph of definitions and uses.

Files are ranked by PageRank (Brin and Page, 1998) with the damping of that paper. A use of a name
that several files define is divided among them, and each further use in one file counts less than
the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

from kodit.domain.mentions import Mention, MentionKind
from kodit.domain.resolution import may_import, sees_unqualified
from kodit.domain.snippet import SymbolKind

DAMPING = 0.85
ROUNDS = 20
"""After these rounds the order of files no longer changes: less than four percent of the rank still
moves."""

MOST_DEFINERS = 8
"""A name that more files define, such as `run` or `get`, says nothing about any of them."""

SHORTEST_NAME = 3
_COUNTED = frozenset({MentionKind.CALL, MentionKind.INHERITS, MentionKind.TYPE})
ASIDE = 0.1
"""The weight of a use in a test, an example or generated code, relative to other code."""


_PREPROCESSED = frozenset({"c", "cpp", "cuda", "objc"})
_SETTINGS = frozenset({SymbolKind.MACRO, SymbolKind.CONSTANT})
SETTING = 0.05
"""The weight of a use of a preprocessor macro: build settings are used everywhere, which says
little about what a program does."""

MEMBER = 0.3
"""The weight of a use of a member, relative to a name that is imported or visible: only the
receiver's name is known."""


@dataclass(slots=True)
class GraphFile:
    """A file: how often it uses each name, alone, as a member, and through the local name of a
    module; its imports, by local name; the modules of which it imports everything; and the names
    that it defines."""

    path: str
    language: str
    is_aside: bool
    uses: dict[str, int] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)
    through: dict[tuple[str, str], int] = field(default_factory=dict)
    imports: dict[str, Mention] = field(default_factory=dict)
    stars: list[Mention] = field(default_factory=list)
    defines: dict[str, float] = field(default_factory=dict)
    """The weight of a use of each name that the file defines."""

    def define(self, name: str, kind: str) -> None:
        """Add a definition."""
        is_setting = kind in _SETTINGS and self.language in _PREPROCESSED
        self.defines[name] = max(self.defines.get(name, 0.0), SETTING if is_setting else 1.0)

    def mention(self, mention: Mention) -> None:
        """Add a use of a name."""
        if mention.kind is MentionKind.IMPORT:
            if mention.name == "*" and not mention.alias:
                self.stars.append(mention)
            else:
                self.imports[mention.alias or mention.name] = mention
        elif mention.kind in _COUNTED:
            module = self.imports.get(mention.qualifier) if mention.qualifier else None
            if module is not None and module.name == "*":
                key = (mention.qualifier, mention.name)
                self.through[key] = self.through.get(key, 0) + 1
                return
            counts = self.members if mention.qualifier else self.uses
            counts[mention.name] = counts.get(mention.name, 0) + 1


_Edge = tuple[int | None, str, float]
"""The file that is used, None if no file is known, the name that is used, and the weight."""


@dataclass(frozen=True, slots=True)
class Importance:
    """Each file's share of the total importance, and each definition's share of its file's."""

    files: Mapping[int, float]
    names: Mapping[tuple[int, str], float]


def importance(files: Mapping[int, GraphFile]) -> Importance:
    """The importance of each file, and of each of its definitions, to the other files."""
    definers = _definers(files)
    edges = {file_id: _edges(file_id, files, definers) for file_id in files}
    ranks = _walk(files, edges)
    names: dict[tuple[int, str], float] = {}
    for file_id, out in edges.items():
        total = sum(weight for _, _, weight in out)
        for target, name, weight in out:
            if target is not None:
                share = ranks[file_id] * weight / total
                names[target, name] = names.get((target, name), 0.0) + share
    return Importance(ranks, names)


def _definers(files: Mapping[int, GraphFile]) -> dict[str, list[int]]:
    """The files that define each name."""
    definers: dict[str, list[int]] = {}
    for file_id, file in files.items():
        for name in file.defines:
            if len(name) >= SHORTEST_NAME:
                definers.setdefault(name, []).append(file_id)
    return definers


def _edges(
    file_id: int, files: Mapping[int, GraphFile], definers: Mapping[str, Sequence[int]]
) -> list[_Edge]:
    """The files that a file uses, with the name and the weight of each use."""
    file = files[file_id]
    edges: list[_Edge] = []
    for uses, worth in (
        ([(name, name, count) for name, count in file.uses.items()], 1.0),
        ([(local, name, count) for (local, name), count in file.through.items()], 1.0),
        ([(name, name, count) for name, count in file.members.items()], MEMBER),
    ):
        for local, name, count in uses:
            imported = file.imports.get(local) if worth == 1.0 else None
            wanted = imported.name if imported and imported.name != "*" else name
            found = definers.get(wanted, ())
            if file_id in found or len(found) > MOST_DEFINERS:
                continue
            targets = [
                target
                for target in found
                if (file.is_aside or not files[target].is_aside)  # no program uses its tests
                and (worth < 1.0 or _may_mean(file, imported, files[target]))
            ]
            weight = worth * sqrt(count) / max(1, len(targets))
            for target in targets:
                share = weight * files[target].defines[wanted]
                edges.append((target, wanted, share))
                if share < weight:  # other uses say nothing about any file
                    edges.append((None, wanted, weight - share))
    return edges


def _may_mean(file: GraphFile, imported: Mention | None, target: GraphFile) -> bool:
    if imported is not None:
        return may_import(imported, file.path, target.path)
    return sees_unqualified(file.language, file.path, target.path) or any(
        may_import(star, file.path, target.path) for star in file.stars
    )


def _walk(files: Mapping[int, GraphFile], edges: Mapping[int, Sequence[_Edge]]) -> dict[int, float]:
    if not files:
        return {}
    start = {file_id: ASIDE if file.is_aside else 1.0 for file_id, file in files.items()}
    whole = sum(start.values())
    start = {file_id: share / whole for file_id, share in start.items()}
    # Names no longer matter here: one edge for each pair of files.
    out: dict[int, list[tuple[int | None, float]]] = {}
    for file_id, named in edges.items():
        targets: dict[int | None, float] = {}
        for target, _, weight in named:
            targets[target] = targets.get(target, 0.0) + weight
        total = sum(targets.values())
        out[file_id] = [(target, weight / total) for target, weight in targets.items()]
    kept_back = {
        file_id: sum(share for target, share in some if target is None) if some else 1.0
        for file_id, some in out.items()
    }
    ranks = dict(start)
    for _ in range(ROUNDS):
        lost = sum(ranks[file_id] * kept_back[file_id] for file_id in out)
        following = {
            file_id: (1 - DAMPING + DAMPING * lost) * share for file_id, share in start.items()
        }
        for file_id, some in out.items():
            passed = DAMPING * ranks[file_id]
            for target, share in some:
                if target is not None:
                    following[target] += passed * share
        ranks = following
    return ranks


def uses_between(files: Mapping[int, GraphFile]) -> dict[int, dict[int, float]]:
    """For each file the files that it uses, with the weight of all its uses of each."""
    definers = _definers(files)
    used: dict[int, dict[int, float]] = {}
    for file_id in files:
        weights: dict[int, float] = {}
        for target, _, weight in _edges(file_id, files, definers):
            if target is not None:
                weights[target] = weights.get(target, 0.0) + weight
        used[file_id] = weights
    return used

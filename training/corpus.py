"""The mined pairs as token counts, ready for training."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kodit.infrastructure.embedding.tokens import Tokenizer, runs, split
from training.mining import Pair

LONGEST_WORD = 20
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def read_pairs(path: Path) -> Iterator[Pair]:
    """The pairs of one project."""
    with path.open() as file:
        for line in file:
            yield Pair(*json.loads(line))


def count_words(files: Iterable[Path]) -> tuple[Counter[str], Counter[str]]:
    """How often each word occurs in all pairs, and in how many projects."""
    total, projects = Counter[str](), Counter[str]()
    known: dict[str, list[str]] = {}
    for path in files:
        of_project = Counter[str]()
        for pair in read_pairs(path):
            of_project.update(runs(f"{pair.query}\n{pair.path}\n{pair.target}\n{pair.rest}"))
        words = Counter[str]()
        for run, count in of_project.items():
            for word in known.get(run) or known.setdefault(run, split(run[:100])):
                words[word] += count
        total.update(words)
        projects.update(words.keys())
    return total, projects


def choose_vocabulary(total: Counter[str], projects: Counter[str], size: int) -> list[str]:
    """The words that occur in most projects, and all letters and digits, in descending
    frequency.
    """
    wanted = set(LETTERS)
    able = [word for word in total if len(word) <= LONGEST_WORD and word not in wanted]
    able.sort(key=lambda word: (-projects[word], -total[word], word))
    wanted.update(able[: size - len(wanted)])
    return sorted(wanted, key=lambda word: (-total[word], word))


@dataclass(frozen=True)
class Corpus:
    """Counts of shape (pairs, tokens) and, for each pair, its project, its kind, and a number for
    its query and its target that is the same for equal ones.
    """

    queries: sparse.csr_matrix
    paths: sparse.csr_matrix
    targets: sparse.csr_matrix
    rest: sparse.csr_matrix
    project: NDArray[np.int32]
    kind: NDArray[np.int32]
    same_query: NDArray[np.int64]
    same_target: NDArray[np.int64]


KINDS = ("doc", "comment", "name", "path", "section")


def build(files: list[Path], tokenizer: Tokenizer) -> Corpus:
    """Count the tokens of all pairs."""
    texts: tuple[list[bytes], ...] = ([], [], [], [])
    project: list[int] = []
    kind: list[int] = []
    known: dict[bytes, int] = {}
    same: tuple[list[int], list[int]] = ([], [])
    for number, path in enumerate(files):
        for pair in read_pairs(path):
            query, target = tokenizer.tokens(pair.query), tokenizer.tokens(pair.target)
            if len(query) < 4 or len(target) < 12:
                continue
            texts[0].append(query)
            texts[1].append(tokenizer.tokens(pair.path))
            texts[2].append(target)
            texts[3].append(tokenizer.tokens(pair.rest))
            project.append(number)
            kind.append(KINDS.index(pair.kind))
            same[0].append(known.setdefault(query, len(known)))
            same[1].append(known.setdefault(target, len(known)))
    queries, paths, targets, rest = (_counts(some, tokenizer.size) for some in texts)
    return Corpus(
        queries,
        paths,
        targets,
        rest,
        np.asarray(project, np.int32),
        np.asarray(kind, np.int32),
        np.asarray(same[0], np.int64),
        np.asarray(same[1], np.int64),
    )


def _counts(texts: list[bytes], size: int) -> sparse.csr_matrix:
    lengths = np.asarray([len(text) // 2 for text in texts], np.int64)
    tokens = np.frombuffer(b"".join(texts), np.uint16).astype(np.int32)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    matrix = sparse.csr_matrix(
        (np.ones(len(tokens), np.float32), tokens, starts), shape=(len(texts), size)
    )
    matrix.sum_duplicates()
    return matrix

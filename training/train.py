"""Train the table: `python -m training.train --pairs DIR --out FILE`.

The vector of a text is the sum of its tokens' vectors, each weighted 1 + ln(its count), normalised.
The table is fitted so that the query for a piece of code is nearer to it than to the others in a
batch (InfoNCE; van den Oord, Li and Vinyals, 2018). A batch has only few projects, because a search
has to distinguish code of one project.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from kodit.infrastructure.embedding.static_model import MODEL
from kodit.infrastructure.embedding.table_file import quantised, write_table
from kodit.infrastructure.embedding.tokens import Tokenizer
from training.corpus import Corpus, build, choose_vocabulary, count_words

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Recipe:
    """All parameters of the table, besides the pairs."""

    seed: int = 20261126
    words: int = 30_000
    dimensions: int = 256
    steps: int = 2_000
    chunk: int = 256
    chunks: int = 4
    """A batch has this many chunks of `chunk` pairs, each chunk from one project."""
    temperature: float = 0.05
    rate: float = 0.005
    weights_rate: float = 0.01
    smoothing: float = 3e-4
    """A token with this share of all text starts with half the length of a rare one."""
    kinds: tuple[float, ...] = (1.0, 0.6, 0.5, 0.5, 0.6)
    """Share of the pairs of each kind that an epoch takes."""
    path_share: float = 0.5
    rest_share: float = 0.5
    """How often a piece of code is seen with its path, and with its other text."""
    dropout: float = 0.1
    """Share of a text's tokens that a step drops, so that none is relied on."""
    held_back: int = 12
    """Projects that are not used for training, by which recipes are compared."""


class Adam:
    """Kingma and Ba, 2015; updates only the rows of a table that a batch uses."""

    def __init__(self, table: Floats) -> None:
        self.table = table
        self._mean = np.zeros_like(table)
        self._square = np.zeros_like(table)
        self._step = 0

    def update(self, rows: NDArray[np.int64], gradient: Floats, rate: float) -> None:
        self._step += 1
        mean = self._mean[rows]
        square = self._square[rows]
        mean += np.float32(0.1) * (gradient - mean)
        square += np.float32(0.005) * (gradient * gradient - square)
        self._mean[rows] = mean
        self._square[rows] = square
        rate = rate * np.sqrt(1 - 0.995**self._step) / (1 - 0.9**self._step)
        self.table[rows] -= np.float32(rate) * mean / (np.sqrt(square) + np.float32(1e-8))


def weigh(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """1 + ln(count) of each token."""
    return sparse.csr_matrix(
        (1 + np.log(counts.data), counts.indices, counts.indptr), shape=counts.shape
    )


def unit(vectors: Floats) -> tuple[Floats, Floats]:
    """Rows of length 1, and the lengths they had."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True) + np.float32(1e-6)
    return vectors / lengths, lengths


def batches(corpus: Corpus, recipe: Recipe, random: np.random.Generator, skip: set[int]) -> Any:
    """An infinite sequence of batches of row numbers."""
    kept = ~np.isin(corpus.project, list(skip))
    share = np.asarray(recipe.kinds)[corpus.kind]
    while True:
        taken = np.flatnonzero(kept & (random.random(len(share)) < share))
        random.shuffle(taken)
        taken = taken[np.argsort(corpus.project[taken], kind="stable")]
        cuts = np.flatnonzero(np.diff(corpus.project[taken])) + 1
        chunks = []
        for rows in np.split(taken, cuts):
            chunks += [rows[at : at + recipe.chunk] for at in range(0, len(rows), recipe.chunk)]
        order = random.permutation(len(chunks))
        for at in range(0, len(order) - recipe.chunks + 1, recipe.chunks):
            yield np.concatenate([chunks[one] for one in order[at : at + recipe.chunks]])


def initial(corpus: Corpus, size: int, recipe: Recipe, random: np.random.Generator) -> Floats:
    """Random directions, shorter for frequent tokens (Arora, Liang and Ma, 2017)."""
    counts = np.asarray(corpus.targets.sum(axis=0)).ravel() + 1
    counts += np.asarray(corpus.queries.sum(axis=0)).ravel()
    share = counts / counts.sum()
    table = random.standard_normal((size, recipe.dimensions), dtype=np.float32)
    table /= np.sqrt(np.float32(recipe.dimensions))
    table *= (recipe.smoothing / (recipe.smoothing + share)).astype(np.float32)[:, None]
    return table


def texts_of(
    corpus: Corpus, rows: NDArray[np.int64], recipe: Recipe, random: np.random.Generator
) -> sparse.csr_matrix:
    """The weighted tokens of the queries of a batch, and below them those of their targets, with
    the dropout of one step.
    """
    targets = corpus.targets[rows]
    for share, more in ((recipe.path_share, corpus.paths), (recipe.rest_share, corpus.rest)):
        shown = (random.random(len(rows)) < share).astype(np.float32)
        targets = targets + sparse.diags(shown) @ more[rows]
    texts = sparse.vstack([corpus.queries[rows], targets]).tocsr()
    texts.data[random.random(len(texts.data)) < recipe.dropout] = 0
    texts.eliminate_zeros()
    return weigh(texts)


def alike(corpus: Corpus, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which query must not be separated from which target, because they are the same in another
    pair; shape (n, n).
    """
    same: NDArray[np.bool_] = corpus.same_query[rows][:, None] == corpus.same_query[rows]
    same |= corpus.same_target[rows][:, None] == corpus.same_target[rows]
    np.fill_diagonal(same, val=False)
    return same


def step(
    table: Floats,
    query_weights: Floats,
    texts: sparse.csr_matrix,
    same: NDArray[np.bool_],
    temperature: float,
) -> tuple[float, NDArray[np.int64], Floats, Floats]:
    """The loss of one batch, the rows of the table that it uses, and its gradient by them and by
    the logarithms of their query weights.
    """
    touched = np.unique(texts.indices)
    narrow = sparse.csr_matrix(
        (texts.data, np.searchsorted(touched, texts.indices), texts.indptr),
        shape=(texts.shape[0], len(touched)),
    )
    n = len(same)
    own, asked = table[touched], np.exp(query_weights[touched])
    sums = np.concatenate([narrow[:n] @ (own * asked), narrow[n:] @ own])
    vectors, lengths = unit(sums)
    said, code = vectors[:n], vectors[n:]
    logits = said @ code.T
    logits /= np.float32(temperature)
    logits[same] = -1e9
    best = logits.max(axis=1, keepdims=True)
    by_query = np.exp(logits - best)
    total = by_query.sum(axis=1, keepdims=True)
    loss = float(np.mean(np.log(total[:, 0]) + best[:, 0] - np.diag(logits)))
    by_query /= total
    by_code = np.exp(logits - logits.max(axis=0, keepdims=True))
    by_code /= by_code.sum(axis=0, keepdims=True)
    error = by_query + by_code
    error[np.arange(n), np.arange(n)] -= 2
    error /= np.float32(2 * n * temperature)
    gradient = np.concatenate([error @ code, error.T @ said])
    gradient -= (gradient * vectors).sum(axis=1, keepdims=True) * vectors
    gradient /= lengths
    of_queries = asked * (narrow[:n].T @ gradient[:n])
    of_weights = (of_queries * own).sum(axis=1, keepdims=True)
    return loss, touched, of_queries + narrow[n:].T @ gradient[n:], of_weights


def validate(
    table: Floats, query_weights: Floats, corpus: Corpus, projects: set[int]
) -> dict[str, float]:
    """Mean reciprocal rank by kind of query, within each project that was held back."""
    found: dict[str, list[float]] = {}
    for project in sorted(projects):
        rows = np.flatnonzero(corpus.project == project)
        said, _ = unit(weigh(corpus.queries[rows]) @ (table * np.exp(query_weights)))
        code, _ = unit(weigh((corpus.targets[rows] + corpus.paths[rows]).tocsr()) @ table)
        scores = said @ code.T
        right = np.diag(scores)
        rank = (scores > right[:, None]).sum(axis=1) + 1
        for kind, name in enumerate(("doc", "comment", "name")):
            mine = corpus.kind[rows] == kind
            if mine.any():
                found.setdefault(name, []).append(float(np.mean(1 / rank[mine])))
    return {name: float(np.mean(values)) for name, values in found.items()}


def train(corpus: Corpus, size: int, recipe: Recipe) -> tuple[Floats, Floats]:
    """The table, of shape (tokens, dimensions), and the query weight of each token."""
    random = np.random.default_rng(recipe.seed)
    projects = int(corpus.project.max()) + 1
    skip = set(
        random.choice(projects, min(recipe.held_back, projects // 4), replace=False).tolist()
    )
    table = initial(corpus, size, recipe, random)
    query_weights = np.zeros((size, 1), np.float32)
    adam, weights_adam = Adam(table), Adam(query_weights)
    losses: list[float] = []
    for number, rows in enumerate(batches(corpus, recipe, random, skip)):
        if number % 500 == 0 or number == recipe.steps:
            figures = validate(table, query_weights, corpus, skip)
            said = "  ".join(f"{name} {value:.4f}" for name, value in figures.items())
            loss = float(np.mean(losses[-500:] or [0]))
            print(f"{number:>6} steps  loss {loss:.3f}  MRR {said}", flush=True)
        if number == recipe.steps:
            break
        loss, touched, gradient, of_weights = step(
            table,
            query_weights,
            texts_of(corpus, rows, recipe, random),
            alike(corpus, rows),
            recipe.temperature,
        )
        warm = min(1.0, (number + 1) / 200)
        rate = warm * (1 - number / recipe.steps)
        adam.update(touched, gradient, recipe.rate * rate)
        if recipe.weights_rate:
            weights_adam.update(touched, of_weights, recipe.weights_rate * rate)
        losses.append(loss)
    return table, np.exp(query_weights[:, 0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--recipe", type=json.loads, default={}, help="JSON of the parameters that differ"
    )
    options = parser.parse_args()
    recipe = Recipe(**options.recipe)
    files = sorted(options.pairs.glob("*.jsonl"))
    vocabulary = choose_vocabulary(*count_words(files), recipe.words)
    tokenizer = Tokenizer(vocabulary)
    corpus = build(files, tokenizer)
    print(f"{corpus.queries.shape[0]} pairs, {len(vocabulary)} words", flush=True)
    table, query = train(corpus, tokenizer.size, recipe)
    write_table(options.out, quantised(table, query, vocabulary, MODEL))


if __name__ == "__main__":
    main()

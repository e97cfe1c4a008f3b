"""A static token-vector model: a text is the weighted sum of its tokens' vectors.

The files are those of the `wordllama` package, read where it is installed; the package's own
code is not imported, as it pulls in far more and asks the network.
"""

from __future__ import annotations

import importlib.util
import json
import struct
import threading
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from kodit.infrastructure.embedding.token_cache import TokenCache

TABLE_FILE = "weights/l2_supercat_256.safetensors"
TOKENIZER_FILE = "tokenizers/l2_supercat_tokenizer_config.json"
LONGEST_TEXT = 8_000
"""Characters; what is longer is cut. Snippets are shorter."""
TEXTS_WORTH_A_TABLE = 16
"""From so many texts on, the whole table is widened to float32 once, which takes 10 ms and 32 MB,
rather than the rows of each text."""


class StaticModel:
    """`table` has the shape (tokens, dimensions)."""

    def __init__(self, table: NDArray[np.float16], tokenizer: Tokenizer) -> None:
        self._table = table
        self._wide: NDArray[np.float32] | None = None
        self._tokens = TokenCache(tokenizer)

    @property
    def dimensions(self) -> int:
        return int(self._table.shape[1])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of length 1 a text, shape (n, dimensions). Each distinct token counts
        1 + ln(its frequency); a text without any known token gives a row of zeros."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        tokens, weights, ends = self._weigh(texts)
        wide = self._widened(len(texts))
        start = 0
        for row, end in enumerate(ends):
            if end > start:
                if wide is None:
                    rows = self._table[tokens[start:end]].astype(np.float32)
                else:
                    rows = wide.take(tokens[start:end], axis=0)
                np.matmul(weights[start:end], rows, out=vectors[row])
            start = end
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(lengths > 0, lengths, np.float32(1))
        return vectors

    def _weigh(
        self, texts: Sequence[str]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], list[int]]:
        """The distinct tokens of all texts, text after text, their weights, and where each text
        ends."""
        vocabulary = len(self._table)
        found = [self._tokens.tokens(text[:LONGEST_TEXT]) for text in texts]
        tokens = np.frombuffer(b"".join(found), np.uint16)
        rows = np.repeat(np.arange(len(found)), [len(some) // tokens.itemsize for some in found])
        # Text and token in one number, so that one sort counts the tokens of all texts.
        pairs, counts = np.unique(rows * vocabulary + tokens, return_counts=True)
        ends = np.searchsorted(pairs, np.arange(1, len(texts) + 1) * vocabulary).tolist()
        weights = (1 + np.log(counts)).astype(np.float32)
        return pairs % vocabulary, weights, ends

    def _widened(self, texts: int) -> NDArray[np.float32] | None:
        if self._wide is None and texts >= TEXTS_WORTH_A_TABLE:
            self._wide = self._table.astype(np.float32)
        return self._wide


def load_model() -> StaticModel:
    """The built-in model; the table is mapped, not read, so that processes share it. Of threads
    that ask at once the first one loads it for all."""
    with _loading:
        return _load_model()


_loading = threading.Lock()


@cache
def _load_model() -> StaticModel:
    folder = package_folder()
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return StaticModel(map_table(folder / TABLE_FILE), tokenizer)


def package_folder() -> Path:
    """Where the package that holds the model is installed."""
    spec = importlib.util.find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package wordllama, which holds the embedding model, is missing")
    return Path(spec.origin).parent


def map_table(path: Path) -> NDArray[np.float16]:
    """The only tensor of a safetensors file: eight bytes of header length, a JSON header, data."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    (tensor,) = (value for key, value in header.items() if key != "__metadata__")
    if tensor["dtype"] != "F16":
        raise RuntimeError(f"{path.name} holds {tensor['dtype']}, not F16")
    mapped = np.memmap(
        path,
        dtype=np.float16,
        mode="r",
        offset=8 + length + tensor["data_offsets"][0],
        shape=tuple(tensor["shape"]),
    )
    # A plain array on the map: every slice of a memmap costs a finaliser in Python.
    return np.asarray(mapped)

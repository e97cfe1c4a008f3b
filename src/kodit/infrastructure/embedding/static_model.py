"""A static token-vector model: a text is the weighted sum of its tokens' vectors.

The files are those of the `wordllama` package, read where it is installed; the package's own
code is not imported, as it pulls in far more and asks the network.
"""

from __future__ import annotations

import importlib.util
import json
import struct
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

MODEL = "wordllama-l2-supercat-256"
TABLE_FILE = "weights/l2_supercat_256.safetensors"
TOKENIZER_FILE = "tokenizers/l2_supercat_tokenizer_config.json"
LONGEST_TEXT = 8_000
"""Characters; what is longer is cut. Snippets are shorter."""


class StaticModel:
    """`table` has the shape (tokens, dimensions)."""

    def __init__(self, table: NDArray[np.float16], tokenizer: Tokenizer) -> None:
        self._table = table
        self._tokenizer = tokenizer

    @property
    def dimensions(self) -> int:
        return int(self._table.shape[1])

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row of length 1 a text, shape (n, dimensions). Each distinct token counts
        1 + ln(its frequency); a text without any known token gives a row of zeros."""
        encodings = self._tokenizer.encode_batch_fast(
            [text[:LONGEST_TEXT] for text in texts], add_special_tokens=False
        )
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, encoding in zip(vectors, encodings, strict=True):
            if encoding.ids:
                tokens, counts = np.unique(encoding.ids, return_counts=True)
                weights = (1 + np.log(counts)).astype(np.float32)
                row[:] = weights @ self._table[tokens].astype(np.float32)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(lengths > 0, lengths, np.float32(1))
        return vectors


@cache
def load_model() -> StaticModel:
    """The built-in model; the table is mapped, not read, so that processes share it."""
    folder = _package_folder()
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return StaticModel(_map_table(folder / TABLE_FILE), tokenizer)


def _package_folder() -> Path:
    spec = importlib.util.find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package wordllama, which holds the embedding model, is missing")
    return Path(spec.origin).parent


def _map_table(path: Path) -> NDArray[np.float16]:
    """The only tensor of a safetensors file: eight bytes of header length, a JSON header, data."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    (tensor,) = (value for key, value in header.items() if key != "__metadata__")
    if tensor["dtype"] != "F16":
        raise RuntimeError(f"{path.name} holds {tensor['dtype']}, not F16")
    return np.memmap(
        path,
        dtype=np.float16,
        mode="r",
        offset=8 + length + tensor["data_offsets"][0],
        shape=tuple(tensor["shape"]),
    )

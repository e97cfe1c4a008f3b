"""What CONTRIBUTING says of the house, beside what the import linter proves."""

from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
MOST_LINES = 400


def test_no_modules_import_each_other() -> None:
    """Neither directly nor in a circle, also where the import is put off or for types alone; the
    linter sees the layers only."""
    graph = grimp.build_graph("kodit")
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}

    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


def test_no_module_is_too_long() -> None:
    """Past that, it holds a second thing."""
    modules = [
        path for name in ("src", "tests", "benchmarks") for path in ROOT.glob(f"{name}/**/*.py")
    ]
    long = [path for path in modules if len(path.read_text().splitlines()) > MOST_LINES]
    assert long == []

"""When files have to be cut again, and what is loaded to know it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import kodit
from kodit.infrastructure.slicing import EXTRACTOR_VERSION, extractor_version
from kodit.infrastructure.slicing.languages import LANGUAGES

PRINT_VERSIONS = """
from kodit.infrastructure import slicing
for language in ("text", "python", "go"):
    print(slicing.extractor_version(language))
print(slicing.EXTRACTOR_VERSION)
"""


def run_python(code: str, path: Path | None = None) -> list[str]:
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {})
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.split()


def test_version_names_the_grammar() -> None:
    """So that an upgrade of one wheel re-extracts the files of one language."""
    for language in LANGUAGES.values():
        parts = extractor_version(language.name).split("/")
        assert parts[-2:] == [version("tree-sitter"), version(language.wheel)]
    assert "/" not in extractor_version("text")


def test_changed_query_changes_the_version_of_its_language_alone(tmp_path: Path) -> None:
    """And that of all."""
    package = tmp_path / "kodit"
    shutil.copytree(Path(kodit.__file__).parent, package)
    before = run_python(PRINT_VERSIONS, tmp_path)
    query = package / "infrastructure" / "slicing" / "queries" / "go.scm"
    query.write_text(query.read_text() + "\n; more\n")
    after = run_python(PRINT_VERSIONS, tmp_path)
    assert [old == new for old, new in zip(before, after, strict=True)] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize("module", ["slicing/limits.py", "folder/content.py"])
def test_changed_code_changes_every_version(module: str, tmp_path: Path) -> None:
    """Whatever it was, what leaves files out included: a stale snippet is worse than one cut
    again."""
    package = tmp_path / "kodit"
    shutil.copytree(Path(kodit.__file__).parent, package)
    before = run_python(PRINT_VERSIONS, tmp_path)
    code = package / "infrastructure" / module
    code.write_text(f"{code.read_text()}\n# more\n")
    after = run_python(PRINT_VERSIONS, tmp_path)
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_version_is_that_of_each_run() -> None:
    """The same in another process."""
    assert run_python(PRINT_VERSIONS)[-1] == EXTRACTOR_VERSION


def test_grammars_are_imported_when_first_met() -> None:
    """Not for versions, names or plain text; then the one that is needed."""
    loaded = run_python(
        """
import sys
from kodit.infrastructure import slicing
def show():
    print(",".join(sorted(m for m in sys.modules if m.startswith("tree_sitter") and "." not in m)))
slicing.EXTRACTOR_VERSION
slicing.slice_file("notes.txt", b"text")
print("-")
show()
slicing.slice_file("a.py", b"a = 1")
show()
"""
    )
    assert loaded == ["-", "tree_sitter,tree_sitter_python"]

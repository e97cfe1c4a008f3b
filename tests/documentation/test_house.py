"""The rules of CONTRIBUTING that the import linter does not check."""

from __future__ import annotations

import ast
import logging
import tomllib
from graphlib import TopologicalSorter
from importlib.metadata import requires
from pathlib import Path

import grimp
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kodit.domain import entities, value_objects

ROOT = Path(__file__).parents[2]
MOST_LINES = 400


def test_no_modules_import_each_other() -> None:
    """Neither directly nor in a circle, even if the import is deferred or only for types; the
    linter sees only the layers."""
    graph = grimp.build_graph("kodit")
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}

    TopologicalSorter(imports).prepare()  # raises CycleError, which names the circle


def test_no_module_is_too_long() -> None:
    """A longer module has more than one subject."""
    modules = [
        path for name in ("src", "tests", "benchmarks") for path in ROOT.glob(f"{name}/**/*.py")
    ]
    long = [path for path in modules if len(path.read_text().splitlines()) > MOST_LINES]
    assert long == []


def test_the_words_of_the_domain_have_one_place_to_be_imported_from() -> None:
    """Code outside the domain imports the words of `entities` and `value_objects` from there; the
    domain imports them from their own modules, to avoid circles."""
    offered = set(entities.__all__) | set(value_objects.__all__)
    homes = ("kodit.domain.entities", "kodit.domain.value_objects")
    elsewhere = [
        f"{path.relative_to(ROOT)}: {name.name} of {node.module}"
        for path in ROOT.glob("src/kodit/**/*.py")
        if "domain" not in path.relative_to(ROOT / "src/kodit").parts[:1]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("kodit.domain.")
        and node.module not in homes
        for name in node.names
        if name.name in offered
    ]
    assert elsewhere == []


def test_only_the_command_line_speaks_of_commands() -> None:
    """The next step differs between faces: an error or a problem has a code, and each face has its
    own words for it. The exception is what an assistant may tell its user to do."""
    speaking = {
        str(path.relative_to(ROOT / "src/kodit"))
        for path in ROOT.glob("src/kodit/**/*.py")
        if not path.is_relative_to(ROOT / "src/kodit/faces/cli")
        for text in _texts_that_are_said(ast.parse(path.read_text()))
        if "`kodit " in text or "`--" in text
    }
    assert speaking == {"faces/mcp/advice.py"}


def _texts_that_are_said(module: ast.Module) -> list[str]:
    """The strings of a module, except those that stand alone, which are documentation."""
    alone = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(module)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone
    ]


def test_ci_pins_all_that_it_installs() -> None:
    """Including indirect dependencies, which would otherwise come in any version."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines}

    assert _brought_along("kodit", frozenset({"test"}), set()) - pinned == set()


def _brought_along(name: str, extras: frozenset[str], seen: set[tuple[str, str]]) -> set[str]:
    """The names of the packages installed with a distribution, on this machine."""
    found: set[str] = set()
    for requirement in map(Requirement, requires(name) or []):
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in extras | {""}):
            continue
        needed = canonicalize_name(requirement.name)
        found.add(needed)
        new = {(needed, extra) for extra in requirement.extras | {""}} - seen
        seen |= new
        if new:
            found |= _brought_along(needed, frozenset(extra for _, extra in new), seen)
    return found


def test_no_log_line_names_a_field_that_logging_has() -> None:
    """`extra={"process": …}` raises KeyError, and only when the line is finally logged."""
    taken = {*vars(logging.makeLogRecord({})), "message", "asctime"}
    named = {
        (module, key.value)
        for module in (ROOT / "src/kodit").rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.keyword)
        and node.arg == "extra"
        and isinstance(node.value, ast.Dict)
        for key in node.value.keys
        if isinstance(key, ast.Constant)
    }
    assert named
    assert {(module, name) for module, name in named if name in taken} == set()


def test_equivalent_mutants_are_of_lines_that_exist() -> None:
    """Otherwise nobody would see that a reason no longer holds."""
    listed = ROOT / "benchmarks" / "mutating" / "equivalent.toml"
    for mutant in tomllib.loads(listed.read_text())["mutant"]:
        module = ROOT / "src" / "kodit" / mutant["module"]
        lines = [line.strip() for line in module.read_text().splitlines()]
        old = [line.strip() for line in mutant["old"].strip().splitlines()]
        places = range(len(lines) - len(old) + 1)
        assert any(lines[start : start + len(old)] == old for start in places), mutant

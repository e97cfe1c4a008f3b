"""What `pip install kodit` brings is what Kodit imports."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import kodit

PACKAGE = Path(kodit.__file__).parent
ROOT = Path(__file__).parents[2]

IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
import kodit
from kodit.infrastructure.slicing.languages import LANGUAGES

for module in pkgutil.walk_packages(kodit.__path__, "kodit."):
    if module.name not in ("kodit.__main__", "kodit.infrastructure.sqlalchemy.migrations.env"):
        importlib.import_module(module.name)
for language in LANGUAGES.values():
    importlib.import_module(language.module)
import charset_normalizer, dotenv.parser, typer.rich_utils
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
"""With what is imported inside functions: the grammars, what guesses encodings, the parser of
`.env`, and what shows help in colour."""

REASONS = {
    "jsonschema": "mcp requires it for clients, which check the answers of tools",
    "jsonschema-specifications": "mcp requires it by jsonschema",
    "pycparser": "mcp requires it by cryptography, which cffi loads without it",
    "pyjwt": "mcp requires it for clients that log in",
    "referencing": "mcp requires it by jsonschema",
    "rpds-py": "mcp requires it by jsonschema",
    "truststore": "mcp requires it by httpx2, for clients",
    "httpcore2": "mcp requires it by httpx2, for clients",
}
"""What is installed and never imported."""


def _dependencies() -> list[str]:
    """Those of the project, as its file has them: an editable installation may be older."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return list(project["dependencies"])


def _extra(name: str) -> set[str]:
    """The names of what an extra of the project requires."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    required = project["optional-dependencies"][name]
    return {canonicalize_name(Requirement(text).name) for text in required}


def closure(requirements: Iterable[str], seen: set[str]) -> set[str]:
    """The names of all that is installed for some requirements."""
    for text in requirements:
        requirement = Requirement(text)
        wanted = canonicalize_name(requirement.name)
        extras = requirement.extras or {""}
        if wanted in seen or not _applies(requirement, {""}):
            continue
        seen.add(wanted)
        closure(requires(wanted) or (), seen)
        for text_of_extra in requires(wanted) or ():
            optional = Requirement(text_of_extra)
            other = canonicalize_name(optional.name)
            if other not in seen and _applies(optional, extras):
                seen.add(other)
                closure(requires(other) or (), seen)
    return seen


def _applies(requirement: Requirement, extras: Iterable[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)


def test_all_that_kodit_imports_is_required_by_it() -> None:
    """A requirement of a requirement may go with its next version. Only modules that are not loaded
    without PostgreSQL import what its extra requires."""
    declared = {canonicalize_name(Requirement(text).name) for text in _dependencies()}
    distributions = packages_distributions()
    imported = {
        canonicalize_name(distributions[module][0]): path
        for path in PACKAGE.rglob("*.py")
        for module in re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
        if module != "kodit" and module in distributions
    }

    others = {name: path for name, path in imported.items() if name not in declared}
    assert set(others) == _extra("postgresql")
    assert {path.parent for path in others.values()} == {PACKAGE / "infrastructure/postgresql"}


def test_all_that_is_installed_is_imported_or_has_a_reason() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING], capture_output=True, check=True, text=True
    )
    distributions = packages_distributions()
    imported = {
        canonicalize_name(name)
        for module in done.stdout.split()
        for name in distributions.get(module, ())
    }
    installed = closure(_dependencies(), set())

    assert installed - imported - set(REASONS) == set()
    assert set(REASONS) & imported == set(), "these are imported, and need no reason"
    assert set(REASONS) - installed == set(), "these are not installed any more"

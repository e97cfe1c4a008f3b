"""Where programs start, by what files are called, define and declare."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from kodit.domain.descriptions.description import DescribedItem

MANIFESTS = frozenset({"pyproject.toml", "setup.cfg", "setup.py", "package.json", "Cargo.toml"})
_MAIN_BY_PATH = re.compile(
    r"(^|/)(__main__\.py|manage\.py|main\.(go|rs|c|cc|cpp|zig|dart|swift|kt)"
    r"|src/bin/[^/]+\.rs|bin/[^/.]+(\.(rb|js|mjs|ts|php|pl|sh))?|exe/[^/.]+|Program\.cs)$"
)
_MAIN_FUNCTIONS = {"go", "rust", "c", "cpp", "kotlin", "dart", "zig", "java", "csharp", "scala"}
_CONSOLE_SCRIPTS = re.compile(r"console_scripts['\"]?\s*[:=]\s*\[?([^\]]*)", re.DOTALL)
_SCRIPT = re.compile(r"['\"]?\s*([\w.-]+)\s*=\s*([\w.:]+)")
_NPM_SCRIPTS = ("start", "dev", "serve", "build", "test")


def is_main_by_path(path: str) -> bool:
    """Whether the path of a file says that a program starts there."""
    return _MAIN_BY_PATH.search(path) is not None


def may_define_main(language: str, symbol: str | None) -> bool:
    """Whether a definition is the main function of a program, by the rules of its language."""
    return (language in _MAIN_FUNCTIONS and symbol == "main") or (
        language == "csharp" and symbol == "Main"
    )


def declared_in(path: str, text: str) -> Iterator[DescribedItem]:
    """The commands and scripts that a manifest declares; none if it cannot be read."""
    name = path.rpartition("/")[2]
    found = _READERS[name](text) if name in _READERS else iter(())
    for command, target in found:
        yield DescribedItem(command, "command", f"{command} → {target}", path=path)


def purpose_in(path: str, text: str) -> str:
    """The description that a manifest gives of its project."""
    name = path.rpartition("/")[2]
    if name == "package.json":
        return _text_of(_json(text).get("description"))
    if name in {"pyproject.toml", "Cargo.toml"}:
        data = _toml(text)
        tables = (data.get("project"), data.get("package"), _poetry(data))
        return next(
            (
                _text_of(one["description"])
                for one in tables
                if isinstance(one, dict) and "description" in one
            ),
            "",
        )
    return ""


def _text_of(value: Any) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):  # also for a number of thousands of digits
        return {}


def _json(text: str) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _poetry(data: dict[str, Any]) -> Any:
    tool = data.get("tool")
    return tool.get("poetry") if isinstance(tool, dict) else None


def _of_pyproject(text: str) -> Iterator[tuple[str, str]]:
    data = _toml(text)
    project = data.get("project")
    for table in (project, _poetry(data)):
        if isinstance(table, dict):
            for key in ("scripts", "gui-scripts"):
                yield from _texts(table.get(key))


def _of_cargo(text: str) -> Iterator[tuple[str, str]]:
    programs = _toml(text).get("bin")
    for one in programs if isinstance(programs, list) else ():
        if isinstance(one, dict) and isinstance(one.get("name"), str):
            yield one["name"], _text_of(one.get("path")) or f"src/bin/{one['name']}.rs"


def _of_package(text: str) -> Iterator[tuple[str, str]]:
    data = _json(text)
    command = data.get("bin")
    if isinstance(command, str):
        yield _text_of(data.get("name")) or "bin", command
    yield from _texts(command)
    if isinstance(data.get("main"), str):
        yield "require", data["main"]
    scripts = data.get("scripts")
    if isinstance(scripts, dict):
        for name in _NPM_SCRIPTS:
            if isinstance(scripts.get(name), str):
                yield f"npm run {name}", scripts[name][:100]


def _of_setup(text: str) -> Iterator[tuple[str, str]]:
    for listed in _CONSOLE_SCRIPTS.findall(text):
        for match in _SCRIPT.finditer(listed):
            if ":" in match[2]:
                yield match[1], match[2]


def _texts(table: Any) -> Iterator[tuple[str, str]]:
    if isinstance(table, dict):
        for name, target in table.items():
            if isinstance(target, str):
                yield name, target


_READERS = {
    "pyproject.toml": _of_pyproject,
    "Cargo.toml": _of_cargo,
    "package.json": _of_package,
    "setup.py": _of_setup,
    "setup.cfg": _of_setup,
}

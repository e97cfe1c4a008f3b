"""docs/python.md is made from the public names of `kodit`."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import kodit
from kodit import Kodit, KoditError

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
HEAD = """\
# Python

```python
from kodit import Kodit

with Kodit("kodit-data") as kodit:  # closed at the end of the block
    kodit.index("~/code/shop")
    for result in kodit.search("where are sessions refreshed", "~/code/shop", refresh=True):
        print(result.snippet.path, result.snippet.start_line, result.score)
```

A `source` is a git URL, the path of a folder, or the id of an index, as a number. If it is
optional, all indexes are used by default. All types here come from `kodit`, which has type hints
(`py.typed`).
"""


def test_the_page_is_made_from_the_docstrings(update_golden: bool) -> None:
    """Every method, type and error."""
    if update_golden:
        PAGE.write_text(_page())
    assert PAGE.read_text() == _page(), "run pytest --update-golden and review the difference"


def test_every_type_that_an_answer_is_made_of_is_exported() -> None:
    """A program can name the type of every value it receives, down to the last field."""
    named = set()
    for one in _offered():
        described = _signatures(one) if one is Kodit else _field_types(one)
        named |= {word for text in described for word in re.findall(r"\b[A-Z]\w+", text)}
    known = {"Any", "Awaitable", "Callable", "Counter", "Mapping", "None", "Path", "Self"}
    known |= {"Sequence", "Collection", "ClassVar", "TracebackType", "BaseException", "Field"}
    assert named - known - OF_THE_INSIDE - set(kodit.__all__) == set()


OF_THE_INSIDE = {"Claim", "ClaimRules", "FileStamp"}
"""Which tasks may be claimed and by whom, and what tells a changed file: nothing for programs."""


def _offered() -> list[Any]:
    return [getattr(kodit, name) for name in kodit.__all__ if name != "__version__"]


def _page() -> str:
    types = [one for one in _offered() if one is not Kodit]
    errors = [one for one in types if issubclass(one, KoditError)]
    lines = [HEAD, "## `Kodit`", "", *_documented(Kodit)]
    for name, method in _methods(Kodit):
        lines += [f"### `Kodit.{name}`", "", "```python", _signature(name, method), "```", ""]
        lines += _documented(method)
    lines += ["## Types", ""]
    for one in types:
        if one not in errors:
            lines += [f"### `{one.__name__}`", "", *_documented(one), *_parts(one)]
    lines += ["## Errors", "", "Each has a `code`, which programs may rely on, and `fields`.", ""]
    lines += [
        f"* `{one.__name__}`"
        + (f", a `{one.__base__.__name__}`" if one is not KoditError else "")
        + f": {_sentence(one)}"
        for one in errors
    ]
    return "\n".join(lines) + "\n"


def _methods(of: type[Any]) -> list[tuple[str, Any]]:
    return [
        (name, method)
        for name, method in vars(of).items()
        if inspect.isfunction(method) and (name == "__init__" or not name.startswith("_"))
    ]


def _signature(name: str, method: Any) -> str:
    """As in the source, one parameter per line if it is long."""
    signature = inspect.signature(method)
    parameters = [
        one.replace(annotation=_Text(one.annotation))
        for one in signature.parameters.values()
        if one.name != "self"
    ]
    shown = signature.replace(
        parameters=parameters, return_annotation=_Text(signature.return_annotation)
    )
    text = re.sub(r"<(\w+\.\w+): '[^']*'>", r"\1", f"{name}{shown}")
    if len(text) <= 90:
        return text
    inside, end = text[len(name) + 1 :].rsplit(") ->", 1)
    rows = re.split(r", (?=\*|\w+:|\w+=)", inside)
    return f"{name}(\n" + "".join(f"    {row},\n" for row in rows) + f") ->{end}"


class _Text(str):
    """An annotation that is shown as written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _signatures(of: type[Any]) -> list[str]:
    return [
        str(annotation)
        for _name, method in _methods(of)
        for annotation in inspect.get_annotations(method).values()
    ]


def _field_types(of: type[Any]) -> list[str]:
    found = [str(one.type) for one in fields(of)] if is_dataclass(of) else []
    return found + [str(kind) for _name, kind, _text in _properties(of)]


def _parts(of: type[Any]) -> list[str]:
    """The fields of a dataclass or a named tuple, or the members of an enumeration."""
    if issubclass(of, Enum):
        return ["One of " + ", ".join(f"`{one.name}`" for one in of) + ".", ""]
    rows = []
    if is_dataclass(of):
        rows = [
            (one.name, str(one.type), "" if one.default is MISSING else f"`{_value(one.default)}`")
            for one in fields(of)
            if not one.name.startswith("_")
        ]
    elif hasattr(of, "_fields"):
        rows = [(name, str(kind), "") for name, kind in inspect.get_annotations(of).items()]
    table = ["| field | type | default |", "|---|---|---|"] if rows else []
    for name, kind, default in rows:
        shown = kind.replace("ForwardRef('", "").replace("')", "").replace("|", "\\|")
        table.append(f"| `{name}` | `{shown}` | {default} |")
    for name, kind, text in _properties(of):
        table.append(f"| `{name}` | `{kind}`".replace("| None", "\\| None") + f" | {text} |")
    return [*table, ""] if table else []


def _properties(of: type[Any]) -> list[tuple[str, str, str]]:
    if issubclass(of, Enum):
        return []
    return [
        (name, str(inspect.get_annotations(one.fget).get("return", "")), _sentence(one))
        for name, one in vars(of).items()
        if isinstance(one, property) and one.fget and not name.startswith("_")
    ]


def _value(default: Any) -> str:
    return f"{type(default).__name__}.{default.name}" if isinstance(default, Enum) else str(default)


def _documented(one: Any) -> list[str]:
    """A docstring as Markdown; its examples become blocks of code."""
    text = inspect.getdoc(one) or ""
    lines: list[str] = []
    for line in text.splitlines():
        is_code = line.startswith((">>> ", "... "))
        was_code = bool(lines) and lines[-1].startswith("    ")
        if is_code and not was_code and lines and lines[-1]:
            lines.append("")
        lines.append(f"    {line[4:]}" if is_code else line)
    return [*lines, ""]


def _sentence(one: Any) -> str:
    return " ".join((inspect.getdoc(one) or "").split())

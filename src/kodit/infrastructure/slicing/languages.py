"""The languages Kodit knows, one row each; `queries/NAME.scm` says what is a definition."""

from __future__ import annotations

from dataclasses import dataclass

TEXT = "text"
"""The language of every file that no row of the table names."""


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    `wheel` is the distribution of its grammar, `module` and `function` where the grammar is.
    Names are matched by extension (without the dot, lower case), whole file name, or the program
    of a `#!` line. A line that begins with one of `leading` belongs to the definition right below
    it, and so do the lines between a pair of `enclosing` marks. `data` marks formats whose large
    files hold rows rather than structure.
    """

    name: str
    wheel: str
    module: str
    extensions: tuple[str, ...]
    function: str = "language"
    file_names: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    leading: tuple[str, ...] = ()
    enclosing: tuple[tuple[str, str], ...] = ()
    data: bool = False


_ROWS = (
    Language(
        name="python",
        wheel="tree-sitter-python",
        module="tree_sitter_python",
        extensions=("py", "pyi", "pyw"),
        programs=("python", "python2", "python3", "pypy", "pypy3"),
        file_names=("SConstruct", "SConscript", "wscript"),
        leading=("#",),
    ),
    Language(
        name="markdown",
        wheel="tree-sitter-markdown",
        module="tree_sitter_markdown",
        extensions=("md", "markdown", "mdown", "mkd"),
    ),
)

LANGUAGES = {row.name: row for row in _ROWS}

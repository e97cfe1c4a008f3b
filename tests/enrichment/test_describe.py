"""The built-in enricher's description of a snippet, to be embedded for natural-language queries."""

from __future__ import annotations

from typing import Any

import pytest

from kodit.domain.entities import StoredSnippet
from kodit.domain.services.enrichment_service import EnrichmentDomainService
from kodit.infrastructure.enrichment.describe import (
    MOST_CALLS,
    MOST_DOCUMENTATION,
    describe,
)


def described(text: str, **changes: Any) -> list[str]:
    """The lines of a snippet's description."""
    snippet = StoredSnippet(
        id=1,
        index_id=1,
        file_id=1,
        source="/source",
        path="web/httpServer/session_store.py",
        start_line=1,
        end_line=9,
        language="python",
        symbol=None,
        kind=None,
        scope="",
        text=text,
    )
    values = {name: getattr(snippet, name) for name in StoredSnippet.__slots__} | changes
    one = StoredSnippet(**values)
    return EnrichmentDomainService().text(one, describe(one), with_name=True).split("\n")


def test_a_complete_description() -> None:
    """Name of the file and of the symbol, documentation, signature, and calls, one per line."""
    text = '''# not this
@cached
def loadToken(self, name):
    """Reads it   from
    a cookie."""
    if name and parseHeader(name):
        return loadToken(open_file(name)) or parseHeader ("x")
'''
    assert described(text, symbol="loadToken", kind="method", scope="SessionStore.Inner") == [
        "session store",
        "method load token of session store inner",
        "Reads it from a cookie.",
        "def loadToken(self, name):",
        "calls parse header, open file",
    ]


def test_missing_parts_are_left_out() -> None:
    """No empty line, and no scope for a top-level name."""
    assert described("x = 1", path=".env") == ["env", "x = 1"]
    assert described("") == ["session store"]
    assert described("x = 1", symbol="_", kind="constant")[1] == "constant _"


def test_a_document_has_neither_signature_nor_calls() -> None:
    assert described("Call load(it) first", path="a.md", language="markdown") == ["a"]


@pytest.mark.parametrize(
    ("text", "documentation"),
    [
        ("'''single\nquotes'''\nx = 1", "single quotes"),
        ("# one\n#! two\n\n# three\nx = 1\n# four", "one two three"),
        ("/// rust\n//! also\nfn x() {}", "rust also"),
        ("/** java\n * and more */\nint x;", "java and more"),
        ("-- lua\nx = 1", "lua"),
        (";; lisp\n(x)", "lisp"),
        ("% tex\nx", "tex"),
        ("<!-- page -->\n<p>", "page"),
    ],
)
def test_documentation_is_the_docstring_or_the_comment_that_leads(
    text: str, documentation: str
) -> None:
    assert described(text)[1] == documentation


def test_code_without_comments_has_no_documentation() -> None:
    """Comments after the first line of code do not count."""
    assert described("x = 1\n# later") == ["session store", "x = 1"]


@pytest.mark.parametrize("mark", ['"""', "# "])
def test_documentation_is_cut(mark: str) -> None:
    """Its beginning gives the purpose."""
    text = f"{mark}{'a' * (MOST_DOCUMENTATION + 1)}{mark if mark != '# ' else ''}\nx = 1"
    assert described(text)[1] == "a" * MOST_DOCUMENTATION


def test_the_signature_is_the_first_line_that_is_code() -> None:
    """Neither a comment nor a decorator, and no longer than it need be."""
    assert described("# c\n\n@one\n  def x(): pass")[-1] == "def x(): pass"
    assert described("# c\n@one") == ["session store", "c"]
    assert described("y" * 201)[-1] == "y" * 200


def test_calls_are_named_once_in_order() -> None:
    """As many as are informative; without keywords, short names and the definition itself."""
    names = [f"call{chr(97 + number)}" for number in range(MOST_CALLS + 1)]
    text = "".join(f"{name}() + {name}()\n" for name in names) + "if (x) while (y) go() abc()"
    assert described(text, symbol="callb", kind="function")[-1] == (
        "calls " + ", ".join([name for name in names if name != "callb"])
    )
    few = "return ab() + abc(ab(1)) * print(2)"
    assert described(few)[-1] == "calls abc"


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("alpha(beta(), gamma \n ()) alpha()", "alpha, beta, gamma"),
        ("_private(); ab(); 9lives(); Éclair(); été(); swiftÉ()", "private, swift é"),
        ("a.method((other)(third)) if (x): while(y)", "method"),
    ],
)
def test_calls_are_named_in_order(text: str, called: str) -> None:
    assert described(text)[-1] == f"calls {called}"

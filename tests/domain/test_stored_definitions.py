"""What the rules of resolution are told of a stored definition."""

from __future__ import annotations

import pytest

from kodit.application.services.known_files import target_of
from kodit.domain.entities import StoredSnippet
from kodit.domain.value_objects import SymbolKind

TYPES = {"class", "interface", "struct", "trait", "enum", "type"}
MEMBERS = {"method", "constant", "property", "field", "event", "variable"}


def stored(
    kind: str | None, scope: str = "Box", language: str = "python", source: str = "/code/shop"
) -> StoredSnippet:
    return StoredSnippet(1, 2, 3, source, "a.py", 1, 1, language, "run", kind, scope, "")


@pytest.mark.parametrize("kind", SymbolKind)
def test_the_kinds_of_definitions(kind: SymbolKind) -> None:
    """A function within another one is no member; in Ruby it is, and a module is a type."""
    target = target_of(stored(kind))
    assert target.is_type == (kind in TYPES)
    assert target.is_member == (kind in MEMBERS)
    assert not target_of(stored(kind, scope="")).is_member
    in_ruby = target_of(stored(kind, language="ruby"))
    assert in_ruby.is_type == (kind in TYPES | {"module"})
    assert in_ruby.is_member == (kind in MEMBERS | {"function"})


@pytest.mark.parametrize(
    ("source", "root"),
    [
        ("/code/shop", "shop"),
        ("/code/shop/", "shop"),
        ("https://host.org/ada/shop.git", "shop"),
        ("https://host.org/ada/shop.git@main", "shop"),
        ("https://host.org/ada/shop@v1", "shop"),
        ("git@host.org:ada/shop.git", "shop"),
        ("shop.gitx", "shop.gitx"),
    ],
)
def test_the_name_of_a_source(source: str, root: str) -> None:
    """Without what follows it in an address."""
    assert target_of(stored("class", source=source)).root == root


def test_a_definition_without_a_name() -> None:
    target = target_of(stored(None))
    assert (target.index_id, target.path, target.language) == (2, "a.py", "python")
    assert (target.name, target.scope, target.owner) == ("run", "Box", "Box")
    assert not target.is_member
    assert not target.is_type

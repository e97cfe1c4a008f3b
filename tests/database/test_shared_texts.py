"""Equal texts of many rows are one object."""

from __future__ import annotations

from kodit.infrastructure.sql.shared_texts import SharedTexts
from kodit.infrastructure.sql.stored_snippets import to_stored


def made(text: str) -> str:
    """A new object with this text."""
    return "".join(list(text))


def row(number: int) -> tuple[object, ...]:
    """A row of a method, with objects of its own."""
    texts = [made(text) for text in ("src/a.py", "python", "method", "Outer.Inner")]
    path, language, kind, scope = texts
    return (
        number,
        1,
        2,
        made("/code"),
        None,
        path,
        1,
        2,
        language,
        "run",
        kind,
        scope,
        "",
        *[None] * 3,
    )


def test_what_snippets_of_a_file_have_in_common_is_one_object() -> None:
    one, another = to_stored(row(1)), to_stored(row(2))
    for field in ("source", "path", "language", "kind", "scope"):
        assert getattr(one, field) is getattr(another, field), field


def test_texts_that_come_and_go_take_no_more_memory() -> None:
    texts = SharedTexts(most=100)
    for number in range(1_000):
        text = made(f"text {number}")
        share = texts.share
        assert share(text, text) is text
        assert share(made(text), made(text)) is text
    assert len(texts) <= 101

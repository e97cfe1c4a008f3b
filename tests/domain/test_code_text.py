"""What in a text is code, by the comments and strings of its language."""

from __future__ import annotations

import pytest

from kodit.domain.code_text import prose_spans


def code_of(text: str, language: str) -> str:
    """The text with a dot for each character of a comment or a string."""
    shown = list(text)
    for start, end in prose_spans(text, language):
        shown[start:end] = "." * (end - start)
    return "".join(shown).replace("\n", "|")


@pytest.mark.parametrize(
    ("language", "text", "code"),
    [
        ("python", "a # b\nc", "a ...|c"),
        ("python", "a '# b' c", "a ..... c"),
        ("python", r"a 'b\'c' d", "a ...... d"),
        ("python", 'a """b\n"c" d""" e', "a ............. e"),
        ("python", "a '''b\nc", "a ......"),
        ("python", "a 'b\nc", "a 'b|c"),
        ("python", "a // b", "a // b"),
        ("ruby", "a # b", "a ..."),
        ("elixir", 'a """b\nc""" # d', "a ......... ..."),
        ("sql", "a -- b\nc # d", "a ....|c # d"),
        ("haskell", "a' {- b\n-} c'", "a' ....... c'"),
        ("lua", "a [[b\nc]] -- d", "a ....... ...."),
        ("go", "a `b\n\\` c // d", "a ..... c ...."),
        ("go", "a `b", "a .."),
        ("c", "a /* b\nc */ d // e\nf", "a ......... d ....|f"),
        ("c", "a /* b\nc", "a ......"),
        ("c", "a # b", "a # b"),
        ("java", "a '\"' b \"'\" c", "a ... b ... c"),
        ("rust", "a<'b> \"c\" 'd", "a<'b> ... 'd"),
        ("scala", '\'a "b"', "'a ..."),
        ("php", "a # b\nc // d", "a ...|c ...."),
        ("unheard-of", "a // b", "a ...."),
    ],
)
def test_comments_and_strings_are_no_code(language: str, text: str, code: str) -> None:
    assert code_of(text, language) == code

"""A query that is a single token, and texts that contain it."""

from __future__ import annotations

import pytest

from kodit.domain.ranking.query import understand
from kodit.domain.ranking.terms import identifier_terms, identifiers
from kodit.domain.ranking.tokens import LONGEST, OTHER_CASE_SHARE, PATH_SHARE, Token


def token(query: str) -> Token:
    found = Token.of(understand(query))
    assert found is not None
    return found


@pytest.mark.parametrize(
    "query",
    [
        "timeout",
        "two words",
        "--a b",
        "ab",
        "-->",
        "",
        "café",
        "x" * (LONGEST + 1),
        "`timeout`",
        "Args",
        "HTTP",
    ],
)
def test_no_token(query: str) -> None:
    """Single words are topics."""
    assert Token.of(understand(query)) is None


@pytest.mark.parametrize("query", ["--retry-delay", "`http2.started`", "FileMutex", "0x8f", "x_y"])
def test_any_text_with_a_token_has_its_terms(query: str) -> None:
    written = f"see {query.strip('`')}, here"
    has = {term for word in identifiers(written) for term in identifier_terms(word)}
    assert set(token(query).terms) <= has


@pytest.mark.parametrize(
    ("query", "text", "share"),
    [
        ("--retry-delay", 'add("--retry-delay", 3)', 1.0),
        ("--retry-delay", "--retry-delay", 1.0),
        ("--retry-delay", "no --retry-delays, but --retry-delay", 1.0),
        ("--retry-delay", "--retry-delays", 0.0),
        ("--retry-delay", "---retry-delay", 0.0),
        ("--retry-delay", "retry_delay", 0.0),
        ("content-type", "x-content-type", 0.0),
        ("content-type", "Content-Type: *", OTHER_CASE_SHARE),
        ("text/css", '"text/css"', PATH_SHARE),
        ("text/css", '"Text/CSS"', PATH_SHARE * OTHER_CASE_SHARE),
        ("MAX_SIZE", "if n > MAX_SIZE:", 1.0),
        ("MAX_SIZE", "max_size", 0.0),
        ("MAX_SIZE", "MAX_SIZE_BYTES", 0.0),
        ("@app.get", "(@app.get)", 1.0),
        ("@app.get", "x@app.get", 1.0),
        ("0x8000", "0x8000,", 1.0),
        ("0x8000", "0x80001", 0.0),
        ("GR\u00d6SSE_X", "GRO\u0308SSE_X = 1", 1.0),
    ],
)
def test_how_well_a_text_has_a_token(query: str, text: str, share: float) -> None:
    """As it is written, and not as a part of a longer one; names only in their case."""
    assert token(query).share_in(text) == pytest.approx(share)

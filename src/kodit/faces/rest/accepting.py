"""Chooses between the two forms of an answer by the client's `Accept` header."""

from __future__ import annotations

PLAIN, JSON = "text/plain", "application/json"


def prefers_plain_text(accept: str) -> bool:
    """Whether an `Accept` header ranks plain text above JSON, the default."""
    return _quality(accept, PLAIN) > _quality(accept, JSON)


def _quality(accept: str, media_type: str) -> float:
    """The weight of the most specific range that matches a type; 0 if none does."""
    group = media_type.partition("/")[0]
    best = (0, 0.0)
    for entry in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
        precision = {"*/*": 1, f"{group}/*": 2, media_type: 3}.get(media_range, 0)
        if precision > best[0]:
            best = precision, _weight(parameters)
    return best[1]


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0

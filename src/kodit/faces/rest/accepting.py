"""Which of two forms of an answer a client prefers."""

from __future__ import annotations

PLAIN, JSON = "text/plain", "application/json"


def prefers_plain_text(accept: str) -> bool:
    """Whether an `Accept` header ranks plain text above JSON, which is what is sent otherwise."""
    return _quality(accept, PLAIN) > _quality(accept, JSON)


def _quality(accept: str, media_type: str) -> float:
    """The weight of the most specific range that a type is in; 0 where it is in none."""
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

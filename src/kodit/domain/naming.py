"""Which of the known sources a short name means: the end of one, from a `/` or `:` on."""

from __future__ import annotations

from collections.abc import Sequence

from kodit.domain.errors import InvalidQueryError

_OF_PATHS = ("/", "./", "../", "~")
"""What begins like this is a place, whatever is indexed."""


def named(name: str, sources: Sequence[str]) -> int | None:
    """The position of the source that is called this, or is the only one that ends in it; None
    where there is none. Raises InvalidQueryError for an end of several."""
    plain = _plain(name)
    for position, source in enumerate(sources):
        if _plain(source) == plain:
            return position
    if not plain or name.startswith(_OF_PATHS) or plain in (".", ".."):
        return None
    found = [position for position, one in enumerate(sources) if _ends_in(one, plain)]
    if len(found) > 1:
        several = ", ".join(sources[position] for position in found)
        raise InvalidQueryError(
            f"{name!r} could be any of several indexes, name one of them: {several}",
            code="sources_several",
            source=name,
        )
    return found[0] if found else None


def _ends_in(source: str, plain: str) -> bool:
    """With or without its ref, and with or without the `.git` of a URL."""
    without_ref, _, _ref = source.rpartition("@")
    forms = {_plain(source), _plain(without_ref if "/" in without_ref else source)}
    wanted = {f"/{plain}", f"/{plain.removesuffix('.git')}"}
    bases = {form.removesuffix(".git") for form in forms} | forms
    return any(base.replace(":", "/").endswith(end) for base in bases for end in wanted)


def _plain(name: str) -> str:
    return name.rstrip("/")

"""What a caller types, on this machine: relative paths start at the current folder."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

from kodit.domain.errors import SourceError
from kodit.domain.source import ParsedSource
from kodit.domain.value_objects import Source
from kodit.infrastructure.folder.patterns import check_globs
from kodit.infrastructure.sources.parsing import check_stored, parse_source, shown, without_secrets


class LocalSourceParser:
    """Understands sources as the user of this process types them."""

    def parse(self, text: str) -> ParsedSource:
        try:
            return parse_source(text)
        except SourceError as error:
            error.fields.setdefault("source", without_secrets(shown(text)))
            raise

    def check_stored(self, source: Source) -> None:
        check_stored(source)

    def check_globs(self, what: str, globs: Sequence[str]) -> None:
        check_globs(what, globs)

    def former_names(self, text: str) -> Set[str]:
        path, at, ref = text.removeprefix("file://").partition("@")
        names = set()
        for name, suffix in ((path, at + ref), (path + at + ref, "")):
            place = Path(name).expanduser() if name.startswith("~") else Path(name)
            for real in (Path.cwd() / place, place.resolve()):
                names |= {f"{real}{suffix}", f"{real.as_uri()}{suffix}"}
        return names

    def without_secrets(self, text: str) -> str:
        return without_secrets(text)

"""Sources as callers type them: relative paths start at the caller's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from kodit.domain.caller import LOCAL_CALLER, Caller
from kodit.domain.errors import SourceError
from kodit.domain.source import LocalPlace, ParsedSource
from kodit.domain.this_host import ALONE, ThisHost
from kodit.domain.value_objects import Source
from kodit.infrastructure.folder.patterns import check_globs
from kodit.infrastructure.home import expand_home
from kodit.infrastructure.sources.parsing import (
    at_ref,
    check_stored,
    local_place,
    parse_source,
    shown,
    starts_at_home,
    without_secrets,
)
from kodit.infrastructure.sources.project import is_broad, project_of


class LocalSourceParser:
    """Parses sources as callers type them. Folders are those of `host`, this machine."""

    def __init__(self, host: ThisHost = ALONE) -> None:
        self._host = host

    def parse(self, text: str, caller: Caller = LOCAL_CALLER) -> ParsedSource:
        folder = None if caller.folder is None else Path(caller.folder)
        with _errors_about(text):
            parsed = parse_source(text, cwd=folder, policy=caller.policy)
        return replace(parsed, source=self._host.of_source(parsed.source))

    def at_ref(self, parsed: ParsedSource, ref: str, caller: Caller = LOCAL_CALLER) -> ParsedSource:
        with _errors_about(str(parsed.source)):
            source = at_ref(parsed.source, ref, caller.policy)
        return replace(parsed, source=self._host.of_source(source))

    def place_of(self, text: str, caller: Caller = LOCAL_CALLER) -> LocalPlace | None:
        if not caller.is_local:
            return None
        folder = None if caller.folder is None else Path(caller.folder)
        return local_place(text, folder)

    def check_stored(self, source: Source) -> None:
        check_stored(source)

    def check_globs(self, what: str, globs: Sequence[str]) -> None:
        check_globs(what, globs)

    def former_names(self, text: str, caller: Caller = LOCAL_CALLER) -> Set[str]:
        start = Path.cwd() if caller.folder is None else Path(caller.folder)
        path, at, ref = text.removeprefix("file://").partition("@")
        names = set()
        for name, suffix in ((path, at + ref), (path + at + ref, "")):
            place = expand_home(Path(name)) if starts_at_home(name) else Path(name)
            for real in (start / place, Path(os.path.realpath(start / place))):
                names |= {f"{real}{suffix}", f"{real.as_uri()}{suffix}"}
        return names

    def project_of(self, folder: str) -> str | None:
        return project_of(Path(folder))

    def is_broad(self, folder: str) -> bool:
        return is_broad(Path(folder))

    def without_secrets(self, text: str) -> str:
        return without_secrets(text)


@contextmanager
def _errors_about(text: str) -> Iterator[None]:
    """Adds the code, and the source as typed, to errors without them."""
    try:
        yield
    except SourceError as error:
        if error.code == SourceError.default_code:
            error.code = "source_invalid"
        error.fields.setdefault("source", without_secrets(shown(text)))
        raise

"""When files have to be cut again."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from importlib.resources import files

from kodit.infrastructure import folder
from kodit.infrastructure.slicing.languages import LANGUAGES


@cache
def extractor_version(language: str | None) -> str:
    """What the snippets of a file in `language` depend on besides its bytes: this package's own
    code and that which leaves files out by their bytes, and for a language with a grammar its
    query and the versions of the grammar and of tree-sitter. Imports neither. None is for a
    file that was left out, whatever its language.
    """
    parts = [_code_digest()]
    if language is not None and (row := LANGUAGES.get(language)):
        query = files(__package__).joinpath("queries", row.query_file).read_bytes()
        parts += [_digest(query), version("tree-sitter"), version(row.wheel)]
    return "/".join(parts)


@cache
def extractor_version_of_all() -> str:
    """Differs whenever that of any language differs."""
    versions = [extractor_version(language) for language in ("text", *sorted(LANGUAGES))]
    return _digest("\n".join(versions).encode())


@cache
def _code_digest() -> str:
    modules = [file for file in files(__package__).iterdir() if file.name.endswith(".py")]
    modules.append(files(folder).joinpath("content.py"))
    code = [file.read_bytes() for file in sorted(modules, key=lambda file: file.name)]
    return _digest(b"\0".join(code))


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()

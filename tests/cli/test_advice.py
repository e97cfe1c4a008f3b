"""What an error says to do next."""

from __future__ import annotations

import re
import shlex

import pytest

from kodit.domain.errors import SourceError
from kodit.faces.cli.advice import with_advice


@pytest.mark.parametrize(
    "source", ["https://git.example.org/x@main", "/a folder/it's", "https://x/$(touch sprung)`x`"]
)
def test_a_command_that_is_there_to_be_copied(source: str) -> None:
    """Means the source as one word, whatever characters are in it: it may come from somebody
    else's database."""
    error = SourceError("not indexed", code="source_not_indexed", source=source)
    (command,) = re.findall("`(kodit .*)` adds it", with_advice(error))
    assert shlex.split(command) == ["kodit", "index", source]

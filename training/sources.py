"""The projects used to train the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

LIST = Path(__file__).with_name("sources.json")


class Source(NamedTuple):
    """One revision of a GitHub project, by its owner and name, with its licence."""

    project: str
    revision: str
    licence: str

    @property
    def folder(self) -> str:
        """The name of its mirror's folder."""
        return self.project.replace("/", "+")


def read_sources(path: Path = LIST) -> list[Source]:
    """All projects in the list."""
    return [Source(**entry) for entry in json.loads(path.read_text())]

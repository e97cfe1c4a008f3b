"""The projects that the model is made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

LIST = Path(__file__).with_name("sources.json")


class Source(NamedTuple):
    """One version of one project on GitHub, by its owner and name, and the licence it is under."""

    project: str
    revision: str
    licence: str

    @property
    def folder(self) -> str:
        """The name of the folder that its mirror is in."""
        return self.project.replace("/", "+")


def read_sources(path: Path = LIST) -> list[Source]:
    """All projects of the list."""
    return [Source(**entry) for entry in json.loads(path.read_text())]

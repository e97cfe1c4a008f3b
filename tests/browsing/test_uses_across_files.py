"""The type of a receiver may be declared in another file, and names in comments are not code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.support.sources import write_file

from kodit import Kodit
from kodit.application.services import known_files, use_lookup

FILES = {
    "shop/till.py": '''class Till:
    """Counts coins."""

    def count(self):
        return 1


class Purse:
    def count(self):
        return 2
''',
    "shop/counter.py": """from shop.till import Purse, Till


class Counter:
    def __init__(self, till: Till):
        self.till = till
        self.purse = Purse()

    @property
    def front(self) -> "Till":
        return self.till


def counter() -> Counter:
    return Counter(Till())
""",
    "app.py": '''from shop import counter as counters
from shop.counter import Counter, counter


def by_field(one: Counter):
    one.till.count()


def by_result():
    counter().purse.count()


def by_property():
    counters.counter().front.count()


def by_nothing(unknown):
    unknown.count()


def by_reading(one: Counter):
    return map(one.till.count, [])


def by_words():
    """Nobody calls count() here."""
    # count() is a word
    return "count"
''',
    "web/till.ts": """export class Till {
  count(): number { return 1 }
}
export class Purse {
  count(): number { return 2 }
}
""",
    "web/app.ts": """import { Till as Box } from './till'
import * as tills from './till'

export class App {
  constructor(private readonly till: Box, private purse: tills.Purse) {}
  run() { return this.till.count() }
  pay() { return this.purse.count() }
}
""",
}


@pytest.fixture(scope="module")
def kodit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kodit]:
    folder = tmp_path_factory.mktemp("across")
    for path, text in FILES.items():
        write_file(folder / "code" / path, text)
    with Kodit(folder / "data") as opened:
        opened.index(folder / "code")
        yield opened


def used_in(kodit: Kodit, name: str, use: str = "call") -> set[str]:
    """The functions that certainly use a definition."""
    found = kodit.symbols(name).references
    return {one.within for one in found if one.use.value == use and not one.is_likely}


def test_fields_results_and_properties_of_other_files(kodit: Kodit) -> None:
    assert used_in(kodit, "shop/till.Till.count") == {"by_field", "by_property"}
    assert used_in(kodit, "shop/till.Purse.count") == {"by_result"}


def test_parameters_that_are_fields(kodit: Kodit) -> None:
    assert used_in(kodit, "web/till.Till.count") == {"App.run"}
    assert used_in(kodit, "web/till.Purse.count") == {"App.pay"}


def test_what_is_read_is_code(kodit: Kodit) -> None:
    """In comments and strings, the word counts as text only."""
    assert used_in(kodit, "shop/till.Till.count", "read") == {"by_reading"}
    found = kodit.symbols("shop/till.Till.count").references
    in_app = [one for one in found if one.snippet.path == "app.py"]
    assert {one.within for one in in_app if one.use.value == "text"} == {"by_words"}


def test_what_is_read_of_other_files_is_bounded(
    kodit: Kodit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond that, a type is unknown, and nothing fails."""
    monkeypatch.setattr(known_files, "MOST_FILES", 0)
    assert used_in(kodit, "shop/till.Till.count") == set()
    monkeypatch.undo()
    monkeypatch.setattr(known_files, "MOST_NAMES", 0)
    assert used_in(kodit, "shop/till.Purse.count") == set()


def test_uses_are_the_same_however_many_files_are_read_at_a_time(
    kodit: Kodit, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = kodit.symbols("count").references
    assert len({one.snippet.path for one in together}) > 1
    monkeypatch.setattr(use_lookup, "FILES_PER_READ", 1)
    assert kodit.symbols("count").references == together
